//! Sending: out of the spool, to the endpoint, at least once.
//!
//! One process at a time works on a spool. It reads the waiting entries, oldest first, sends them in
//! batches and removes exactly what the collector took. Whatever goes wrong leaves the entries where
//! they are, and a note when to try again; an entry that is refused by itself, while others are
//! taken, is set aside. Events keep their `insert_id` on every attempt, so that a collector counts
//! once what arrives twice.

mod backoff;
mod batch;
mod check;
mod client;
mod delivery;
mod lock;
mod report;
mod state;
mod verdict;

use std::collections::HashSet;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use rustix::fs::AtFlags;
use swamp_ident::{Clock, IdSource, RepoId, Timestamp};

pub use backoff::Backoff;
pub use batch::BatchLimits;
pub use check::{CheckError, check};
pub use client::Target;
pub use report::{FlushError, FlushReport, FlushResult};
pub use state::LastFlush;

pub(crate) use lock::FlushLock;
pub(crate) use state::State;

use crate::bounds::{self, Limits, Why};
use crate::outgoing::Rules;
use crate::preferences::Names;
use crate::pseudonym::NamesKey;
use crate::spool::{Spool, TEMPORARY};
use crate::waiting::{self, EntryName, Found};
use crate::{identity, rollup, set_aside, tally};
use delivery::Delivery;

/// Age at which a temporary file belongs to nobody.
const LEFTOVER: Duration = Duration::from_hours(1);

/// Entries whose numbers go to the roll-up at once when they are given up.
const PIECE: usize = 500;

/// What to send, where, and how long to try.
pub struct FlushJob<'a> {
    /// The spool.
    pub spool: &'a Path,
    /// Where to; `None` to see to the bounds of the spool only.
    pub target: Option<Target>,
    /// The user's configuration directory, for the sender's identity.
    pub config: Option<&'a Path>,
    /// The repository whose spool it is, if it is one's.
    pub repo_id: Option<&'a RepoId>,
    /// How names go over the wire.
    pub names: Names,
    /// How much the spool may hold.
    pub limits: Limits,
    /// Whether entries are kept after they were sent.
    pub keep_sent: bool,
    /// How much goes into one request.
    pub batch: BatchLimits,
    /// How long a request may take.
    pub request_timeout: Duration,
    /// How long to wait after failures.
    pub backoff: Backoff,
    /// When to stop.
    pub deadline: Instant,
    /// Whether to wait for another process that is at it, instead of leaving it to that one.
    pub waits_for_others: bool,
    /// Whether to try although a failure was a short time ago. A pause that the endpoint asked for
    /// is kept all the same.
    pub is_impatient: bool,
    /// Asked before each request: whether telemetry is still on.
    pub is_on: &'a dyn Fn() -> bool,
    /// Time.
    pub clock: &'a dyn Clock,
    /// Fresh ids.
    pub ids: &'a dyn IdSource,
}

impl std::fmt::Debug for FlushJob<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FlushJob").field("spool", &self.spool).finish_non_exhaustive()
    }
}

impl FlushJob<'_> {
    fn now(&self) -> Timestamp {
        self.clock.now().wall
    }

    /// Does it.
    pub fn run(&self) -> Result<FlushReport, FlushError> {
        let mut report = FlushReport {
            result: if self.target.is_some() { FlushResult::Done } else { FlushResult::NoEndpoint },
            sent: 0,
            set_aside: 0,
            dropped: 0,
            left: 0,
            next_try: None,
            fault: None,
        };
        let spool = match Spool::open(self.spool) {
            Err(error) if error.is_missing() => return Ok(report),
            other => other?,
        };
        let mut leave = HashSet::new();
        loop {
            let until = if self.waits_for_others { self.deadline } else { Instant::now() };
            let failed = |source| FlushError::File { what: "the lock of the spool", source };
            let Some(lock) = FlushLock::take(&spool, until).map_err(failed)? else {
                // Whoever has the lock looks again after giving it back.
                report.result = FlushResult::Busy;
                report.left = waiting_now(&spool, &HashSet::new());
                return Ok(report);
            };
            self.with_lock(&spool, &mut leave, &mut report)?;
            drop(lock);
            // A command that came while the lock was taken left its entries to us.
            let is_over = report.result != FlushResult::Done || Instant::now() >= self.deadline;
            if is_over || waiting_now(&spool, &leave) == 0 {
                return Ok(report);
            }
        }
    }

    fn with_lock(
        &self,
        spool: &Spool,
        leave: &mut HashSet<EntryName>,
        report: &mut FlushReport,
    ) -> Result<(), FlushError> {
        sweep(spool);
        let url = self.target.as_ref().map(|target| target.url.as_str());
        let mut state = match url {
            Some(url) => State::of(spool, url),
            None => State::read(spool),
        };
        let cannot_list = |source| FlushError::File { what: "the spool", source };
        let files = waiting::all(spool).map_err(cannot_list)?;
        let files = self.enforce_bounds(spool, files, &mut state, report);
        if let Err(error) = set_aside::prune(spool, self.limits.days) {
            report.fault.get_or_insert(format!("cannot remove what was set aside: {error}"));
        }
        if let Some(target) = &self.target {
            self.send(spool, target, files, &mut state, leave, report)?;
        }
        report.next_try = state.waits_until(self.now());
        let files = waiting::all(spool).map_err(cannot_list)?;
        report.left = files.iter().filter(|file| !file.name.is_kept()).count() as u64;
        let noted = tally::take(spool, &files, self.now());
        if self.target.is_some() && report.result != FlushResult::TooEarly {
            state.last_flush = Some(LastFlush {
                at: self.now(),
                ok: report.result.is_good(),
                result: report.result.to_string(),
                sent: report.sent,
                set_aside: report.set_aside,
                left: report.left,
            });
        }
        noted.and_then(|()| state.write(spool)).map_err(cannot_remember)
    }

    fn send(
        &self,
        spool: &Spool,
        target: &Target,
        mut files: Vec<Found>,
        state: &mut State,
        leave: &mut HashSet<EntryName>,
        report: &mut FlushReport,
    ) -> Result<(), FlushError> {
        if state.waits_until(self.now()).is_some() && (state.asked_to_wait || !self.is_impatient) {
            report.result = FlushResult::TooEarly;
            return Ok(());
        }
        // Whoever cannot remember a failure must not try.
        state.write(spool).map_err(cannot_remember)?;
        let is_to_send = |file: &Found| !file.name.is_kept();
        files.retain(is_to_send);
        if files.is_empty() {
            return Ok(());
        }
        let no_identity = |source| FlushError::File { what: "the sender's identity", source };
        let user = match self.config {
            Some(config) => identity::ensure(config, self.ids, self.now()).map_err(no_identity)?,
            None => None,
        };
        let key = match self.config {
            Some(config) => NamesKey::ensure(config),
            None => NamesKey::existing_or_random(None),
        };
        let no_key = |source| FlushError::File { what: "the key for names", source };
        let rules = Rules {
            key: &key.map_err(no_key)?,
            names: self.names,
            user: user.as_deref(),
            spool_repo: self.repo_id,
        };
        let mut delivery = Delivery::new(self, spool, target, rules, state, leave, report);
        loop {
            if !delivery.all(&files) {
                return Ok(());
            }
            // What commands wrote meanwhile.
            files = waiting::all(spool)
                .map_err(|source| FlushError::File { what: "the spool", source })?;
            files.retain(|file| is_to_send(file) && !delivery.leaves(&file.name));
            if files.is_empty() {
                delivery.finish();
                return Ok(());
            }
        }
    }

    /// Removes what is too much. Gives what stays.
    fn enforce_bounds(
        &self,
        spool: &Spool,
        files: Vec<Found>,
        state: &mut State,
        report: &mut FlushReport,
    ) -> Vec<Found> {
        let surplus = bounds::surplus(&files, &self.limits, self.now());
        if surplus.is_empty() {
            return files;
        }
        let mut gone = HashSet::new();
        for piece in surplus.chunks(PIECE) {
            give_up(spool, &files, piece, &mut gone, state, report);
        }
        let stays = |(at, file): (usize, Found)| (!gone.contains(&at)).then_some(file);
        files.into_iter().enumerate().filter_map(stays).collect()
    }

    /// The body of the next request, as it would be sent now; `None` if nothing waits. Sends, makes
    /// and removes nothing; an identity that is not there yet is shown as `nobody`.
    pub fn preview(&self, nobody: &str) -> Result<Option<Preview>, FlushError> {
        let spool = match Spool::open(self.spool) {
            Err(error) if error.is_missing() => return Ok(None),
            other => other?,
        };
        let user = self.config.and_then(identity::read).unwrap_or_else(|| nobody.to_owned());
        let key = NamesKey::existing_or_random(self.config)
            .map_err(|source| FlushError::File { what: "the key for names", source })?;
        let rules =
            Rules { key: &key, names: self.names, user: Some(&user), spool_repo: self.repo_id };
        let mut files = waiting::all(&spool)
            .map_err(|source| FlushError::File { what: "the spool", source })?;
        files.retain(|file| !file.name.is_kept());
        let filled = batch::fill(&spool, &files, self.batch, &rules, &mut HashSet::new());
        if filled.batch.is_empty() {
            return Ok(None);
        }
        Ok(Some(Preview {
            body: batch::body(&filled.batch),
            events: filled.batch.len() as u64,
            later: (files.len() - filled.used) as u64,
        }))
    }
}

/// Removes some of the surplus: its numbers stay in the roll-up.
fn give_up(
    spool: &Spool,
    files: &[Found],
    piece: &[(usize, Why)],
    gone: &mut HashSet<usize>,
    state: &mut State,
    report: &mut FlushReport,
) {
    let waiting = piece.iter().filter(|(at, _)| !files[*at].name.is_kept());
    let entries: Vec<_> = waiting
        .filter_map(|(at, _)| spool.read(files[*at].name.as_str()).ok())
        .filter_map(|text| serde_json::from_str(&text).ok())
        .collect();
    if let Err(error) = rollup::absorb(spool, &entries) {
        report.fault.get_or_insert(format!("cannot add to the roll-up: {error}"));
    }
    for (at, why) in piece {
        let name = &files[*at].name;
        match spool.remove(name.as_str()) {
            Ok(()) => {
                gone.insert(*at);
                // What was sent and kept is no loss.
                if !name.is_kept() {
                    state.dropped.count(*why);
                    report.dropped += 1;
                }
            }
            Err(error) => {
                let fault = format!("cannot remove {}: {error}", name.as_str());
                report.fault.get_or_insert(fault);
            }
        }
    }
}

/// What would be sent next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// The body, before compression.
    pub body: Vec<u8>,
    /// Events in it.
    pub events: u64,
    /// Entries that would go with later requests.
    pub later: u64,
}

fn cannot_remember(source: io::Error) -> FlushError {
    FlushError::File { what: "flush-state.json in the spool", source }
}

/// Entries that wait and are not to be left alone.
fn waiting_now(spool: &Spool, leave: &HashSet<EntryName>) -> u64 {
    let files = waiting::all(spool).unwrap_or_default();
    let waits = |file: &&Found| !file.name.is_kept() && !leave.contains(&file.name);
    files.iter().filter(waits).count() as u64
}

/// Removes temporary files of processes that died.
fn sweep(spool: &Spool) {
    for name in spool.names().unwrap_or_default() {
        if !(name.starts_with('.') && name.ends_with(TEMPORARY)) {
            continue;
        }
        let Ok(stat) = rustix::fs::statat(spool, name.as_str(), AtFlags::SYMLINK_NOFOLLOW) else {
            continue;
        };
        let changed = Duration::from_secs(u64::try_from(stat.st_mtime).unwrap_or(0));
        let age = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH + changed);
        if age.is_ok_and(|age| age > LEFTOVER) {
            // The next one tries again.
            let _ = spool.remove(&name);
        }
    }
}

/// What a command should have done for its spool once it has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errand {
    /// See to the bounds of the spool; there may be too much in it.
    Tidy,
    /// Send what waits, and see to the bounds.
    Send,
}

/// What is due in a spool to which a command has just written, `url` being where requests go if an
/// endpoint is set. Reads two short files at most, however much is waiting; `None` also when another
/// process is at it.
pub fn due(spool: &Path, url: Option<&str>, limits: &Limits, now: Timestamp) -> Option<Errand> {
    let spool = Spool::open(spool).ok()?;
    let can_send = url.is_some_and(|url| State::of(&spool, url).waits_until(now).is_none());
    let errand = if can_send {
        Errand::Send
    } else {
        let tally = tally::read(&spool);
        let is_full = limits.are_exceeded(tally.entries, tally.bytes);
        (is_full || tally.is_to_be_taken(now)).then_some(Errand::Tidy)?
    };
    FlushLock::is_free(&spool).then_some(errand)
}
