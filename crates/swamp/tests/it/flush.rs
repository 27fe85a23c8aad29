//! Sending, by the real program to a real server.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::environment::{TestEnvironment, call, one_job, until};
use crate::telemetry_server::{Reply, Server};

/// A repository whose telemetry goes to a server.
fn sending_to(server: &Server) -> TestEnvironment {
    let mut environment = TestEnvironment::new();
    environment.set("SWAMP_TELEMETRY_ENDPOINT", server.url());
    environment
}

/// Waits until nobody is sending, so that no process outlives the test.
pub fn settle(environment: &TestEnvironment) {
    until("the end of sending", || {
        environment.json(["telemetry", "status"], 0)["flushing"] == false
    });
}

/// The words `command subcommand` of everything that was sent.
fn sent(server: &Server) -> Vec<String> {
    let events = server.requests().into_iter().flat_map(|request| request.events());
    let words = |event: Value| {
        let invocation = &event["properties"]["invocation"];
        let word = |key: &str| invocation[key].as_str().unwrap_or_default().to_owned();
        format!("{} {}", word("command"), word("subcommand"))
    };
    events.map(words).collect()
}

#[test]
fn a_command_sends_what_it_and_its_methods_left() {
    let server = Server::always(Reply::Take);
    let environment = sending_to(&server);
    environment.shell("fine", "run: 'true'");
    environment.workflow("w", &one_job(&[call("s", "fine", "")]));
    environment.ok(["workflow", "run", "w", "--json"]);
    until("two entries", || server.taken().len() == 2);
    settle(&environment);
    assert_eq!(environment.entries().0, [""; 0]);
    let mut sent = sent(&server);
    sent.sort();
    assert_eq!(sent, ["model method", "workflow run"]);
    let identity = environment.config.join("swamp/identity.json");
    let mode = std::fs::metadata(identity).expect("an identity").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// Weakness 24: an endpoint that hangs delays every command.
#[test]
fn a_command_does_not_wait_for_an_endpoint_that_hangs() {
    let server = Server::always(Reply::Hang);
    let environment = sending_to(&server);
    // The pipe of whoever reads the output to its end closes with the command.
    let mut command = environment.command(["version"]);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let start = Instant::now();
    let output = command.output().expect("an ended command");
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert!(output.status.success());
    until("a request", || !server.requests().is_empty());
    // While it is at it nobody starts another one.
    for _ in 0..5 {
        environment.ok(["version"]);
    }
    assert_eq!(server.requests().len(), 1);
    drop(server);
    settle(&environment);
    let status = environment.json(["telemetry", "status"], 0);
    assert_eq!((&status["spool"]["waiting"], &status["failures"]), (&6.into(), &1.into()));
    // And for a while nobody tries again.
    environment.ok(["version"]);
    assert_eq!(environment.json(["telemetry", "status"], 0)["flushing"], false);
}

/// Weakness 42: failures to send are told never, or by every command.
#[test]
fn waiting_says_what_is_left() {
    let server = Server::script(vec![Reply::Status(502), Reply::Take]);
    let mut environment = sending_to(&server);
    environment.set("SWAMP_TELEMETRY_FLUSH", "wait");
    let ran = environment.ok(["version", "--no-color"]);
    let left =
        "Telemetry: 1 of 1 entries are left for a later command: the endpoint fails (HTTP 502).";
    assert!(ran.stderr.contains(left), "{}", ran.stderr);
    let ran = environment.ok(["version"]);
    assert_eq!(ran.stderr, "");
    assert_eq!(server.taken().len(), 2);
    let ran = environment.run(["version", "--telemetry-flush=sometimes"]).expect_exit(1);
    assert!(ran.stderr.contains("expected detach, wait, wait:30s or off"), "{}", ran.stderr);
    environment.ok(["version", "--telemetry-flush=off"]);
    settle(&environment);
}

#[test]
fn what_is_off_sends_nothing_older_either() {
    let server = Server::always(Reply::Take);
    let mut environment = sending_to(&server);
    environment.ok(["version", "--telemetry-flush=off"]);
    environment.ok(["telemetry", "off"]);
    environment.set("SWAMP_TELEMETRY_FLUSH", "wait");
    environment.ok(["version"]);
    let ran = environment.run(["telemetry", "flush"]).expect_exit(1);
    assert!(ran.stderr.contains("Telemetry is off"), "{}", ran.stderr);
    assert!(server.requests().is_empty());
    assert_eq!(environment.entries().0.len(), 1);
    assert!(!environment.config.join("swamp/identity.json").exists());
}

#[test]
fn without_an_endpoint_nothing_is_sent_or_made() {
    let environment = TestEnvironment::new();
    environment.ok(["version", "--telemetry-flush=wait"]);
    let ran = environment.run(["telemetry", "flush"]).expect_exit(1);
    assert!(ran.stderr.contains("no endpoint is set"), "{}", ran.stderr);
    assert_eq!(std::fs::read_dir(&environment.config).expect("a directory").count(), 0);
}

/// Weakness 11: the key goes to the host that a cloned repository names.
#[test]
fn a_repository_gets_the_key_only_when_it_is_trusted() {
    let server = Server::always(Reply::Take);
    let mut environment = TestEnvironment::new();
    environment.mark(&format!("telemetryEndpoint: {}", server.url()));
    environment.set("SWAMP_TELEMETRY_FLUSH", "wait").set("SWAMP_API_KEY", "s3cret");
    let key = |environment: &TestEnvironment| {
        environment.ok(["version"]);
        let requests = server.requests();
        requests.last().and_then(|request| request.headers.get("x-api-key").cloned())
    };
    assert_eq!(key(&environment), None);
    environment.ok(["telemetry", "trust"]);
    assert_eq!(key(&environment).as_deref(), Some("s3cret"));
    let status = environment.run(["telemetry", "status", "--json"]);
    assert!(!status.stdout.contains("s3cret"), "{}", status.stdout);
    environment.ok(["telemetry", "trust", "--revoke"]);
    assert_eq!(key(&environment), None);
    for request in server.requests() {
        assert!(!String::from_utf8_lossy(&request.body).contains("s3cret"));
    }
}
