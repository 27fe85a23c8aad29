//! What killed runs leave behind, and how it goes away.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::environment::{TestEnvironment, call, one_job, text, until};
use crate::places::{IMAGE, Podman, command_lines_with};

fn found(report: &Value, check: &str) -> Vec<Value> {
    let findings = report["findings"].as_array().expect("findings");
    findings.iter().filter(|finding| finding["check"] == check).cloned().collect()
}

#[test]
fn orphaned_containers_are_found_and_removed() {
    let (environment, podman) = (TestEnvironment::new(), Podman::start());
    // Leaves the group that its keeper can reach, so that it outlives everybody.
    let long = "14142135";
    let command = podman.command.display();
    environment.definition(
        "stubborn",
        &format!("driver: docker\ndriverConfig: {{image: {IMAGE}, command: {command}}}\nmethods: {{execute: {{arguments: {{run: 'exec setsid sleep {long}'}}}}}}\n"),
    );
    environment.workflow("w", &one_job(&[call("s", "stubborn", "")]));
    let running = environment.spawn(environment.command(["workflow", "run", "w"]));
    let there = || !command_lines_with(&format!("sleep {long}")).is_empty();
    until("the container", there);

    // While its process lives, all is well.
    let well = environment.ok(["doctor", "--json"]).json();
    assert_eq!(well["ok"], true, "{well}");
    assert_eq!(found(&well, "container"), Vec::<Value>::new());
    assert!(text(&well["fine"][0]["what"]).contains("podman version"), "{well}");

    running.signal(rustix::process::Signal::KILL);
    assert_eq!(running.wait().exit, None);
    let sick = environment.run(["doctor", "--json"]).expect_exit(1).json();
    let containers = found(&sick, "container");
    assert_eq!(containers.len(), 1, "{sick}");
    let what = text(&containers[0]["what"]);
    assert!(what.contains("is gone") && what.contains(IMAGE), "{what}");
    assert!(what.contains(text(&environment.run_record("w")["id"])), "{what}");
    assert_eq!(containers[0]["fixable"], true);
    assert!(there(), "nothing is changed without --fix");

    let fixed = environment.ok(["doctor", "--fix"]);
    assert!(fixed.stdout.contains("(put right) container: swamp-"), "{}", fixed.stdout);
    assert_eq!(podman.containers(), Vec::<String>::new());
    until("its end", || !there());
    environment.ok(["doctor"]);
}

#[test]
fn what_drivers_need_is_looked_at() {
    let environment = TestEnvironment::new();
    environment.ok(["doctor"]);
    environment
        .mark("defaultDriver: docker\ndefaultDriverConfig: {image: x, command: no-such-engine}");
    environment.workflow("w", &format!("driver: ssh\n{}", one_job(&[call("s", "m", "")])));
    let sick = environment.run(["doctor", "--json"]).expect_exit(1).json();
    let engines = found(&sick, "container engine");
    assert_eq!(engines.len(), 1, "{sick}");
    assert!(text(&engines[0]["what"]).starts_with("cannot start 'no-such-engine'"), "{sick}");
    assert!(engines[0]["remedy"].is_string() && engines[0]["fixable"] == false);
    let fine = sick["fine"].as_array().expect("a list");
    assert!(fine.iter().any(|fine| fine["check"] == "ssh"), "{sick}");
    // What cannot be put right stays a problem.
    environment.run(["doctor", "--fix"]).expect_exit(1);
    assert_eq!(environment.entries().parents().len(), 3);
}

#[test]
fn open_files_with_secrets_are_closed() {
    let environment = TestEnvironment::new();
    let file = environment.write(".swamp/secrets/local_encryption/v/K.enc", "{}");
    let mode = || std::fs::metadata(&file).expect("a file").permissions().mode() & 0o777;
    let set = |mode| {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(&file, mode).expect("permissions");
    };
    set(0o600);
    environment.ok(["doctor"]);
    set(0o644);
    let sick = environment.run(["doctor"]).expect_exit(1);
    assert!(sick.stdout.contains("has mode 644"), "{}", sick.stdout);
    environment.ok(["doctor", "--fix"]);
    assert_eq!(mode(), 0o600);
}

#[test]
fn outside_of_a_repository_there_is_little_to_look_at() {
    let environment = TestEnvironment::without_repository();
    let outside = environment.ok(["doctor", "--json"]).json();
    assert_eq!(outside["ok"], true, "{outside}");
    environment.run(["doctor", "--repo-dir", "nowhere"]).expect_exit(1);
}
