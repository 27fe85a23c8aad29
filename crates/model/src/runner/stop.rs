//! Why a call cannot go on.

use swamp_driver::DriverError;
use swamp_ident::{CancelCause, ErrorCategory, Failure, Fault, Phase};
use swamp_store::StoreError;
use swamp_vault::VaultError;

use crate::method::MethodError;
use crate::outcome::FailureCode;

/// A failure and its code, on their way to the caller.
#[derive(Clone, Debug)]
pub(super) struct Stop {
    pub(super) failure: Failure,
    pub(super) code: Option<FailureCode>,
}

impl Stop {
    /// A mistake of the user, found before the method ran.
    pub(super) fn before(
        category: ErrorCategory,
        code: impl Into<Option<FailureCode>>,
        message: impl Into<String>,
    ) -> Self {
        let (message, fault, phase) = (message.into(), Fault::User, Phase::BeforeMethod);
        Self { failure: Failure { message, category, fault, phase }, code: code.into() }
    }

    /// Arguments, driver or checks that do not let the method begin.
    pub(super) fn unfit(category: ErrorCategory, message: impl Into<String>) -> Self {
        Self::before(category, FailureCode::MethodExecutionFailed, message)
    }

    /// The store failed.
    pub(super) fn store(error: &StoreError, phase: Phase) -> Self {
        let (category, fault) = match error {
            StoreError::ModelNotFound(_) | StoreError::ModelUnreadable { .. } => {
                (ErrorCategory::ModelNotFound, Fault::User)
            }
            StoreError::LockInterrupted { .. } => (ErrorCategory::Cancelled, Fault::User),
            StoreError::BadName(_) | StoreError::Usage(_) | StoreError::Invalid { .. } => {
                (ErrorCategory::Arguments, Fault::User)
            }
            _ => (ErrorCategory::Internal, Fault::Internal),
        };
        let code = match error {
            StoreError::ModelNotFound(_) | StoreError::ModelUnreadable { .. } => {
                Some(FailureCode::ModelNotFound)
            }
            StoreError::LockInterrupted { .. } => Some(FailureCode::Cancelled),
            _ => None,
        };
        Self { failure: Failure { message: error.to_string(), category, fault, phase }, code }
    }

    /// A vault did not take what it should keep.
    pub(super) fn vault(error: &VaultError, phase: Phase) -> Self {
        let fault = if error.is_internal() { Fault::Internal } else { Fault::User };
        let (message, category) = (error.to_string(), ErrorCategory::Vault);
        let failure = Failure { message, category, fault, phase };
        Self { failure, code: Some(FailureCode::MethodExecutionFailed) }
    }

    /// The run was told to stop.
    pub(super) fn cancelled(cause: CancelCause, phase: Phase) -> Self {
        let message = match cause {
            CancelCause::Interrupt => "Operation was cancelled: interrupted",
            CancelCause::Terminate => "Operation was cancelled: asked to terminate",
            CancelCause::Deadline => "Operation timed out: the deadline passed",
        };
        let failure = Failure {
            message: message.to_owned(),
            category: cause.category(),
            fault: Fault::User,
            phase,
        };
        Self { failure, code: Some(FailureCode::Cancelled) }
    }

    /// The method's own code failed.
    pub(super) fn method(error: MethodError) -> Self {
        match error {
            MethodError::Cancelled(cause) => Self::cancelled(cause, Phase::Method),
            MethodError::Failed { message, category } => {
                let failure =
                    Failure { message, category, fault: Fault::User, phase: Phase::Method };
                Self { failure, code: Some(FailureCode::MethodExecutionFailed) }
            }
        }
    }
}

impl From<DriverError> for Stop {
    fn from(error: DriverError) -> Self {
        Self::unfit(ErrorCategory::Driver, error.to_string())
    }
}
