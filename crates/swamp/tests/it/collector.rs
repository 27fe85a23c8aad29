//! The collector, as whoever runs one and sends to it sees it.

use std::process::{Command, Stdio};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::environment::{Running, TestEnvironment, call, jobs, nest, until};

/// A collector with a store of its own.
pub struct Collector {
    running: Running,
    pub url: String,
}

impl Collector {
    /// Starts one, with more options.
    pub fn start(environment: &TestEnvironment, more: &[&str]) -> Self {
        let data = environment.effects.join("store");
        let data = data.to_str().expect("text");
        Self::on(environment, &["--data", data], more)
    }

    /// One whose store is where these options say.
    pub fn on(environment: &TestEnvironment, store: &[&str], more: &[&str]) -> Self {
        let mut command = environment.command(["collector", "serve", "--listen", "127.0.0.1:0"]);
        command.args(store).args(more).arg("--no-telemetry").stdin(Stdio::null());
        let running = environment.spawn(command);
        until("the address", || running.stdout_so_far().ends_with('\n'));
        let url = running.stdout_so_far().trim().to_owned();
        Self { running, url }
    }

    /// Asks it something, with whatever else the request needs.
    pub fn ask(&self, path: &str, more: &[&str]) -> (u16, String) {
        let mut command = Command::new("curl");
        command.args(["--silent", "--noproxy", "*", "--max-time", "20"]).args(more);
        command.args(["--write-out", "\n%{http_code}"]).arg(format!("{}{path}", self.url));
        let output = command.output().expect("curl");
        let text = String::from_utf8(output.stdout).expect("text");
        let (body, status) = text.rsplit_once('\n').expect("a status");
        (status.parse().expect("a number"), body.to_owned())
    }

    /// The text of the answer to a question.
    pub fn text(&self, path: &str, more: &[&str]) -> String {
        let (status, body) = self.ask(path, more);
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// The document that the answer to a question is.
    pub fn json(&self, path: &str, more: &[&str]) -> Value {
        serde_json::from_str(&self.text(path, more)).expect("a document")
    }

    /// SIGTERM ends it well.
    pub fn stop(self) {
        self.running.signal(Signal::TERM);
        self.running.wait().expect_exit(0);
    }
}

/// Makes a key for a collector of this environment.
pub fn key(environment: &TestEnvironment, scope: &str) -> String {
    let data = environment.effects.join("store");
    let data = data.to_str().expect("text");
    let command = ["collector", "key", "create", "--scope", scope, "--data", data];
    environment.ok(command.iter().copied().chain(["--no-telemetry"])).stdout.trim().to_owned()
}

/// Every call in a run's tree: workflow, job, step, driver, method.
fn calls(nodes: &Value, found: &mut Vec<[String; 5]>) {
    for node in nodes.as_array().expect("runs") {
        for call in node["methods"].as_array().expect("calls") {
            let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
            found.push([
                text(&node["workflow"]),
                text(&call["job"]),
                text(&call["step"]),
                text(&call["driver"]),
                text(&call["method"]),
            ]);
        }
        calls(&node["nested"], found);
    }
}

#[test]
fn what_a_connected_user_runs_is_at_the_collector_once() {
    let environment = TestEnvironment::new();
    let (ingest, read) = (key(&environment, "ingest"), key(&environment, "read"));
    // Keys are wanted, as on an address that others reach.
    let collector = Collector::start(&environment, &["--behind-proxy"]);
    let url = collector.url.clone();
    let settings = environment.config.join("swamp");

    // Nothing is kept of an attempt that fails.
    let refused = environment.run(["telemetry", "connect", &url, "--no-telemetry"]).expect_exit(1);
    assert!(refused.stderr.contains("it asks for a key (HTTP 401)"), "{}", refused.stderr);
    assert!(refused.stderr.contains("collector key create"), "{}", refused.stderr);
    let connect = ["telemetry", "connect", &url, "--key-stdin", "--no-telemetry"];
    for wrong in ["swk_0000000000000000_00", read.as_str()] {
        let refused = environment.run_with_stdin(connect, wrong).expect_exit(1);
        assert!(refused.stderr.contains("does not take this key"), "{}", refused.stderr);
        assert!(!refused.stderr.contains(wrong), "{}", refused.stderr);
    }
    assert!(!settings.join("telemetry.yaml").exists() && !settings.join("telemetry-key").exists());

    environment.run_with_stdin(connect, &format!("{ingest}\n")).expect_exit(0);
    environment.shell("fine", "run: 'true'");
    environment.shell("broken", "run: 'exit 3'");
    environment.workflow("inner", &jobs(&[("deep", "", &[call("leaf", "fine", "")])]));
    let first = [call("a", "fine", ""), nest("below", "inner", "")];
    let second = [call("b", "broken", ", allowFailure: true")];
    environment.workflow("outer", &jobs(&[("one", "", &first[..]), ("two", "", &second[..])]));
    environment.ok(["workflow", "run", "outer", "--telemetry-flush=off"]);
    let flushed = environment.json(["telemetry", "flush", "--no-color"], 0);
    assert_eq!((&flushed["left"], &flushed["ok"]), (&json!(0), &json!(true)), "{flushed}");

    let header = format!("x-api-key: {read}");
    let header = ["--header", header.as_str()];
    assert_eq!(collector.ask("/api/v1/runs", &[]).0, 401);
    let runs = collector.json("/api/v1/runs", &header);
    let run = &runs["runs"][0];
    assert_eq!(
        (runs["runs"].as_array().map(Vec::len), &run["workflow"]),
        (Some(1), &json!("outer"))
    );
    let run =
        collector.json(&format!("/api/v1/runs/{}", run["id"].as_str().expect("an id")), &header);
    let mut found = Vec::new();
    calls(&run["children"], &mut found);
    found.sort();
    let want = [
        ["inner", "deep", "leaf", "raw", "execute"],
        ["outer", "one", "a", "raw", "execute"],
        ["outer", "two", "b", "raw", "execute"],
    ];
    assert_eq!(found, want.map(|row| row.map(str::to_owned)));
    let summary = collector.json("/api/v1/summary", &header);
    assert_eq!((&summary["methods"], &summary["errors"]), (&json!(3), &json!(1)), "{summary}");
    collector.stop();

    // A collector that is gone, and something that is none, are not connected to.
    let gone = environment.run(["telemetry", "connect", &url, "--no-telemetry"]).expect_exit(1);
    assert!(gone.stderr.contains("connection refused"), "{}", gone.stderr);
    let kept = std::fs::read_to_string(settings.join("telemetry.yaml")).expect("the settings");
    assert!(kept.contains(&url), "{kept}");
}

#[test]
fn a_made_up_month_is_there_to_look_at() {
    let environment = TestEnvironment::without_repository();
    let data = environment.effects.join("store");
    let data = data.to_str().expect("text");
    let filled = environment.json(["collector", "demo", "--data", data, "--no-telemetry"], 0);
    let stored = filled["stored"].as_u64().expect("a number");
    assert!(stored > 5_000, "{filled}");
    let collector = Collector::start(&environment, &[]);
    let summary = collector.json("/api/v1/summary", &[]);
    let (runs, methods) = (summary["runs"].as_u64(), summary["methods"].as_u64());
    assert_eq!(runs.zip(methods).map(|(runs, methods)| runs + methods), Some(stored), "{summary}");
    collector.stop();
}

#[test]
fn the_tail_shows_events_as_they_come() {
    let environment = TestEnvironment::new();
    let collector = Collector::start(&environment, &[]);
    let mut reader = Command::new("curl");
    reader.args(["--silent", "--no-buffer", "--noproxy", "*", "--max-time", "60"]);
    reader.arg(format!("{}/api/v1/tail?driver=raw", collector.url));
    let reader = environment.spawn(reader);
    // It begins with a line of its own once the collector watches for the client.
    until("the stream", || !reader.stdout_so_far().is_empty());
    environment.ok(["telemetry", "connect", &collector.url, "--no-telemetry"]);
    environment.shell("fine", "run: 'true'");
    environment.workflow("w", &jobs(&[("j", "", &[call("s", "fine", "")])]));
    environment.ok(["workflow", "run", "w", "--telemetry-flush=wait"]);
    until("the event", || reader.stdout_so_far().contains("\"stepName\":\"s\""));
    collector.stop();
    // The stream ends with the collector.
    let ran = reader.wait();
    assert_eq!(ran.stdout.matches("event: event").count(), 1, "{}", ran.stdout);
}

#[test]
fn other_programs_get_figures_and_everything() {
    let environment = TestEnvironment::new();
    let collector = Collector::start(&environment, &["--rollup-metrics"]);
    environment.ok(["telemetry", "connect", &collector.url, "--telemetry-flush=off"]);
    environment.shell("fine", "run: 'true'");
    environment.workflow("w", &jobs(&[("j", "", &[call("=s,1", "fine", "")])]));
    environment.ok(["workflow", "run", "w", "--telemetry-flush=wait"]);

    let (status, metrics) = collector.ask("/metrics", &[]);
    assert_eq!(status, 200);
    for line in [
        "swamp_collector_requests_total{kind=\"ingest\",outcome=\"accepted\"} 2",
        "swamp_collector_events_total{outcome=\"ok\"} 3",
        "swamp_collector_events_total{outcome=\"duplicate\"} 0",
        "swamp_collector_queue_requests 0",
        "swamp_collector_store_events 3",
        "swamp_collector_method_calls_total{driver=\"raw\",model_type=\"command/shell\",status=\"success\"} 1",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line}\n{metrics}");
    }

    let (_, lines) = collector.ask("/api/v1/export", &[]);
    let events: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("an event")).collect();
    assert_eq!(events.len(), 3, "{lines}");
    let (_, table) = collector.ask("/api/v1/export?format=csv&driver=raw", &[]);
    let rows: Vec<&str> = table.lines().collect();
    assert_eq!(rows.len(), 2, "{table}");
    assert!(rows[0].starts_with("id,kind,startedAt,durationMs,failed,parentId,runId,driver,"));
    assert!(rows[1].contains(",method,") && rows[1].contains("\"'=s,1\""), "{table}");
    assert_eq!(collector.ask("/api/v1/export?format=xml", &[]).0, 400);

    // What an export gave is taken over elsewhere.
    let file = environment.write("export.ndjson", lines);
    let (file, other) = (file.to_str().expect("text"), environment.effects.join("other"));
    let other = other.to_str().expect("text");
    let import = ["collector", "import", file, "--data", other, "--no-telemetry"];
    assert_eq!(environment.json(import, 0)["stored"], 3);
    assert_eq!(environment.json(import, 0)["duplicates"], 3);
    collector.stop();
}

#[test]
fn a_file_has_nothing_to_repair() {
    let environment = TestEnvironment::without_repository();
    let data = environment.effects.join("store");
    let data = data.to_str().expect("text");
    environment.json(["collector", "demo", "--data", data, "--no-telemetry"], 0);
    let repair = ["collector", "repair", "--data", data, "--no-telemetry"];
    assert_eq!(environment.json(repair, 0)["hours"], 0);
    assert_eq!(environment.ok(repair).stdout, "Statistics and events agree\n");
}
