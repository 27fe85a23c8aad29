//! The driver `ssh`, with a real server on this machine.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use swamp_driver::{Cancel, CommandSpec, Driver, DriverError, Drivers, Ending, Ssh, Surroundings};
use swamp_events::OutputStream;

use crate::places::{Shared, Sshd, command_lines_with};
use crate::suite::{Bed, conforms, eventually, run, spec, unique};

static SSHD: Shared<Sshd> = Shared::new();

struct Host(Arc<Sshd>);

impl Host {
    fn with(&self, more: &Value) -> Arc<dyn Driver> {
        let mut config = json!({"host": Sshd::HOST, "extraArgs": ["-F", self.0.config]});
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let surroundings =
            Surroundings { repository: None, runtime_dir: Some(self.0.runtime_dir.clone()) };
        let drivers = Drivers::builtin(surroundings);
        drivers.resolve(&Ssh::NAME.into(), config.as_object().unwrap()).unwrap().driver
    }
}

impl Bed for Host {
    fn driver(&self) -> Arc<dyn Driver> {
        self.with(&json!({}))
    }
}

fn bed() -> Host {
    Host(SSHD.get(Sshd::start))
}

conforms!(bed);

#[test]
fn the_options_arrive() {
    let host = bed();
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().canonicalize().unwrap();
    std::fs::create_dir(dir.join("it's $(here)")).unwrap();
    let driver = host.with(&json!({
        "host": "127.0.0.1", "port": host.0.port, "identityFile": host.0.file("user"),
        "workingDir": dir, "env": {"STAGE": "test", "N": 1},
    }));
    let inner = CommandSpec {
        working_dir: Some(Path::new("it's $(here)").to_owned()),
        ..spec("echo $STAGE $N; pwd")
    };
    let result = run(&*driver, &inner).unwrap();
    assert_eq!(result.stdout.text, format!("test 1\n{}/it's $(here)", dir.display()));
}

#[test]
fn a_connection_that_does_not_come_about_is_no_failure_of_the_command() {
    let host = bed();
    for (more, said) in [
        (json!({"host": "127.0.0.1", "port": 1}), "refused"),
        (
            json!({"host": "127.0.0.1", "port": host.0.port, "extraArgs": ["-F", host.0.config, "-o", "IdentitiesOnly=yes"], "identityFile": host.0.file("stranger")}),
            "Permission denied",
        ),
        (json!({"host": "nowhere.invalid"}), "nowhere.invalid"),
        (json!({"extraArgs": ["--no-such-option"]}), ""),
    ] {
        let error = run(&*host.with(&more), &spec("echo never")).unwrap_err();
        assert!(matches!(error, DriverError::Connection { .. }), "{more}: {error}");
        assert!(error.is_of_the_place() && error.to_string().contains(said), "{more}: {error}");
    }
    let error = run(&*host.with(&json!({"command": "/nonexistent/ssh"})), &spec("true"));
    assert!(matches!(error, Err(DriverError::Client { .. })), "{error:?}");
}

#[test]
fn a_command_that_ends_as_ssh_would_is_a_command() {
    let result = run(&*bed().driver(), &spec("echo mine >&2; exit 255")).unwrap();
    assert_eq!((result.ending, result.stderr.text.as_str()), (Ending::Exited(255), "mine"));
}

#[test]
fn a_connection_that_breaks_is_told_and_the_command_ends() {
    let host = bed();
    // Not shared: nobody else's connection is to break.
    let driver = host.with(&json!({
        "extraArgs": ["-F", host.0.config, "-o", "ControlPath=none"],
    }));
    let long = unique();
    let script = format!("echo $PPID; exec sleep {long}");
    let result = driver.run(&spec(&script), &Cancel::new().unwrap(), &mut |stream, line| {
        if stream != OutputStream::Stdout {
            return;
        }
        // The shell's parent there is the reader, whose parent is the session.
        let stat = std::fs::read_to_string(format!("/proc/{line}/stat")).unwrap();
        let parent = stat.rsplit(')').next().unwrap().split_whitespace().nth(1).unwrap();
        let pid = rustix::process::Pid::from_raw(parent.parse().unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    });
    let error = result.unwrap_err();
    assert!(matches!(error, DriverError::Lost { .. }), "{error}");
    assert!(error.is_of_the_place());
    eventually("the command to end", || command_lines_with(&format!("sleep {long}")).is_empty());
}

#[test]
fn connections_are_shared() {
    let host = bed();
    let driver = host.driver();
    let client = "echo $SSH_CONNECTION";
    let ports: Vec<String> =
        (0..3).map(|_| run(&*driver, &spec(client)).unwrap().stdout.text).collect();
    let sockets = std::fs::read_dir(host.0.runtime_dir.join("ssh")).unwrap().count();
    assert!(sockets > 0 && ports.iter().all(|port| port.contains("127.0.0.1")), "{ports:?}");
    assert_eq!(ports[1], ports[2], "the same connection");
}
