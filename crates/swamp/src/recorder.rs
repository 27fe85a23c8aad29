//! Who records the command: opens the telemetry session and knows where entries go.
//!
//! Whether anything is recorded is decided once, before the command runs: by the switches of the
//! command line, the environment, the user and the repository. Nothing here can fail the command.

use std::io::{IsTerminal, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use swamp_events::EventSink;
use swamp_ident::{Clock, IdSource, Moment};
use swamp_secret::Redactor;
use swamp_store::Repository;
use swamp_telemetry::{
    Marker, MarkerState, Masks, Outcome, Session, SessionConfig, Switches, config_dir, host_name,
    repository_spool, surroundings, user_spool,
};

use crate::command_line::CommandLine;
use crate::commands::VERSION;
use crate::environment::Environment;

/// The recorder of one command, on or off.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    session: Option<Session>,
    spool: Option<PathBuf>,
    /// Whether something could not be written.
    is_faulty: Arc<AtomicBool>,
}

/// Commands of which nothing is recorded: asking for help or the version with an option, and
/// commands that do not exist, are no use of the program.
pub(crate) fn is_worth_recording(line: &CommandLine, exit: u8) -> bool {
    let asks = line.has("--help") || (line.path.is_empty() && line.has("--version"));
    !asks && exit != crate::exit_code::UNKNOWN_COMMAND
}

impl Recorder {
    /// A recorder that records nothing.
    pub(crate) fn off() -> Self {
        Self::default()
    }

    /// Starts recording, unless something says not to.
    pub(crate) fn open(
        line: &CommandLine,
        environment: Environment,
        clock: &Arc<dyn Clock>,
        ids: &Arc<dyn IdSource>,
        started: Moment,
        redactor: &Redactor,
    ) -> Self {
        let env = |name: &str| std::env::var(name).ok();
        if line.has("--no-telemetry") {
            return Self::off();
        }
        let Some(directory) = repository_directory(line, environment) else {
            return Self::off();
        };
        let is_repository = directory.join(".swamp.yaml").is_file();
        let value = is_repository.then(|| read_marker(&directory.join(".swamp.yaml")));
        let marker = value.as_ref().and_then(|value| value.as_ref()).map(Marker::read);
        let config = config_dir(&env);
        let user_settings =
            config.as_ref().and_then(|config| read_marker(&config.join("telemetry.yaml")));
        let switches = Switches {
            no_telemetry_option: false,
            env: &env,
            user_settings: user_settings.as_ref(),
            marker: match &marker {
                None if is_repository => MarkerState::Unreadable,
                None => MarkerState::NoRepository,
                Some(marker) => MarkerState::Read(marker),
            },
        };
        if switches.off().is_some() {
            return Self::off();
        }
        let spool = if is_repository {
            repository_spool(&directory)
        } else {
            match &config {
                Some(config) => user_spool(config),
                None => return Self::off(),
            }
        };
        let stdin_is_terminal = std::io::stdin().is_terminal();
        let context = surroundings(&env, stdin_is_terminal, marker.as_ref());
        let redactor = redactor.clone();
        let mut masks = Masks::of_machine(&env, &host_name())
            .with_redaction(Arc::new(move |text| redactor.redact(text).into_owned()));
        if is_repository {
            masks = masks.with_repository(&directory);
        }
        let is_faulty = Arc::new(AtomicBool::new(false));
        let fault = Arc::clone(&is_faulty);
        let is_debugged = environment.get("SWAMP_DEBUG").is_some();
        let session = Session::open(SessionConfig {
            clock: Arc::clone(clock),
            ids: Arc::clone(ids),
            started,
            masks,
            repo_id: marker.and_then(|marker| marker.repo_id),
            on_fault: Some(Box::new(move |what| {
                fault.store(true, Ordering::Relaxed);
                if is_debugged {
                    // Where even this cannot be written, there is nobody left to tell.
                    let _ = writeln!(std::io::stderr(), "[Telemetry] {what}");
                }
            })),
            ..SessionConfig::new(spool.clone(), line.words.clone(), context, VERSION)
        });
        // Commands that tell about telemetry shall count what dead sessions left.
        if line.path.first().is_some_and(|command| command == "telemetry") {
            session.recover();
        }
        Self { session: Some(session), spool: Some(spool), is_faulty }
    }

    /// The consumer for a run's events.
    pub(crate) fn sink(&self) -> Option<Arc<dyn EventSink>> {
        self.session.as_ref().map(Session::sink)
    }

    /// Where entries go; `None` when nothing is recorded or something could not be.
    pub(crate) fn spool(&self) -> Option<&Path> {
        self.spool.as_deref().filter(|_| !self.is_faulty.load(Ordering::Relaxed))
    }

    /// Writes what is left to write.
    pub(crate) fn close(self, outcome: Outcome) {
        if let Some(session) = self.session {
            session.close(outcome);
        }
    }
}

/// The repository the command runs in.
fn repository_directory(line: &CommandLine, environment: Environment) -> Option<PathBuf> {
    let cwd = std::env::current_dir().ok()?;
    let variable = environment.get("SWAMP_REPO_DIR");
    Some(Repository::directory(line.repo_dir.as_deref(), variable.as_deref(), &cwd))
}

fn read_marker(path: &Path) -> Option<serde_json::Value> {
    let text = std::fs::read_to_string(path).ok()?;
    let value = swamp_yaml::Document::parse(&text).ok()?.into_value();
    value.is_object().then_some(value)
}
