//! What a collector may say about each event of a request.

use serde::{Deserialize, Serialize};
use swamp_ident::InvocationId;

use crate::Word;
use crate::word::Vocabulary;

/// The body of an answer with status 202, when the collector tells events apart. An answer without
/// one means that all events were accepted.
///
/// ```
/// use swamp_wire::{EventStatus, IngestResults};
///
/// let answer: IngestResults = serde_json::from_str(
///     r#"{"results": [{"id": "a", "status": "ok"}, {"id": "b", "status": "invalid", "reason": "no platform"}]}"#,
/// )?;
/// assert_eq!(answer.results[0].status, EventStatus::Ok);
/// assert_eq!(answer.results[1].reason.as_deref(), Some("no platform"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IngestResults {
    /// One for each event; events that are not mentioned are as good as not sent.
    pub results: Vec<EventResult>,
}

/// What became of one event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventResult {
    /// The event's `insert_id`.
    pub id: InvocationId,
    /// What became of it.
    pub status: Word<EventStatus>,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What became of one event, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventStatus {
    /// Stored.
    Ok,
    /// It was there already.
    Duplicate,
    /// It is no event the collector understands; sending it again is of no use.
    Invalid,
    /// Understood, and not wanted: sampling, a quota, a filter.
    Dropped,
}

impl Vocabulary for EventStatus {
    const ALL: &'static [Self] = &[Self::Ok, Self::Duplicate, Self::Invalid, Self::Dropped];

    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Duplicate => "duplicate",
            Self::Invalid => "invalid",
            Self::Dropped => "dropped",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_others_add() {
        let text = r#"{"results":[{"id":"a","status":"ok","more":1},{"id":"b","status":"later"}],"took":3}"#;
        let answer: IngestResults = serde_json::from_str(text).unwrap();
        assert_eq!(answer.results[0].status, EventStatus::Ok);
        assert_eq!(answer.results[1].status.known(), None);
        let again = serde_json::to_string(&answer).unwrap();
        assert_eq!(again, r#"{"results":[{"id":"a","status":"ok"},{"id":"b","status":"later"}]}"#);
    }
}
