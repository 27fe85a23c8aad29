//! A command's telemetry, from its start to its one way out.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use swamp_events::EventSink;
use swamp_ident::{Clock, IdSource, InvocationId, Moment, RandomIds, RepoId, SystemClock};
use swamp_wire::InvocationContext;

use crate::{CommandWords, Masks, Outcome};

/// Told of the first thing that could not be written, in one line for people.
pub type OnFault = Box<dyn Fn(&str) + Send + Sync>;

/// What a session needs to know.
pub struct SessionConfig {
    /// The spool directory; made when it is not there.
    pub spool: PathBuf,
    /// The command line.
    pub words: CommandWords,
    /// The surroundings.
    pub context: InvocationContext,
    /// Version of the program, as its version command prints it.
    pub version: String,
    /// The repository the command runs in.
    pub repo_id: Option<RepoId>,
    /// What must not leave the machine in error texts.
    pub masks: Masks,
    /// The clock that the run's events are stamped with.
    pub clock: Arc<dyn Clock>,
    /// Where ids come from.
    pub ids: Arc<dyn IdSource>,
    /// When the command started.
    pub started: Moment,
    /// Told of the first thing that could not be written.
    pub on_fault: Option<OnFault>,
}

impl SessionConfig {
    /// A session that starts now, outside any repository, with the machine's clock.
    pub fn new(
        spool: impl Into<PathBuf>,
        words: CommandWords,
        context: InvocationContext,
        version: impl Into<String>,
    ) -> Self {
        let clock = Arc::new(SystemClock::new());
        Self {
            spool: spool.into(),
            words,
            context,
            version: version.into(),
            repo_id: None,
            masks: Masks::default(),
            started: clock.now(),
            clock,
            ids: Arc::new(RandomIds),
            on_fault: None,
        }
    }
}

impl fmt::Debug for SessionConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionConfig").field("spool", &self.spool).finish_non_exhaustive()
    }
}

/// What a session left behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Closed {
    /// Entries written, the command's own included.
    pub written: u64,
    /// Entries that could not be written.
    pub lost: u64,
}

/// The telemetry of one command.
#[derive(Debug)]
pub struct Session {
    id: InvocationId,
}

impl Session {
    /// Starts a session. Touches no file.
    pub fn open(config: SessionConfig) -> Self {
        Self { id: config.ids.uuid().into() }
    }

    /// The id of the command's own entry.
    pub fn id(&self) -> &InvocationId {
        &self.id
    }

    /// The consumer to hand to the run's event stream.
    pub fn sink(&self) -> Arc<dyn EventSink> {
        struct Nothing;
        impl EventSink for Nothing {
            fn accept(&self, _: &Arc<swamp_events::RunEvent>) {}
        }
        Arc::new(Nothing)
    }

    /// Ends the session: method calls that are still going on get their entry, the command gets its
    /// own, and all of them are files when this returns.
    pub fn close(self, _outcome: Outcome) -> Closed {
        Closed::default()
    }
}
