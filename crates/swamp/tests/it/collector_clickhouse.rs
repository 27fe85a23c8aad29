//! A collector that keeps its events in a ClickHouse: what whoever runs it and whoever asks it sees is
//! the same as with a file.

use serde_json::{Value, json};

use crate::collector::Collector;
use crate::engines;
use crate::environment::{TestEnvironment, call, jobs, nest};

/// What is asked of both.
fn answers(collector: &Collector, header: &[&str]) -> Vec<(String, Value)> {
    let mut paths: Vec<String> = [
        "summary?since=2h&compare=true",
        "summary?step=a",
        "breakdown?by=driver,modelType,method,workflow,job,step,status,errorCategory,errorMessage",
        "breakdown?by=platform,agent&status=user_error",
        "timeseries?interval=day&by=workflow",
        "runs",
        "errors",
        "slowest",
        "regressions",
        "values?by=step",
    ]
    .map(|path| format!("/api/v1/{path}"))
    .into();
    let runs = collector.json("/api/v1/runs", header);
    for run in runs["runs"].as_array().expect("runs") {
        paths.push(format!("/api/v1/runs/{}", run["id"].as_str().expect("an id")));
    }
    assert_eq!(paths.len(), 12, "two runs: {runs}");
    paths.into_iter().map(|path| (path.clone(), collector.json(&path, header))).collect()
}

#[test]
fn a_clickhouse_answers_as_a_file_does_also_after_a_restart() {
    let engine = engines::debian();
    let address =
        format!("clickhouse://default:it's%20%26%20secret@127.0.0.1:{}/swamp", engine.port());
    let environment = TestEnvironment::new();
    let store = ["--store", address.as_str()];
    let key = |scope: &str| {
        let create = ["collector", "key", "create", "--scope", scope, "--no-telemetry"];
        environment.ok(create.iter().copied().chain(store)).stdout.trim().to_owned()
    };
    // The first command makes the tables.
    let (ingest, read) = (key("ingest"), key("read"));
    let collector = Collector::on(&environment, &store, &["--behind-proxy"]);

    let connect = ["telemetry", "connect", &collector.url, "--key-stdin", "--no-telemetry"];
    environment.run_with_stdin(connect, &format!("{ingest}\n")).expect_exit(0);
    environment.shell("fine", "run: 'true'");
    environment.shell("broken", "run: 'exit 3'");
    environment.workflow("inner", &jobs(&[("deep", "", &[call("leaf", "fine", "")])]));
    let first = [call("a", "fine", ""), nest("below", "inner", "")];
    let second = [call("it's, \\\\ \\\"b\\\"", "broken", ", allowFailure: true")];
    environment.workflow("outer", &jobs(&[("one", "", &first[..]), ("two", "", &second[..])]));
    environment.workflow("failing", &jobs(&[("j", "", &[call("s", "broken", "")])]));
    environment.run(["workflow", "run", "failing", "--telemetry-flush=off"]).expect_exit(1);
    environment.ok(["workflow", "run", "outer", "--telemetry-flush=wait"]);
    let flushed = environment.json(["telemetry", "flush", "--no-color"], 0);
    assert_eq!((&flushed["left"], &flushed["ok"]), (&json!(0), &json!(true)), "{flushed}");

    let header = format!("x-api-key: {read}");
    let header = ["--header", header.as_str()];
    let summary = collector.json("/api/v1/summary", &header);
    let numbers = ["runs", "failedRuns", "methods", "errors"].map(|key| summary[key].as_u64());
    assert_eq!(numbers, [Some(2), Some(1), Some(4), Some(2)], "{summary}");
    let here = answers(&collector, &header);

    // The same events in a file, as an export takes them along.
    let (status, exported) = collector.ask("/api/v1/export", &header);
    assert_eq!((status, exported.lines().count()), (200, 6), "{exported}");
    let file = environment.write("export.ndjson", &exported);
    let data = environment.effects.join("file");
    let data = ["--data", data.to_str().expect("text")];
    let import = ["collector", "import", file.to_str().expect("text"), "--no-telemetry", "--json"];
    let imported = environment.ok(import.iter().copied().chain(data)).json();
    assert_eq!(imported["stored"], 6, "{imported}");
    let other = Collector::on(&environment, &data, &[]);
    for ((path, here), (_, there)) in here.iter().zip(answers(&other, &[])) {
        assert_eq!(here, &there, "{path}");
    }
    other.stop();

    // A restart changes nothing, and what comes again is not counted again.
    collector.stop();
    let collector = Collector::on(&environment, &store, &["--behind-proxy"]);
    assert_eq!(answers(&collector, &header), here);
    let body = format!("{{\"events\":[{}]}}", exported.lines().collect::<Vec<_>>().join(","));
    let body = environment.write("again.json", body);
    let send = format!("x-api-key: {ingest}");
    let body = format!("@{}", body.display());
    let json_type = "content-type: application/json";
    let send = ["--header", &send, "--header", json_type, "--data-binary", &body];
    let (status, answer) = collector.ask("/ingest", &send);
    assert_eq!((status, answer.matches("\"duplicate\"").count()), (202, 6), "{answer}");
    assert_eq!(answers(&collector, &header), here);
    collector.stop();
}
