//! The events themselves.

use std::path::PathBuf;
use std::sync::Arc;

use swamp_ident::{
    CancelCause, DataId, DataName, DriverName, DriverOrigin, Failure, JobName, MethodName,
    ModelName, Moment, SpecName, Status, TypeName, WorkflowId,
};

use crate::Scope;

/// One thing that happened.
#[derive(Clone, Debug)]
pub struct RunEvent {
    /// Position in the stream, from 1, without gaps.
    pub seq: u64,
    /// When it happened, read where it happened.
    pub at: Moment,
    /// Where it belongs.
    pub scope: Arc<Scope>,
    /// What happened.
    pub kind: EventKind,
}

/// A job as planned, before `forEach` expansion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobPlan {
    /// The job.
    pub name: JobName,
    /// Number of steps written in the file.
    pub step_count: usize,
    /// Jobs it waits for.
    pub depends_on: Vec<JobName>,
}

/// A method call, as far as it is resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MethodRef {
    /// The definition's name; the reference as written while the definition is not found.
    pub model: ModelName,
    /// The definition's type, once known.
    pub model_type: Option<TypeName>,
    /// The method's name.
    pub method: MethodName,
    /// The driver, once resolved.
    pub driver: Option<DriverUse>,
}

/// A driver and who chose it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DriverUse {
    /// The driver.
    pub name: DriverName,
    /// Who chose it.
    pub origin: DriverOrigin,
}

/// Which of a command's two outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A use of an environment variable in a definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvUse {
    /// Where it stands: `methods.execute.arguments.run`.
    pub path: String,
    /// The variable's name.
    pub variable: String,
}

/// Something a method did that is worth a line but is no failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A sensitive field went to a vault instead of the data.
    SecretStored {
        /// Path of the field.
        field: String,
        /// The vault.
        vault: String,
        /// The key in it.
        key: String,
    },
    /// Data does not fit the schema its type declares; it was stored all the same.
    SchemaMismatch {
        /// The output specification.
        spec: SpecName,
        /// The data item.
        name: DataName,
        /// What does not fit.
        error: String,
    },
    /// The command's output was longer than what is kept; the run log has all of it.
    OutputTruncated {
        /// Which output.
        stream: OutputStream,
        /// Bytes that were produced.
        bytes: u64,
        /// Bytes that were kept.
        kept: u64,
    },
}

/// A stored version of a data item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArtifactRef {
    /// Id of this version.
    pub id: DataId,
    /// The item.
    pub name: DataName,
    /// Version number, from 1.
    pub version: u64,
    /// Tags, in the order written.
    pub tags: Vec<(String, String)>,
}

/// What a report looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportScope {
    /// One method run.
    Method,
    /// A model.
    Model,
    /// A workflow run.
    Workflow,
}

impl ReportScope {
    /// The word used in files and output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::Model => "model",
            Self::Workflow => "workflow",
        }
    }
}

/// Why a job or step did not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SkipReason {
    /// A condition was not met. Holds the dependency's name and the condition in words.
    Condition {
        /// The job or step the condition looks at.
        on: String,
        /// The condition in words, such as `succeeded`.
        condition: String,
    },
    /// Its job was skipped.
    JobSkipped,
    /// An earlier step of the job failed and nothing asked for this step after a failure.
    EarlierFailure,
    /// The run was told to stop first.
    Cancelled(CancelCause),
}

/// What is being prepared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preparation {
    /// Inputs are checked against their schema.
    Inputs,
    /// The workflow's expressions are evaluated.
    Workflow,
    /// A definition's expressions are evaluated.
    Definition,
    /// A definition that was evaluated earlier is loaded.
    EvaluatedDefinition,
}

/// How many methods of a run ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunTotals {
    /// Steps that succeeded.
    pub succeeded: u64,
    /// Steps that failed, allowed failures included.
    pub failed: u64,
    /// Steps that were skipped.
    pub skipped: u64,
    /// Steps that were cancelled.
    pub cancelled: u64,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum EventKind {
    /// A run began. First event of every run, nested ones included.
    RunStarted {
        /// The workflow's id.
        workflow_id: WorkflowId,
        /// The driver set at workflow level.
        driver: Option<DriverName>,
        /// Its jobs, in file order.
        jobs: Vec<JobPlan>,
        /// The run's log file.
        log_path: PathBuf,
    },
    /// A method that was called directly writes its run log here. Comes before everything else such
    /// a call emits.
    LogOpened {
        /// The log file; it exists and is empty.
        path: PathBuf,
    },
    /// Something is being prepared that may take a moment.
    Preparing(Preparation),
    /// A remark for people that is no failure.
    Warning {
        /// One line.
        message: String,
    },
    /// A job began.
    JobStarted,
    /// A job ended.
    JobCompleted {
        /// `Succeeded`, `Failed` or `Cancelled`.
        status: Status,
        /// Why the job itself failed, where that is no failure of one of its steps.
        error: Option<Failure>,
    },
    /// A job was not run.
    JobSkipped {
        /// Why.
        reason: SkipReason,
        /// Number of steps written in the file, of which none emits an event.
        steps: usize,
    },
    /// A step began.
    StepStarted,
    /// The step's definition and type were found.
    ModelResolved(MethodRef),
    /// The definition reads environment variables.
    EnvWarning {
        /// The definition.
        model: ModelName,
        /// Every use.
        uses: Vec<EnvUse>,
    },
    /// The method's own code begins now. Everything it needs is resolved.
    MethodExecuting(MethodRef),
    /// A line the method's command printed.
    MethodOutput {
        /// On which stream.
        stream: OutputStream,
        /// The line without its line feed; secrets redacted.
        line: String,
    },
    /// A remark from the method.
    MethodNotice(Notice),
    /// The method's own code ended; saving data and reports come after.
    MethodFinished {
        /// How.
        result: Result<(), Failure>,
    },
    /// A data item was stored.
    DataSaved {
        /// The version directory.
        path: PathBuf,
        /// What was stored.
        artifact: ArtifactRef,
    },
    /// A report is being made.
    ReportStarted {
        /// Its name.
        name: String,
        /// What it looks at.
        scope: ReportScope,
    },
    /// A report is done.
    ReportCompleted {
        /// Its name.
        name: String,
        /// What it looks at.
        scope: ReportScope,
        /// For people.
        markdown: String,
        /// For programs.
        json: serde_json::Value,
    },
    /// A report could not be made.
    ReportFailed {
        /// Its name.
        name: String,
        /// What it looks at.
        scope: ReportScope,
        /// Why.
        error: String,
    },
    /// A step, or a method that was called directly, ended well.
    StepCompleted {
        /// The data it stored; empty for nested workflows.
        artifacts: Vec<ArtifactRef>,
    },
    /// A step, or a method that was called directly, failed.
    StepFailed {
        /// How and where.
        failure: Failure,
        /// Whether the workflow allows it.
        allowed: bool,
        /// The call as far as it was resolved; absent for nested workflows and structural failures.
        call: Option<MethodRef>,
    },
    /// A step was not run.
    StepSkipped {
        /// Why.
        reason: SkipReason,
    },
    /// A method called another method.
    SubInvocation(MethodRef),
    /// The run was told to stop.
    Cancelled {
        /// Why.
        cause: CancelCause,
    },
    /// A run ended. Last event of every run.
    RunCompleted {
        /// `Succeeded`, `Failed` or `Cancelled`.
        status: Status,
        /// Why the run itself failed, where that is no failure of one of its steps.
        error: Option<Failure>,
        /// How its own steps ended, nested runs not included.
        totals: RunTotals,
    },
}
