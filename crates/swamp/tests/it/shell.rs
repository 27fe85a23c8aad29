//! `command/shell` on the real machine: processes, pipes, memory.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::environment::{TestEnvironment, call, number, one_job, text, until};

/// The `result` that a direct call stored.
fn result(document: &Value) -> &Value {
    let artifacts = document["dataArtifacts"].as_array().expect("artifacts");
    let result = artifacts.iter().find(|artifact| artifact["name"] == "result");
    &result.unwrap_or_else(|| panic!("no result: {document:#}"))["attributes"]
}

#[test]
fn output_and_exit_code_are_stored() {
    let environment = TestEnvironment::new();
    environment.shell(
        "m",
        r#"run: "printf 'a\\n\\n  b  \\n\\n'; echo err >&2; exit 3", ignoreExitCode: true, env: {LC_ALL: C}"#,
    );
    let document = environment.json(["model", "method", "run", "m", "execute"], 0);
    assert_eq!(document["status"], "succeeded");
    let result = result(&document);
    assert_eq!(result["exitCode"], 3);
    assert_eq!(result["stdout"], "a\n\n  b  \n");
    assert_eq!(result["stderr"], "err");
    let keys: Vec<&String> = result.as_object().expect("a map").keys().collect();
    assert_eq!(keys, ["exitCode", "executedAt", "command", "durationMs", "stdout", "stderr"]);
}

#[test]
fn a_failed_command_stores_nothing() {
    let environment = TestEnvironment::new();
    environment.shell("m", "run: 'echo out; exit 3'");
    let document = environment.json(["model", "method", "run", "m", "execute"], 1);
    assert_eq!(
        document,
        json!({"error": "Command exited with code 3", "code": "method_execution_failed"})
    );
    let stored = environment.files(".swamp/data");
    let stored: Vec<_> = stored.iter().filter(|path| !path.contains("/report-")).collect();
    assert_eq!(stored, [""; 0]);
}

#[test]
fn a_command_that_a_signal_ends_has_128_and_more() {
    let environment = TestEnvironment::new();
    environment.shell("m", "run: 'kill -9 $$', ignoreExitCode: true");
    let document = environment.json(["model", "method", "run", "m", "execute"], 0);
    assert_eq!(result(&document)["exitCode"], 137);
}

#[test]
fn standard_input_is_passed_through() {
    let environment = TestEnvironment::new();
    environment.shell("m", "run: cat");
    let args = ["model", "method", "run", "m", "execute", "--json"];
    let ran = environment.run_with_stdin(args, "from outside\n").expect_exit(0);
    assert_eq!(result(&ran.json())["stdout"], "from outside");
}

#[test]
fn a_timeout_ends_the_whole_process_group() {
    let environment = TestEnvironment::new();
    environment.shell(
        "m",
        r#"timeout: 400, run: 'sleep 600 & echo $! >> "$EFFECTS/pids"; (sleep 600; echo late) & echo $! >> "$EFFECTS/pids"; echo $$ >> "$EFFECTS/pids"; wait'"#,
    );
    environment.workflow("w", &one_job(&[call("s", "m", "")]));
    let start = Instant::now();
    environment.run(["workflow", "run", "w"]).expect_exit(1);
    assert!(start.elapsed() < Duration::from_secs(30), "nobody stopped the grandchildren");
    for pid in environment.effects("pids") {
        until(&format!("the end of {pid}"), || {
            fs::read_to_string(format!("/proc/{pid}/stat"))
                .map_or(true, |stat| stat.contains(") Z"))
        });
    }
    let entries = environment.entries();
    let child = entries.child("main", "s");
    assert_eq!(child["result"]["errorCategory"], "timeout", "{child:#}");
    assert!(number(&child["durationMs"]) >= 400, "{child:#}");
    // The time of the method was over, not that of the run.
    assert_eq!(entries.parent()["runStatus"], "failed");
    let error = &environment.run_record("w")["jobs"][0]["steps"][0]["error"];
    assert!(text(error).contains("400"), "the error does not tell the limit: {error}");
}

#[test]
fn a_grandchild_that_holds_the_pipes_does_not_hold_the_run() {
    let environment = TestEnvironment::new();
    environment.shell("m", r#"run: 'sleep 20 & echo $! >> "$EFFECTS/pids"; echo done'"#);
    let start = Instant::now();
    let document = environment.json(["model", "method", "run", "m", "execute"], 0);
    assert_eq!(result(&document)["stdout"], "done");
    assert!(start.elapsed() < Duration::from_secs(15), "waited for a grandchild");
}

#[test]
fn a_gigabyte_of_output_does_not_take_a_gigabyte() {
    let environment = TestEnvironment::new();
    // Three quarters in lines, then a quarter in one line that never ends. The command waits at the
    // end so that the memory of the program can be read while it still has what it kept.
    environment.shell(
        "m",
        r#"run: 'cd "$EFFECTS"; yes "$(head -c 100000 /dev/zero | tr "\000" x)" | head -c 67108864 > lines; tr "\n" x < lines > line; for i in 1 2 3 4 5 6 7 8 9 10 11 12; do cat lines; done; cat line line line line; echo all >> all; while [ ! -e go ]; do sleep 0.05; done'"#,
    );
    let args = ["model", "method", "run", "m", "execute", "--json", "--skip-reports"];
    let running = environment.spawn(environment.command(args));
    environment.await_effects("all", 1);
    // All is written; all is read when the pipe is empty, which the program alone knows.
    let peak = || {
        let status =
            fs::read_to_string(format!("/proc/{}/status", running.id())).expect("a status");
        let line =
            status.lines().find(|line| line.starts_with("VmHWM:")).expect("VmHWM").to_owned();
        line.split_whitespace()
            .nth(1)
            .and_then(|number| number.parse::<u64>().ok())
            .expect("a number")
    };
    let peak_kib = peak();
    fs::write(environment.effects.join("go"), "").expect("a file");
    let document = running.wait().expect_exit(0).json();
    assert!(peak_kib < 150 * 1024, "a peak of {} MiB", peak_kib / 1024);
    let kept = text(&result(&document)["stdout"]).len();
    assert!((1024 * 1024..64 * 1024 * 1024).contains(&kept), "kept {kept} bytes");
}

#[test]
fn the_environment_and_the_working_directory_are_as_asked_for() {
    let environment = TestEnvironment::new();
    fs::create_dir(environment.repo.join("below")).expect("a directory");
    environment.shell(
        "m",
        r#"workingDir: below, env: {A: "1", USER: other}, run: 'pwd; echo "$A $USER $LANG"'"#,
    );
    let document = environment.json(["model", "method", "run", "m", "execute"], 0);
    let below = environment.repo.join("below");
    assert_eq!(result(&document)["stdout"], format!("{}\n1 other C.UTF-8", below.display()));
}

#[test]
fn a_directory_that_is_not_there_is_told() {
    let environment = TestEnvironment::new();
    environment.shell("m", "workingDir: nowhere, run: 'true'");
    let ran = environment.run(["model", "method", "run", "m", "execute"]).expect_exit(1);
    assert!(ran.stderr.contains("nowhere"), "{}", ran.stderr);
}
