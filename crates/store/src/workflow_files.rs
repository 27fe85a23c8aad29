//! Workflow files as documents; what they mean is not this crate's business.

use std::path::PathBuf;

use serde_json::Value;
use swamp_ident::WorkflowId;
use swamp_yaml::Document;

use crate::{RepoPaths, Result, StoreError};

/// Where a workflow file comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkflowOrigin {
    /// The repository's `workflows/` directory; can be edited.
    Primary,
    /// An extension directory; read only.
    Extension,
}

/// One workflow file.
#[derive(Debug)]
pub struct WorkflowFile {
    /// The file.
    pub path: PathBuf,
    /// Where it comes from.
    pub origin: WorkflowOrigin,
    /// Its content, or why it cannot be read.
    pub document: Result<Document>,
}

impl WorkflowFile {
    /// The `name` in the document, if it is a text.
    pub fn name(&self) -> Option<&str> {
        todo!()
    }

    /// The `id` in the document, if it is a text.
    pub fn id(&self) -> Option<&str> {
        todo!()
    }
}

/// Reads and writes workflow files.
#[derive(Clone, Debug)]
pub struct WorkflowFiles {
    paths: RepoPaths,
    extensions: Vec<PathBuf>,
}

impl WorkflowFiles {
    /// The workflow files of the repository at `paths`, and those below the extension directories.
    pub fn new(paths: RepoPaths, extensions: Vec<PathBuf>) -> Self {
        Self { paths, extensions }
    }

    /// Every workflow file, broken ones too: primary ones first, each group in order of paths.
    pub fn list(&self) -> Result<Vec<WorkflowFile>> {
        let _ = (&self.paths, &self.extensions);
        todo!()
    }

    /// The file of the workflow with this name, else with this id.
    /// [`StoreError::WorkflowNotFound`] if there is none.
    pub fn find(&self, name_or_id: &str) -> Result<WorkflowFile> {
        let _ = name_or_id;
        todo!()
    }

    /// Writes a workflow to its usual place; gives the path.
    pub fn create(&self, id: &WorkflowId, value: &Value) -> Result<PathBuf> {
        let _ = (id, value);
        todo!()
    }

    /// Replaces the content of a primary workflow file.
    pub fn save(&self, file: &WorkflowFile, value: &Value) -> Result<()> {
        let _ = (file, value);
        todo!()
    }

    /// Removes a primary workflow file.
    pub fn delete(&self, file: &WorkflowFile) -> Result<()> {
        let _ = file;
        todo!()
    }

    /// Writes the evaluated copy; gives its path.
    pub fn save_evaluated(&self, id: &WorkflowId, value: &Value) -> Result<PathBuf> {
        let _ = (id, value);
        todo!()
    }

    /// Reads the evaluated copy, if there is one.
    pub fn load_evaluated(&self, id: &WorkflowId) -> Result<Option<Document>> {
        let _ = id;
        todo!()
    }

    /// The error for a workflow that does not exist.
    pub fn not_found(name_or_id: &str) -> StoreError {
        StoreError::WorkflowNotFound(name_or_id.to_owned())
    }
}
