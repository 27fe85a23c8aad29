//! The body of `POST <endpoint>/ingest`.

use serde::de::Error as _;
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use swamp_ident::RepoId;

use crate::object::object;
use crate::{Extra, TelemetryEntry};

/// The only value of `event`.
pub const EVENT_NAME: &str = "cli_invocation";

/// Key of the repository inside the properties.
const REPO_ID: &str = "$repo_id";

/// Key of a batch.
const EVENTS: &str = "events";

object! {
    /// An event: an entry on its way to a collector.
    pub struct Event {
        required {
            /// [`EVENT_NAME`].
            "event" event: String,
            /// Who sends: the user's id, else the repository's.
            "distinct_id" distinct_id: String,
        }
        optional {
            /// The entry's id, the same on every retry, so that a collector can drop repeats.
            /// Absent from the oldest senders.
            "insert_id" insert_id: String,
        }
        trailing required {
            /// The entry and the repository.
            "properties" properties: Properties,
        }
    }
}

/// An entry with the repository it belongs to, as one object.
#[derive(Clone, Debug, PartialEq)]
pub struct Properties {
    /// The entry; its keys stand first.
    pub entry: TelemetryEntry,
    /// The repository, written last as `$repo_id`.
    pub repo_id: Option<RepoId>,
}

impl Event {
    /// The event of an entry, with the repository the entry itself names.
    pub fn new(distinct_id: impl Into<String>, entry: TelemetryEntry) -> Self {
        let repo_id = entry.repo_id.clone();
        Self {
            event: EVENT_NAME.to_owned(),
            distinct_id: distinct_id.into(),
            insert_id: Some(entry.id.as_str().to_owned()),
            properties: Properties { entry, repo_id },
            extra: Extra::new(),
        }
    }
}

impl Serialize for Properties {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.entry.serialize_keys(&mut map)?;
        if let Some(repo_id) = &self.repo_id {
            map.serialize_entry(REPO_ID, repo_id)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Properties {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut entry = TelemetryEntry::deserialize(deserializer)?;
        // Removing by shifting keeps the other strangers in order.
        let repo_id = match entry.extra.shift_remove(REPO_ID) {
            None => None,
            Some(Value::String(text)) => Some(RepoId::from(text)),
            Some(_) => return Err(D::Error::custom("$repo_id is not a text")),
        };
        Ok(Self { entry, repo_id })
    }
}

/// A request body: one bare event, or several.
#[derive(Clone, Debug, PartialEq)]
pub struct Ingest {
    /// The events, in the order they stand.
    pub events: Vec<Event>,
}

impl Serialize for Ingest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let [event] = self.events.as_slice() {
            return event.serialize(serializer);
        }
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(EVENTS, &self.events)?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for Ingest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut body = Extra::deserialize(deserializer)?;
        let events = match body.remove(EVENTS) {
            Some(events) => serde_json::from_value(events).map_err(D::Error::custom)?,
            None => {
                vec![serde_json::from_value(Value::Object(body)).map_err(D::Error::custom)?]
            }
        };
        Ok(Self { events })
    }
}
