//! What settling a dead session costs the command that finds it.
//!
//! `cargo bench -p swamp-telemetry --bench recovery`: the end of a session next to the journal of a
//! process that was killed, against the same end without one. The journal of a run of ten calls is
//! the usual one. The budget is 5 ms, however many calls there were: a session that is told how much
//! time it has, as every command's is, leaves the rest; beside it stands what everything costs.

#![expect(clippy::print_stdout, reason = "printing is what a benchmark is for")]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run shall say so")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use swamp_events::{DriverUse, EventKind, EventStream, MethodRef, RunRef, StepRef};
use swamp_ident::{DriverOrigin, JobName, RunId, StepName, SystemClock, WorkflowName};
use swamp_telemetry::{CommandWords, Outcome, Session, SessionConfig, surroundings};

const ROUNDS: usize = 25;

/// What a command of the program gives.
const HURRY: Option<Duration> = Some(Duration::from_millis(3));

fn main() {
    // Kept to the end: ext4 avoids inodes that were freed a moment ago, and looking for others would
    // be measured too.
    let mut homes = Vec::new();
    let prepare = |spool: &Path| drop(std::fs::create_dir_all(spool.join("sessions")));
    let (none, _) = median(&mut homes, HURRY, prepare);
    println!("end of a command, no dead session: {none:?}");
    for calls in [0, 1, 10, 100, 1000] {
        let journal = journal(calls);
        let prepare = |spool: &Path| {
            std::fs::create_dir_all(spool.join("sessions")).unwrap();
            std::fs::write(spool.join("sessions/dead.journal"), &journal).unwrap();
        };
        let (hurried, written) = median(&mut homes, HURRY, prepare);
        let (all, _) = median(&mut homes, None, prepare);
        let [hurried, all] = [hurried, all].map(|time| time.saturating_sub(none));
        println!(
            "  a dead session with {calls:>4} calls under way adds {hurried:?} for {written} entries, \
             {all:?} for all"
        );
    }
}

fn open(spool: PathBuf, settle_for: Option<Duration>) -> Session {
    let words = CommandWords::new(["workflow", "run"]);
    let context = surroundings(&|_| None, false, None);
    Session::open(SessionConfig { settle_for, ..SessionConfig::new(spool, words, context, "1") })
}

/// The journal of a run that died with so many calls under way.
fn journal(calls: usize) -> Vec<u8> {
    let home = tempfile::tempdir().unwrap();
    let session = open(home.path().to_owned(), None);
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

/// How long it takes, and how many entries of the dead session it writes.
fn median(
    homes: &mut Vec<tempfile::TempDir>,
    settle_for: Option<Duration>,
    prepare: impl Fn(&Path),
) -> (Duration, u64) {
    let mut rounds: Vec<(Duration, u64)> = (0..ROUNDS)
        .map(|_| {
            let home = tempfile::tempdir().unwrap();
            prepare(home.path());
            let session = open(home.path().to_owned(), settle_for);
            let start = Instant::now();
            let closed = session.close(Outcome::success());
            let time = start.elapsed();
            homes.push(home);
            (time, closed.recovered.entries)
        })
        .collect();
    rounds.sort_unstable();
    rounds[ROUNDS / 2]
}
