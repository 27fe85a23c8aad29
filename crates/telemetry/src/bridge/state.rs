//! What a session knows of its run.

use std::collections::HashMap;
use std::sync::Arc;

use swamp_events::{MethodRef, Scope};
use swamp_ident::{CancelCause, ErrorCategory, Failure, Fault, Moment, Phase, RunId, Status};
use swamp_wire::{Extra, MethodCounts};

use crate::recorder::Recorder;

/// Everything that changes while a run goes on.
pub(super) struct State {
    pub(super) recorder: Recorder,
    pub(super) calls: HashMap<Arc<Scope>, Call>,
    /// Number of the next call.
    pub(super) next: u64,
    pub(super) run_id: Option<RunId>,
    pub(super) run_status: Option<Status>,
    pub(super) direct: Option<Direct>,
    pub(super) stopped: Option<CancelCause>,
    /// The first failure that was not allowed, of the outermost run and of any.
    pub(super) cause: Option<Failure>,
    pub(super) inner_cause: Option<Failure>,
    pub(super) success: u64,
    pub(super) error: u64,
    pub(super) skipped: u64,
}

/// A method call of a step that is under way.
pub(super) struct Call {
    pub(super) n: u64,
    pub(super) began: Moment,
    pub(super) method: MethodRef,
    /// How long the method ran and whether it succeeded, once it has ended.
    pub(super) finished: Option<(u64, bool)>,
}

/// A method that the command itself calls.
pub(super) struct Direct {
    pub(super) method: MethodRef,
    pub(super) phase: Phase,
}

impl State {
    /// Nothing has happened.
    pub(super) fn new(recorder: Recorder) -> Self {
        Self {
            recorder,
            calls: HashMap::new(),
            next: 0,
            run_id: None,
            run_status: None,
            direct: None,
            stopped: None,
            cause: None,
            inner_cause: None,
            success: 0,
            error: 0,
            skipped: 0,
        }
    }

    /// What became of the method calls so far.
    pub(super) fn counts(&self) -> MethodCounts {
        MethodCounts {
            total: self.success + self.error + self.skipped,
            success: self.success,
            error: self.error,
            skipped: self.skipped,
            extra: Extra::new(),
        }
    }

    /// Remembers why a run fails.
    pub(super) fn remember(&mut self, scope: &Scope, failure: &Failure, allowed: bool) {
        if allowed {
            return;
        }
        let cause =
            if scope.ancestors.is_empty() { &mut self.cause } else { &mut self.inner_cause };
        cause.get_or_insert_with(|| failure.clone());
    }

    /// Why the command failed, as the events tell it.
    pub(super) fn cause_of_failure(&self, exit_code: i32) -> Failure {
        if let Some(cause) = self.stopped {
            return Failure {
                message: match cause {
                    CancelCause::Interrupt => "Stopped by SIGINT",
                    CancelCause::Terminate => "Stopped by SIGTERM",
                    CancelCause::Deadline => "Stopped by the deadline",
                }
                .to_owned(),
                category: cause.category(),
                fault: Fault::Internal,
                phase: Phase::Method,
            };
        }
        self.cause.as_ref().or(self.inner_cause.as_ref()).cloned().unwrap_or_else(|| Failure {
            message: format!("The command ended with exit code {exit_code}"),
            category: ErrorCategory::Internal,
            fault: Fault::Internal,
            phase: Phase::Method,
        })
    }
}
