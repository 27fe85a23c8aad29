//! Where everything is, seen from the root of a repository.

use std::path::{Path, PathBuf};

use swamp_ident::{DefinitionId, MethodName, RunId, TypeName, WorkflowId};

/// The layout of one repository. Cheap to clone; touches no file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepoPaths {
    root: PathBuf,
}

impl RepoPaths {
    /// The layout below `root`, which should be absolute.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The repository directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The marker, `.swamp.yaml`.
    pub fn marker(&self) -> PathBuf {
        self.root.join(".swamp.yaml")
    }

    /// `.gitignore` at the root.
    pub fn gitignore(&self) -> PathBuf {
        self.root.join(".gitignore")
    }

    /// Definitions that people edit.
    pub fn models(&self) -> PathBuf {
        self.root.join("models")
    }

    /// Where a definition is written when it is created: `models/<type>/<id>.yaml`.
    pub fn definition(&self, type_name: &TypeName, id: &DefinitionId) -> PathBuf {
        self.models().join(type_name.as_str()).join(yaml_name("", id.as_str()))
    }

    /// Workflows that people edit.
    pub fn workflows(&self) -> PathBuf {
        self.root.join("workflows")
    }

    /// Where a workflow is written when it is created: `workflows/workflow-<id>.yaml`.
    pub fn workflow(&self, id: &WorkflowId) -> PathBuf {
        self.workflows().join(yaml_name("workflow-", id.as_str()))
    }

    /// Vault configurations.
    pub fn vaults(&self) -> PathBuf {
        self.root.join("vaults")
    }

    /// Runtime state, `.swamp`.
    pub fn runtime(&self) -> PathBuf {
        self.root.join(".swamp")
    }

    /// Versioned data of all models.
    pub fn data(&self) -> PathBuf {
        self.root.join(".swamp/data")
    }

    /// Versioned data of one model: `.swamp/data/<type>/<id>`.
    pub fn model_data(&self, type_name: &TypeName, id: &DefinitionId) -> PathBuf {
        let mut path = self.data();
        path.push(type_name.as_str());
        path.push(id.as_str());
        path
    }

    /// The catalog database of all data.
    pub fn catalog(&self) -> PathBuf {
        self.root.join(".swamp/data/_catalog.db")
    }

    /// Output records and run logs of all methods.
    pub fn outputs(&self) -> PathBuf {
        self.root.join(".swamp/outputs")
    }

    /// Output records and run logs of one method: `.swamp/outputs/<type>/<method>`.
    pub fn method_outputs(&self, type_name: &TypeName, method: &MethodName) -> PathBuf {
        let mut path = self.outputs();
        path.push(type_name.as_str());
        path.push(method.as_str());
        path
    }

    /// The last evaluated copy of a definition.
    pub fn evaluated_definition(&self, type_name: &TypeName, id: &DefinitionId) -> PathBuf {
        let mut path = self.root.join(".swamp/definitions-evaluated");
        path.push(type_name.as_str());
        path.push(yaml_name("", id.as_str()));
        path
    }

    /// The last evaluated copy of a workflow.
    pub fn evaluated_workflow(&self, id: &WorkflowId) -> PathBuf {
        let mut path = self.root.join(".swamp/workflows-evaluated");
        path.push(yaml_name("workflow-", id.as_str()));
        path
    }

    /// Run records and logs of all workflows.
    pub fn workflow_runs(&self) -> PathBuf {
        self.root.join(".swamp/workflow-runs")
    }

    /// The record of one run.
    pub fn run_record(&self, workflow: &WorkflowId, run: &RunId) -> PathBuf {
        let mut path = self.workflow_runs();
        path.push(workflow.as_str());
        path.push(yaml_name("workflow-run-", run.as_str()));
        path
    }

    /// The log of one run.
    pub fn run_log(&self, workflow: &WorkflowId, run: &RunId) -> PathBuf {
        self.run_record(workflow, run).with_extension("log")
    }

    /// The telemetry spool.
    pub fn telemetry(&self) -> PathBuf {
        self.root.join(".swamp/telemetry")
    }

    /// Vault storage.
    pub fn secrets(&self) -> PathBuf {
        self.root.join(".swamp/secrets")
    }

    /// The lock of structural commands.
    pub fn global_lock(&self) -> PathBuf {
        self.root.join(".swamp/.datastore.lock")
    }

    /// The lock of one model.
    pub fn model_lock(&self, type_name: &TypeName, id: &DefinitionId) -> PathBuf {
        self.model_data(type_name, id).join(".lock")
    }

    /// `path` as written into records: relative to the root, with forward slashes. A path outside
    /// the repository stays as it is.
    pub fn relative(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).to_string_lossy().into_owned()
    }
}

fn yaml_name(prefix: &str, id: &str) -> String {
    format!("{prefix}{id}.yaml")
}
