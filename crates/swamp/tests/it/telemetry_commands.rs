//! `swamp telemetry status`, `preview`, `clear`, `on`, `off` and the notice.

use std::fs;

use serde_json::{Value, json};

use crate::environment::TestEnvironment;
use crate::telemetry_server::{Reply, Server};

/// Weakness 41: the marker is rewritten, without its comments.
#[test]
fn telemetry_is_switched_off_and_on_in_place() {
    let environment = TestEnvironment::new();
    environment.mark("# ours\nownedBy: netops # who");
    let marker = || fs::read_to_string(environment.repo.join(".swamp.yaml")).expect("a marker");
    let before = marker();
    environment.ok(["telemetry", "off"]);
    assert_eq!(marker(), format!("{before}telemetryDisabled: true\n"));
    environment.ok(["version"]);
    assert_eq!(environment.entries().0, [""; 0]);
    let status = environment.json(["telemetry", "status"], 0);
    assert_eq!(status["offReason"], "telemetryDisabled is set in .swamp.yaml");
    environment.ok(["telemetry", "on"]);
    assert_eq!(marker(), before);

    environment.ok(["telemetry", "off", "--global"]);
    let settings = environment.config.join("swamp/telemetry.yaml");
    assert_eq!(fs::read_to_string(&settings).expect("settings"), "disabled: true\n");
    let ran = environment.ok(["telemetry", "on"]);
    assert!(ran.stderr.contains("It stays off all the same"), "{}", ran.stderr);
    environment.ok(["telemetry", "on", "--global"]);
    assert_eq!(environment.json(["telemetry", "status"], 0)["recording"], true);
}

#[test]
fn settings_that_cannot_be_read_switch_off() {
    let environment = TestEnvironment::new();
    fs::create_dir_all(environment.config.join("swamp")).expect("a directory");
    fs::write(environment.config.join("swamp/telemetry.yaml"), "disabled: [").expect("a file");
    environment.ok(["version"]);
    assert_eq!(environment.entries().0, [""; 0]);
    environment.run(["telemetry", "off", "--global"]).expect_exit(1);
}

#[test]
fn the_user_is_told_once_for_each_endpoint() {
    let server = Server::always(Reply::Take);
    let mut environment = TestEnvironment::new();
    environment.set("SWAMP_TELEMETRY_ENDPOINT", server.url()).set("SWAMP_TELEMETRY_FLUSH", "wait");
    assert_eq!(environment.ok(["version", "--json"]).stderr, "");
    assert_eq!(environment.ok(["version", "--quiet"]).stderr, "");
    let told = environment.ok(["version"]).stderr;
    for part in [&server.url(), "swamp telemetry preview", "swamp telemetry off"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert_eq!(environment.ok(["version"]).stderr, "");
    environment.set("SWAMP_TELEMETRY_ENDPOINT", format!("{}/other", server.url()));
    assert!(environment.ok(["version"]).stderr.contains("/other"));
}

#[test]
fn a_preview_is_the_body_of_the_next_request() {
    let server = Server::always(Reply::Take);
    let mut environment = TestEnvironment::new();
    let flushes = |environment: &TestEnvironment| environment.ok(["telemetry", "flush"]);
    environment.ok(["version"]);
    let early = environment.json(["telemetry", "preview"], 0);
    assert_eq!(early["notSentBecause"], "no endpoint is set");
    environment.set("SWAMP_TELEMETRY_ENDPOINT", server.url());
    flushes(&environment);
    environment.ok(["version", "--telemetry-flush=off"]);
    environment.ok(["model", "search", "--json", "--telemetry-flush=off"]);
    let shown = environment.ok(["telemetry", "preview"]).stdout;
    let document = environment.json(["telemetry", "preview"], 0);
    assert_eq!((&document["events"], &document["later"]), (&json!(2), &json!(0)));
    flushes(&environment);
    let body = server.requests().pop().expect("a request").body;
    assert_eq!(shown.trim_end().as_bytes(), body);
    assert_eq!(document["body"], serde_json::from_slice::<Value>(&body).expect("JSON"));
}

#[test]
fn clearing_asks_first() {
    let environment = TestEnvironment::new();
    environment.ok(["version"]);
    environment.run(["telemetry", "clear", "--json"]).expect_exit(1);
    let ran = environment.run_with_stdin(["telemetry", "clear"], "n\n").expect_exit(0);
    assert!(ran.stderr.contains("remove 1 telemetry entries"), "{}", ran.stderr);
    assert_eq!(environment.entries().0.len(), 1);
    assert_eq!(environment.json(["telemetry", "clear", "-y"], 0)["entries"], 1);
    assert_eq!(environment.entries().0, [""; 0]);
}

#[test]
fn a_full_spool_is_emptied_without_an_endpoint() {
    let mut environment = TestEnvironment::new();
    fs::create_dir_all(environment.config.join("swamp")).expect("a directory");
    let settings = environment.config.join("swamp/telemetry.yaml");
    fs::write(settings, "spool: {entries: 10}\n").expect("a file");
    environment.set("SWAMP_TELEMETRY_FLUSH", "off");
    for _ in 0..25 {
        environment.ok(["version"]);
        assert!(environment.entries().0.len() <= 11);
    }
    let status = environment.json(["telemetry", "status"], 0);
    let waiting = status["spool"]["waiting"].as_u64().expect("a number");
    assert!(waiting <= 10, "{status:#}");
    assert_eq!(status["dropped"]["tooMany"], 25 - waiting);
}
