//! Data as expressions and queries see it.

use serde_json::Value;

use super::DataStore;
use super::read::StoredVersion;
use crate::error::Result;

/// Which parts of a version's content go into its record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Body {
    /// `attributes`: the parsed content of JSON data. `{}` without.
    pub attributes: bool,
    /// `content`: the text of textual data. `""` without.
    pub content: bool,
}

impl Body {
    /// Neither.
    pub const NONE: Self = Self { attributes: false, content: false };
    /// What `data.latest` gives.
    pub const ATTRIBUTES: Self = Self { attributes: true, content: false };
    /// Both, as in `model.x.resource`.
    pub const ALL: Self = Self { attributes: true, content: true };
}

impl StoredVersion {
    /// The record of this version: `id, name, version, isLatest, createdAt, attributes, tags, …`.
    pub fn record(&self, is_latest: bool, body: Body) -> Result<Value> {
        let _ = (is_latest, body);
        todo!()
    }

    /// The record of a file: `id, version, createdAt, path, size, contentType`.
    pub fn file_record(&self) -> Value {
        todo!()
    }
}

impl DataStore {
    /// The newest version as a record, see [`DataStore::latest`].
    pub fn latest_record(&self, key: &super::ItemKey, body: Body) -> Result<Option<Value>> {
        let _ = (key, body);
        todo!()
    }
}
