//! `swamp telemetry stats` after runs of all kinds.

use serde_json::{Value, json};

use crate::environment::{TestEnvironment, call, one_job, stable};

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
        ]),
    );
    for _ in 0..3 {
        environment.ok(["workflow", "run", "w"]);
    }
    environment.ok(["model", "method", "run", "quick", "execute"]);
    environment.run(["workflow", "run", "nothing"]).expect_exit(1);
    environment
}

/// The row of a breakdown with this name.
#[track_caller]
fn row<'a>(document: &'a Value, breakdown: &str, name: &str) -> &'a Value {
    let rows =
        document[breakdown].as_array().unwrap_or_else(|| panic!("no {breakdown}: {document:#}"));
    rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("no {name}: {rows:#?}"))
}

#[test]
fn statistics_as_one_document() {
    let environment = mixed();
    let document = environment.json(["telemetry", "stats"], 0);
    let by_step = row(&document, "steps", "w / main / slow");
    assert_eq!((&by_step["count"], &by_step["failures"]), (&json!(3), &json!(0)), "{document:#}");
    assert!(by_step["p50Ms"].as_u64().is_some_and(|p50| p50 >= 300), "{by_step:#}");
    assert!(by_step["p95Ms"].as_u64() >= by_step["p50Ms"].as_u64(), "{by_step:#}");
    let by_type = row(&document, "modelTypes", "command/shell");
    assert_eq!((&by_type["count"], &by_type["failures"]), (&json!(10), &json!(3)), "{document:#}");
}

#[test]
fn statistics_as_a_table() {
    let environment = mixed();
    let ran = environment.ok(["telemetry", "stats"]);
    insta::assert_snapshot!(stable(&ran.stdout, &environment), @"");
    assert_eq!(ran.stderr, "");
}
