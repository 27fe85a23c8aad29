//! How things end: the statuses of runs, jobs and steps, and the closed list of failure categories.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The status of a run, job or step. One type for the three, as in the run record; `Skipped` never
/// occurs on a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Not started.
    Pending,
    /// Started and not ended.
    Running,
    /// Ended as wished.
    Succeeded,
    /// Ended with a failure of its own.
    Failed,
    /// Not started because its conditions asked for that.
    Skipped,
    /// Ended or not started because the run was told to stop.
    Cancelled,
}

impl Status {
    /// The word used in files and output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more will happen.
    pub const fn is_terminal(self) -> bool {
        !matches!(self, Self::Pending | Self::Running)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Where in the life of a method invocation a failure happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Before the method's own code ran: look-up, expressions, secrets, arguments.
    BeforeMethod,
    /// In the method.
    Method,
    /// After it: saving data.
    AfterMethod,
}

/// What kind of thing went wrong. A closed list: it is the part of an error that may leave the
/// machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCategory {
    /// No definition of that name or id, or its type is unknown.
    ModelNotFound,
    /// The type has no such method.
    MethodNotFound,
    /// A CEL expression could not be evaluated.
    Expression,
    /// A vault or a key in it could not be read.
    Vault,
    /// A `vary` dimension has no value.
    Vary,
    /// An environment variable is missing.
    Env,
    /// Arguments or inputs do not fit their schema.
    Arguments,
    /// A pre-flight check said no.
    Preflight,
    /// The execution driver is unknown or could not start the method.
    Driver,
    /// The method itself failed.
    Method,
    /// A deadline passed.
    Timeout,
    /// SIGINT or SIGTERM asked the run to stop.
    Cancelled,
    /// The process died; found by a later command.
    Terminated,
    /// A fault of this program or of the machine it runs on.
    Internal,
}

impl ErrorCategory {
    /// Every category, in the order of documentation.
    pub const ALL: [Self; 14] = [
        Self::ModelNotFound,
        Self::MethodNotFound,
        Self::Expression,
        Self::Vault,
        Self::Vary,
        Self::Env,
        Self::Arguments,
        Self::Preflight,
        Self::Driver,
        Self::Method,
        Self::Timeout,
        Self::Cancelled,
        Self::Terminated,
        Self::Internal,
    ];

    /// The word used in files and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ModelNotFound => "model_not_found",
            Self::MethodNotFound => "method_not_found",
            Self::Expression => "expression",
            Self::Vault => "vault",
            Self::Vary => "vary",
            Self::Env => "env",
            Self::Arguments => "arguments",
            Self::Preflight => "preflight",
            Self::Driver => "driver",
            Self::Method => "method",
            Self::Timeout => "timeout",
            Self::Cancelled => "cancelled",
            Self::Terminated => "terminated",
            Self::Internal => "internal",
        }
    }
}

impl fmt::Display for ErrorCategory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Who chose the execution driver of a method call. The first that did wins; the order is the
/// order of strength.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriverOrigin {
    /// `--driver`.
    CommandLine,
    /// The step.
    Step,
    /// The step's job, or that of a step around a nested run.
    Job,
    /// The workflow, or one around a nested run.
    Workflow,
    /// The model's definition.
    Definition,
    /// `defaultDriver` of the repository.
    Repository,
    /// Nobody: methods run with the driver `raw`.
    Default,
}

impl DriverOrigin {
    /// Every origin, strongest first.
    pub const ALL: [Self; 7] = [
        Self::CommandLine,
        Self::Step,
        Self::Job,
        Self::Workflow,
        Self::Definition,
        Self::Repository,
        Self::Default,
    ];

    /// The word used in files and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CommandLine => "command_line",
            Self::Step => "step",
            Self::Job => "job",
            Self::Workflow => "workflow",
            Self::Definition => "definition",
            Self::Repository => "repository",
            Self::Default => "default",
        }
    }
}

impl fmt::Display for DriverOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Whose mistake a failure is, as far as that can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The user can put it right: a missing model, a wrong input, a command that exits non-zero.
    User,
    /// This program or the machine failed.
    Internal,
}

/// A failure as events, records and entries carry it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// One or more lines for people. May hold names, paths and secrets; what leaves the machine is
    /// cleaned first.
    pub message: String,
    /// The kind of failure.
    pub category: ErrorCategory,
    /// Whose mistake it is.
    pub fault: Fault,
    /// Where in the invocation it happened.
    pub phase: Phase,
}

/// Why a run was told to stop before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CancelCause {
    /// SIGINT, usually Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// The `--timeout` deadline passed.
    Deadline,
}

impl CancelCause {
    /// The category of the failures this cause produces.
    pub const fn category(self) -> ErrorCategory {
        match self {
            Self::Interrupt | Self::Terminate => ErrorCategory::Cancelled,
            Self::Deadline => ErrorCategory::Timeout,
        }
    }
}
