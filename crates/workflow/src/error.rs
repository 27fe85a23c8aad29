//! What can go wrong around a workflow, apart from its steps.

use std::path::PathBuf;

use swamp_ident::{CancelCause, ErrorCategory, Failure, Fault, Phase, RunId};
use swamp_model::inputs::InputErrors;
use swamp_store::StoreError;
use swamp_yaml::Position;

use crate::for_each::ForEachError;
use crate::plan::PlanError;
use crate::schema::SchemaError;

/// A workflow could not be read, evaluated or run. What its steps did wrong is no such error but
/// part of the run.
#[derive(Debug, thiserror::Error)]
pub enum WorkflowError {
    /// No workflow has that name or id.
    #[error("Workflow not found: {0}")]
    NotFound(String),
    /// The file of the workflow says something it must not say.
    #[error("{}", at_file(.path, .error))]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        error: SchemaError,
    },
    /// A file could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The inputs do not fit what the workflow declares.
    #[error(transparent)]
    Inputs(#[from] InputErrors),
    /// An expression cannot be evaluated.
    #[error("{message}\n(at {path}{})", at_position(.file.as_ref(), *.position))]
    Expression {
        /// What the expression said, with the place inside it.
        message: String,
        /// Where it stands: `jobs[0].steps[1].name`.
        path: String,
        /// The file it stands in, if it is not an evaluated copy.
        file: Option<PathBuf>,
        /// The place in the file.
        position: Option<Position>,
        /// `expression`, `env` or `vault`.
        category: ErrorCategory,
    },
    /// The list of a `forEach` cannot be had.
    #[error("{error}\n(at {place})")]
    ForEach {
        /// Where it stands: `jobs[0].steps[1].forEach.in`.
        place: String,
        /// Why not.
        error: ForEachError,
    },
    /// There is no order in which it could run.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// It was to be run from the evaluated copy, and there is none.
    #[error(
        "No previously evaluated workflow found for \"{0}\".\n\nEvaluate the workflow first to \
         generate evaluated data:\n  swamp workflow evaluate {0}"
    )]
    NoEvaluatedCopy(String),
    /// A workflow that calls itself, directly or through others.
    #[error(
        "Workflow cycle detected: {}. A workflow cannot invoke itself directly or indirectly.",
        .0.join(" -> ")
    )]
    NestingCycle(Vec<String>),
    /// Workflows that call each other too deep.
    #[error(
        "Maximum workflow nesting depth ({deepest}) exceeded. Workflow \"{workflow}\" cannot be \
         invoked at depth {}.", .deepest + 1
    )]
    NestedTooDeeply {
        /// The workflow as it was called.
        workflow: String,
        /// How deep is deep enough.
        deepest: usize,
    },
    /// Jobs failed before any step could run. The run is over and recorded as failed.
    #[error("{message}")]
    NothingRan {
        /// Why the first of the jobs failed.
        message: String,
        /// The run.
        run: RunId,
    },
    /// The run's record could not be written. The run is over; what its steps did is done.
    #[error("the run was ended because its record cannot be kept: {error}")]
    Record {
        /// Why not.
        error: StoreError,
        /// The run.
        run: RunId,
    },
    /// The machine gives us nothing to work with.
    #[error("the run cannot begin: {0}")]
    Machine(std::io::Error),
    /// Somebody asked to stop before anything had begun.
    #[error("the run was told to stop before it began")]
    Cancelled(CancelCause),
}

impl WorkflowError {
    /// The code in JSON output.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "workflow_not_found",
            Self::Inputs(_) => "input_validation_failed",
            Self::Cancelled(_) => "cancelled",
            _ => "workflow_execution_failed",
        }
    }

    /// The text for people who tried to run something: like `Display`, and says that it did not
    /// run.
    pub fn as_execution_failure(&self) -> String {
        match self {
            Self::NotFound(_) | Self::Inputs(_) => self.to_string(),
            _ => format!("Workflow execution failed: {self}"),
        }
    }

    /// The error as events and entries carry it.
    pub fn failure(&self) -> Failure {
        let (category, fault) = match self {
            Self::Expression { category, .. } => (*category, Fault::User),
            Self::ForEach { error: ForEachError::Expression(error), .. } => {
                (error.category(), Fault::User)
            }
            Self::ForEach { .. } => (ErrorCategory::Expression, Fault::User),
            Self::Cancelled(cause) => (cause.category(), Fault::User),
            Self::Store(error) | Self::Record { error, .. } => match error {
                StoreError::Io { .. } => (ErrorCategory::Internal, Fault::Internal),
                _ => (ErrorCategory::Arguments, Fault::User),
            },
            Self::Machine(_) => (ErrorCategory::Internal, Fault::Internal),
            _ => (ErrorCategory::Arguments, Fault::User),
        };
        Failure { message: self.to_string(), category, fault, phase: Phase::BeforeMethod }
    }
}

/// One line per mistake, each with the file and the place in it.
fn at_file(path: &std::path::Path, error: &SchemaError) -> String {
    let lines = error.issues.iter().map(|issue| {
        let place = issue.position.map_or_else(String::new, |position| format!(":{position}"));
        let key = if issue.path.is_empty() { String::new() } else { format!("{}: ", issue.path) };
        format!("{}{place}: {key}{}", path.display(), issue.message)
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn at_position(file: Option<&PathBuf>, position: Option<Position>) -> String {
    let Some(file) = file else { return String::new() };
    let place = position.map_or_else(String::new, |position| format!(":{position}"));
    format!(" in {}{place}", file.display())
}
