//! What a run is asked for and what comes of it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use swamp_events::{Emitter, EventKind, Preparation, RunRef, RunTotals};
use swamp_ident::{CancelCause, DriverName, Failure, Status, WorkflowId};
use swamp_model::reports::ReportFilter;
use swamp_model::{CheckFilter, Engine, ReportOutcome};
use swamp_store::StoreError;

use super::bell::Bell;
use super::locks;
use super::progress::{Identity, Progress};
use super::run_view::RunView;
use super::start::Prepared;
use super::tree::{Crew, Ended, Tree};
use crate::error::WorkflowError;
use crate::handed_down::HandedDown;
use crate::library::Library;
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
        let deadline = request.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let parts = self.engine.parts();
        let library = Library::new(&parts.repository);
        let loaded = library.load(&request.workflow)?;
        let stop = || {
            if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                parts.cancel.cancel(CancelCause::Deadline);
            }
            parts.cancel.is_cancelled()
        };
        let held = locks::take(self.engine, &library, &loaded.workflow, emitter, &stop)?;
        let bell = Bell::new().map_err(WorkflowError::Machine)?;
        let tree = Tree::new(self.engine, request, library, bell, deadline);

        emitter.emit(EventKind::Preparing(Preparation::Inputs));
        let prepared = if request.last_evaluated {
            Prepared::from_copy(&tree, &loaded, request.inputs.clone())?
        } else {
            emitter.emit(EventKind::Preparing(Preparation::Workflow));
            let given = HandedDown { values: request.inputs.clone(), as_written: Vec::new() };
            Prepared::evaluate(&tree, &loaded, given)?
        };
        if let Some(cause) = parts.cancel.cause() {
            return Err(WorkflowError::Cancelled(cause));
        }
        let ended = std::thread::scope(|threads| {
            let crew = Crew::new(&tree, threads);
            crew.start(prepared, emitter, Vec::new(), None)?;
            Ok::<_, WorkflowError>(crew.look_after())
        })?;
        let cancelled = tree.cancelled();
        let broken = tree.into_broken();
        drop(held);
        RunOutcome::new(ended, cancelled, broken)
    }
}

/// A run that is over. Serialised it is the JSON view of the run: `{id, workflowId, workflowName,
/// status, jobs, error?, duration, path, reports?}`.
///
/// Holds no emitter: the consumers of the stream can come to their end while it is looked at.
pub struct RunOutcome {
    run: RunRef,
    identity: Identity,
    progress: Progress,
    reports: Vec<ReportOutcome>,
    path: PathBuf,
    status: Status,
    totals: RunTotals,
    error: Option<Failure>,
    cancelled: Option<CancelCause>,
}

impl RunOutcome {
    fn new(
        ended: Ended,
        cancelled: Option<CancelCause>,
        broken: Option<StoreError>,
    ) -> Result<Self, WorkflowError> {
        let Ended { run, status, totals, error, .. } = ended;
        if let Some(error) = broken {
            return Err(WorkflowError::Record { error, run: run.identity.id.clone() });
        }
        let (began, progress, reports) = {
            let mut state = run.lock();
            (state.began, state.progress.take(), std::mem::take(&mut state.reports))
        };
        let nothing_ran = status == Status::Failed && !began;
        match error {
            Some(error) if nothing_ran => Err(WorkflowError::NothingRan {
                message: error.message,
                run: run.identity.id.clone(),
            }),
            error => Ok(Self {
                cancelled: cancelled.filter(|_| status == Status::Cancelled),
                run: run.reference.clone(),
                identity: run.identity.clone(),
                progress,
                reports,
                path: run.record_path.clone(),
                status,
                totals,
                error,
            }),
        }
    }

    /// The run.
    pub fn run(&self) -> &RunRef {
        &self.run
    }

    /// Its workflow's id.
    pub fn workflow_id(&self) -> &WorkflowId {
        &self.identity.workflow_id
    }

    /// `Succeeded`, `Failed` or `Cancelled`.
    pub fn status(&self) -> Status {
        self.status
    }

    /// Why it was told to stop, if it is `Cancelled`.
    pub fn cancelled(&self) -> Option<CancelCause> {
        self.cancelled
    }

    /// Why the run itself failed, where that is no failure of one of its steps.
    pub fn error(&self) -> Option<&Failure> {
        self.error.as_ref()
    }

    /// How its own steps ended.
    pub fn totals(&self) -> RunTotals {
        self.totals
    }

    /// The run record, absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl fmt::Debug for RunOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunOutcome")
            .field("run", self.run())
            .field("status", &self.status)
            .field("totals", &self.totals)
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

impl Serialize for RunOutcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RunView {
            identity: &self.identity,
            progress: &self.progress,
            path: &self.path,
            reports: &self.reports,
        }
        .serialize(serializer)
    }
}
