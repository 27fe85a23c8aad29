//! How a method call ended.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;
use swamp_events::{ArtifactRef, EnvUse, MethodRef, ReportScope};
use swamp_ident::{Failure, OutputId, SpecName};
use swamp_store::{Definition, StoredVersion};

use crate::types::OutputKind;

/// The code of a failed direct call, as JSON output shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureCode {
    /// No such definition.
    ModelNotFound,
    /// The definition's type is unknown.
    UnknownModelType,
    /// The type has no such method.
    UnknownMethod,
    /// Declared inputs do not fit.
    InputValidationFailed,
    /// An input is neither declared nor an argument.
    ValidationFailed,
    /// There is no evaluated copy to run from.
    NoEvaluatedDefinition,
    /// Arguments, checks, driver or the method itself failed.
    MethodExecutionFailed,
    /// The call was told to stop.
    Cancelled,
}

impl FailureCode {
    /// The word in JSON output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ModelNotFound => "model_not_found",
            Self::UnknownModelType => "unknown_model_type",
            Self::UnknownMethod => "unknown_method",
            Self::InputValidationFailed => "input_validation_failed",
            Self::ValidationFailed => "validation_failed",
            Self::NoEvaluatedDefinition => "no_evaluated_definition",
            Self::MethodExecutionFailed => "method_execution_failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A data version that a call stored.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredArtifact {
    /// Id, name, version and tags.
    pub artifact: ArtifactRef,
    /// The version directory, absolute.
    pub path: PathBuf,
    /// The output it belongs to.
    pub spec: SpecName,
    /// Resource or file.
    pub kind: OutputKind,
    /// The content of a resource.
    pub attributes: Option<Value>,
    /// The version with its metadata: what run records show of it.
    pub version: StoredVersion,
}

/// A report that was made, or why it could not be.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportOutcome {
    /// Its name.
    pub name: String,
    /// What it looks at.
    pub scope: ReportScope,
    /// Markdown for people and JSON for programs, or the error.
    pub result: Result<(String, Value), String>,
    /// The data items it is stored as: Markdown, then JSON. Empty if it could not be made.
    pub artifacts: Vec<ArtifactRef>,
}

/// A method call that succeeded.
#[derive(Clone, Debug)]
pub struct MethodRun {
    /// The definition as stored.
    pub definition: Arc<Definition>,
    /// The call, fully resolved.
    pub call: MethodRef,
    /// Its output record.
    pub output_id: OutputId,
    /// The log file its lines go to, absolute: its own for a direct call, else the run's.
    pub log_file: PathBuf,
    /// How long the method's own code took, in milliseconds.
    pub duration_ms: u64,
    /// What it stored, in order; reports not included.
    pub artifacts: Vec<StoredArtifact>,
    /// Its reports, in order; `None` if reports were switched off altogether.
    pub reports: Option<Vec<ReportOutcome>>,
    /// The definition's uses of environment variables.
    pub env_uses: Vec<EnvUse>,
}

impl MethodRun {
    /// Whether every report that was asked for could be made.
    pub fn reports_ok(&self) -> bool {
        self.reports.iter().flatten().all(|report| report.result.is_ok())
    }
}

/// A method call that failed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", failure.message)]
pub struct MethodFailure {
    /// What went wrong, where.
    pub failure: Failure,
    /// The code for JSON output; failures while expressions are evaluated have none.
    pub code: Option<FailureCode>,
    /// The call as far as it was resolved.
    pub call: MethodRef,
    /// Its output record, if it came to that.
    pub output_id: Option<OutputId>,
    /// What it had stored before it failed.
    pub artifacts: Vec<StoredArtifact>,
    /// Reports about the failure, in order.
    pub reports: Vec<ReportOutcome>,
    /// The definition's uses of environment variables, as far as it was read.
    pub env_uses: Vec<EnvUse>,
}
