//! What settling a dead session costs the command that finds it.
//!
//! `cargo bench -p swamp-telemetry --bench recovery`: the end of a session next to the journal of a
//! process that was killed, against the same end without one. The journal of a run of ten calls is
//! the usual one; its budget is 5 ms.

#![expect(clippy::print_stdout, reason = "printing is what a benchmark is for")]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run shall say so")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use swamp_events::{DriverUse, EventKind, EventStream, MethodRef, RunRef, StepRef};
use swamp_ident::{DriverOrigin, JobName, RunId, StepName, SystemClock, WorkflowName};
use swamp_telemetry::{CommandWords, Outcome, Session, SessionConfig, surroundings};

const ROUNDS: usize = 25;

fn main() {
    // Kept to the end: ext4 avoids inodes that were freed a moment ago, and looking for others would
    // be measured too.
    let mut homes = Vec::new();
    let none = median(&mut homes, |spool| drop(std::fs::create_dir_all(spool.join("sessions"))));
    println!("end of a command, no dead session: {none:?}");
    for calls in [0, 1, 10, 100, 1000] {
        let journal = journal(calls);
        let with = median(&mut homes, |spool| {
            std::fs::create_dir_all(spool.join("sessions")).unwrap();
            std::fs::write(spool.join("sessions/dead.journal"), &journal).unwrap();
        });
        let added = with.saturating_sub(none);
        println!("  a dead session with {calls:>4} calls under way adds {added:?}");
    }
}

fn open(spool: PathBuf) -> Session {
    let words = CommandWords::new(["workflow", "run"]);
    Session::open(SessionConfig::new(spool, words, surroundings(&|_| None, false, None), "1"))
}

/// The journal of a run that died with so many calls under way.
fn journal(calls: usize) -> Vec<u8> {
    let home = tempfile::tempdir().unwrap();
    let session = open(home.path().to_owned());
    let stream = EventStream::new(Arc::new(SystemClock::new()), vec![session.sink()]);
    let job = stream
        .emitter()
        .for_run(RunRef { workflow: WorkflowName::new("w"), id: RunId::new("run") })
        .for_job(JobName::new("main"));
    for number in 0..calls {
        let name = StepName::new(format!("step-{number}"));
        let step = job.for_step(StepRef { template: name.clone(), name, for_each: None });
        step.emit(EventKind::MethodExecuting(MethodRef {
            model: "model".into(),
            model_type: Some("command/shell".into()),
            method: "execute".into(),
            driver: Some(DriverUse { name: "raw".into(), origin: DriverOrigin::Default }),
        }));
    }
    let name = format!("sessions/{}.journal", session.id());
    std::fs::read(home.path().join(name)).unwrap()
}

fn median(homes: &mut Vec<tempfile::TempDir>, prepare: impl Fn(&Path)) -> Duration {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let home = tempfile::tempdir().unwrap();
            prepare(home.path());
            let session = open(home.path().to_owned());
            let start = Instant::now();
            session.close(Outcome::success());
            let time = start.elapsed();
            homes.push(home);
            time
        })
        .collect();
    times.sort_unstable();
    times[ROUNDS / 2]
}
