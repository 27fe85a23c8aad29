//! How a spool is doing.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Instant;

use rustix::fs::OFlags;
use swamp_ident::Timestamp;

use crate::bounds::Dropped;
use crate::flush::{FlushLock, LastFlush, State};
use crate::spool::{Spool, SpoolError, list, private};
use crate::{journal, rollup, set_aside, tally, waiting};

/// File in the spool that counts what was lost: a line with a number for each session that lost
/// something.
const LOST: &str = "lost";

/// The state of a spool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Entries that wait.
    pub waiting: u64,
    /// Entries that were sent and kept.
    pub kept: u64,
    /// Bytes of all of them.
    pub bytes: u64,
    /// When the oldest that waits was written.
    pub oldest: Option<Timestamp>,
    /// Sessions that are under way, or died and were not settled yet.
    pub sessions: u64,
    /// Entries that could not be written although the spool could be, since the spool was made.
    pub lost: u64,
    /// Sessions that died and were settled, since the spool was made.
    pub recovered_sessions: u64,
    /// Entries written for them.
    pub recovered_entries: u64,
    /// Entries that are set aside.
    pub set_aside: u64,
    /// Entries that were given up, since the spool was made.
    pub dropped: Dropped,
    /// Whether somebody is sending just now.
    pub is_sending: bool,
    /// How the last flush went.
    pub last_flush: Option<LastFlush>,
    /// Failures in a row.
    pub failures: u32,
    /// No automatic attempt before this time.
    pub next_try: Option<Timestamp>,
}

/// Looks at a spool without changing anything. A spool that is not there is empty; one that cannot
/// be used says why, and nothing is recorded there.
pub fn status(spool: &Path) -> Result<Status, SpoolError> {
    let mut status = Status::default();
    let spool = match Spool::open(spool) {
        Err(error) if error.is_missing() => return Ok(status),
        other => other?,
    };
    let failed = |error: io::Error| SpoolError::io("list", spool.path(), error);
    for file in waiting::all(&spool).map_err(failed)? {
        if file.name.is_kept() {
            status.kept += 1;
        } else {
            status.waiting += 1;
            let written = Timestamp::from_millis(file.modified / 1_000_000);
            status.oldest.get_or_insert(written);
        }
        status.bytes += file.bytes;
    }
    if let Some(sessions) = spool.existing_sessions() {
        let names = list(&sessions).map_err(failed)?;
        status.sessions = names.iter().filter(|name| journal::is_journal(name)).count() as u64;
    }
    let lost = spool.read(LOST).unwrap_or_default();
    let counts = lost.lines().filter_map(|line| line.parse().ok());
    status.lost = counts.fold(0, u64::saturating_add);
    let tally = tally::read(&spool);
    status.recovered_sessions = tally.recovered_sessions;
    status.recovered_entries = tally.recovered_entries;
    status.set_aside = set_aside::count(&spool);
    status.is_sending = !FlushLock::is_free(&spool);
    let State { last_flush, failures, next_try, dropped, .. } = State::read(&spool);
    Ok(Status { dropped, last_flush, failures, next_try, ..status })
}

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cleared {
    /// Entries, waiting and kept.
    pub entries: u64,
    /// Entries that were set aside.
    pub set_aside: u64,
    /// Whether the roll-up was forgotten too.
    pub rollup: bool,
}

/// Removes every entry of a spool, and the roll-up of those before if that is wanted. `None` if
/// somebody is sending, and does not end before the deadline.
pub fn clear(
    spool: &Path,
    with_rollup: bool,
    until: Instant,
    now: Timestamp,
) -> Result<Option<Cleared>, SpoolError> {
    let mut cleared = Cleared::default();
    let spool = match Spool::open(spool) {
        Err(error) if error.is_missing() => return Ok(Some(cleared)),
        other => other?,
    };
    let failed = |error: io::Error| SpoolError::io("clear", spool.path(), error);
    let Some(_lock) = FlushLock::take(&spool, until).map_err(failed)? else {
        return Ok(None);
    };
    for file in waiting::all(&spool).map_err(failed)? {
        spool.remove(file.name.as_str()).map_err(failed)?;
        cleared.entries += 1;
    }
    cleared.set_aside = set_aside::clear(&spool).map_err(failed)?;
    if with_rollup {
        rollup::clear(&spool).map_err(failed)?;
        cleared.rollup = true;
    }
    tally::take(&spool, &[], now).map_err(failed)?;
    Ok(Some(cleared))
}

/// Notes that entries were lost, if even that can be written.
pub(crate) fn note_lost(spool: &Spool, count: u64) -> io::Result<()> {
    let flags = OFlags::CREATE | OFlags::APPEND | OFlags::WRONLY | OFlags::NOFOLLOW;
    let file = rustix::fs::openat(spool, LOST, flags | OFlags::CLOEXEC, private())?;
    File::from(file).write_all(format!("{count}\n").as_bytes())
}
