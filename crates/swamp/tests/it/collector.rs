//! The collector, as whoever runs one and sends to it sees it.

use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::environment::{Running, TestEnvironment, call, jobs, until};

/// A collector with a store of its own.
struct Collector {
    running: Running,
    url: String,
}

impl Collector {
    fn start(environment: &TestEnvironment, more: &[&str]) -> Self {
        let listen = ["collector", "serve", "--listen", "127.0.0.1:0", "--data"];
        let data = environment.effects.join("store");
        let mut command = environment.command(listen);
        command.arg(&data).args(more).arg("--no-telemetry").stdin(Stdio::null());
        let running = environment.spawn(command);
        until("the address", || running.stdout_so_far().ends_with('\n'));
        let url = running.stdout_so_far().trim().to_owned();
        Self { running, url }
    }

    /// Asks it something, with whatever else the request needs.
    fn ask(&self, path: &str, more: &[&str]) -> (u16, String) {
        let mut command = Command::new("curl");
        command.args(["--silent", "--noproxy", "*", "--max-time", "20"]).args(more);
        command.args(["--write-out", "\n%{http_code}"]).arg(format!("{}{path}", self.url));
        let output = command.output().expect("curl");
        let text = String::from_utf8(output.stdout).expect("text");
        let (body, status) = text.rsplit_once('\n').expect("a status");
        (status.parse().expect("a number"), body.to_owned())
    }

    fn json(&self, path: &str, more: &[&str]) -> Value {
        let (status, body) = self.ask(path, more);
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).expect("a document")
    }

    /// SIGTERM ends it well.
    fn stop(self) {
        self.running.signal(Signal::TERM);
        self.running.wait().expect_exit(0);
    }
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

/// Long enough for a reader to have come and a little to spare.
const MOMENT: Duration = Duration::from_millis(200);

#[test]
fn the_tail_shows_events_as_they_come() {
    let environment = TestEnvironment::new();
    let collector = Collector::start(&environment, &[]);
    let mut reader = Command::new("curl");
    reader.args(["--silent", "--no-buffer", "--noproxy", "*", "--max-time", "60"]);
    reader.arg(format!("{}/api/v1/tail?driver=raw", collector.url));
    let reader = environment.spawn(reader);
    until("the stream", || !reader.stdout_so_far().is_empty());
    std::thread::sleep(MOMENT);
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
