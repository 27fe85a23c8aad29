//! Run records: one file per run of a workflow, at
//! `.swamp/workflow-runs/<workflow id>/workflow-run-<run id>.yaml`.

use std::path::PathBuf;

use serde_json::Value;
use swamp_ident::{JobName, RunId, Status, StepName, Timestamp, WorkflowId, WorkflowName};

use crate::definitions::BrokenFile;
use crate::error::Result;
use crate::fields::Tags;
use crate::outputs::{DataArtifact, Lookup};
use crate::paths::RepoPaths;

/// One step of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct StepRecord {
    /// The step's name after expansion.
    pub step_name: StepName,
    /// How far it came.
    pub status: Status,
    /// When it started; absent when it was skipped or not reached.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// Why it failed.
    pub error: Option<String>,
    /// What it gave, as the step's kind defines it.
    pub output: Option<Value>,
    /// The data it wrote; `None` leaves the key out.
    pub data_artifacts: Option<Vec<DataArtifact>>,
    /// Whether its failure was allowed.
    pub allowed_failure: bool,
}

/// One job of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct JobRecord {
    /// The job's name.
    pub job_name: JobName,
    /// How far it came.
    pub status: Status,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// Why the job itself failed, where that is no failure of one of its steps. Written as `error`
    /// before `steps`.
    pub error: Option<String>,
    /// Its steps, in the order of the workflow file.
    pub steps: Vec<StepRecord>,
}

/// The record of one run of a workflow.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRecord {
    /// The run.
    pub id: RunId,
    /// The workflow.
    pub workflow_id: WorkflowId,
    /// Its name at the time.
    pub workflow_name: WorkflowName,
    /// How far the run came.
    pub status: Status,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// Why the run itself failed, where that is no failure of one of its steps. Written as `error`
    /// before `jobs`.
    pub error: Option<String>,
    /// Its jobs, in the order of the workflow file.
    pub jobs: Vec<JobRecord>,
    /// The workflow's tags overlaid with those of the command.
    pub tags: Tags,
    /// Its log, relative to the repository.
    pub log_file: Option<String>,
}

impl RunRecord {
    /// In the order of the file, absent keys left out.
    pub fn to_value(&self) -> Value {
        todo!()
    }
}

/// A run without its jobs: what listings need. Reading it does not cost more for a run of ten
/// thousand steps.
#[derive(Clone, Debug, PartialEq)]
pub struct RunSummary {
    /// The run.
    pub id: RunId,
    /// The workflow.
    pub workflow_id: WorkflowId,
    /// Its name at the time.
    pub workflow_name: WorkflowName,
    /// How far the run came.
    pub status: Status,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// The workflow's tags overlaid with those of the command.
    pub tags: Tags,
    /// Its log, relative to the repository.
    pub log_file: Option<String>,
    /// The record's file.
    pub path: PathBuf,
}

/// Many runs.
#[derive(Debug, Default)]
pub struct RunListing {
    /// Newest first; runs without a start come last.
    pub runs: Vec<RunSummary>,
    /// Files that could not be read.
    pub broken: Vec<BrokenFile>,
}

/// Reads and writes run records.
#[derive(Clone, Debug)]
pub struct RunStore {
    paths: RepoPaths,
}

impl RunStore {
    /// The records of the repository at `paths`.
    pub fn new(paths: RepoPaths) -> Self {
        Self { paths }
    }

    /// Writes a record, over its earlier state if there is one; gives its file.
    pub fn save(&self, record: &RunRecord) -> Result<PathBuf> {
        let _ = (record, &self.paths);
        todo!()
    }

    /// Reads a record; `None` if there is no such run of that workflow.
    pub fn load(&self, workflow: &WorkflowId, run: &RunId) -> Result<Option<RunRecord>> {
        let _ = (workflow, run);
        todo!()
    }

    /// The runs of a workflow.
    pub fn list(&self, workflow: &WorkflowId) -> Result<RunListing> {
        let _ = workflow;
        todo!()
    }

    /// The runs of all workflows, also of deleted ones.
    pub fn list_all(&self) -> Result<RunListing> {
        todo!()
    }

    /// The run of a workflow that started last.
    pub fn latest(&self, workflow: &WorkflowId) -> Result<Option<RunRecord>> {
        let _ = workflow;
        todo!()
    }

    /// The run whose id begins with `prefix`: at least three hexadecimal digits, dashes not
    /// counted. Other texts find nothing.
    pub fn find(&self, prefix: &str) -> Result<Lookup<RunSummary>> {
        let _ = prefix;
        todo!()
    }

    /// Removes records and logs of a workflow; gives how many records there were.
    pub fn delete_all(&self, workflow: &WorkflowId) -> Result<usize> {
        let _ = workflow;
        todo!()
    }
}
