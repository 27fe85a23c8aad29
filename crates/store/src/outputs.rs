//! Output records: one file per run of a method, at
//! `.swamp/outputs/<type>/<method>/<definition id>-<time>.yaml`.

use std::path::{Path, PathBuf};

use serde_json::Value;
use swamp_ident::{
    DataId, DataName, DefinitionId, MethodName, OutputId, RunId, Status, StepName, Timestamp,
    TypeName, WorkflowId,
};

use crate::definitions::BrokenFile;
use crate::error::Result;
use crate::fields::Tags;
use crate::paths::RepoPaths;

/// A data version in a record of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataArtifact {
    /// The version's id.
    pub data_id: DataId,
    /// The item's name.
    pub name: DataName,
    /// The version's number.
    pub version: u64,
    /// The version's tags.
    pub tags: Tags,
}

/// Where a method run came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// Hash of the stored definition.
    pub definition_hash: String,
    /// Version of the model type.
    pub model_version: String,
    /// The step that ran it; `None` for a direct run.
    pub workflow: Option<StepProvenance>,
}

/// The step of a workflow run that ran a method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepProvenance {
    /// The workflow.
    pub workflow_id: WorkflowId,
    /// The run.
    pub workflow_run_id: RunId,
    /// The step, after expansion.
    pub step_name: StepName,
}

/// Why a method run failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputError {
    /// The error's text.
    pub message: String,
    /// A trace, in records of other programs.
    pub stack: Option<String>,
}

/// The record of one method run.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputRecord {
    /// The run's id.
    pub id: OutputId,
    /// The definition.
    pub definition_id: DefinitionId,
    /// The method.
    pub method_name: MethodName,
    /// How far it came. `Skipped` does not occur.
    pub status: Status,
    /// When it started.
    pub started_at: Timestamp,
    /// How often it was tried again.
    pub retry_count: u64,
    /// Where it came from.
    pub provenance: Provenance,
    /// What it wrote; empty when it failed.
    pub artifacts: Vec<DataArtifact>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<u64>,
    /// Why it failed.
    pub error: Option<OutputError>,
    /// Its log, relative to the repository.
    pub log_file: Option<String>,
}

impl OutputRecord {
    /// In the order of the file, absent keys left out.
    pub fn to_value(&self) -> Value {
        todo!()
    }
}

/// An output record and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredOutput {
    /// The model's type, from the place of the file.
    pub type_name: TypeName,
    /// The file.
    pub path: PathBuf,
    /// Its content.
    pub record: OutputRecord,
}

/// Many output records.
#[derive(Debug, Default)]
pub struct OutputListing {
    /// Newest first.
    pub outputs: Vec<StoredOutput>,
    /// Files that could not be read.
    pub broken: Vec<BrokenFile>,
}

/// What an id or the beginning of one leads to.
#[derive(Clone, Debug, PartialEq)]
pub enum Lookup<T> {
    /// Nothing.
    None,
    /// One.
    One(T),
    /// Several; their ids.
    Ambiguous(Vec<String>),
}

/// Reads and writes output records.
#[derive(Clone, Debug)]
pub struct OutputStore {
    paths: RepoPaths,
}

impl OutputStore {
    /// The records of the repository at `paths`.
    pub fn new(paths: RepoPaths) -> Self {
        Self { paths }
    }

    /// Writes the record of a run that starts; gives its file. Runs that start in the same
    /// millisecond get files of their own.
    pub fn create(&self, type_name: &TypeName, record: &OutputRecord) -> Result<PathBuf> {
        let _ = (type_name, record, &self.paths);
        todo!()
    }

    /// Writes the record again.
    pub fn update(&self, path: &Path, record: &OutputRecord) -> Result<()> {
        let _ = (path, record);
        todo!()
    }

    /// Where the log of a direct run that starts at `started_at` belongs.
    pub fn log_path(
        &self,
        type_name: &TypeName,
        method: &MethodName,
        definition: &DefinitionId,
        started_at: Timestamp,
    ) -> PathBuf {
        let _ = (type_name, method, definition, started_at);
        todo!()
    }

    /// All records.
    pub fn list(&self) -> Result<OutputListing> {
        todo!()
    }

    /// The newest record of a definition.
    pub fn latest(&self, definition: &DefinitionId) -> Result<Option<StoredOutput>> {
        let _ = definition;
        todo!()
    }

    /// The record whose id begins with `prefix`: at least three hexadecimal digits, dashes not
    /// counted. Other texts find nothing.
    pub fn find(&self, prefix: &str) -> Result<Lookup<StoredOutput>> {
        let _ = prefix;
        todo!()
    }

    /// Removes records and logs of a definition; gives how many records there were.
    pub fn delete_all(&self, definition: &DefinitionId) -> Result<usize> {
        let _ = definition;
        todo!()
    }
}
