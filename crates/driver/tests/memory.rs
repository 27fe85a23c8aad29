//! Commands that print without end: alone in their process, because they measure that process.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

#[allow(dead_code, reason = "shared with other tests, which use the rest")]
#[path = "places/mod.rs"]
mod places;

use std::sync::Arc;

use serde_json::{Value, json};
use swamp_driver::{Cancel, CommandSpec, Driver, Drivers, Ending, KEPT_BYTES, Stdin, Surroundings};

use crate::places::{Dockerd, IMAGE, Podman, Sshd};

/// The most memory this process ever used, in bytes.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

fn driver(name: &str, config: &Value) -> Arc<dyn Driver> {
    let drivers = Drivers::builtin(Surroundings::default());
    drivers.resolve(&name.into(), config.as_object().unwrap()).unwrap().driver
}

#[test]
fn output_without_end_is_not_kept_in_memory() {
    let (podman, docker, sshd) = (Podman::start(), Dockerd::start(), Sshd::start());
    let container = json!({"image": IMAGE, "command": podman.command});
    let of_docker = json!({"image": IMAGE, "command": docker.command, "network": "none"});
    let host = json!({"host": Sshd::HOST, "extraArgs": ["-F", sshd.config]});
    for (name, config, mebibytes) in [
        ("raw", json!({}), 1024),
        ("docker", container, 100),
        ("docker", of_docker, 100),
        ("ssh", host, 100),
    ] {
        let driver = driver(name, &config);
        let printed = mebibytes << 20;
        let lines = format!("yes 0123456789abcde | head -c {printed}");
        for (script, text, is_stderr) in [
            (format!("head -c {printed} /dev/zero"), "\0", false),
            (format!("{{ {lines}; }} >&2"), "0123456789abcde\n", true),
        ] {
            let spec = CommandSpec {
                script: script.clone(),
                stdin: Stdin::Null,
                ..CommandSpec::default()
            };
            let mut streamed = 0;
            let result = driver
                .run(&spec, &Cancel::new().unwrap(), &mut |_, line| streamed += line.len() as u64)
                .unwrap();
            assert_eq!(result.ending, Ending::Exited(0), "{name}: {script}");
            let captured = if is_stderr { &result.stderr } else { &result.stdout };
            assert_eq!((captured.bytes, captured.kept), (printed, KEPT_BYTES as u64), "{name}");
            assert!(captured.text.starts_with(text) && captured.text.ends_with(text), "{name}");
            // Line feeds are not streamed, everything else is.
            assert_eq!(streamed, printed / 16 * if is_stderr { 15 } else { 16 }, "{name}");
            drop(result);
            let peak = peak_memory();
            assert!(peak < 64 << 20, "{name}: {peak} bytes");
        }
    }
}
