//! Statistics over files in a spool.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use swamp_ident::Timestamp;
use swamp_telemetry::stats::{Period, Range, Sources, Statistics, collect, each};
use tempfile::TempDir;

/// Writes a file of the given day with an entry.
fn write(spool: &Path, number: u32, day: &str, suffix: &str, change: &Value) {
    let mut entry = json!({
        "id": format!("{number}"),
        "invocation": {"command": "version", "args": [], "optionKeys": [], "globalOptions": []},
        "result": {"status": "success", "exitCode": 0},
        "startedAt": format!("{day}T10:00:00.000Z"),
        "completedAt": format!("{day}T10:00:00.010Z"),
        "durationMs": 10,
        "swampVersion": "1",
        "denoVersion": "2.9.6",
        "platform": "linux",
    });
    for (key, value) in change.as_object().unwrap() {
        entry[key] = value.clone();
    }
    let name = format!("telemetry-{day}-{number}{suffix}.json");
    fs::write(spool.join(name), serde_json::to_string_pretty(&entry).unwrap()).unwrap();
}

fn command(words: &[&str], options: &[&str], globals: &[&str]) -> Value {
    let mut invocation = json!({
        "command": words[0], "args": [], "optionKeys": options, "globalOptions": globals,
    });
    if let Some(subcommand) = words.get(1) {
        invocation["subcommand"] = json!(subcommand);
    }
    invocation
}

fn call(method: &str) -> Value {
    json!({
        "command": "model", "args": ["run", "<REDACTED>", method], "optionKeys": [],
        "globalOptions": [], "subcommand": "method",
    })
}

fn failure(status: &str, category: Option<&str>) -> Value {
    let mut result = json!({"status": status, "exitCode": 1, "errorType": "Error"});
    if let Some(category) = category {
        result["errorCategory"] = json!(category);
    }
    result
}

fn last_days(spool: &Path, days: f64) -> Statistics {
    let today = Timestamp::parse("2026-11-22T23:59:59.999Z").unwrap();
    collect(spool, &Period::last_days(today, days).unwrap()).unwrap()
}

#[test]
fn the_summary_has_the_shape_of_the_original() {
    let spool = TempDir::new().unwrap();
    let spool = spool.path();
    let day = "2026-11-22";
    for (number, (words, options, globals, ms, status)) in [
        (&["telemetry", "stats"][..], &[][..], &["--json"][..], 8, "success"),
        (&["telemetry", "stats"], &[], &[], 9, "success"),
        (&["version"], &[], &["--json"], 1, "success"),
        (&["workflow", "run"], &["--skip-reports"], &["--json"], 90, "success"),
        (&["model", "method"], &[], &[], 3, "error"),
        (&["model", "method"], &[], &[], 4, "success"),
        (&["model", "get"], &[], &["--json"], 0, "user_error"),
        (&["model", "get"], &[], &["--json"], 0, "error"),
    ]
    .into_iter()
    .enumerate()
    {
        let change = json!({
            "invocation": command(words, options, globals),
            "durationMs": ms,
            "result": {"status": status, "exitCode": i32::from(status != "success")},
        });
        write(spool, u32::try_from(number).unwrap(), day, "", &change);
    }
    let statistics = last_days(spool, 2.0);
    assert_eq!(statistics.sources(), Sources { files: 8, ..Sources::default() });
    let text = serde_json::to_string(&statistics.summary(2.0)).unwrap();
    let want = json!({
        "totalInvocations": 8,
        "successCount": 5,
        "errorCount": 2,
        "userErrorCount": 1,
        "successRate": 62.5,
        "errorRate": 37.5,
        "commandFrequency": {
            "model get": 2, "model method": 2, "telemetry stats": 2, "version": 1,
            "workflow run": 1,
        },
        "optionFrequency": {"--json": 5, "--skip-reports": 1},
        "averageDurationByCommand": {
            "model get": 0, "model method": 4, "telemetry stats": 9, "version": 1,
            "workflow run": 90,
        },
        "platformDistribution": {"linux": 8},
        "daysAnalyzed": 2,
    });
    assert_eq!(text, want.to_string(), "key order and whole numbers included");
}

#[test]
fn rates_are_unrounded_and_strange_words_count_as_invocations() {
    let spool = TempDir::new().unwrap();
    let result = |status: &str| json!({"result": {"status": status, "exitCode": 0}});
    for (number, status) in [(1, "success"), (2, "success"), (3, "weird")] {
        write(spool.path(), number, "2026-11-22", "", &result(status));
    }
    let statistics = last_days(spool.path(), 0.5);
    let summary = serde_json::to_value(statistics.summary(0.5)).unwrap();
    assert_eq!(summary["successRate"], json!(66.666_666_666_666_66));
    assert_eq!(
        (&summary["totalInvocations"], &summary["errorRate"], &summary["daysAnalyzed"]),
        (&json!(3), &json!(0), &json!(0.5))
    );
}

#[test]
fn files_are_chosen_by_the_date_in_their_name() {
    let home = TempDir::new().unwrap();
    let spool = home.path();
    for (number, (day, suffix)) in [
        ("2026-11-19", ""),
        ("2026-11-20", ""),
        ("2026-11-21", ".flushed"),
        ("2026-11-22", ".quarantined"),
        ("2026-11-23", ""),
    ]
    .into_iter()
    .enumerate()
    {
        write(spool, u32::try_from(number).unwrap(), day, suffix, &json!({}));
    }
    fs::write(spool.join("telemetry-2026-11-22-bad.json"), "{").unwrap();
    fs::write(spool.join("notes.txt"), "mine").unwrap();
    let statistics = last_days(spool, 2.0);
    assert_eq!(statistics.sources(), Sources { files: 2, unreadable: 1, ..Sources::default() });
    assert_eq!(statistics.summary(2.0).total_invocations, 2);
    let count = |range: Option<Range>| each(spool, range.as_ref(), |_| Ok::<_, ()>(()));
    assert_eq!(count(None).unwrap().unwrap().entries, 4);
    let day = Range::since(Timestamp::parse("2026-11-21T00:00:00.000Z").unwrap());
    assert_eq!(count(Some(day)).unwrap().unwrap().entries, 2);
    assert_eq!(each(spool, None, |_| Err("enough")).unwrap(), Err("enough"));
    assert_eq!(last_days(&spool.join("nowhere"), 2.0).entries(), 0);
    let today = Timestamp::parse("2026-11-22T10:00:00.000Z").unwrap();
    let period = Period::last_days(today, 2.0).unwrap();
    let error = collect(&spool.join("notes.txt"), &period).unwrap_err().to_string();
    assert!(error.ends_with("is not a directory"), "{error}");
}

#[test]
fn calls_are_grouped_by_everything_they_have_in_common() {
    let home = TempDir::new().unwrap();
    let spool = home.path();
    let mut number = 0;
    let mut add = |method: &str, change: Value| {
        number += 1;
        let mut whole = json!({"invocation": call(method)});
        for (key, value) in change.as_object().unwrap() {
            whole[key] = value.clone();
        }
        write(spool, number, "2026-11-22", "", &whole);
    };
    // A fan-out of 20 items in one run: 1 to 20 ms, two of them failures.
    for item in 1..=20 {
        let result = match item {
            19 => failure("user_error", Some("method")),
            20 => failure("error", Some("timeout")),
            _ => json!({"status": "success", "exitCode": 0}),
        };
        add(
            "execute",
            json!({
                "durationMs": item,
                "result": result,
                "workflowContext": {
                    "workflowName": "nightly", "runId": "run-1", "jobName": "fan",
                    "stepName": format!("item-{item}"), "modelType": "command/shell",
                    "driver": "raw", "phase": "method", "stepTemplate": "item-${{ self.i }}",
                },
            }),
        );
    }
    // The same step in another run, before its method; and one whose model nobody found.
    add(
        "execute",
        json!({
            "durationMs": 0,
            "result": failure("user_error", Some("vault")),
            "workflowContext": {
                "workflowName": "nightly", "runId": "run-2", "jobName": "fan",
                "stepName": "item-1", "modelType": "command/shell", "phase": "before_method",
                "stepTemplate": "item-${{ self.i }}",
            },
        }),
    );
    // From an older version, which tells neither category nor phase.
    add(
        "probe",
        json!({
            "durationMs": 0,
            "result": failure("error", None),
            "workflowContext": {
                "workflowName": "adhoc", "runId": "run-3", "jobName": "fan", "stepName": "s",
            },
        }),
    );
    // Called directly.
    add(
        "execute",
        json!({
            "durationMs": 700,
            "methodContext": {"modelType": "command/shell", "driver": "docker", "phase": "method"},
        }),
    );
    // No method call.
    add("execute", json!({"invocation": command(&["model", "get"], &[], &[])}));

    let statistics = last_days(spool, 0.0);
    let calls = statistics.calls();
    assert_eq!((calls.total.numbers.calls, calls.total.numbers.runs), (23, 3));
    let rows = serde_json::to_value(&calls).unwrap();
    assert_eq!(
        rows["byStep"],
        json!([
            {
                "workflow": "nightly", "job": "fan", "step": "item-${{ self.i }}",
                "calls": 21, "runs": 2, "succeeded": 18, "failed": 3, "userErrors": 2,
                "beforeMethod": 1, "failureRate": 3.0 / 21.0,
                "failures": {"method": 1, "timeout": 1, "vault": 1},
                "p50Ms": 10, "p95Ms": 19, "p99Ms": 20, "maxMs": 20, "totalMs": 210, "share": 210.0 / 910.0,
                "before": null, "change": null,
            },
            {
                "workflow": "adhoc", "job": "fan", "step": "s",
                "calls": 1, "runs": 1, "succeeded": 0, "failed": 1, "userErrors": 0,
                "beforeMethod": 1, "failureRate": 1.0, "failures": {"unknown": 1},
                "p50Ms": null, "p95Ms": null, "p99Ms": null, "maxMs": null, "totalMs": 0, "share": 0.0,
                "before": null, "change": null,
            },
        ])
    );
    let told = |by: &str, keys: &[&str]| -> Vec<Value> {
        let group = |row: &Value| {
            let mut told: Vec<Value> = keys.iter().map(|key| row[*key].clone()).collect();
            told.extend(["calls", "maxMs"].map(|key| row[key].clone()));
            Value::from(told)
        };
        rows[by].as_array().unwrap().iter().map(group).collect()
    };
    assert_eq!(
        told("byModelType", &["modelType"]),
        [json!(["command/shell", 22, 700]), json!([null, 1, null])]
    );
    assert_eq!(
        told("byDriver", &["driver"]),
        [json!(["raw", 20, 20]), json!([null, 2, null]), json!(["docker", 1, 700])]
    );
    assert_eq!(
        told("byMethod", &["modelType", "method"]),
        [json!(["command/shell", "execute", 22, 700]), json!([null, "probe", 1, null])]
    );
    assert_eq!(
        told("byWorkflow", &["workflow"]),
        [json!(["nightly", 21, 20]), json!(["adhoc", 1, null])]
    );
}
