//! What `show`, `stats` and `export` tell when everything has been delivered to a real collector.

use serde_json::{Value, json};

use crate::collector::Collector;
use crate::environment::{TestEnvironment, call, nest, one_job, text};

/// A repository that is connected to a collector.
fn connected() -> (TestEnvironment, Collector) {
    let mut environment = TestEnvironment::new();
    let collector = Collector::start(&environment, &[]);
    environment.ok(["telemetry", "connect", &collector.url, "--no-telemetry"]);
    environment.set("SWAMP_TELEMETRY_FLUSH", "off");
    environment.shell("quick", "run: 'true'");
    environment.shell("bad", "run: 'exit 3'");
    environment.workflow("inner", &one_job(&[call("deep", "quick", "")]));
    let after = |step: &str, more: &str| {
        format!(", dependsOn: [{{step: {step}, condition: {{type: completed}}}}]{more}")
    };
    environment.workflow(
        "w",
        &one_job(&[
            call("first", "quick", ""),
            call("bad", "bad", &after("first", ", allowFailure: true")),
            nest("nested", "inner", &after("bad", "")),
        ]),
    );
    (environment, collector)
}

fn flush(environment: &TestEnvironment) {
    let flushed = environment.json(["telemetry", "flush"], 0);
    assert_eq!(flushed["left"], 0, "{flushed}");
}

/// Statistics without what depends on where they come from: times are exact or from a sketch, and
/// the command that asks is counted by the next one.
fn stats(environment: &TestEnvironment, more: &[&str]) -> Value {
    let args = ["telemetry", "stats", "--json", "--no-telemetry"];
    let mut stats = environment.ok(args.iter().chain(more)).json();
    let document = stats.as_object_mut().expect("an object");
    for key in ["period", "periodBefore", "sources"] {
        document.remove(key);
    }
    stats
}

/// Whether two figures are the same but for what a sketch may be off by.
fn is_close(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| is_close(a, b)))
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_close(a, b))
        }
        (Value::Number(a), Value::Number(b)) => {
            let [a, b] = [a, b].map(|number| number.as_f64().expect("a number"));
            (a - b).abs() <= (a.abs() / 256.0).max(1e-9)
        }
        (a, b) => a == b,
    }
}

/// Weakness 39: statistics are empty when everything was sent.
#[test]
fn statistics_are_the_same_before_and_after_delivery() {
    let (environment, collector) = connected();
    environment.ok(["workflow", "run", "w", "--skip-reports"]);
    environment.ok(["model", "method", "run", "quick", "execute"]);
    environment.run(["model", "get", "ghost"]).expect_exit(1);
    let views: [&[&str]; 5] = [
        &[],
        &["--by", "workflow,job,step,status,errorCategory"],
        &["--by", "driver,modelType,method,platform,agent"],
        &["--failing"],
        &["--workflow", "inner"],
    ];
    let before = views.map(|view| stats(&environment, view));
    assert_eq!(before[0]["methodCalls"]["total"]["calls"], 4, "{:#}", before[0]);
    assert_eq!(environment.entries().0.len(), 3 + 3);

    flush(&environment);
    assert_eq!(environment.entries().0, [""; 0]);
    let sources = &environment.json(["telemetry", "stats", "--no-telemetry"], 0)["sources"];
    assert_eq!((&sources["files"], &sources["rolledUp"]), (&json!(0), &json!(6)), "{sources}");
    for (view, before) in views.iter().zip(&before) {
        let after = stats(&environment, view);
        assert!(is_close(before, &after), "{view:?}: {before:#}\n{after:#}");
    }
    // The table as well, which says where its figures are from.
    let table = environment.ok(["telemetry", "stats", "--no-telemetry"]).stdout;
    assert!(table.contains("6 of these entries were delivered"), "{table}");

    // What came after counts beside it, and once more after its delivery.
    environment.ok(["workflow", "run", "w", "--skip-reports"]);
    for _ in 0..2 {
        let total = &stats(&environment, &[])["methodCalls"]["total"];
        assert_eq!((&total["calls"], &total["failed"]), (&json!(7), &json!(2)), "{total}");
        flush(&environment);
    }
    let summary = collector.json("/api/v1/summary", &[]);
    assert_eq!((&summary["methods"], &summary["errors"]), (&json!(7), &json!(2)), "{summary}");
    collector.stop();
}

#[test]
fn what_was_delivered_is_told_to_be_gone_and_what_is_kept_is_shown() {
    let (environment, collector) = connected();
    environment.ok(["workflow", "run", "w", "--skip-reports"]);
    let entries = environment.entries();
    let parent = entries.parent().clone();
    let [id, run] = ["id", "runId"].map(|key| text(&parent[key]).to_owned());
    let show = |id: &str| environment.run(["telemetry", "show", "--run", id, "--no-telemetry"]);
    assert!(show(&id).expect_exit(0).stdout.contains("deep"));
    flush(&environment);

    let ran = environment.ok(["telemetry", "show", "--no-telemetry"]);
    let said = format!("{}{}", ran.stdout, ran.stderr);
    assert!(said.contains("swamp telemetry stats"), "{said}");
    for id in [&id[..], &id[..8], &run] {
        let ran = show(id).expect_exit(1);
        assert!(ran.stderr.contains("delivered"), "{id}: {}", ran.stderr);
    }
    let exported = environment.ok(["telemetry", "export", "--no-telemetry"]);
    assert_eq!(exported.stdout, "");
    assert!(exported.stderr.contains("delivered"), "{}", exported.stderr);

    // Kept on request: then everything goes on to be there, and is counted once.
    environment.mark("telemetryKeepFlushed: true");
    environment.ok(["workflow", "run", "w", "--skip-reports"]);
    let waiting = environment.ok(["telemetry", "export", "--no-telemetry"]).stdout;
    flush(&environment);
    let kept = environment.ok(["telemetry", "export", "--no-telemetry"]).stdout;
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!((sorted(&kept).len(), sorted(&kept)), (4, sorted(&waiting)));
    let shown = environment.ok(["telemetry", "show", "--no-telemetry"]).stdout;
    assert!(shown.contains("workflow run") && shown.contains("deep"), "{shown}");
    let total = &stats(&environment, &[])["methodCalls"]["total"];
    assert_eq!((&total["calls"], &total["runs"]), (&json!(6), &json!(4)), "{total}");
    collector.stop();
}
