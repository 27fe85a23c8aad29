//! A command's telemetry, from its start to its one way out.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use swamp_events::EventSink;
use swamp_ident::{Clock, IdSource, InvocationId, Moment, RandomIds, RepoId, SystemClock};
use swamp_wire::InvocationContext;

use crate::bridge::Bridge;
use crate::recorder::Recorder;
use crate::recovery::Recovered;
use crate::{CommandWords, Masks, Outcome, entry};

/// Told of what could not be written, in one line for people without a line feed.
pub type OnFault = Box<dyn Fn(&str) + Send + Sync>;

/// What a session needs to know.
pub struct SessionConfig {
    /// The spool directory; made when there is something to write.
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
    /// When the command started, by that clock.
    pub started: Moment,
    /// How long the end of the session may be about sessions of the same spool whose process died,
    /// after the first few entries; `None` for as long as it takes. What is left after that is told
    /// by [`Closed::is_unsettled`] and waits for the next session, or for
    /// [`recover_sessions`](crate::recover_sessions) wherever there is time.
    pub settle_for: Option<Duration>,
    /// Told of what could not be written. Telemetry says nothing by itself.
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
            settle_for: None,
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
    /// What was done for sessions whose process had died.
    pub recovered: Recovered,
    /// Whether more of them is left than there was time for.
    pub is_unsettled: bool,
}

/// The telemetry of one command.
///
/// Nothing a session does can fail, and nothing it does waits for anything but the file system. A
/// session that is dropped without being closed closes itself as a command that died.
pub struct Session {
    bridge: Arc<Bridge>,
    clock: Arc<dyn Clock>,
}

impl Session {
    /// Starts a session. From here on the command has an entry whatever becomes of its process:
    /// its journal is on disk when this returns, unless it cannot be.
    pub fn open(config: SessionConfig) -> Self {
        let command = entry::of_command(&config, config.ids.uuid().into());
        let began = u64::try_from(config.started.mono.as_millis()).unwrap_or(u64::MAX);
        let words = config.words.error_words();
        let recorder =
            Recorder::start(config.spool, began, &command, config.on_fault, config.settle_for);
        let bridge =
            Bridge::new(command, config.started, config.masks, words, config.ids, recorder);
        Self { bridge: Arc::new(bridge), clock: config.clock }
    }

    /// The id of the command's own entry.
    pub fn id(&self) -> &InvocationId {
        self.bridge.id()
    }

    /// The consumer to hand to the run's event stream. It is called inline and costs a few
    /// microseconds for each method call.
    pub fn sink(&self) -> Arc<dyn EventSink> {
        Arc::<Bridge>::clone(&self.bridge)
    }

    /// Settles sessions of the same spool whose process died, now rather than at the end of this
    /// one: for commands that tell how the spool is doing, so that what they tell is true.
    pub fn recover(&self) -> Recovered {
        self.bridge.recover()
    }

    /// Ends the session as [`close`](Self::close) does, from a thread that does not own it, such as
    /// one that waits for signals. Whoever comes first ends it; the other does nothing.
    pub fn closer(&self) -> impl FnOnce(Outcome) -> Closed + Send + use<> {
        let (bridge, clock) = (Arc::clone(&self.bridge), Arc::clone(&self.clock));
        move |outcome| bridge.close(&outcome, clock.now()).unwrap_or_default()
    }

    /// Ends the session: method calls that are still under way get their entry, the command gets
    /// its own, and all of them are files when this returns. Sessions of the same spool whose
    /// process died are settled as well. What the run emits after this is ignored.
    #[expect(clippy::needless_pass_by_value, reason = "nobody needs an outcome after this")]
    pub fn close(self, outcome: Outcome) -> Closed {
        self.bridge.close(&outcome, self.clock.now()).unwrap_or_default()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.bridge.close(&Outcome::died(), self.clock.now());
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("id", self.id()).finish_non_exhaustive()
    }
}
