//! The workflows of a repository.

use std::path::PathBuf;

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
