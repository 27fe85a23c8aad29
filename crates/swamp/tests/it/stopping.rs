//! Runs that are told to stop: SIGINT, SIGTERM and `--timeout`.
//!
//! Whoever asks, the same happens: every process that a method started ends, what was under way and
//! what was still to come is `cancelled`, each method that had begun has its entry with the time it
//! really took, and the exit code says who asked.

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::environment::{
    Entries, Running, TestEnvironment, call, jobs, nest, number, outline, until,
};

/// A command that leaves its process ids, one of them that of a grandchild, and goes on for ever.
const ENDLESS: &str =
    r#"run: 'sleep 600 & echo $! >> "$EFFECTS/pids"; echo $$ >> "$EFFECTS/pids"; wait'"#;

/// The same, for commands that do not stop when they are asked to.
const STUBBORN: &str =
    r#"run: 'trap "" TERM; echo $$ >> "$EFFECTS/pids"; while :; do sleep 1; done'"#;

/// A run of which one step has ended, three are under way (one of them in a nested run), and a step
/// and a job are still to come.
fn workflow(environment: &TestEnvironment) {
    environment.shell("fine", "run: 'true'");
    environment.shell("endless", ENDLESS);
    environment.workflow("inner", &jobs(&[("deep", "", &[call("long", "endless", "")])]));
    let after =
        |step: &str| format!(", dependsOn: [{{step: {step}, condition: {{type: always}}}}]");
    environment.workflow(
        "w",
        &jobs(&[
            (
                "main",
                "",
                &[
                    call("before", "fine", ""),
                    call("long a", "endless", &after("before")),
                    call("long b", "endless", &after("before")),
                    nest("nested", "inner", &after("before")),
                    call("later", "fine", &after("long a")),
                ],
            ),
            (
                "other",
                ", dependsOn: [{job: main, condition: {type: always}}]",
                &[call("unreached", "fine", "")],
            ),
        ]),
    );
}

/// Starts a command and waits until `count` process ids are known.
#[track_caller]
fn start(environment: &TestEnvironment, args: &[&str], count: usize) -> Running {
    let running = environment.spawn(environment.command(args));
    environment.await_effects("pids", count);
    running
}

/// Every process whose id was left behind has ended.
#[track_caller]
fn assert_all_ended(environment: &TestEnvironment) {
    let pids = environment.effects("pids");
    assert!(!pids.is_empty());
    for pid in pids {
        // A process that ended but has no parent to notice is a zombie for a moment.
        until(&format!("the end of process {pid}"), || {
            let stat = std::fs::read_to_string(Path::new("/proc").join(&pid).join("stat"));
            stat.map_or(true, |stat| {
                stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" Z"))
            })
        });
    }
}

/// What holds for the run of [`workflow`], whoever stopped it.
#[track_caller]
fn assert_stopped(environment: &TestEnvironment, lived: Duration, category: &str, exit: i32) {
    assert_all_ended(environment);
    insta::allow_duplicates! {
        insta::assert_snapshot!(statuses(&environment.run_record("w")), @r"
        w: cancelled
          main: cancelled
            before: succeeded
            long a: cancelled
            long b: cancelled
            nested: cancelled
            later: cancelled
          other: cancelled
            unreached: cancelled
        ");
        insta::assert_snapshot!(statuses(&environment.run_record("inner")), @r"
        inner: cancelled
          deep: cancelled
            long: cancelled
        ");
    }
    let entries = environment.entries();
    assert_eq!(entries.children().len(), 4, "{entries:#?}");
    assert_eq!(entries.child("main", "before")["result"]["status"], "success");
    for (job, step) in [("main", "long a"), ("main", "long b"), ("deep", "long")] {
        assert_in_flight(entries.child(job, step), lived, category);
    }
    let parent = entries.parent();
    assert_eq!(parent["runStatus"], "cancelled");
    assert_eq!(parent["result"]["status"], "error");
    assert_eq!(parent["result"]["errorCategory"], category);
    assert_eq!(parent["result"]["exitCode"], exit);
    assert_eq!(parent["runId"], environment.run_record("w")["id"]);
    assert_eq!(parent["methodCounts"]["success"], 1);
    assert_eq!(parent["methodCounts"]["error"], 3);
}

/// An entry of a method that was stopped after a life of at least `lived`.
#[track_caller]
fn assert_in_flight(entry: &Value, lived: Duration, category: &str) {
    assert_eq!(entry["result"]["status"], "error", "{entry:#}");
    assert_eq!(entry["result"]["errorCategory"], category, "{entry:#}");
    assert_eq!(entry["workflowContext"]["phase"], "method", "{entry:#}");
    let duration = Duration::from_millis(number(&entry["durationMs"]));
    assert!(duration >= lived, "{duration:?} is less than {lived:?}: {entry:#}");
    assert!(duration < Duration::from_mins(1), "{entry:#}");
}

/// The outline of a run record without its error texts.
fn statuses(record: &Value) -> String {
    outline(record)
        .lines()
        .map(|line| line.split(" - ").next().unwrap_or(line))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Weakness 3: Ctrl-C and SIGTERM lose what is under way, and the command.
#[test]
fn signals_end_everything_and_are_told_apart_by_the_exit_code() {
    for (signal, exit) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let environment = TestEnvironment::new();
        workflow(&environment);
        let running = start(&environment, &["workflow", "run", "w"], 6);
        let start = Instant::now();
        std::thread::sleep(Duration::from_millis(150));
        running.signal(signal);
        // From when all of them were seen to run to when the signal was sent.
        let lived = start.elapsed().min(Duration::from_millis(150));
        running.wait().expect_exit(exit);
        assert_stopped(&environment, lived, "cancelled", exit);
    }
}

/// Weakness 4: a deadline makes what did its work look failed, and its run a success.
#[test]
fn the_deadline_of_a_run_ends_everything() {
    let environment = TestEnvironment::new();
    workflow(&environment);
    let ran =
        environment.run(["workflow", "run", "w", "--timeout", "2s", "--json"]).expect_exit(124);
    assert_eq!(ran.json()["status"], "cancelled");
    assert_stopped(&environment, Duration::from_millis(500), "timeout", 124);
}

#[test]
fn a_method_called_directly_is_stopped_the_same_way() {
    for (signal, exit) in [(Some(Signal::INT), 130), (Some(Signal::TERM), 143), (None, 124)] {
        let environment = TestEnvironment::new();
        environment.shell("endless", ENDLESS);
        let mut args = vec!["model", "method", "run", "endless", "execute"];
        if signal.is_none() {
            args.extend(["--timeout", "1"]);
        }
        let running = start(&environment, &args, 2);
        if let Some(signal) = signal {
            running.signal(signal);
        }
        running.wait().expect_exit(exit);
        assert_all_ended(&environment);
        let entries = environment.entries();
        let entry = entries.parent();
        assert_eq!(entry["result"]["status"], "error", "{entry:#}");
        let category = if signal.is_some() { "cancelled" } else { "timeout" };
        assert_eq!(entry["result"]["errorCategory"], category, "{entry:#}");
        assert_eq!(entry["result"]["exitCode"], exit, "{entry:#}");
        assert_eq!(entry["methodContext"]["modelType"], "command/shell", "{entry:#}");
        let outputs = environment.files(".swamp/outputs");
        let record = outputs.iter().find(|name| name.ends_with(".yaml")).expect("an output record");
        let record =
            crate::environment::read_yaml(&environment.repo.join(".swamp/outputs").join(record));
        assert_eq!(record["status"], "cancelled", "{record:#}");
    }
}

/// Weakness 3: Ctrl-C loses what is under way, or makes it look like a failure.
#[test]
fn a_signal_to_everybody_stops_the_run_and_fails_no_method() {
    // As when a container or a session is shut down: the command dies before the run has noticed.
    for (signal, exit) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let environment = TestEnvironment::new();
        environment.shell("endless", r#"run: 'echo $$ >> "$EFFECTS/pids"; exec sleep 600'"#);
        environment.workflow("w", &jobs(&[("main", "", &[call("s", "endless", "")])]));
        for args in
            [&["workflow", "run", "w"][..], &["model", "method", "run", "endless", "execute"]]
        {
            let before = environment.effects("pids");
            let running = start(&environment, args, before.len() + 1);
            let pids = environment.effects("pids");
            let pid = pids.iter().find(|pid| !before.contains(pid)).expect("a command");
            let pid = rustix::process::Pid::from_raw(pid.parse().expect("a number"));
            rustix::process::kill_process(pid.expect("a process"), signal).expect("a signal");
            running.signal(signal);
            running.wait().expect_exit(exit);
        }
        let entries = environment.entries();
        assert_eq!(entries.0.len(), 3, "{entries:#?}");
        for entry in &entries.0 {
            assert_eq!(entry["result"]["errorCategory"], "cancelled", "{entry:#}");
        }
        assert_eq!(environment.run_record("w")["status"], "cancelled");
    }
}

#[test]
fn whoever_does_not_stop_when_asked_is_killed() {
    let environment = TestEnvironment::new();
    environment.shell("stubborn", STUBBORN);
    environment.workflow("w", &jobs(&[("main", "", &[call("s", "stubborn", "")])]));
    let running = start(&environment, &["workflow", "run", "w"], 1);
    running.signal(Signal::TERM);
    // The second signal takes away the grace.
    until("the first signal to be seen", || {
        running.stdout_so_far().contains("Stopping") || {
            running.stderr_so_far().contains("Stopping")
        }
    });
    running.signal(Signal::TERM);
    running.wait().expect_exit(143);
    assert_all_ended(&environment);
    assert_in_flight(environment.entries().child("main", "s"), Duration::ZERO, "cancelled");
}

#[test]
fn a_run_that_is_stopped_before_a_method_began_has_no_entry_for_it() {
    let environment = TestEnvironment::new();
    environment.shell("endless", ENDLESS);
    let steps: Vec<String> = (0..5).map(|n| call(&format!("s{n}"), "endless", "")).collect();
    let body = jobs(&[("main", ", concurrency: 1", &steps)]);
    environment.workflow("w", &body);
    let running = start(&environment, &["workflow", "run", "w"], 2);
    running.signal(Signal::INT);
    running.wait().expect_exit(130);
    assert_all_ended(&environment);

    let entries = environment.entries();
    assert_eq!(entries.called(), [("w".into(), "main".into(), "s0".into())]);
    assert_eq!(environment.effects("pids").len(), 2, "a step began after the signal");
    let counts = &entries.parent()["methodCounts"];
    assert_eq!((&counts["success"], &counts["error"]), (&json!(0), &json!(1)));
}

#[test]
fn a_lock_is_not_left_behind_by_a_run_that_was_stopped() {
    let environment = TestEnvironment::new();
    environment.shell("endless", ENDLESS);
    let args = ["model", "method", "run", "endless", "execute"];
    let running = start(&environment, &args, 2);
    running.signal(Signal::INT);
    running.wait().expect_exit(130);
    // Would wait for a minute if the lock were still held.
    let start = Instant::now();
    environment.ok(args.into_iter().chain(["--input", "run=true"]));
    assert!(start.elapsed() < Duration::from_secs(20));
    assert_eq!(Entries::read(&environment.spool()).0.len(), 2);
}

#[test]
fn a_command_that_is_stopped_outside_a_run_says_so() {
    for (signal, exit) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let environment = TestEnvironment::new();
        environment.shell("fine", "run: 'true'");
        environment.workflow("w", &jobs(&[("main", "", &[call("s", "fine", "")])]));
        // It waits for inputs that never come.
        let mut command = environment.command(["workflow", "run", "w", "--stdin"]);
        command.stdin(std::process::Stdio::piped());
        let mut child = command.spawn().expect("a command");
        // Waiting would close it.
        let _stdin = child.stdin.take();
        let sessions = environment.spool().join("sessions");
        until("a session", || {
            std::fs::read_dir(&sessions).is_ok_and(|mut all| all.next().is_some())
        });
        // The journal is there a moment before the signals are watched.
        std::thread::sleep(Duration::from_millis(200));
        let id = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(id, signal).expect("a signal");
        assert_eq!(child.wait().expect("an end").code(), Some(exit));
        let entries = environment.entries();
        let result = &entries.parent()["result"];
        assert_eq!(result["errorCategory"], "cancelled", "{result}");
        assert_eq!((&result["status"], &result["exitCode"]), (&json!("error"), &json!(exit)));
        assert_eq!(environment.run_records(), [json!(null); 0]);
    }
}
