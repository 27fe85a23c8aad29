//! Memory of a session, as counts.
//!
//! `cargo bench -p swamp-telemetry --bench memory` records 1,000, 10,000 and 100,000 method calls and
//! prints how far the peak of the process's resident memory went up. It has to stay flat: what is
//! known of a call is forgotten when the call is final.

#![expect(clippy::print_stdout, reason = "printing is what a benchmark is for")]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run shall say so")]

use std::path::PathBuf;
use std::sync::Arc;

use swamp_events::{DriverUse, EventKind, EventStream, MethodRef, RunRef, StepRef};
use swamp_ident::{DriverOrigin, JobName, RunId, StepName, SystemClock, WorkflowId, WorkflowName};
use swamp_telemetry::{CommandWords, Outcome, Session, SessionConfig, surroundings};

/// How much the peak may grow from the first run to the last, in KiB.
const ALLOWED: u64 = 4096;

fn main() {
    let mut first = None;
    for calls in [1_000, 10_000, 100_000] {
        let spool = tempfile::tempdir().unwrap();
        record(spool.path().to_owned(), calls);
        let peak = peak_kib();
        let grown = peak - *first.get_or_insert(peak);
        println!(
            "{calls:>7} calls in one session: peak {peak} KiB, {grown} KiB more than the first"
        );
        assert!(grown <= ALLOWED, "a session remembers calls that are over");
    }
}

fn record(spool: PathBuf, calls: u64) {
    let words = CommandWords::new(["workflow", "run"]);
    let context = surroundings(&|_| None, false, None);
    let session = Session::open(SessionConfig::new(spool, words, context, "1"));
    let stream = EventStream::new(Arc::new(SystemClock::new()), vec![session.sink()]);
    let run = stream
        .emitter()
        .for_run(RunRef { workflow: WorkflowName::new("long"), id: RunId::new("run") });
    run.emit(EventKind::RunStarted {
        workflow_id: WorkflowId::new("id"),
        driver: None,
        jobs: Vec::new(),
        log_path: PathBuf::new(),
    });
    let job = run.for_job(JobName::new("main"));
    for number in 0..calls {
        let name = StepName::new(format!("step-{number}"));
        let step = job.for_step(StepRef { template: name.clone(), name, for_each: None });
        step.emit(EventKind::MethodExecuting(MethodRef {
            model: "model".into(),
            model_type: Some("command/shell".into()),
            method: "execute".into(),
            driver: Some(DriverUse { name: "raw".into(), origin: DriverOrigin::Default }),
        }));
        step.emit(EventKind::MethodFinished { result: Ok(()) });
        step.emit(EventKind::StepCompleted { artifacts: Vec::new() });
    }
    let closed = session.close(Outcome::success());
    // The spool is bounded; what is over its bounds is counted.
    assert_eq!(closed.written + closed.lost, calls + 1);
}

/// The peak of this process's resident memory.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
