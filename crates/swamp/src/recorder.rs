//! Who records the command: opens the telemetry session and knows where entries go.
//!
//! Whether anything is recorded is decided once, before the command runs: by the switches of the
//! command line, the environment, the user and the repository. Nothing here can fail the command.

use std::io::{IsTerminal, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use swamp_events::EventSink;
use swamp_ident::{Clock, IdSource, Moment};
use swamp_secret::Redactor;
use swamp_store::Repository;
use swamp_telemetry::{
    Masks, Outcome, Session, SessionConfig, Setup, host_name, recover_sessions, surroundings,
};

use crate::command_line::CommandLine;
use crate::commands::VERSION;
use crate::environment::Environment;
use crate::exit_code;
use crate::signals::LastWords;

/// How long the end of a command may be about sessions that died. What is left after that is for a
/// process of its own.
const SETTLE_FOR: Duration = Duration::from_millis(3);

/// The recorder of one command, on or off.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    open: Option<Open>,
    /// Whether something could not be written.
    is_faulty: Arc<AtomicBool>,
}

/// What is recorded, and under which settings.
#[derive(Debug)]
struct Open {
    session: Session,
    setup: Setup,
}

/// A command that was recorded.
#[derive(Debug)]
pub(crate) struct Recorded {
    /// The settings that held for it.
    pub(crate) setup: Setup,
    /// Whether sessions that died are still to be settled.
    pub(crate) is_unsettled: bool,
}

/// Commands of which nothing is recorded: asking for help or the version with an option, and
/// commands that do not exist, are no use of the program.
pub(crate) fn is_worth_recording(line: &CommandLine, exit: u8) -> bool {
    let asks = line.has("--help") || (line.path.is_empty() && line.has("--version"));
    !asks && exit != exit_code::UNKNOWN_COMMAND
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
        if line.has("--no-telemetry") {
            return Self::off();
        }
        let Some(directory) = repository_directory(line, environment) else {
            return Self::off();
        };
        let env = |name: &str| std::env::var(name).ok();
        let setup = Setup::read(Some(&directory), false, &env);
        let (None, Some(spool)) = (setup.off, setup.spool.clone()) else {
            return Self::off();
        };
        if leaves_no_trace(line) {
            if line.path().last() != Some(&"off") {
                recover_sessions(&spool, started.wall);
            }
            return Self::off();
        }
        let marker = setup.marker.as_ref();
        let stdin_is_terminal = std::io::stdin().is_terminal();
        let context = surroundings(&env, stdin_is_terminal, marker);
        let redactor = redactor.clone();
        let mut masks = Masks::of_machine(&env, &host_name())
            .with_redaction(Arc::new(move |text| redactor.redact(text).into_owned()));
        if setup.repository.is_some() {
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
            repo_id: marker.and_then(|marker| marker.repo_id.clone()),
            settle_for: Some(SETTLE_FOR),
            on_fault: Some(Box::new(move |what| {
                fault.store(true, Ordering::Relaxed);
                if is_debugged {
                    // Where even this cannot be written, there is nobody left to tell.
                    let _ = writeln!(std::io::stderr(), "[Telemetry] {what}");
                }
            })),
            ..SessionConfig::new(spool, line.words.clone(), context, VERSION)
        });
        // Commands that tell about telemetry shall count what dead sessions left.
        if line.path.first().is_some_and(|command| command == "telemetry") {
            session.recover();
        }
        Self { open: Some(Open { session, setup }), is_faulty }
    }

    /// The consumer for a run's events.
    pub(crate) fn sink(&self) -> Option<Arc<dyn EventSink>> {
        self.open.as_ref().map(|open| open.session.sink())
    }

    /// What to record when a signal ends the command; `None` when nothing is recorded.
    pub(crate) fn last_words(&self) -> Option<LastWords> {
        let closer = self.open.as_ref()?.session.closer();
        Some(Box::new(move |cause| {
            closer(Outcome::stopped(i32::from(exit_code::of_cause(cause)), cause));
        }))
    }

    /// Where entries go; `None` when nothing is recorded or something could not be.
    pub(crate) fn spool(&self) -> Option<&Path> {
        let spool = self.open.as_ref().and_then(|open| open.setup.spool.as_deref());
        spool.filter(|_| !self.is_faulty.load(Ordering::Relaxed))
    }

    /// Writes what is left to write. Tells what is to be done after the command, if it was recorded.
    pub(crate) fn close(self, outcome: Outcome) -> Option<Recorded> {
        let Open { session, setup } = self.open?;
        let closed = session.close(outcome);
        // Where nothing can be written there is nothing to send either.
        (closed.written > 0).then_some(Recorded { setup, is_unsettled: closed.is_unsettled })
    }
}

/// Commands that see to telemetry itself. Their own entries would only be in their way: what was
/// just emptied would not be empty, and what was switched off would write once more.
fn leaves_no_trace(line: &CommandLine) -> bool {
    matches!(
        line.path().as_slice(),
        ["telemetry", "clear" | "flush" | "off" | "preview" | "status"]
    )
}

/// The repository the command runs in.
fn repository_directory(line: &CommandLine, environment: Environment) -> Option<PathBuf> {
    let cwd = std::env::current_dir().ok()?;
    let variable = environment.get("SWAMP_REPO_DIR");
    Some(Repository::directory(line.repo_dir.as_deref(), variable.as_deref(), &cwd))
}
