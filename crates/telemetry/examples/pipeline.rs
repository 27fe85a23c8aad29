//! Another engine: a pipeline of closures whose stages are recorded like the steps of swamp.
//!
//! Nothing here knows swamp. The engine emits events; the program that owns it opens a session,
//! hands the session's sink to the stream, and closes the session at its one way out. There is no
//! global state: a program may have as many sessions at once as it likes.
//!
//! `cargo run -p swamp-telemetry --example pipeline [spool]`

use std::path::Path;
use std::sync::Arc;

use swamp_events::{EventKind, EventStream, MethodRef, RunRef, RunTotals, StepRef};
use swamp_ident::{
    Clock, ErrorCategory, Failure, Fault, JobName, Phase, RunId, Status, StepName, SystemClock,
    WorkflowId, WorkflowName,
};
use swamp_telemetry::{Closed, CommandWords, Outcome, Session, SessionConfig, surroundings};

/// One stage of a pipeline.
pub type Stage = (&'static str, fn(i64) -> Result<i64, String>);

/// Sends a number through the stages, one after the other, each a method of a model of its own.
///
/// # Errors
///
/// What the first stage says that fails; those after it are skipped.
fn run(
    stream: &Arc<EventStream>,
    name: &str,
    stages: &[Stage],
    input: i64,
) -> Result<i64, Failure> {
    let run = stream.emitter().for_run(RunRef {
        workflow: WorkflowName::new(name),
        id: RunId::new(format!("{name}-{input}")),
    });
    run.emit(EventKind::RunStarted {
        workflow_id: WorkflowId::new(name),
        driver: None,
        jobs: Vec::new(),
        log_path: std::path::PathBuf::new(),
    });
    let job = run.for_job(JobName::new("stages"));
    let mut result = Ok(input);
    for (stage, work) in stages {
        let name = StepName::new(*stage);
        let step = job.for_step(StepRef { template: name.clone(), name, for_each: None });
        let Ok(number) = result else {
            step.emit(EventKind::StepSkipped { reason: swamp_events::SkipReason::EarlierFailure });
            continue;
        };
        let call = MethodRef {
            model: (*stage).into(),
            model_type: Some("pipeline/stage".into()),
            method: "apply".into(),
            driver: None,
        };
        step.emit(EventKind::StepStarted);
        step.emit(EventKind::MethodExecuting(call.clone()));
        result = work(number).map_err(|message| Failure {
            message,
            category: ErrorCategory::Method,
            fault: Fault::User,
            phase: Phase::Method,
        });
        step.emit(EventKind::MethodFinished { result: result.clone().map(|_| ()) });
        step.emit(match &result {
            Ok(_) => EventKind::StepCompleted { artifacts: Vec::new() },
            Err(failure) => {
                EventKind::StepFailed { failure: failure.clone(), allowed: false, call: Some(call) }
            }
        });
    }
    let status = if result.is_ok() { Status::Succeeded } else { Status::Failed };
    let error = result.as_ref().err().cloned();
    run.emit(EventKind::RunCompleted { status, error, totals: RunTotals::default() });
    result
}

/// Runs a pipeline and records it in a spool.
pub fn recorded(spool: &Path, name: &str, stages: &[Stage], input: i64) -> Closed {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let words = CommandWords::new(["pipeline", "run"]).argument(name);
    let context = surroundings(&|name: &str| std::env::var(name).ok(), false, None);
    let session = Session::open(SessionConfig {
        started: clock.now(),
        clock: Arc::clone(&clock),
        ..SessionConfig::new(spool, words, context, "2.0.0")
    });
    let stream = EventStream::new(clock, vec![session.sink()]);
    let outcome = match run(&stream, name, stages, input) {
        Ok(_) => Outcome::success(),
        Err(failure) => Outcome::failure(1, failure),
    };
    session.close(outcome)
}

/// Stages to try it with.
pub const STAGES: [Stage; 3] = [
    ("double", |number| Ok(number * 2)),
    ("even-only", |number| {
        if number % 4 == 0 { Ok(number) } else { Err(format!("{number} is not wanted")) }
    }),
    ("halve", |number| Ok(number / 2)),
];

#[expect(clippy::print_stdout, reason = "an example shows what it does")]
fn main() {
    let spool = std::env::args_os()
        .nth(1)
        .map_or_else(|| std::env::temp_dir().join("pipeline-telemetry"), std::path::PathBuf::from);
    for input in [2, 3] {
        let closed = recorded(&spool, "numbers", &STAGES, input);
        println!("{} entries in {}", closed.written, spool.display());
    }
}
