//! How a command ends.

use serde_json::{Value, json};
use swamp_expr::ExprError;
use swamp_ident::{ErrorCategory, Failure, Fault};
use swamp_model::MethodFailure;
use swamp_secret::Redactor;
use swamp_store::StoreError;
use swamp_vault::VaultError;
use swamp_workflow::WorkflowError;

use crate::exit_code;

/// What a command gives back. Its output is printed by then, except for the error.
pub(crate) type CommandResult = Result<Ending, CommandError>;

/// A command that came to its end and printed its result, good or bad.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    /// The exit code.
    pub(crate) exit: u8,
    /// What the result says went wrong.
    pub(crate) failure: Option<Failure>,
}

impl Ending {
    /// It went well.
    pub(crate) const SUCCESS: Self = Self { exit: exit_code::SUCCESS, failure: None };

    /// The result that was printed is bad news of the user's own making.
    pub(crate) fn bad_result(message: impl Into<String>) -> Self {
        let failure = Failure {
            message: message.into(),
            category: ErrorCategory::Arguments,
            fault: Fault::User,
            phase: swamp_ident::Phase::BeforeMethod,
        };
        Self { exit: exit_code::FAILURE, failure: Some(failure) }
    }
}

/// What kind of error, as telemetry tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorClass {
    /// The command line itself is wrong.
    Usage,
    /// There is more on the command line than the command takes.
    TooManyArguments,
    /// The user can put it right.
    User,
    /// A fault of this program or the machine.
    Internal,
}

/// A command that could not do what it was asked for.
#[derive(Debug)]
pub(crate) struct CommandError {
    /// What went wrong: a sentence, its place where there is one.
    pub(crate) message: String,
    /// What to do about it, if the message does not say.
    pub(crate) hint: Option<String>,
    /// The code in JSON output.
    pub(crate) code: Option<&'static str>,
    /// What kind of error.
    pub(crate) class: ErrorClass,
    /// The category, where one is known.
    pub(crate) category: Option<ErrorCategory>,
    /// The exit code.
    pub(crate) exit: u8,
    /// Whether standard error has told it already.
    pub(crate) is_told: bool,
    /// Warnings that belong into the JSON document.
    pub(crate) warnings: Vec<Value>,
}

impl CommandError {
    /// Something the user can put right.
    pub(crate) fn user(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
            code: None,
            class: ErrorClass::User,
            category: None,
            exit: exit_code::FAILURE,
            is_told: false,
            warnings: Vec::new(),
        }
    }

    /// A mistake in the command line.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { class: ErrorClass::Usage, ..Self::user(message) }
    }

    /// A fault of this program or the machine.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self { class: ErrorClass::Internal, ..Self::user(message) }
    }

    /// Adds what to do about it.
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the code for JSON output.
    pub(crate) const fn with_code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// The error without secrets.
    pub(crate) fn redacted(mut self, redactor: &Redactor) -> Self {
        self.message = redactor.redact(&self.message).into_owned();
        self.hint = self.hint.map(|hint| redactor.redact(&hint).into_owned());
        self
    }

    /// The JSON document.
    pub(crate) fn to_json(&self) -> Value {
        let error = match &self.hint {
            Some(hint) => format!("{}\n{hint}", self.message),
            None => self.message.clone(),
        };
        let mut document = json!({"error": error});
        if let Some(code) = self.code {
            document["code"] = json!(code);
        }
        if !self.warnings.is_empty() {
            document["warnings"] = Value::Array(self.warnings.clone());
        }
        document
    }
}

impl From<StoreError> for CommandError {
    fn from(error: StoreError) -> Self {
        let class = match &error {
            StoreError::Io { .. } | StoreError::LockTimeout { .. } => ErrorClass::Internal,
            _ => ErrorClass::User,
        };
        Self { class, ..Self::user(error.to_string()) }
    }
}

impl From<VaultError> for CommandError {
    fn from(error: VaultError) -> Self {
        let class = if error.is_internal() { ErrorClass::Internal } else { ErrorClass::User };
        Self { class, category: Some(ErrorCategory::Vault), ..Self::user(error.to_string()) }
    }
}

impl From<ExprError> for CommandError {
    fn from(error: ExprError) -> Self {
        Self { category: Some(error.category()), ..Self::user(error.render()) }
    }
}

impl From<Failure> for CommandError {
    fn from(failure: Failure) -> Self {
        let class = match failure.fault {
            Fault::User => ErrorClass::User,
            Fault::Internal => ErrorClass::Internal,
        };
        Self { class, category: Some(failure.category), ..Self::user(failure.message) }
    }
}

impl From<MethodFailure> for CommandError {
    fn from(failure: MethodFailure) -> Self {
        let code = failure.code.map(swamp_model::FailureCode::as_str);
        Self { code, ..Self::from(failure.failure) }
    }
}

impl From<WorkflowError> for CommandError {
    fn from(error: WorkflowError) -> Self {
        let failure = error.failure();
        let mut own = Self::from(failure);
        if let WorkflowError::Cancelled(cause) = &error {
            own.exit = exit_code::of_cause(*cause);
        }
        own
    }
}
