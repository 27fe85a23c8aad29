//! The workflows of a repository.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use swamp_store::{Repository, StoreError, WorkflowFile};

use crate::error::WorkflowError;
use crate::schema::Workflow;

/// A workflow and the file it was read from.
#[derive(Debug)]
pub struct LoadedWorkflow {
    /// What the file says.
    pub workflow: Workflow,
    /// The file.
    pub file: WorkflowFile,
}

/// A workflow file that cannot be used.
#[derive(Debug)]
pub struct BrokenWorkflow {
    /// The file.
    pub path: PathBuf,
    /// Its name, as far as the file can be read.
    pub name: Option<String>,
    /// What is wrong.
    pub error: WorkflowError,
}

/// The workflow with this name, else with this id. A file that is meant but broken is an error that
/// says what is wrong with it.
pub fn load(repository: &Repository, name_or_id: &str) -> Result<LoadedWorkflow, WorkflowError> {
    let file = repository.workflow_files().find(name_or_id).map_err(|error| match error {
        StoreError::WorkflowNotFound(name) => WorkflowError::NotFound(name),
        other => WorkflowError::Store(other),
    })?;
    read(file).map_err(|broken| broken.error)
}

/// All workflows, those of the repository first, and the files that cannot be used. When two have
/// the same name, only the first is there.
pub fn load_all(
    repository: &Repository,
) -> Result<(Vec<LoadedWorkflow>, Vec<BrokenWorkflow>), StoreError> {
    let mut workflows: Vec<LoadedWorkflow> = Vec::new();
    let mut broken = Vec::new();
    let mut names = std::collections::HashSet::new();
    for file in repository.workflow_files().list()? {
        match read(file) {
            Ok(loaded) => {
                if names.insert(loaded.workflow.name.clone()) {
                    workflows.push(loaded);
                }
            }
            Err(unusable) => broken.push(*unusable),
        }
    }
    Ok((workflows, broken))
}

fn read(file: WorkflowFile) -> Result<LoadedWorkflow, Box<BrokenWorkflow>> {
    let name = file.name().map(ToOwned::to_owned);
    let WorkflowFile { path, origin, document } = file;
    let parsed =
        document.map_err(WorkflowError::Store).and_then(|document| {
            match Workflow::parse(&document) {
                Ok(workflow) => Ok((workflow, document)),
                Err(error) => Err(WorkflowError::Invalid { path: path.clone(), error }),
            }
        });
    match parsed {
        Ok((workflow, document)) => Ok(LoadedWorkflow {
            workflow,
            file: WorkflowFile { path, origin, document: Ok(document) },
        }),
        Err(error) => Err(Box::new(BrokenWorkflow { path, name, error })),
    }
}

/// A workflow and where it came from, without the text of its file.
#[derive(Debug)]
pub(crate) struct KnownWorkflow {
    pub(crate) workflow: Workflow,
    pub(crate) path: PathBuf,
}

/// Workflows as they were when they were first asked for: a run and those nested in it see each
/// file in one state, and read it once.
pub(crate) struct Library<'r> {
    repository: &'r Repository,
    known: Mutex<HashMap<String, Arc<KnownWorkflow>>>,
}

impl<'r> Library<'r> {
    pub(crate) fn new(repository: &'r Repository) -> Self {
        Self { repository, known: Mutex::new(HashMap::new()) }
    }

    pub(crate) fn load(&self, name_or_id: &str) -> Result<Arc<KnownWorkflow>, WorkflowError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(workflow) = known.get(name_or_id) {
            return Ok(Arc::clone(workflow));
        }
        let LoadedWorkflow { workflow, file } = load(self.repository, name_or_id)?;
        let loaded = Arc::new(KnownWorkflow { workflow, path: file.path });
        known.insert(name_or_id.to_owned(), Arc::clone(&loaded));
        Ok(loaded)
    }
}
