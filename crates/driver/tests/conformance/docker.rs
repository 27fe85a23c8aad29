//! The driver `docker`, with Podman.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use swamp_driver::{
    Cancel, CommandSpec, Docker, Driver, DriverError, Drivers, Ending, Engine, Owner, Standing,
    Surroundings,
};
use swamp_ident::{CancelCause, RepoId, RunId};
use swamp_secret::Secret;

use crate::places::{Podman, Shared};
use crate::suite::{Bed, conforms, run, spec};

static PODMAN: Shared<Podman> = Shared::new();

struct Containers(Arc<Podman>);

impl Containers {
    fn with(&self, more: &Value) -> Arc<dyn Driver> {
        let mut config = json!({"image": Podman::IMAGE, "command": self.0.command});
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let surroundings =
            Surroundings { repository: Some(RepoId::new("the-repo")), runtime_dir: None };
        let drivers = Drivers::builtin(surroundings);
        drivers.resolve(&Docker::NAME.into(), config.as_object().unwrap()).unwrap().driver
    }

    fn engine(&self) -> Engine {
        Engine::new(self.0.command.to_str().unwrap())
    }
}

impl Bed for Containers {
    fn driver(&self) -> Arc<dyn Driver> {
        self.with(&json!({}))
    }

    fn leaves_nothing(&self, name: &str) {
        // Other tests have containers of their own; this one's is found by its run.
        let found = self.engine().containers().unwrap();
        let left = found
            .iter()
            .filter(|found| found.owned.run.as_ref().is_some_and(|run| run.as_str() == name));
        assert_eq!(left.count(), 0, "{found:?}");
    }
}

fn bed() -> Containers {
    Containers(PODMAN.get(Podman::start))
}

conforms!(bed);

#[test]
fn the_options_arrive() {
    let containers = bed();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("note"), "from outside").unwrap();
    let driver = containers.with(&json!({
        "network": "none", "memory": "64m", "cpus": 1, "env": {"STAGE": "test", "N": 1},
        "volumes": [format!("{}:/srv:ro", dir.path().display())], "extraArgs": ["--hostname", "box"],
    }));
    let script = "echo $STAGE $N; cat /srv/note; echo; hostname; touch /srv/x || ls /sys/class/net";
    let result = run(&*driver, &spec(script)).unwrap();
    assert_eq!(result.stdout.text, "test 1\nfrom outside\nbox\nlo");
    assert!(!dir.path().join("x").exists());
}

#[test]
fn the_own_environment_and_directory_stay_outside() {
    let containers = bed();
    let result = run(&*containers.driver(), &spec("env; pwd; ls /")).unwrap();
    let here = std::env::current_dir().unwrap();
    assert!(!result.stdout.text.contains(here.to_str().unwrap()), "{}", result.stdout.text);
    assert!(!result.stdout.text.contains("CARGO"), "{}", result.stdout.text);
}

#[test]
fn an_engine_or_image_that_is_not_there_is_no_failure_of_the_command() {
    let containers = bed();
    let error = |more: Value, spec: &CommandSpec| match run(&*containers.with(&more), spec) {
        Err(error) => error,
        Ok(result) => panic!("{more}: {result:?}"),
    };
    let error_of = |more: Value| error(more, &spec("echo never"));
    let missing = error_of(json!({"command": "/nonexistent/engine"}));
    assert!(matches!(missing, DriverError::Engine { .. }), "{missing}");
    let text = missing.to_string();
    assert!(text.contains("'/nonexistent/engine'") && text.contains("'command'"), "{text}");

    let image = error_of(json!({"image": "localhost/nowhere:1", "extraArgs": ["--pull", "never"]}));
    assert!(matches!(image, DriverError::Container { code: 125, .. }), "{image}");
    assert!(image.to_string().contains("localhost/nowhere:1"), "{image}");

    let option = error_of(json!({"extraArgs": ["--no-such-option"]}));
    assert!(matches!(option, DriverError::Container { .. }), "{option}");

    // An image whose entry point cannot be started, as one without a shell.
    let shell = error_of(json!({"extraArgs": ["--entrypoint", "/bin/no-such-shell"]}));
    assert!(matches!(shell, DriverError::Container { code: 127, .. }), "{shell}");
    assert!([missing, image, option, shell].iter().all(DriverError::is_of_the_place));
}

#[test]
fn a_container_that_is_killed_is_an_exit_code() {
    let containers = bed();
    let driver = containers.driver();
    let spec = CommandSpec { run: Some(RunId::new("killed")), ..spec("echo up; sleep 1000") };
    let engine = containers.engine();
    let result = driver.run(&spec, &Cancel::new().unwrap(), &mut |_, line| {
        assert_eq!(line, "up");
        let found = engine.containers().unwrap();
        let of_run = found
            .iter()
            .find(|found| found.owned.run.as_ref().is_some_and(|run| run.as_str() == "killed"));
        containers.0.ask(&["kill", &of_run.unwrap().name]);
    });
    let result = result.unwrap();
    assert_eq!((result.ending, result.stdout.text.as_str()), (Ending::Exited(137), "up"));
}

#[test]
fn containers_tell_whose_they_are() {
    let containers = bed();
    let driver = containers.driver();
    let spec = CommandSpec { run: Some(RunId::new("labelled")), ..spec("echo up; sleep 1000") };
    let cancel = Cancel::new().unwrap();
    let mut seen = None;
    driver
        .run(&spec, &cancel, &mut |_, _| {
            let found = containers.engine().containers().unwrap();
            seen = found.into_iter().find(|found| {
                found.owned.run.as_ref().is_some_and(|run| run.as_str() == "labelled")
            });
            cancel.cancel(CancelCause::Interrupt);
        })
        .unwrap();
    let seen = seen.expect("a container");
    assert_eq!(seen.owned.owner, *Owner::this_process());
    assert_eq!(seen.owned.owner.standing(), Standing::Alive);
    assert_eq!(seen.owned.repository, Some(RepoId::new("the-repo")));
    assert_eq!((seen.state.as_str(), seen.image.as_str()), ("running", Podman::IMAGE));
    assert!(seen.name.starts_with("swamp-"), "{seen:?}");
}

#[test]
fn secrets_are_not_in_what_the_engine_knows() {
    let containers = bed();
    let driver = containers.driver();
    let secret = "s3cret with 'quotes'\nand lines";
    let spec = CommandSpec {
        secret_env: vec![("TOKEN".into(), Secret::new(secret))],
        run: Some(RunId::new("inspected")),
        ..spec("echo up; read x < /dev/null; sleep 0.5; printf %s \"$TOKEN\" | wc -c")
    };
    let mut inspected = String::new();
    let result = driver.run(&spec, &Cancel::new().unwrap(), &mut |_, line| {
        if line == "up" {
            let ids = containers.0.ask(&["ps", "-q", "--filter", "label=swamp.run=inspected"]);
            inspected = containers.0.ask(&["inspect", ids.trim()]);
        }
    });
    let length = secret.len().to_string();
    assert_eq!(result.unwrap().stdout.text.trim_start_matches("up\n").trim(), length);
    assert!(inspected.contains("inspected") && !inspected.contains("s3cret"), "{inspected}");
}

#[test]
fn an_unfinished_pull_can_be_cancelled() {
    // An engine that never gets as far as a container.
    let dir = tempfile::tempdir().unwrap();
    let engine = dir.path().join("engine");
    std::fs::write(
        &engine,
        "#!/bin/sh\n[ \"$1\" = run ] || exit 0\necho pulling >&2\nexec sleep 1000\n",
    )
    .unwrap();
    let chmod = Command::new("chmod").arg("755").arg(&engine).status().unwrap();
    assert!(chmod.success());
    let drivers = Drivers::builtin(Surroundings::default());
    let config = json!({"image": "x", "command": engine});
    let driver = drivers.resolve(&"docker".into(), config.as_object().unwrap()).unwrap().driver;
    let cancel = Cancel::new().unwrap();
    let result = driver.run(&spec("true"), &cancel, &mut |_, line| {
        assert_eq!(line, "pulling");
        cancel.cancel(CancelCause::Terminate);
    });
    let result = result.unwrap();
    assert_eq!(result.ending, Ending::Cancelled(CancelCause::Terminate));
    assert_eq!(result.stderr.text, "", "what the engine says is not the command's");
    assert!(result.duration < Duration::from_mins(1));
}
