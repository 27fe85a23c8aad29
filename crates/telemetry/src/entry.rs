//! Making entries: what all entries of a session share, and how an ending is put into words.

use swamp_ident::{CancelCause, ErrorCategory, Failure, Fault, InvocationId};
use swamp_wire::{Extra, InvocationResult, NO_DENO, ResultStatus, Runtime, TelemetryEntry};

use crate::session::SessionConfig;
use crate::surroundings::platform;
use crate::words::child_invocation;

/// `errorType` of what the user can put right.
const USER_ERROR: &str = "UserError";

/// `errorType` of everything else.
const ERROR: &str = "Error";

/// The command's entry as it is to be if the process dies before it can say better.
pub(crate) fn of_command(config: &SessionConfig, id: InvocationId) -> TelemetryEntry {
    TelemetryEntry {
        id,
        invocation: config.words.invocation(),
        result: terminated(),
        started_at: config.started.wall,
        completed_at: config.started.wall,
        duration_ms: 0,
        swamp_version: config.version.clone(),
        deno_version: NO_DENO.to_owned(),
        platform: platform().to_owned(),
        invocation_context: Some(config.context.clone()),
        parent_invocation_id: None,
        workflow_context: None,
        runtime: Some(Runtime {
            name: "rust".to_owned(),
            version: env!("CARGO_PKG_RUST_VERSION").to_owned(),
            extra: Extra::new(),
        }),
        repo_id: config.repo_id.clone(),
        run_id: None,
        run_status: None,
        method_counts: None,
        method_context: None,
        trace_id: None,
        span_id: None,
        extra: Extra::new(),
    }
}

/// What the entries of a command's method calls have in common.
pub(crate) fn child_template(command: &TelemetryEntry) -> TelemetryEntry {
    TelemetryEntry {
        invocation: child_invocation(""),
        parent_invocation_id: Some(command.id.clone()),
        run_id: None,
        run_status: None,
        method_counts: None,
        method_context: None,
        ..command.clone()
    }
}

/// The result of an invocation whose end nobody saw.
pub(crate) fn terminated() -> InvocationResult {
    InvocationResult {
        status: ResultStatus::Error.into(),
        exit_code: 1,
        error_type: Some(ERROR.to_owned()),
        error_message: Some("The process died before this ended".to_owned()),
        error_category: Some(ErrorCategory::Terminated.into()),
        extra: Extra::new(),
    }
}

/// The result of an invocation that failed.
///
/// One rule for commands and for the method calls of a run: a `user_error` is what the user can put
/// right. Being stopped is no mistake of anybody's, so it is an `error` whoever asked for it; the
/// deadline of a run stops it like a signal does.
pub(crate) fn failed(
    failure: &Failure,
    message: Option<String>,
    exit_code: i32,
    stopped: Option<CancelCause>,
) -> InvocationResult {
    let was_stopped = match failure.category {
        ErrorCategory::Cancelled | ErrorCategory::Terminated => true,
        ErrorCategory::Timeout => stopped == Some(CancelCause::Deadline),
        _ => false,
    };
    let by_user = failure.fault == Fault::User && !was_stopped;
    let (status, error_type) =
        if by_user { (ResultStatus::UserError, USER_ERROR) } else { (ResultStatus::Error, ERROR) };
    InvocationResult {
        status: status.into(),
        exit_code: i64::from(exit_code),
        error_type: Some(error_type.to_owned()),
        error_message: message,
        error_category: Some(failure.category.into()),
        extra: Extra::new(),
    }
}
