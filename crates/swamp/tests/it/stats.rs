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

#[test]
fn statistics_as_a_table() {
    let environment = mixed();
    let ran = environment.ok(["telemetry", "stats"]);
    let table = stable(&ran.stdout, &environment);
    let words = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    let table: String = words.map(|line| line + "\n").collect();
    insta::assert_snapshot!(table, @"
    23 entries of the last 2 day(s): 16 succeeded, 7 user errors, 0 errors

    METHOD CALLS CALLS FAILED RATE P50 P95 MAX TOTAL
    all 19 6 31.6% <ms> <ms> <ms> <ms>

    by model type
    command/shell 16 3 18.8% <ms> <ms> <ms> <ms>
    (not found) 3 3 100.0% – – – <ms>

    by driver
    raw 19 6 31.6% <ms> <ms> <ms> <ms>

    by method
    command/shell → execute 16 3 18.8% <ms> <ms> <ms> <ms>
    (not found) → execute 3 3 100.0% – – – <ms>

    by step
    w / main / each ${{ self.n }} 6 0 0.0% <ms> <ms> <ms> <ms>
    w / main / bad 3 3 100.0% <ms> <ms> <ms> <ms>
    w / main / ghost 3 3 100.0% – – – <ms>
    w / main / quick 3 0 0.0% <ms> <ms> <ms> <ms>
    w / main / slow 3 0 0.0% <ms> <ms> <ms> <ms>

    Failures by category: method 3, model_not_found 3
    ");
    assert_eq!(ran.stderr, "");
}

#[test]
fn without_entries_that_is_told() {
    let environment = TestEnvironment::new();
    let ran = environment.ok(["telemetry", "stats", "--no-telemetry"]);
    assert!(ran.stdout.contains("No telemetry data found"), "{}", ran.stdout);
    let document = environment.json(["telemetry", "stats", "--no-telemetry"], 0);
    assert_eq!(document, json!({"message": "No telemetry data found"}));
}
