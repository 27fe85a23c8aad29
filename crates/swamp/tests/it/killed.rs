//! kill -9 at any moment: what began has exactly one entry once the next command has run.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;
use swamp_events::{DriverUse, EventKind, EventStream, MethodRef, RunRef, StepRef};
use swamp_ident::{Clock, DriverOrigin, JobName, RunId, StepName, SystemClock, WorkflowName};
use swamp_telemetry::{CommandWords, Session, SessionConfig, surroundings};

use crate::environment::{TestEnvironment, call, jobs, nest, text, until};
use crate::flush::settle;

/// How often a run is killed.
const KILLS: u32 = 200;

/// Seed of the moments; `SWAMP_TEST_SEED_OF_KILLS` sets another.
const SEED: u64 = 20_261_122;

/// Calls of a run that is not killed.
const CALLS: usize = 15;

/// Bytes that the journal of such a run comes to, about.
const JOURNAL: u64 = 12_000;

/// A fan-out, with a nested run whose steps have the same names.
fn workflow(environment: &TestEnvironment) {
    environment.shell("worker", "run: ':'");
    let each = ", forEach: {item: n, in: '${{ [1, 2, 3, 4, 5] }}'}";
    environment.workflow("inner", &jobs(&[("main", "", &[call("s", "worker", each)])]));
    let twice = ["a", "b"].map(|name| nest(name, "inner", ""));
    environment.workflow(
        "w",
        &jobs(&[("main", "", &[&[call("s", "worker", each)][..], &twice].concat())]),
    );
}

/// How long the only journal is by now.
fn journal_length(environment: &TestEnvironment) -> u64 {
    let sessions = fs::read_dir(environment.spool().join("sessions"));
    let files = sessions.into_iter().flatten().flatten();
    files.filter_map(|file| file.metadata().ok()).map(|found| found.len()).max().unwrap_or(0)
}

/// A number that looks random and is the same every time.
fn roll(dice: &mut u64) -> u64 {
    *dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *dice >> 33
}

/// The ids of the calls that began, and that of the command, as the journals of dead processes say;
/// nothing if there is no journal.
fn begun(environment: &TestEnvironment) -> Option<(BTreeSet<String>, String)> {
    let sessions = environment.spool().join("sessions");
    let mut journals: Vec<_> = fs::read_dir(&sessions)
        .into_iter()
        .flatten()
        .map(|item| item.expect("a directory entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "journal"))
        .collect();
    let journal = journals.pop()?;
    // A command that was just being started shares the lock with its dead parent until it has begun.
    let lock = fs::File::open(&journal).expect("a journal");
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).expect("a lock");
    drop(lock);
    let journal = fs::read_to_string(journal).expect("a journal");
    assert!(journals.is_empty(), "more than one process died: {journals:?}");
    let whole = journal.rfind('\n').map_or("", |end| &journal[..end]);
    let records: Vec<Value> =
        whole.lines().map(|line| serde_json::from_str(&line[9..]).expect("a record")).collect();
    let calls = records.iter().filter_map(|record| record.get("begin").or(record.get("whole")));
    let command = records.first().map(|record| text(&record["open"]["entry"]["id"]).to_owned());
    Some((calls.map(|call| text(&call["id"]).to_owned()).collect(), command.unwrap_or_default()))
}

/// Weakness 45: a process that dies leaves calls without a command.
#[test]
fn what_began_has_ended_once_whenever_the_process_is_killed() {
    let seed = std::env::var("SWAMP_TEST_SEED_OF_KILLS").ok().and_then(|seed| seed.parse().ok());
    let mut dice = seed.unwrap_or(SEED);
    println!("seed {dice}");
    let environment = TestEnvironment::new();
    workflow(&environment);
    let run = ["workflow", "run", "w", "--skip-reports", "--json"];
    environment.ok(run);
    assert_eq!(environment.entries().children().len(), CALLS);

    let (mut in_flight, mut before, mut after) = (0, 0, 0);
    for _ in 0..KILLS {
        fs::remove_dir_all(environment.spool()).expect("a spool");
        let running = environment.spawn(environment.command(run));
        // Moments are told by how far the journal is, not by the clock, which says little on a busy
        // machine. Also before anything, and after everything.
        let far = (roll(&mut dice) % JOURNAL).saturating_sub(1000);
        let start = Instant::now();
        while journal_length(&environment) < far && start.elapsed() < Duration::from_millis(300) {
            std::thread::sleep(Duration::from_micros(100));
        }
        std::thread::sleep(Duration::from_micros(roll(&mut dice) % 500));
        running.signal(Signal::KILL);
        running.wait();

        let begun = begun(&environment);
        // Some may be torn.
        let there = environment.files(".swamp/telemetry");
        let there = there.iter().filter(|name| name.starts_with("telemetry-")).count();
        environment.ok(["version"]);
        let mut entries = environment.entries();
        assert_eq!(environment.files(".swamp/telemetry/sessions"), [""; 0]);
        entries.0.retain(|entry| entry["invocation"]["command"] != "version");
        let ids: BTreeSet<String> =
            entries.children().iter().map(|child| text(&child["id"]).to_owned()).collect();
        assert_eq!(ids.len(), entries.children().len(), "two entries of one call");
        match begun {
            None if there == 0 => {
                before += 1;
                assert!(entries.0.is_empty(), "{entries:#?}");
                continue;
            }
            None => {
                after += 1;
                assert_eq!(ids.len(), CALLS, "{entries:#?}");
            }
            Some((begun, command)) if command.is_empty() => {
                // Killed between making its journal and writing the first line.
                before += 1;
                assert!(begun.is_empty() && entries.0.is_empty(), "{entries:#?}");
                continue;
            }
            Some((begun, command)) => {
                in_flight += 1;
                assert_eq!(ids, begun, "what began and what has an entry");
                assert_eq!(entries.parent()["id"], command);
            }
        }
        let parent = entries.parent();
        let mut steps = BTreeSet::new();
        for child in entries.children() {
            assert_eq!(child["parentInvocationId"], parent["id"]);
            let context = &child["workflowContext"];
            let step = [&context["runId"], &context["jobName"], &context["stepName"]];
            assert!(steps.insert(step.map(ToString::to_string)), "twice: {step:?}");
            let result = &child["result"];
            assert!(
                result["status"] == "success" || result["errorCategory"] == "terminated",
                "{child:#}"
            );
        }
    }
    println!("{before} before its journal, {in_flight} in flight, {after} after its end");
    assert!(in_flight > KILLS / 3, "killed at the wrong time: {in_flight} in flight");
}

#[test]
fn two_hundred_commands_at_once_share_a_spool() {
    let environment = TestEnvironment::new();
    environment.shell("fine", "run: 'true'");
    // One of them finds a dead session, and all the others look for it.
    let running = environment.spawn(environment.command([
        "model",
        "method",
        "run",
        "fine",
        "execute",
        "--input",
        r#"run=echo >> "$EFFECTS/on"; sleep 60"#,
    ]));
    environment.await_effects("on", 1);
    running.signal(Signal::KILL);
    running.wait();
    let commands: Vec<_> = (0..200)
        .map(|number| match number % 4 {
            0 => environment.spawn(environment.command(["model", "get", "ghost"])),
            _ => environment.spawn(environment.command(["version"])),
        })
        .collect();
    for (number, command) in commands.into_iter().enumerate() {
        command.wait().expect_exit(i32::from(number % 4 == 0));
    }
    let entries = environment.entries();
    assert_eq!(entries.0.len(), 200 + 1);
    let dead = |entry: &&Value| entry["result"]["errorCategory"] == "terminated";
    assert_eq!(entries.0.iter().filter(dead).count(), 1);
    assert_eq!(environment.files(".swamp/telemetry/sessions"), [""; 0]);
}

#[test]
fn commands_of_every_kind_recover_a_dead_session() {
    let kinds: [&[&str]; 12] = [
        &["version"],
        &["model", "search"],
        &["model", "get", "nothing"],
        &["workflow", "validate", "w"],
        &["data", "query", "true"],
        &["vault", "search"],
        &["model", "get"],
        &["telemetry", "status"],
        &["telemetry", "show"],
        &["telemetry", "stats"],
        &["telemetry", "preview"],
        &["telemetry", "export"],
    ];
    for args in kinds {
        let environment = TestEnvironment::new();
        environment.shell("endless", r#"run: 'echo $$ >> "$EFFECTS/pids"; exec sleep 60'"#);
        environment.workflow("w", &jobs(&[("main", "", &[call("s", "endless", "")])]));
        let running = environment.spawn(environment.command(["workflow", "run", "w"]));
        environment.await_effects("pids", 1);
        running.signal(Signal::KILL);
        running.wait();
        for pid in environment.effects("pids") {
            let pid = pid.parse().ok().and_then(rustix::process::Pid::from_raw).expect("a pid");
            // It may have noticed by itself.
            let _ = rustix::process::kill_process(pid, Signal::KILL);
        }
        environment.run(args);
        let entries = environment.entries();
        let ended: Vec<&str> = entries
            .0
            .iter()
            .filter(|entry| entry["result"]["errorCategory"] == "terminated")
            .map(|entry| text(&entry["invocation"]["command"]))
            .collect();
        assert_eq!(ended.len(), 2, "{args:?}: {ended:?}");
    }
}

/// Calls that were under way in a session that died; more than a command settles at its end.
const MANY: usize = 1000;

/// A repository with the journal of such a session.
fn with_many_open_calls() -> TestEnvironment {
    let environment = TestEnvironment::new();
    let elsewhere = environment.effects.join("spool");
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let words = CommandWords::new(["workflow", "run"]);
    let context = surroundings(&|_| None, false, None);
    let session = Session::open(SessionConfig::new(&elsewhere, words, context, "1"));
    let stream = EventStream::new(clock, vec![session.sink()]);
    let job = stream
        .emitter()
        .for_run(RunRef { workflow: WorkflowName::new("w"), id: RunId::new("run") })
        .for_job(JobName::new("main"));
    for number in 0..MANY {
        let name = StepName::new(format!("step-{number}"));
        let step = job.for_step(StepRef { template: name.clone(), name, for_each: None });
        step.emit(EventKind::MethodExecuting(MethodRef {
            model: "model".into(),
            model_type: Some("command/shell".into()),
            method: "execute".into(),
            driver: Some(DriverUse { name: "raw".into(), origin: DriverOrigin::Default }),
        }));
    }
    let journal = fs::read(elsewhere.join(format!("sessions/{}.journal", session.id())));
    environment.write(".swamp/telemetry/sessions/dead.journal", journal.expect("a journal"));
    environment
}

/// The dead session's command and calls, each once.
fn assert_settled(environment: &TestEnvironment) {
    let mut entries = environment.entries();
    let is_dead = |entry: &Value| entry["result"]["errorCategory"] == "terminated";
    entries.0.retain(is_dead);
    let parent = &entries.parent()["id"];
    assert!(entries.children().iter().all(|child| child["parentInvocationId"] == *parent));
    let steps: BTreeSet<_> = entries.called().into_iter().collect();
    assert_eq!((entries.children().len(), steps.len()), (MANY, MANY));
}

#[test]
fn what_is_too_much_for_the_end_of_a_command_is_settled_after_it() {
    let environment = with_many_open_calls();
    // Several find it at once.
    let commands: Vec<_> =
        (0..4).map(|_| environment.spawn(environment.command(["version"]))).collect();
    for command in commands {
        command.wait().expect_exit(0);
    }
    until("the end of settling", || environment.files(".swamp/telemetry/sessions").is_empty());
    assert_settled(&environment);
    settle(&environment);
    let recovered = &environment.json(["telemetry", "status"], 0)["recovered"];
    assert_eq!((&recovered["sessions"], &recovered["entries"]), (&1.into(), &(MANY + 1).into()));
}

#[test]
fn whoever_wants_no_other_process_settles_it_all() {
    for args in [
        &["version", "--telemetry-flush=off"][..],
        &["version", "--telemetry-flush=wait"],
        &["telemetry", "show"],
        &["telemetry", "stats"],
        &["telemetry", "export"],
        &["telemetry", "status"],
    ] {
        let environment = with_many_open_calls();
        let ran = environment.ok(args);
        assert_eq!(environment.files(".swamp/telemetry/sessions"), [""; 0], "{args:?}");
        assert_settled(&environment);
        if args.contains(&"export") {
            // The command that exports is not there yet.
            assert_eq!(ran.stdout.lines().count(), MANY + 1);
        }
    }
}
