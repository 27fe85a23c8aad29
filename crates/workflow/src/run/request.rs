//! What a run is asked for and what comes of it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use swamp_events::{Emitter, RunRef, RunTotals};
use swamp_ident::{CancelCause, DriverName, Failure, Status, WorkflowId};
use swamp_model::reports::ReportFilter;
use swamp_model::{CheckFilter, Engine};

use crate::error::WorkflowError;
use crate::limits::Limits;

/// A wish to run a workflow.
#[derive(Clone, Debug)]
pub struct RunRequest {
    /// Its name or id.
    pub workflow: String,
    /// What it gets.
    pub inputs: Map<String, Value>,
    /// Run the evaluated copy as it is instead of evaluating the workflow.
    pub last_evaluated: bool,
    /// Tags for the run, its nested runs and all data they produce; stronger than the workflow's.
    pub tags: Vec<(String, String)>,
    /// The driver for all methods, whatever the workflow says.
    pub driver: Option<DriverName>,
    /// Which reports to make.
    pub reports: ReportFilter,
    /// Which pre-flight checks to leave out.
    pub checks: CheckFilter,
    /// How long all of it may take, from now on.
    pub timeout: Option<Duration>,
    /// How many steps run at a time.
    pub limits: Limits,
    /// Keep the reports of the run's own steps and of the run for [`RunOutcome`]'s JSON. Without,
    /// they are only told as events.
    pub keep_reports: bool,
}

impl RunRequest {
    /// A run with nothing special about it.
    pub fn new(workflow: impl Into<String>, limits: Limits) -> Self {
        Self {
            workflow: workflow.into(),
            inputs: Map::new(),
            last_evaluated: false,
            tags: Vec::new(),
            driver: None,
            reports: ReportFilter::default(),
            checks: CheckFilter::default(),
            timeout: None,
            limits,
            keep_reports: false,
        }
    }
}

/// Runs workflows with the methods of an engine.
#[derive(Debug)]
pub struct Runner<'e> {
    engine: &'e Engine,
}

impl<'e> Runner<'e> {
    /// A runner.
    pub fn new(engine: &'e Engine) -> Self {
        Self { engine }
    }

    /// Runs a workflow to its end. Tells everything as events; once a run has begun
    /// (`RunStarted`), its `RunCompleted` comes whatever happens, and likewise for nested runs.
    /// Returns when nothing of it runs any more.
    ///
    /// A run that failed or was cancelled is an outcome; errors are what kept it from running.
    pub fn run(
        &self,
        request: &RunRequest,
        emitter: &Emitter,
    ) -> Result<RunOutcome, WorkflowError> {
        let _ = (self.engine, request, emitter);
        todo!()
    }
}

/// A run that is over. Serialised it is the JSON view of the run: `{id, workflowId, workflowName,
/// status, jobs, duration, path, reports?}`.
#[derive(Debug)]
pub struct RunOutcome {
    run: RunRef,
    workflow_id: WorkflowId,
    status: Status,
    path: PathBuf,
}

impl RunOutcome {
    /// The run.
    pub fn run(&self) -> &RunRef {
        &self.run
    }

    /// Its workflow's id.
    pub fn workflow_id(&self) -> &WorkflowId {
        &self.workflow_id
    }

    /// `Succeeded`, `Failed` or `Cancelled`.
    pub fn status(&self) -> Status {
        self.status
    }

    /// Why it was told to stop, if it is `Cancelled`.
    pub fn cancelled(&self) -> Option<CancelCause> {
        todo!()
    }

    /// Why the run itself failed, where that is no failure of one of its steps.
    pub fn error(&self) -> Option<&Failure> {
        todo!()
    }

    /// How its own steps ended.
    pub fn totals(&self) -> RunTotals {
        todo!()
    }

    /// The run record, absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Serialize for RunOutcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let _ = serializer;
        todo!()
    }
}
