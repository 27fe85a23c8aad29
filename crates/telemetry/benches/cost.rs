//! What telemetry costs a run, as ratios against the same run without it.
//!
//! `cargo bench -p swamp-telemetry` runs 1000 steps that each start `sh -c true`, at most 32 at
//! once, with and without a session, alternately, and compares the best of each. Then it measures
//! the parts: a method call's way through the bridge, and the end of a session.

#![expect(clippy::print_stdout, reason = "printing is what a benchmark is for")]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run shall say so")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use swamp_events::{DriverUse, Emitter, EventKind, EventStream, MethodRef, RunRef, StepRef};
use swamp_ident::{
    DriverOrigin, JobName, MethodName, ModelName, RunId, StepName, SystemClock, TypeName,
    WorkflowId, WorkflowName,
};
use swamp_telemetry::{CommandWords, Outcome, Session, SessionConfig, surroundings};

const STEPS: usize = 1000;
const PARALLEL: usize = 32;
const ROUNDS: usize = 15;

fn main() {
    let home = tempfile::tempdir().unwrap();
    let spawn = || {
        Command::new("sh").args(["-c", "true"]).stdin(Stdio::null()).status().unwrap();
    };
    let nothing = || {};

    let (mut off, mut on) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        off.push(run(None, PARALLEL, &spawn).0);
        on.push(run(Some(spool(home.path(), round)), PARALLEL, &spawn).0);
    }
    println!("{STEPS} steps of `sh -c true`, {PARALLEL} at once, best and median of {ROUNDS}:");
    for (name, pick) in [("best", 0), ("median", ROUNDS / 2)] {
        off.sort_unstable();
        on.sort_unstable();
        let ratio = on[pick].as_secs_f64() / off[pick].as_secs_f64();
        println!("  {name}: {:?} without, {:?} with telemetry: {ratio:.3} x", off[pick], on[pick]);
    }

    let (mut bridge, mut close) = (Duration::MAX, Duration::MAX);
    for round in 0..ROUNDS {
        let (whole, end) = run(Some(spool(home.path(), ROUNDS + round)), 1, &nothing);
        bridge = bridge.min(whole.saturating_sub(end));
        close = close.min(end);
    }
    let steps = u32::try_from(STEPS).unwrap();
    println!("without any work in the steps, for each of them:");
    println!("  {:?} in the run, {:?} at its end", bridge / steps, close / steps);
}

fn spool(home: &Path, round: usize) -> PathBuf {
    home.join(round.to_string())
}

/// Runs the steps; returns the time of all of it and that of the end of the session.
fn run(spool: Option<PathBuf>, parallel: usize, work: &(dyn Fn() + Sync)) -> (Duration, Duration) {
    let start = Instant::now();
    let session = spool.map(|spool| {
        let words = CommandWords::new(["workflow", "run"]);
        Session::open(SessionConfig::new(spool, words, surroundings(&|_| None, false, None), "1"))
    });
    let sinks = session.iter().map(Session::sink).collect();
    let stream = EventStream::new(Arc::new(SystemClock::new()), sinks);
    let run = stream
        .emitter()
        .for_run(RunRef { workflow: WorkflowName::new("fan-out"), id: RunId::new("run") });
    run.emit(EventKind::RunStarted {
        workflow_id: WorkflowId::new("id"),
        driver: None,
        jobs: Vec::new(),
        log_path: PathBuf::new(),
    });
    let job = run.for_job(JobName::new("main"));
    let next = AtomicUsize::new(0);
    std::thread::scope(|threads| {
        for _ in 0..parallel {
            threads.spawn(|| {
                while next.fetch_add(1, Ordering::Relaxed) < STEPS {
                    step(&job, next.load(Ordering::Relaxed), work);
                }
            });
        }
    });
    let end = Instant::now();
    if let Some(session) = session {
        let closed = session.close(Outcome::success());
        assert_eq!(closed.written, STEPS as u64 + 1);
    }
    (start.elapsed(), end.elapsed())
}

fn step(job: &Emitter, number: usize, work: &(dyn Fn() + Sync)) {
    let name = StepName::new(format!("step-{number}"));
    let emitter = job.for_step(StepRef { template: name.clone(), name, for_each: None });
    emitter.emit(EventKind::StepStarted);
    emitter.emit(EventKind::MethodExecuting(MethodRef {
        model: ModelName::new("model"),
        model_type: Some(TypeName::normalised("command/shell")),
        method: MethodName::new("execute"),
        driver: Some(DriverUse { name: "raw".into(), origin: DriverOrigin::Default }),
    }));
    work();
    emitter.emit(EventKind::MethodFinished { result: Ok(()) });
    emitter.emit(EventKind::StepCompleted { artifacts: Vec::new() });
}
