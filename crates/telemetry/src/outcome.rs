//! How a command ended, and how an ending is written.

use swamp_ident::{CancelCause, ErrorCategory, Failure, Fault, Phase};

/// How a command ended, as the one way out of the program knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The exit code of the process.
    pub(crate) exit_code: i32,
    /// What went wrong.
    pub(crate) failure: Option<Failure>,
    /// The class of the error, where it is not told by whose fault it was.
    pub(crate) error_type: Option<&'static str>,
}

impl Outcome {
    /// The command did what it should.
    pub const fn success() -> Self {
        Self { exit_code: 0, failure: None, error_type: None }
    }

    /// The command failed, and this is why.
    pub const fn failure(exit_code: i32, failure: Failure) -> Self {
        Self { exit_code, failure: Some(failure), error_type: None }
    }

    /// The command ended with this code. If it is not 0, the cause is taken from the events of the
    /// run: what stopped it, else the first failure that was not allowed.
    pub const fn exit(exit_code: i32) -> Self {
        Self { exit_code, failure: None, error_type: None }
    }

    /// Something stopped the command before it had anything to say.
    pub fn stopped(exit_code: i32, cause: CancelCause) -> Self {
        let failure = Failure {
            message: "Stopped before its end".to_owned(),
            category: cause.category(),
            fault: Fault::Internal,
            phase: Phase::BeforeMethod,
        };
        Self::failure(exit_code, failure)
    }

    /// The command ended without saying how.
    pub(crate) fn died() -> Self {
        let failure = Failure {
            message: "The command ended without saying how".to_owned(),
            category: ErrorCategory::Terminated,
            fault: Fault::Internal,
            phase: Phase::Method,
        };
        Self::failure(1, failure)
    }

    /// The command line could not be understood; the command did not run.
    pub fn usage(exit_code: i32, problem: Usage, message: impl Into<String>) -> Self {
        let failure = Failure {
            message: message.into(),
            category: ErrorCategory::Arguments,
            // As in the seed of the format, a mistyped command line is not a `user_error`.
            fault: Fault::Internal,
            phase: Phase::BeforeMethod,
        };
        Self { exit_code, failure: Some(failure), error_type: Some(problem.error_type()) }
    }
}

/// What is wrong with a command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// An option or argument is unknown, missing or malformed.
    Invalid,
    /// There are more positional arguments than the command takes.
    TooManyArguments,
}

impl Usage {
    const fn error_type(self) -> &'static str {
        match self {
            Self::Invalid => "ValidationError",
            Self::TooManyArguments => "TooManyArgumentsError",
        }
    }
}
