//! `swamp telemetry stats` after runs of all kinds.

use serde_json::{Value, json};

use crate::environment::{TestEnvironment, call, number, one_job, stable};

/// Runs with successes, failures, a call that failed before its method, and a direct call.
fn mixed() -> TestEnvironment {
    let environment = TestEnvironment::new();
    environment.shell("quick", "run: 'true'");
    environment.shell("slow", "run: 'sleep 0.3'");
    environment.shell("bad", "run: 'exit 1'");
    environment.workflow(
        "w",
        &one_job(&[
            call("quick", "quick", ""),
            call("slow", "slow", ""),
            call("bad", "bad", ", allowFailure: true"),
            call("ghost", "ghost", ", allowFailure: true"),
            call("each ${{ self.n }}", "quick", ", forEach: {item: n, in: '${{ [1, 2] }}'}"),
        ]),
    );
    for _ in 0..3 {
        environment.ok(["workflow", "run", "w", "--skip-reports"]);
    }
    environment.ok(["model", "method", "run", "quick", "execute", "--json"]);
    environment.run(["workflow", "run", "nothing"]).expect_exit(1);
    environment
}

/// The row of a breakdown whose keys are those of `keys`.
#[track_caller]
fn row<'a>(document: &'a Value, breakdown: &str, keys: &Value) -> &'a Value {
    let rows = document["methodCalls"][breakdown].as_array().expect("rows");
    let fits = |row: &&Value| {
        keys.as_object().expect("a map").iter().all(|(key, value)| row[key] == *value)
    };
    rows.iter().find(fits).unwrap_or_else(|| panic!("no {keys}: {rows:#?}"))
}

/// A table as words: how wide its columns are, and what depends on durations, is different every time.
fn words(table: &str) -> String {
    let shares = regex::Regex::new(r" \d+%( #+)?( |$)").expect("a regular expression");
    let words = table.lines().map(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        shares.replace(&words.join(" "), " <share>$2").into_owned() + "\n"
    });
    words.collect()
}

#[test]
fn statistics_as_one_document() {
    let environment = mixed();
    let document = environment.json(["telemetry", "stats"], 0);
    // Three runs with six calls each, their commands, the direct call and the unknown workflow.
    assert_eq!(document["totalInvocations"], 3 * 6 + 3 + 2, "{document:#}");
    assert_eq!(document["commandFrequency"]["workflow run"], 4);

    let all = &document["methodCalls"]["total"];
    let counts =
        ["calls", "runs", "succeeded", "failed", "beforeMethod"].map(|key| number(&all[key]));
    assert_eq!(counts, [19, 3, 13, 6, 3], "{all:#}");
    assert_eq!(all["failures"], json!({"method": 3, "model_not_found": 3}));

    let slow = row(&document, "byStep", &json!({"workflow": "w", "job": "main", "step": "slow"}));
    assert_eq!((&slow["calls"], &slow["failed"]), (&json!(3), &json!(0)));
    let [half, most, longest] = ["p50Ms", "p95Ms", "maxMs"].map(|key| number(&slow[key]));
    assert!(300 <= half && half <= most && most <= longest, "{slow:#}");
    // The items of a forEach are one step.
    let each = row(&document, "byStep", &json!({"step": "each ${{ self.n }}"}));
    assert_eq!((&each["calls"], &each["succeeded"]), (&json!(6), &json!(6)));
    let ghost = row(&document, "byStep", &json!({"step": "ghost"}));
    assert_eq!((&ghost["failed"], &ghost["p50Ms"]), (&json!(3), &Value::Null));
    let by_type = row(&document, "byModelType", &json!({"modelType": "command/shell"}));
    assert_eq!((&by_type["calls"], &by_type["failed"]), (&json!(16), &json!(3)));
    let by_driver = row(&document, "byDriver", &json!({"driver": "raw"}));
    assert_eq!(by_driver["calls"], 19);
    row(&document, "byMethod", &json!({"modelType": "command/shell", "method": "execute"}));
}

/// Weakness 39: calls count twice, and people get JSON.
#[test]
fn statistics_as_a_table() {
    let environment = mixed();
    let ran = environment.ok(["telemetry", "stats"]);
    let table = stable(&ran.stdout, &environment);
    let table = words(&table);
    insta::assert_snapshot!(table, @"
    23 entries of the last 2 day(s): 16 succeeded, 7 user errors, 0 errors

    METHOD CALLS CALLS FAILED RATE P50 P95 P99 MAX TOTAL SHARE
    all 19 6 31.6% <ms> <ms> <ms> <ms> <ms> <share>

    by model type
    command/shell 16 3 18.8% <ms> <ms> <ms> <ms> <ms> <share>
    (not found) 3 3 100.0% – – – – <ms> <share>

    by driver
    raw 19 6 31.6% <ms> <ms> <ms> <ms> <ms> <share>

    by method
    command/shell → execute 16 3 18.8% <ms> <ms> <ms> <ms> <ms> <share>
    (not found) → execute 3 3 100.0% – – – – <ms> <share>

    by step
    w / main / each ${{ self.n }} 6 0 0.0% <ms> <ms> <ms> <ms> <ms> <share>
    w / main / bad 3 3 100.0% <ms> <ms> <ms> <ms> <ms> <share>
    w / main / ghost 3 3 100.0% – – – – <ms> <share>
    w / main / quick 3 0 0.0% <ms> <ms> <ms> <ms> <ms> <share>
    w / main / slow 3 0 0.0% <ms> <ms> <ms> <ms> <ms> <share>

    Failures by category: method 3, model_not_found 3

    COMMANDS CALLS FAILED RATE P50 P95 P99 MAX TOTAL SHARE
    all 5 1 20.0% <ms> <ms> <ms> <ms> <ms> <share>
    workflow run 4 1 25.0% <ms> <ms> <ms> <ms> <ms> <share>
    model method 1 0 0.0% <ms> <ms> <ms> <ms> <ms> <share>
    ");
    assert_eq!(ran.stderr, "");
}

#[test]
fn calls_are_grouped_by_whatever_is_asked_for() {
    let environment = mixed();
    let table = |args: &[&str]| {
        let ran = environment.ok(["telemetry", "stats"].iter().chain(args));
        words(&stable(&ran.stdout, &environment)).split_once("\n\n").expect("a table").1.to_owned()
    };
    insta::assert_snapshot!(table(&["--by", "workflow,status,errorCategory"]), @"
    WORKFLOW STATUS ERRORCATEGORY CALLS FAILED RATE P50 P95 P99 MAX TOTAL SHARE
    all 19 6 31.6% <ms> <ms> <ms> <ms> <ms> <share>
    w success - 12 0 0.0% <ms> <ms> <ms> <ms> <ms> <share>
    w user_error method 3 3 100.0% <ms> <ms> <ms> <ms> <ms> <share>
    w user_error model_not_found 3 3 100.0% – – – – <ms> <share>
    - success - 1 0 0.0% <ms> <ms> <ms> <ms> <ms> <share>

    Failures by category: method 3, model_not_found 3
    ");
    insta::assert_snapshot!(table(&["--failing"]), @"
    WORKFLOW JOB STEP MODELTYPE METHOD CALLS FAILED RATE P50 P95 P99 MAX TOTAL SHARE
    all 19 6 31.6% <ms> <ms> <ms> <ms> <ms> <share>
    w main bad command/shell execute 3 3 100.0% <ms> <ms> <ms> <ms> <ms> <share>
    w main ghost - execute 3 3 100.0% – – – – <ms> <share>

    Failures by category: method 3, model_not_found 3
    ");
    insta::assert_snapshot!(table(&["--slowest", "1", "--by", "step"]), @"
    STEP CALLS FAILED RATE P50 P95 P99 MAX TOTAL SHARE
    all 19 6 31.6% <ms> <ms> <ms> <ms> <ms> <share>
    slow 3 0 0.0% <ms> <ms> <ms> <ms> <ms> <share>

    Failures by category: method 3, model_not_found 3
    ");
    insta::assert_snapshot!(table(&["--workflow", "nothing"]), @"No such method call.");

    let document = environment.json(["telemetry", "stats", "--by", "platform,agent,driver"], 0);
    let rows = document["methodCalls"]["rows"].as_array().expect("rows");
    let keys = json!({"platform": "linux", "agent": null, "driver": "raw"});
    assert_eq!(rows.len(), 1, "{document:#}");
    for (key, value) in keys.as_object().expect("a map") {
        assert_eq!(rows[0][key], *value);
    }
    assert_eq!(document["methodCalls"]["by"], json!(["platform", "agent", "driver"]));

    let wrong = environment.run(["telemetry", "stats", "--by", "step,colour"]).expect_exit(1);
    insta::assert_snapshot!(wrong.stderr, @r#"Error: --by: "colour" is nothing to group by; use one or more of driver, modelType, method, workflow, job, step, status, errorCategory, platform, agent"#);
    let wrong = environment.run(["telemetry", "stats", "--since", "yesterday"]).expect_exit(1);
    insta::assert_snapshot!(wrong.stderr, @r#"Error: Invalid time: "yesterday". Expected how long ago, like 24h or 7d, a date like 2026-11-01, or a time in UTC like 2026-11-01T10:00:00Z"#);
    environment.run(["telemetry", "stats", "--since", "1h", "--days", "2"]).expect_exit(1);
}

fn now() -> swamp_ident::Timestamp {
    swamp_ident::Clock::now(&swamp_ident::SystemClock::new()).wall
}

/// An entry of a call that took so many milliseconds, so many days ago.
fn call_entry(environment: &TestEnvironment, number: u32, ago: i64, change: &Value) {
    let at = now().plus_millis(-ago * 86_400_000).to_string();
    let mut entry = json!({
        "id": format!("{number:08x}-0000-4000-8000-000000000000"),
        "invocation": {
            "command": "model", "args": ["run", "<REDACTED>", "execute"], "optionKeys": [],
            "globalOptions": [], "subcommand": "method",
        },
        "result": {"status": "success", "exitCode": 0},
        "startedAt": at, "completedAt": at, "durationMs": 100,
        "swampVersion": "1", "denoVersion": "0.0.0", "platform": "linux",
        "parentInvocationId": "p",
        "workflowContext": {
            "workflowName": "w", "runId": "r", "jobName": "j", "stepName": "s",
            "modelType": "command/shell", "driver": "raw", "phase": "method",
        },
    });
    for (key, value) in change.as_object().expect("a map") {
        entry[key] = value.clone();
    }
    let path = format!(".swamp/telemetry/telemetry-{}-{number}.json", &at[..10]);
    environment.write(&path, serde_json::to_string_pretty(&entry).expect("JSON"));
}

#[test]
fn the_period_before_is_compared() {
    let environment = TestEnvironment::new();
    let failure = json!({"status": "error", "exitCode": 1, "errorCategory": "method"});
    call_entry(&environment, 1, 0, &json!({"durationMs": 1500}));
    call_entry(&environment, 2, 0, &json!({"result": failure}));
    call_entry(&environment, 3, 1, &json!({"durationMs": 200}));
    let args = ["telemetry", "stats", "--since", "12h", "--by", "workflow,step", "--no-telemetry"];
    // The one before is 24 to 12 hours ago, and entry 3 a little older.
    assert!(!environment.ok(args).stdout.contains("CHANGE"));
    let args = ["telemetry", "stats", "--since", "20h", "--by", "workflow,step", "--no-telemetry"];
    let ran = environment.ok(args);
    let table = ran.stdout.split_once("\n\n").expect("a table").1;
    insta::assert_snapshot!(table, @"
    WORKFLOW  STEP  CALLS  FAILED   RATE    P50   P95   P99   MAX  TOTAL  SHARE              CHANGE
    all                 2       1  50.0%  100ms  1.5s  1.5s  1.5s   1.6s   100%  ##########  calls +1, rate +50.0, p95 +1.3s
    w         s         2       1  50.0%  100ms  1.5s  1.5s  1.5s   1.6s   100%  ##########  calls +1, rate +50.0, p95 +1.3s

    Failures by category: method 1
    ");
    let document = environment.json(args, 0);
    let row = &document["methodCalls"]["rows"][0];
    assert_eq!(row["before"]["calls"], 1);
    assert_eq!(
        row["change"],
        json!({
            "calls": 1, "failureRate": 0.5, "p50Ms": -100, "p95Ms": 1300, "totalMs": 1400,
        })
    );
}

#[test]
fn tables_are_as_wide_as_the_terminal() {
    let mut environment = TestEnvironment::new();
    for number in 0..3 {
        let step = json!({"workflowContext": {
            "workflowName": "nightly maintenance of everything", "runId": "r", "jobName": "databases",
            "stepName": format!("vacuum the {number}th database"), "modelType": "command/shell",
            "driver": "raw", "phase": "method",
        }});
        call_entry(&environment, number, 0, &step);
    }
    for columns in ["40", "60", "80", "100", "160"] {
        environment.set("COLUMNS", columns);
        let ran = environment.ok(["telemetry", "stats", "--by", "workflow,job,step"]);
        let widest = ran.stdout.lines().skip(1).map(|line| line.chars().count()).max();
        // Narrower than its numbers a table cannot be.
        let room = columns.parse::<usize>().expect("a number").max(90);
        assert!(widest <= Some(room), "{columns}: {widest:?}\n{}", ran.stdout);
    }
    insta::assert_snapshot!(
        environment.ok(["telemetry", "stats", "--by", "step", "--no-telemetry"]).stdout,
        @"
    8 entries of the last 2 day(s): 8 succeeded, 0 user errors, 0 errors

    STEP                     CALLS  FAILED  RATE    P50    P95    P99    MAX  TOTAL  SHARE
    all                          3       0  0.0%  100ms  100ms  100ms  100ms  300ms   100%  ####################
    vacuum the 0th database      1       0  0.0%  100ms  100ms  100ms  100ms  100ms    33%  #######
    vacuum the 1th database      1       0  0.0%  100ms  100ms  100ms  100ms  100ms    33%  #######
    vacuum the 2th database      1       0  0.0%  100ms  100ms  100ms  100ms  100ms    33%  #######
    "
    );
}

#[test]
fn delivered_entries_are_still_counted_and_names_are_harmless() {
    let environment = TestEnvironment::new();
    call_entry(&environment, 7, 0, &json!({}));
    let today = now().date();
    // The roll-up as a flusher leaves it: three calls of a step with a nasty name, and entry 7, which
    // it counted and did not come to remove.
    let rollup = json!({
        "version": 1, "absorbed": ["00000007-0000-4000-8000-000000000000"], "folded": 0,
        "names": [
            null, "model method", "raw", "command/shell", "execute", "w", "j", "s\u{1b}[2J",
            "success", "linux", "s",
        ],
        "cells": [
            [0, [1, 2, 3, 4, 5, 6, 7, 8, 0, 9, 0], 3, 60, [11, 12], [10, 30, 60, 10, 1, 10, 1, 10, 1]],
            [0, [1, 2, 3, 4, 5, 6, 10, 8, 0, 9, 0], 1, 100, [11], [100, 100, 100, 100, 1]],
        ],
        "options": [[0, 9, 2]],
    });
    environment.write(&format!(".swamp/telemetry/rollup/{today}.json"), rollup.to_string());
    let args = ["telemetry", "stats", "--by", "step", "--days", "1", "--no-telemetry"];
    let ran = environment.ok(args);
    insta::assert_snapshot!(ran.stdout, @r#"
    4 entries of the last 1 day(s): 4 succeeded, 0 user errors, 0 errors

    STEP        CALLS  FAILED  RATE    P50    P95    P99    MAX  TOTAL  SHARE
    all             4       0  0.0%   20ms  100ms  100ms  100ms  160ms   100%  ##########
    s\u{1b}[2J      3       0  0.0%   20ms   30ms   30ms   30ms   60ms    38%  ####
    s               1       0  0.0%  100ms  100ms  100ms  100ms  100ms    62%  ######

    4 of these entries were delivered; with them, percentiles are within 0.4 per cent.
    "#);
    let document = environment.json(args, 0);
    assert_eq!(
        document["sources"],
        json!({"files": 0, "rolledUp": 4, "unreadable": 0, "other": 0, "damaged": 0, "changing": false})
    );
    assert_eq!(document["totalInvocations"], 4);
    assert_eq!(document["optionFrequency"], json!({"linux": 2}));

    // A damaged day is told and does no harm.
    environment.write(&format!(".swamp/telemetry/rollup/{today}.json"), "{");
    let ran = environment.ok(args);
    assert!(ran.stderr.contains("1 day(s) of delivered entries"), "{}", ran.stderr);
    assert!(ran.stdout.starts_with("1 entries"), "{}", ran.stdout);
}

#[test]
fn without_entries_that_is_told() {
    let environment = TestEnvironment::new();
    let ran = environment.ok(["telemetry", "stats", "--no-telemetry"]);
    assert!(ran.stdout.contains("No telemetry data found"), "{}", ran.stdout);
    let document = environment.json(["telemetry", "stats", "--no-telemetry"], 0);
    assert_eq!(document, json!({"message": "No telemetry data found"}));
}
