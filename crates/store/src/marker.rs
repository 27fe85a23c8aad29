//! The marker `.swamp.yaml`: what makes a directory a repository, and its settings.

use serde_json::{Map, Value};
use swamp_ident::RepoId;

/// The marker's content. Keys we do not know are kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Marker {
    keys: Map<String, Value>,
}

impl Marker {
    /// All keys as they stand in the file.
    pub fn keys(&self) -> &Map<String, Value> {
        &self.keys
    }

    /// The repository's id, if it has one.
    pub fn repo_id(&self) -> Option<RepoId> {
        todo!()
    }

    /// The version that last initialised or upgraded the repository.
    pub fn version(&self) -> Option<&str> {
        todo!()
    }

    /// The default log level.
    pub fn log_level(&self) -> Option<&str> {
        todo!()
    }

    /// Whether telemetry is switched off here.
    pub fn telemetry_disabled(&self) -> bool {
        todo!()
    }

    /// Whether sent telemetry files are kept.
    pub fn telemetry_keep_flushed(&self) -> bool {
        todo!()
    }

    /// Where telemetry goes, if the repository says so.
    pub fn telemetry_endpoint(&self) -> Option<&str> {
        todo!()
    }

    /// The driver of last resort before `raw`, and its configuration.
    pub fn default_driver(&self) -> Option<(&str, Option<&Value>)> {
        todo!()
    }
}
