//! `swamp telemetry show` after runs of all kinds.

use serde_json::json;

use crate::environment::{TestEnvironment, call, nest, one_job, stable, text};

fn environment() -> TestEnvironment {
    let environment = TestEnvironment::new();
    environment.shell("quick", "run: 'true'");
    environment.shell("bad", "run: 'exit 3'");
    environment.workflow("inner", &one_job(&[call("deep", "quick", "")]));
    environment.workflow(
        "w",
        &one_job(&[
            call("first", "quick", ""),
            call(
                "bad",
                "bad",
                ", allowFailure: true, dependsOn: [{step: first, condition: {type: succeeded}}]",
            ),
            call(
                "ghost",
                "ghost",
                ", allowFailure: true, dependsOn: [{step: bad, condition: {type: completed}}]",
            ),
            nest("nested", "inner", ", dependsOn: [{step: ghost, condition: {type: completed}}]"),
            call("last", "bad", ", dependsOn: [{step: nested, condition: {type: succeeded}}]"),
        ]),
    );
    environment
}

/// Weakness 40: nobody can look at what was recorded.
#[test]
fn a_command_is_shown_with_its_calls() {
    let environment = environment();
    environment.run(["workflow", "run", "w", "--skip-reports"]).expect_exit(1);
    environment.ok(["model", "method", "run", "quick", "execute", "--json"]);
    let ran = environment.ok(["telemetry", "show", "--no-telemetry"]);
    let shown = stable(&ran.stdout, &environment);
    assert!(shown.contains("\n    inner / main"), "nested runs are indented: {shown}");
    // How wide columns are depends on the durations.
    let line = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ") + "\n";
    let shown: String = shown.lines().map(line).collect();
    let time = regex::Regex::new(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d").expect("a regular expression");
    let shown = time.replace_all(&shown, "<time>");
    insta::assert_snapshot!(shown, @"
    <time> UTC workflow run failed in <ms>, exit 1, 2 of 5 methods succeeded method: Command exited with code 3 id <uuid>
    w / main run <uuid>
    +<ms> ok first command/shell → execute raw <ms>
    +<ms> failed bad command/shell → execute raw <ms> method: Command exited with code 3 (allowed)
    +<ms> not run ghost (not found) → execute raw – model_not_found: Model not found: <name> (allowed)
    inner / main run <uuid>
    +<ms> ok deep command/shell → execute raw <ms>
    w / main run <uuid>
    +<ms> failed last command/shell → execute raw <ms> method: Command exited with code 3

    <time> UTC model method → execute ok in <ms> id <uuid>
    ");

    let document = environment.json(["telemetry", "show", "--last", "1", "--no-telemetry"], 0);
    let commands = document["commands"].as_array().expect("commands");
    assert_eq!(commands.len(), 1);
    assert_eq!(commands[0]["command"]["method"], "execute");
    assert_eq!(commands[0]["calls"], json!([]));
    let document = environment.json(["telemetry", "show", "--no-telemetry"], 0);
    let run = &document["commands"][1];
    let calls = run["calls"].as_array().expect("calls");
    assert_eq!(calls.len(), 5);
    assert!(calls.iter().all(|call| call["offsetMs"].as_i64() >= Some(0)), "{run:#}");
    assert_eq!(calls[3]["depth"], 1);
}

#[test]
fn an_id_or_its_beginning_names_what_is_shown() {
    let environment = environment();
    environment.run(["workflow", "run", "w", "--skip-reports"]).expect_exit(1);
    let entries = environment.entries();
    let show = |id: &str| {
        let ran = environment.ok(["telemetry", "show", "--json", "--no-telemetry", "--run", id]);
        let document = ran.json();
        let calls = document["commands"][0]["calls"].as_array().expect("calls").clone();
        calls.iter().map(|call| text(&call["step"]).to_owned()).collect::<Vec<_>>()
    };
    let all = ["first", "bad", "ghost", "deep", "last"];
    let parent = entries.parent();
    assert_eq!(show(text(&parent["id"])), all);
    assert_eq!(show(&text(&parent["runId"])[..13]), all);
    let deep = entries.child("main", "deep");
    assert_eq!(show(text(&deep["workflowContext"]["runId"])), ["deep"]);
    assert_eq!(show(text(&entries.child("main", "bad")["id"])), ["bad"]);

    let ran = environment.run(["telemetry", "show", "--run", ""]).expect_exit(1);
    let error = stable(&ran.stderr, &environment);
    let mut lines: Vec<_> = error.lines().collect();
    assert_eq!(lines.remove(0), "Error: Ambiguous ID prefix \"\" matches:");
    for kind in ["call", "command", "run"] {
        assert!(lines.contains(&format!("  {kind} <uuid>").as_str()), "{error}");
    }
    let ran = environment.run(["telemetry", "show", "--run", "nothing"]).expect_exit(1);
    insta::assert_snapshot!(ran.stderr, @r#"
    Error: No command, run or method call here has an id that begins with "nothing"
    Hint: Entries that were delivered are gone, and a command has none before it ends. `swamp telemetry show --last 20` lists what is here.
    "#);

    // Delivered while its file was counted: the roll-up remembers.
    let id = "abcdef00-0000-4000-8000-000000000000";
    let rollup = json!({
        "version": 1, "absorbed": [id], "folded": 0, "names": [null], "cells": [], "options": [],
    });
    environment.write(".swamp/telemetry/rollup/2026-11-01.json", rollup.to_string());
    let ran = environment.run(["telemetry", "show", "--run", "abcdef"]).expect_exit(1);
    insta::assert_snapshot!(ran.stderr, @"
    Error: The entry abcdef00-0000-4000-8000-000000000000 was delivered and is no longer here
    Hint: Its numbers are still in `swamp telemetry stats`.
    ");
}

#[test]
fn calls_without_their_command_and_nasty_names_are_shown() {
    let environment = TestEnvironment::new();
    let entry = json!({
        "id": "c-1",
        "invocation": {
            "command": "model", "args": ["run", "<REDACTED>", "exe\ncute"], "optionKeys": [],
            "globalOptions": [], "subcommand": "method",
        },
        "result": {
            "status": "error", "exitCode": 1, "errorMessage": "\u{1b}[31mbad\u{7}",
            "errorCategory": "quite\rnew",
        },
        "startedAt": "2026-11-22T10:00:00.000Z", "completedAt": "2026-11-22T10:00:01.000Z",
        "durationMs": 1000, "swampVersion": "1", "denoVersion": "0.0.0", "platform": "linux",
        "parentInvocationId": "p-\u{1b}c",
        "workflowContext": {
            "workflowName": "w\u{1b}]0;title\u{7}", "runId": "r\u{9b}1", "jobName": "j\tj",
            "stepName": "s\u{202e}s", "modelType": "t\u{0}", "driver": "d\u{8}",
        },
    });
    environment.write(".swamp/telemetry/telemetry-2026-11-22-c-1.json", entry.to_string());
    let ran = environment.ok(["telemetry", "show", "--run", "c-1", "--no-telemetry"]);
    insta::assert_snapshot!(ran.stdout, @r#"
    (a command that has not ended, or was delivered)  id p-\u{1b}c
      w\u{1b}]0;title\u{7} / j\tj  run r\u{9b}1
          failed  s\u{202e}s  t\u{0} → exe\ncute  d\u{8}  1.0s  quite\rnew: \u{1b}[31mbad\u{7}
    "#);
    // Without a command there is nothing to count from.
    let ran = environment.ok(["telemetry", "show", "--no-telemetry"]);
    assert!(ran.stdout.contains("No command has left an entry here"), "{}", ran.stdout);
}
