//! The driver `docker`, with Podman and with Docker.

use std::any::Any;
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

use crate::places::{Dockerd, IMAGE, Podman, Shared};
use crate::suite::{Bed, run, spec};

static PODMAN: Shared<Podman> = Shared::new();
static DOCKER: Shared<Dockerd> = Shared::new();

/// Containers of an engine, which lives as long as they do.
struct Containers {
    config: Value,
    _engine: Arc<dyn Any + Send + Sync>,
}

impl Containers {
    fn of_podman() -> Self {
        let engine = PODMAN.get(Podman::start);
        Self { config: json!({"image": IMAGE, "command": engine.command}), _engine: engine }
    }

    fn of_docker() -> Self {
        let engine = DOCKER.get(Dockerd::start);
        // The daemon has no bridge, and warns of it before every container that wants one.
        let config = json!({"image": IMAGE, "command": engine.command, "network": "none"});
        Self { config, _engine: engine }
    }

    fn with(&self, more: &Value) -> Arc<dyn Driver> {
        let mut config = self.config.clone();
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let surroundings =
            Surroundings { repository: Some(RepoId::new("the-repo")), runtime_dir: None };
        let drivers = Drivers::builtin(surroundings);
        drivers.resolve(&Docker::NAME.into(), config.as_object().unwrap()).unwrap().driver
    }

    fn engine(&self) -> Engine {
        Docker::engine_of(Some(&self.config))
    }

    fn ask(&self, arguments: &[&str]) -> String {
        let output = Command::new(self.engine().as_str()).args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
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

/// All promises, and what is asked of container engines only, as tests of one of them.
macro_rules! engine {
    ($name:ident, $bed:path, [$($test:ident),* $(,)?]) => {
        mod $name {
            use super::Containers;

            fn bed() -> Containers {
                $bed()
            }

            crate::suite::conforms!(bed);

            $(
                #[test]
                fn $test() {
                    super::$test(&bed());
                }
            )*
        }
    };
}

macro_rules! engines {
    ($tests:tt) => {
        engine!(podman, Containers::of_podman, $tests);
        engine!(docker, Containers::of_docker, $tests);
    };
}

engines!([
    the_options_arrive,
    the_own_environment_and_directory_stay_outside,
    an_engine_or_image_that_is_not_there_is_no_failure_of_the_command,
    a_container_that_is_killed_is_an_exit_code,
    containers_tell_whose_they_are,
    secrets_are_not_in_what_the_engine_knows,
    nothing_that_is_printed_is_kept_by_the_engine,
]);

fn the_options_arrive(containers: &Containers) {
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

fn the_own_environment_and_directory_stay_outside(containers: &Containers) {
    let result = run(&*containers.driver(), &spec("env; pwd; ls /")).unwrap();
    let here = std::env::current_dir().unwrap();
    assert!(!result.stdout.text.contains(here.to_str().unwrap()), "{}", result.stdout.text);
    assert!(!result.stdout.text.contains("CARGO"), "{}", result.stdout.text);
}

fn an_engine_or_image_that_is_not_there_is_no_failure_of_the_command(containers: &Containers) {
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

fn a_container_that_is_killed_is_an_exit_code(containers: &Containers) {
    let driver = containers.driver();
    let spec = CommandSpec { run: Some(RunId::new("killed")), ..spec("echo up; sleep 1000") };
    let engine = containers.engine();
    let result = driver.run(&spec, &Cancel::new().unwrap(), &mut |_, line| {
        assert_eq!(line, "up");
        let found = engine.containers().unwrap();
        let of_run = found
            .iter()
            .find(|found| found.owned.run.as_ref().is_some_and(|run| run.as_str() == "killed"));
        containers.ask(&["kill", &of_run.unwrap().name]);
    });
    let result = result.unwrap();
    assert_eq!((result.ending, result.stdout.text.as_str()), (Ending::Exited(137), "up"));
}

fn containers_tell_whose_they_are(containers: &Containers) {
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
    assert_eq!((seen.state.as_str(), seen.image.as_str()), ("running", IMAGE));
    assert!(seen.name.starts_with("swamp-"), "{seen:?}");
}

fn secrets_are_not_in_what_the_engine_knows(containers: &Containers) {
    let secret = "s3cret with 'quotes'\nand lines";
    let spec = CommandSpec {
        secret_env: vec![("TOKEN".into(), Secret::new(secret))],
        run: Some(RunId::new("inspected")),
        ..spec("printf %s \"$TOKEN\" | wc -c; echo up; sleep 1000")
    };
    let (cancel, mut inspected) = (Cancel::new().unwrap(), String::new());
    let result = containers.driver().run(&spec, &cancel, &mut |_, line| {
        if line == "up" {
            let ids = containers.ask(&["ps", "-q", "--filter", "label=swamp.run=inspected"]);
            inspected = containers.ask(&["inspect", ids.trim()]);
            cancel.cancel(CancelCause::Interrupt);
        }
    });
    assert_eq!(result.unwrap().stdout.text, format!("{}\nup", secret.len()));
    assert!(inspected.contains("inspected") && !inspected.contains("s3cret"), "{inspected}");
}

fn nothing_that_is_printed_is_kept_by_the_engine(containers: &Containers) {
    let spec = CommandSpec { run: Some(RunId::new("printing")), ..spec("echo up; sleep 1000") };
    let (cancel, mut driver) = (Cancel::new().unwrap(), String::new());
    let result = containers.driver().run(&spec, &cancel, &mut |_, _| {
        let ids = containers.ask(&["ps", "-q", "--filter", "label=swamp.run=printing"]);
        let shown = ["inspect", "--format", "{{.HostConfig.LogConfig.Type}}", ids.trim()];
        driver = containers.ask(&shown);
        cancel.cancel(CancelCause::Interrupt);
    });
    assert_eq!((result.unwrap().stdout.text.as_str(), driver.trim()), ("up", "none"));
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
