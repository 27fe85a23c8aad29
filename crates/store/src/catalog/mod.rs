//! The catalog: an index of all data versions in one SQLite file.

use serde_json::Value;

use crate::data::DataStore;
use crate::error::{Result, StoreError};
use crate::paths::RepoPaths;

/// Decides which data versions a query gives. Implemented by whoever compiles predicates.
pub trait RecordPredicate {
    /// Whether only newest versions can match.
    fn latest_only(&self) -> bool;

    /// Record fields that must equal a text for a record to match, to narrow the search. Fields
    /// the catalog has no column for are ignored.
    fn required_texts(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    /// Which parts of the content the results have to hold.
    fn body(&self) -> crate::data::Body;

    /// Whether [`Self::matches`] looks at `attributes` or `content`; if not, it is asked before
    /// the content is read.
    fn matches_body(&self) -> bool {
        true
    }

    /// Whether a record matches.
    fn matches(&self, record: &Value) -> bool;
}

/// What a query found.
#[derive(Debug, Default)]
pub struct QueryResult {
    /// Records that match.
    pub records: Vec<Value>,
    /// Whether the limit ended the search.
    pub limited: bool,
    /// Data that could not be read.
    pub warnings: Vec<StoreError>,
}

#[derive(Debug)]
pub(crate) struct Catalog;

impl Catalog {
    pub(crate) fn new(paths: &RepoPaths) -> Self {
        let _ = paths;
        Self
    }

    pub(crate) fn close(&self) {}
}

impl DataStore {
    /// Records of all data versions that match, at most `limit` of them, in the order in which the
    /// catalog came to know them.
    pub fn query(
        &self,
        predicate: &dyn RecordPredicate,
        limit: Option<usize>,
    ) -> Result<QueryResult> {
        let _ = (predicate, limit, self.catalog());
        todo!()
    }

    /// The newest versions tagged `key: value`, one per model name and data name.
    pub fn find_by_tag(
        &self,
        key: &str,
        value: &str,
        body: crate::data::Body,
    ) -> Result<QueryResult> {
        let _ = (key, value, body);
        todo!()
    }

    /// The newest versions a model of this name wrote for an output specification.
    pub fn find_by_spec(
        &self,
        model: &str,
        spec: &str,
        body: crate::data::Body,
    ) -> Result<QueryResult> {
        let _ = (model, spec, body);
        todo!()
    }

    /// The items of this name written by models of that name, whether or not there still is such a
    /// model: for data whose definition was deleted and made again under a new id.
    pub fn find_by_name(&self, model: &str, name: &str) -> Result<Vec<crate::data::ItemKey>> {
        let _ = (model, name);
        todo!()
    }
}
