//! From the events of a run to the entries of its method calls.
//!
//! The bridge is a sink of the event stream and is called inline, on the thread where the event
//! happened: a method is in the journal before its code runs. It keeps one small state per step that
//! is under way, keyed by the step's whole scope (runs, job, step, attempt) as a value, so that no
//! two steps can be taken for one another.
//!
//! | Event | Effect |
//! |---|---|
//! | run started, outermost | its id belongs to the command's entry |
//! | method executing | the call begins |
//! | method finished | the call's duration and result are known |
//! | step completed | the call is final |
//! | step failed, call under way | the call is final, as a failure |
//! | step failed, no call under way, call named | a call that failed before its method: 0 ms |
//! | step failed, no call named | none: a structural failure |
//! | step or job skipped | counted, a job with all its steps |
//! | cancelled | the cause of whatever does not end by itself |

mod context;
mod state;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use swamp_events::{EventKind, EventSink, MethodRef, RunEvent};
use swamp_ident::{
    CancelCause, DriverName, ErrorCategory, Failure, Fault, IdSource, InvocationId, Moment, Phase,
};
use swamp_wire::{InvocationResult, TelemetryEntry};

use self::context::{method_context, step_context};
use self::state::{Call, Direct, State};
use crate::entry;
use crate::journal::{Begin, End, Ending, Finish, Record, Whole};
use crate::message::Masks;
use crate::outcome::Outcome;
use crate::recorder::Recorder;
use crate::recovery::Recovered;
use crate::session::Closed;
use crate::words::is_method_name;

/// The sink of a session.
pub(crate) struct Bridge {
    /// The command's entry as it is to be if the process dies.
    command: TelemetryEntry,
    began: Moment,
    masks: Masks,
    /// Words of the command line that may stand in its error text.
    public: Vec<String>,
    /// Words of the command line that may not.
    private: Vec<String>,
    ids: Arc<dyn IdSource>,
    /// `None` once the session is closed.
    state: Mutex<Option<State>>,
}

impl Bridge {
    pub(crate) fn new(
        command: TelemetryEntry,
        began: Moment,
        masks: Masks,
        words: (Vec<String>, Vec<String>),
        ids: Arc<dyn IdSource>,
        recorder: Recorder,
    ) -> Self {
        let (public, private) = words;
        let state = State::new(recorder);
        Self { command, began, masks, public, private, ids, state: Mutex::new(Some(state)) }
    }

    /// The id of the command's entry.
    pub(crate) fn id(&self) -> &InvocationId {
        &self.command.id
    }

    /// Ends the session; `None` if it has ended before.
    pub(crate) fn close(&self, outcome: &Outcome, now: Moment) -> Option<Closed> {
        let mut state = self.lock().take()?;
        self.drain(&mut state, outcome, now);
        let entry = self.command_entry(&state, outcome, now);
        Some(state.recorder.close(&entry))
    }

    /// Settles dead sessions now; nothing once the session has ended.
    pub(crate) fn recover(&self) -> Recovered {
        self.lock().as_mut().map(|state| state.recorder.recover_now()).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Option<State>> {
        // Whoever panicked here left at most one call unfinished.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, state: &mut State, event: &RunEvent, method: &MethodRef) {
        let t = millis(event.at);
        let Some(context) = step_context(&event.scope, method) else {
            let context = method_context(method, Phase::Method);
            state.direct = Some(Direct { method: method.clone(), phase: Phase::Method });
            state.recorder.write(&Record::Direct { t, context });
            return;
        };
        let n = state.next;
        state.next += 1;
        let begin = Begin {
            n,
            id: self.ids.uuid().into(),
            at: event.at.wall.as_millis(),
            t,
            method: method.method.clone(),
            context,
        };
        state.recorder.write(&Record::Begin(Box::new(begin)));
        let call = Call { n, began: event.at, method: method.clone(), finished: None };
        if let Some(lost) = state.calls.insert(Arc::clone(&event.scope), call) {
            // The engine never ends this one; it must not be lost for that.
            self.interrupt(state, &lost, ErrorCategory::Terminated, event.at);
        }
    }

    fn finish(&self, state: &mut State, event: &RunEvent, result: &Result<(), Failure>) {
        let Some(call) = state.calls.get_mut(&event.scope) else {
            return;
        };
        let ms = event.at.millis_since(&call.began);
        call.finished = Some((ms, result.is_ok()));
        let (result, phase) = match result {
            Ok(()) => (InvocationResult::success(), Phase::Method),
            Err(failure) => {
                (self.failed(state.stopped, failure, &call.method), begun_phase(failure.phase))
            }
        };
        let ending = Ending { ms, result, phase, allowed: false };
        let finish = Finish { n: call.n, t: millis(event.at), ending };
        state.recorder.write(&Record::Finish(finish));
    }

    fn complete(state: &mut State, event: &RunEvent) {
        // Steps that call no method are nested runs, whose own steps speak for themselves.
        let Some(call) = state.calls.remove(&event.scope) else {
            return;
        };
        let ending = match call.finished {
            Some((_, true)) => None,
            finished => Some(Ending {
                ms: finished.map_or_else(|| event.at.millis_since(&call.began), |(ms, _)| ms),
                result: InvocationResult::success(),
                phase: Phase::Method,
                allowed: false,
            }),
        };
        let end = Record::End(End { n: call.n, ending });
        if matches!(&end, Record::End(End { ending: None, .. })) {
            state.recorder.write_later(&end);
        } else {
            state.recorder.write(&end);
        }
        state.success += 1;
        state.recorder.one_more();
    }

    fn fail(
        &self,
        state: &mut State,
        event: &RunEvent,
        failure: &Failure,
        allowed: bool,
        named: Option<&MethodRef>,
    ) {
        state.remember(&event.scope, failure, allowed);
        if let Some(call) = state.calls.remove(&event.scope) {
            let ms = call.finished.map_or_else(|| event.at.millis_since(&call.began), |(ms, _)| ms);
            // What follows a method that did its work is not the method's failure.
            let phase = match call.finished {
                Some((_, true)) => Phase::AfterMethod,
                _ => begun_phase(failure.phase),
            };
            let result = self.failed(state.stopped, failure, &call.method);
            let ending = Some(Ending { ms, result, phase, allowed });
            state.recorder.write(&Record::End(End { n: call.n, ending }));
        } else if let Some(method) = named {
            let Some(mut context) = step_context(&event.scope, method) else {
                let method = method.clone();
                let direct =
                    state.direct.get_or_insert(Direct { method, phase: Phase::BeforeMethod });
                if direct.phase != Phase::BeforeMethod {
                    direct.phase = begun_phase(failure.phase);
                }
                return;
            };
            context.phase = Some(Phase::BeforeMethod.into());
            context.allowed_failure = allowed.then_some(true);
            let whole = Whole {
                id: self.ids.uuid().into(),
                at: event.at.wall.as_millis(),
                t: millis(event.at),
                method: method.method.clone(),
                result: self.failed(state.stopped, failure, method),
                context,
            };
            state.recorder.write(&Record::Whole(Box::new(whole)));
        } else {
            return;
        }
        state.error += 1;
        state.recorder.one_more();
    }

    /// Gives every call that is still under way its end.
    fn drain(&self, state: &mut State, outcome: &Outcome, now: Moment) {
        let category = match (state.stopped, &outcome.failure) {
            (Some(cause), _) => cause.category(),
            (None, Some(failure)) if is_stop(failure.category) => failure.category,
            _ => ErrorCategory::Terminated,
        };
        let mut calls: Vec<Call> = state.calls.drain().map(|(_, call)| call).collect();
        calls.sort_unstable_by_key(|call| call.n);
        for call in calls {
            self.interrupt(state, &call, category, now);
        }
    }

    /// Ends a call whose step never said how it ended.
    fn interrupt(&self, state: &mut State, call: &Call, category: ErrorCategory, now: Moment) {
        let ending = if let Some((_, succeeded)) = call.finished {
            // The method itself did end; that is what counts.
            if succeeded {
                state.success += 1;
            } else {
                state.error += 1;
            }
            None
        } else {
            state.error += 1;
            let message = match category {
                ErrorCategory::Timeout => "Stopped by the deadline of the run",
                ErrorCategory::Cancelled => "Stopped with the run",
                _ => "The run ended before this method did",
            };
            let failure = Failure {
                message: message.to_owned(),
                category,
                fault: Fault::Internal,
                phase: Phase::Method,
            };
            Some(Ending {
                ms: now.millis_since(&call.began),
                result: self.failed(state.stopped, &failure, &call.method),
                phase: Phase::Method,
                allowed: false,
            })
        };
        state.recorder.write(&Record::End(End { n: call.n, ending }));
        state.recorder.one_more();
    }

    /// The result of a method call that failed.
    fn failed(
        &self,
        stopped: Option<CancelCause>,
        failure: &Failure,
        method: &MethodRef,
    ) -> InvocationResult {
        let message = self.masks.clean(
            &failure.message,
            failure.category,
            &[method.model.as_str()],
            &public_words(Some(method), &[]),
        );
        entry::failed(failure, message, 1, stopped)
    }

    fn command_entry(&self, state: &State, outcome: &Outcome, now: Moment) -> TelemetryEntry {
        let mut entry = self.command.clone();
        entry.duration_ms = i64::try_from(now.millis_since(&self.began)).unwrap_or(i64::MAX);
        entry.completed_at = entry.started_at.plus_millis(entry.duration_ms);
        entry.result = self.command_result(state, outcome);
        if state.run_id.is_some() {
            entry.run_id.clone_from(&state.run_id);
            entry.run_status = state.run_status.map(Into::into);
            entry.method_counts = Some(state.counts());
        }
        let direct = state.direct.as_ref();
        entry.method_context = direct.map(|direct| method_context(&direct.method, direct.phase));
        entry
    }

    fn command_result(&self, state: &State, outcome: &Outcome) -> InvocationResult {
        if outcome.exit_code == 0 && outcome.failure.is_none() {
            return InvocationResult::success();
        }
        let derived;
        let failure = if let Some(failure) = &outcome.failure {
            failure
        } else {
            derived = state.cause_of_failure(outcome.exit_code);
            &derived
        };
        let mut names: Vec<&str> = self.private.iter().map(String::as_str).collect();
        let method = state.direct.as_ref().map(|direct| &direct.method);
        names.extend(method.map(|method| method.model.as_str()));
        let public = public_words(method, &self.public);
        let message = self.masks.clean(&failure.message, failure.category, &names, &public);
        let mut result = entry::failed(failure, message, outcome.exit_code, state.stopped);
        if let Some(error_type) = outcome.error_type {
            result.error_type = Some(error_type.to_owned());
        }
        result
    }
}

impl EventSink for Bridge {
    fn accept(&self, event: &Arc<RunEvent>) {
        use EventKind as Kind;
        // Most events are none of ours, and need no lock.
        if !matters(&event.kind) {
            return;
        }
        let mut guard = self.lock();
        let Some(state) = guard.as_mut() else {
            return;
        };
        let outermost = event.scope.ancestors.is_empty();
        match &event.kind {
            Kind::RunStarted { .. } if outermost => {
                if let Some(run) = &event.scope.run {
                    state.run_id = Some(run.id.clone());
                    state.recorder.write(&Record::Run { id: run.id.clone() });
                }
            }
            Kind::RunCompleted { status, error, .. } => {
                if outermost {
                    state.run_status = Some(*status);
                }
                if let Some(failure) = error {
                    state.remember(&event.scope, failure, false);
                }
            }
            Kind::JobCompleted { error: Some(failure), .. } => {
                state.remember(&event.scope, failure, false);
            }
            Kind::MethodExecuting(method) => self.begin(state, event, method),
            Kind::MethodFinished { result } => self.finish(state, event, result),
            Kind::StepCompleted { .. } => Self::complete(state, event),
            Kind::StepFailed { failure, allowed, call } => {
                self.fail(state, event, failure, *allowed, call.as_ref());
            }
            Kind::StepSkipped { .. } => state.skipped += 1,
            Kind::JobSkipped { steps, .. } => {
                state.skipped = state.skipped.saturating_add(u64::try_from(*steps).unwrap_or(0));
            }
            Kind::Cancelled { cause } => {
                state.stopped.get_or_insert(*cause);
            }
            _ => {}
        }
    }
}

/// Whether an event changes anything here.
const fn matters(kind: &EventKind) -> bool {
    matches!(
        kind,
        EventKind::RunStarted { .. }
            | EventKind::RunCompleted { .. }
            | EventKind::JobCompleted { error: Some(_), .. }
            | EventKind::MethodExecuting(_)
            | EventKind::MethodFinished { .. }
            | EventKind::StepCompleted { .. }
            | EventKind::StepFailed { .. }
            | EventKind::StepSkipped { .. }
            | EventKind::JobSkipped { .. }
            | EventKind::Cancelled { .. }
    )
}

/// Words that may stand in an error text although a name would not.
fn public_words<'a>(method: Option<&'a MethodRef>, declared: &'a [String]) -> Vec<&'a str> {
    let mut words = crate::words::BUILT_IN_MODEL_TYPES.to_vec();
    if let Some(method) = method {
        words.extend(is_method_name(method.method.as_str()).then_some(method.method.as_str()));
        words.extend(method.model_type.as_ref().map(AsRef::as_ref));
        words.extend(context::public_driver(method).map(DriverName::as_str));
    }
    words.extend(declared.iter().map(String::as_str));
    words
}

/// The phase of a failure of a call whose method began.
const fn begun_phase(phase: Phase) -> Phase {
    match phase {
        Phase::AfterMethod => Phase::AfterMethod,
        Phase::BeforeMethod | Phase::Method => Phase::Method,
    }
}

/// Whether a command that failed with this was stopped.
const fn is_stop(category: ErrorCategory) -> bool {
    matches!(category, ErrorCategory::Timeout | ErrorCategory::Cancelled)
}

/// A moment as the journal has it.
fn millis(at: Moment) -> u64 {
    u64::try_from(at.mono.as_millis()).unwrap_or(u64::MAX)
}
