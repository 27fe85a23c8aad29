//! The driver that runs a shell in a container.

mod engine;
mod owner;

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Map, Value};
use swamp_events::OutputStream;
use swamp_ident::DriverName;

pub use self::engine::{Engine, EngineError, Found, Owned};
pub use self::owner::{Owner, Standing};
use crate::config::Fields;
use crate::elsewhere::{Conversation, PROGRAM, Place, converse, nonce};
use crate::process::Process;
use crate::{
    Cancel, Captured, CommandResult, CommandSpec, ConfigError, Configured, Driver, DriverError,
    DriverKind, Ending, ResultStyle, Surroundings,
};

/// The engine, when the configuration names none.
const USUAL_ENGINE: &str = "docker";

/// Exit codes of an engine that could not start the container, or not what should run in it.
const NOT_STARTED: std::ops::RangeInclusive<i32> = 125..=127;

/// Runs `sh` in a container of its own, through any command that takes the arguments of `docker`.
#[derive(Debug)]
pub struct Docker {
    name: DriverName,
    config: Config,
    surroundings: Arc<Surroundings>,
}

#[derive(Debug)]
struct Config {
    engine: String,
    image: String,
    network: Option<String>,
    memory: Option<String>,
    cpus: Option<String>,
    volumes: Vec<String>,
    env: Vec<(String, String)>,
    timeout: Option<Duration>,
    extra_args: Vec<String>,
}

/// How an engine differs from `docker`, as far as its name tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    Docker,
    Nerdctl,
}

impl Dialect {
    fn of(engine: &str) -> Self {
        let name = Path::new(engine).file_name().and_then(OsStr::to_str).unwrap_or_default();
        // `nerdctl.lima` and the like are the same program somewhere else.
        if name.starts_with("nerdctl") { Self::Nerdctl } else { Self::Docker }
    }

    /// Whether `--log-driver none` is known. Not every version of nerdctl has it, and those that have
    /// not start no container. Its log goes with the container.
    const fn can_log_nothing(self) -> bool {
        matches!(self, Self::Docker)
    }
}

impl Docker {
    /// The name of this driver.
    pub const NAME: &'static str = "docker";

    pub(crate) fn kind(surroundings: Arc<Surroundings>) -> impl DriverKind {
        DockerKind { name: DriverName::new(Self::NAME), surroundings }
    }

    /// The engine that a configuration names, or the usual one. Says nothing about whether the rest
    /// is right.
    pub fn engine_of(config: Option<&Value>) -> Engine {
        let named = config.and_then(|config| config.get("command")).and_then(Value::as_str);
        Engine::new(named.filter(|name| !name.is_empty()).unwrap_or(USUAL_ENGINE))
    }

    fn command(&self, spec: &CommandSpec, container: &str) -> Command {
        let config = &self.config;
        let mut command = Command::new(&config.engine);
        command.args(["run", "--rm", "-i", "--name", container]);
        if Dialect::of(&config.engine).can_log_nothing() {
            // Engines write what a container prints to a file of theirs, where nobody redacts it.
            command.args(["--log-driver", "none"]);
        }
        let owner = Owner::this_process();
        for (name, value) in owner.labels(self.surroundings.repository.as_ref(), spec.run.as_ref())
        {
            command.args(["--label", &format!("{name}={value}")]);
        }
        for (option, value) in
            [("--network", &config.network), ("--memory", &config.memory), ("--cpus", &config.cpus)]
        {
            if let Some(value) = value {
                command.args([option, value]);
            }
        }
        for volume in &config.volumes {
            command.args(["-v", volume]);
        }
        for (name, value) in &config.env {
            command.args(["-e", &format!("{name}={value}")]);
        }
        command.args(&config.extra_args).arg(&config.image).args(["sh", "-c", PROGRAM]);
        command
    }

    fn judge(&self, talked: Conversation, container: &str) -> Result<CommandResult, DriverError> {
        let Conversation { mut result, began, exit, said } = talked;
        let engine = Engine::new(&self.config.engine);
        match result.ending {
            Ending::Cancelled(_) | Ending::TimedOut(_) => {
                // It asked to be removed when it ends; this is for when it could not.
                engine.remove(container);
                return Ok(result);
            }
            Ending::Signalled(_) => engine.remove(container),
            Ending::Exited(_) => {}
        }
        let engine = self.config.engine.clone();
        let place = format!("in a container of '{}'", self.config.image);
        match (began, exit, result.exit_code()) {
            (true, Some(exit), _) => result.ending = Ending::Exited(exit),
            (false, Some(_), _) => {
                let place = place.replacen("in", "of", 1);
                return Err(DriverError::Preparation { place, said });
            }
            (false, None, code) if NOT_STARTED.contains(&code) || is_fatal(&said) => {
                let (image, said) = (self.config.image.clone(), without_advice(&said));
                return Err(DriverError::Container { engine, image, code, said });
            }
            // The engine lost the container, not the container the command.
            (true, None, 125) => {
                let said = last_line(&result.stderr.text);
                return Err(DriverError::Lost { place, said });
            }
            // The image starts something else than what it is told: that was the command.
            (false, None, _) => result.stderr = Captured::whole(said),
            // The container was killed.
            (true, None, _) => {}
        }
        Ok(result)
    }
}

impl Driver for Docker {
    fn name(&self) -> &DriverName {
        &self.name
    }

    fn run(
        &self,
        spec: &CommandSpec,
        cancel: &Cancel,
        on_line: &mut dyn FnMut(OutputStream, &str),
    ) -> Result<CommandResult, DriverError> {
        if let Some(cause) = cancel.cause() {
            return Ok(CommandResult::never_began(cause));
        }
        let container = format!("swamp-{}", &nonce()[..8]);
        let command = self.command(spec, &container);
        let timeout = shorter(spec.timeout, self.config.timeout);
        let mut place = Container { engine: Engine::new(&self.config.engine), name: &container };
        let talked = converse(command, spec, timeout, &mut place, cancel, on_line);
        let engine = || self.config.engine.clone();
        let talked =
            talked.map_err(|source| DriverError::Engine { engine: engine(), source })??;
        self.judge(talked, &container)
    }

    fn style(&self) -> ResultStyle {
        ResultStyle::Container
    }
}

/// Whether an engine says that it gave up. nerdctl, which has no exit code of its own for that, does so
/// by a line of its log, coloured or not.
fn is_fatal(said: &str) -> bool {
    said.lines().any(|line| {
        line.contains("FATA[") || (line.starts_with("time=") && line.contains("level=fatal"))
    })
}

/// What an engine says, apart from where its options are explained, which are not the user's.
fn without_advice(said: &str) -> String {
    let is_advice = |line: &str| {
        (line.starts_with("See '") || line.starts_with("Run '")) && line.contains(" --help'")
    };
    said.lines().filter(|line| !is_advice(line)).collect::<Vec<_>>().join("\n")
}

/// The shorter of two limits.
pub(crate) fn shorter(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// The last line that is not blank.
pub(crate) fn last_line(text: &str) -> String {
    text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default().to_owned()
}

struct Container<'a> {
    engine: Engine,
    name: &'a str,
}

impl Place for Container<'_> {
    fn kill(&mut self, process: &mut Process) {
        // First the one who could still be about to create it.
        process.signal_group(Signal::KILL);
        self.engine.remove(self.name);
    }

    fn talks(&self) -> bool {
        // Pulling an image takes its time; people want to see that.
        true
    }
}

struct DockerKind {
    name: DriverName,
    surroundings: Arc<Surroundings>,
}

impl DriverKind for DockerKind {
    fn name(&self) -> &DriverName {
        &self.name
    }

    fn configure(&self, config: &Map<String, Value>) -> Result<Configured, ConfigError> {
        let mut fields = Fields::new(config);
        let mut config = Config {
            image: fields.required("image", "the image to run commands in"),
            engine: fields.text("command").unwrap_or_else(|| USUAL_ENGINE.to_owned()),
            network: fields.text("network"),
            memory: fields.text_or_number("memory"),
            cpus: fields.text_or_number("cpus"),
            volumes: fields.texts("volumes"),
            env: fields.env("env"),
            timeout: fields.millis("timeout"),
            extra_args: fields.texts("extraArgs"),
        };
        // For methods that are programs, which no built-in type has.
        fields.text("bundleImage");
        if config.image.starts_with('-') {
            fields.problem("'image' must not begin with '-'".to_owned());
        }
        fields.finish()?;
        if config.engine.contains('/') {
            // Commands are started in other directories than this process's by some systems.
            if let Ok(path) = std::path::absolute(&config.engine) {
                config.engine = path.to_string_lossy().into_owned();
            }
        }
        let surroundings = Arc::clone(&self.surroundings);
        let driver = Docker { name: self.name.clone(), config, surroundings };
        Ok(Configured { driver: Arc::new(driver), warnings: Vec::new() })
    }
}

/// Starts a helper command of an engine: nothing to read, nobody to signal it but us.
fn quiet(engine: &str) -> Command {
    use std::os::unix::process::CommandExt;
    let mut command = Command::new(engine);
    command.stdin(Stdio::null()).process_group(0);
    command
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn docker(engine: &str) -> Docker {
        let surroundings = Arc::new(Surroundings {
            repository: Some(swamp_ident::RepoId::new("repo-1")),
            runtime_dir: None,
        });
        let config = Config {
            engine: engine.into(),
            image: "tools:1".into(),
            network: Some("none".into()),
            memory: Some("64m".into()),
            cpus: Some("0.5".into()),
            volumes: vec!["/srv:/srv:ro".into()],
            env: vec![("STAGE".into(), "test".into())],
            timeout: None,
            extra_args: vec!["--init".into()],
        };
        Docker { name: "docker".into(), surroundings, config }
    }

    /// The command line, labels left out, and everything in it.
    fn arguments(docker: &Docker) -> (Vec<String>, Vec<String>) {
        let spec = CommandSpec {
            script: "echo inside".into(),
            secret_env: vec![("S".into(), swamp_secret::Secret::new("hunter2"))],
            run: Some(swamp_ident::RunId::new("run-1")),
            ..CommandSpec::default()
        };
        let command = docker.command(&spec, "swamp-0");
        let words: Vec<String> =
            command.get_args().map(|word| word.to_str().unwrap().to_owned()).collect();
        let mut rest = words.iter();
        let mut kept = Vec::new();
        while let Some(word) = rest.next() {
            if word == "--label" {
                rest.next();
            } else {
                kept.push(word.clone());
            }
        }
        (kept, words)
    }

    #[test]
    fn every_key_is_known() {
        let config = json!({
            "extraArgs": ["--init"], "env": {"STAGE": "test"}, "volumes": ["/srv:/srv:ro"], "cpus": 0.5,
            "memory": "64m", "network": "none", "image": "tools:1", "command": "podman",
            "bundleImage": "ignored", "timeout": 1000,
        });
        let surroundings = Arc::new(Surroundings::default());
        let kind = DockerKind { name: "docker".into(), surroundings };
        assert!(kind.configure(config.as_object().unwrap()).is_ok());
    }

    #[test]
    fn arguments_come_in_the_documented_order_as_each_engine_knows_them() {
        let begin = ["run", "--rm", "-i", "--name", "swamp-0"];
        let log = ["--log-driver", "none"];
        let limits = ["--network", "none", "--memory", "64m", "--cpus", "0.5"];
        let rest = ["-v", "/srv:/srv:ro", "-e", "STAGE=test", "--init", "tools:1", "sh", "-c"];
        for (engine, logs_nothing) in [
            ("docker", true),
            ("podman", true),
            ("/usr/bin/podman", true),
            ("/opt/our-engine", true),
            ("nerdctl", false),
            ("/usr/local/bin/nerdctl", false),
            ("nerdctl.lima", false),
        ] {
            let (words, all) = arguments(&docker(engine));
            let log = if logs_nothing { &log[..] } else { &[] };
            let wanted = [&begin[..], log, &limits, &rest, &[PROGRAM]].concat();
            assert_eq!(words, wanted, "{engine}");
            for label in ["swamp.run=run-1", "swamp.repo=repo-1"] {
                assert!(all.iter().any(|word| word == label), "{engine}: {all:?}");
            }
            assert!(all.iter().all(|word| !word.contains("hunter2") && !word.contains("inside")));
        }
    }

    #[test]
    fn an_engine_that_gives_up_is_told_from_a_command_that_fails() {
        let judged = |code: i32, said: &str| {
            let result = CommandResult {
                ending: Ending::Exited(code),
                ..CommandResult::never_began(swamp_ident::CancelCause::Interrupt)
            };
            let talked = Conversation { result, began: false, exit: None, said: said.to_owned() };
            docker("nerdctl").judge(talked, "swamp-0")
        };
        for said in [
            "FATA[0000] unknown flag: --memry",
            "\u{1b}[31mFATA\u{1b}[0m[0001] x\nFATA[0001] failed to resolve reference",
            "time=\"2026-01-01T00:00:00Z\" level=fatal msg=\"cannot access containerd socket\"",
        ] {
            let error = judged(1, said).unwrap_err();
            assert!(matches!(error, DriverError::Container { code: 1, .. }), "{error}");
        }
        for said in ["", "fatal: not a git repository", "level=fatal msg=x"] {
            assert_eq!(judged(1, said).unwrap().ending, Ending::Exited(1), "{said}");
        }
        let said = "docker: invalid reference format.\nSee 'docker run --help'.\n";
        assert_eq!(
            judged(125, said).unwrap_err().to_string(),
            "'nerdctl' could not start a container from 'tools:1' (exit code 125):\n  docker: invalid reference format.\nCheck the engine with `swamp doctor`, and 'image' and 'extraArgs' of driverConfig."
        );
    }
}
