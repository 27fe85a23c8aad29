//! Entries of sessions whose process died.
//!
//! Making files is what it costs, and a command must not pay for thousands of them. So whoever
//! settles a journal may stop at any entry, with a note in the journal of how far it is; whoever
//! comes next goes on from there. Both hold the journal's lock.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use rustix::fs::AtFlags;
use swamp_ident::Timestamp;

use crate::journal::{self, Reader, Record, claim_dead, is_journal, is_leftover};
use crate::spool::{Spool, list};
use crate::spooler::{Existing, Spooler};
use crate::tally::{self, Added};

/// Age at which a journal that was never locked belongs to nobody.
const LEFTOVER: Duration = Duration::from_hours(1);

/// Entries that are written in any case: the usual dead session is settled by one command, however
/// slow the disk is.
const USUAL: u64 = 16;

/// Bytes of a journal that is not begun when time is short; reading it would take too much of it.
const LONG: u64 = 256 * 1024;

/// How much may be done about dead sessions in one go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowance {
    /// When to stop; `None` for never.
    until: Option<Instant>,
}

impl Allowance {
    /// As long as it takes.
    pub(crate) const ENDLESS: Self = Self { until: None };

    /// So long from now on; `None` is for as long as it takes.
    pub(crate) fn of(time: Option<Duration>) -> Self {
        Self { until: time.and_then(|time| Instant::now().checked_add(time)) }
    }

    fn is_endless(self) -> bool {
        self.until.is_none()
    }

    fn is_spent(self, written: u64) -> bool {
        written >= USUAL && self.until.is_some_and(|until| Instant::now() >= until)
    }
}

/// What was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Sessions that had died.
    pub sessions: u64,
    /// Entries written for them.
    pub entries: u64,
}

impl Recovered {
    /// Counts what was found in another look.
    pub(crate) fn add(&mut self, other: Self) {
        self.sessions += other.sessions;
        self.entries += other.entries;
    }
}

/// Settles dead sessions of a spool without a session of one's own: for commands that see to
/// telemetry itself. Does nothing where there is no spool, or none that can be used.
pub fn recover_sessions(spool: &Path, now: Timestamp) -> Recovered {
    let Ok(spool) = Spool::open(spool) else {
        return Recovered::default();
    };
    let spool = Arc::new(spool);
    let (recovered, _) = recover(&spool, Allowance::ENDLESS);
    let (entries, bytes) = spool.added();
    if recovered != Recovered::default() {
        let Recovered { sessions, entries: of_them } = recovered;
        let added =
            Added { entries, bytes, recovered_sessions: sessions, recovered_entries: of_them };
        // What could not be noted is found when the spool is counted again.
        drop(tally::note(&spool, added, now));
    }
    recovered
}

/// Settles every session of a spool whose process is gone: each method call that began gets its
/// entry, and so does the command. Sessions that are alive are left alone. Costs two system calls
/// when no session ever ran here and four when none died; does not depend on how many entries are
/// waiting.
///
/// Also tells whether something is left because the allowance was spent.
pub(crate) fn recover(spool: &Arc<Spool>, allowance: Allowance) -> (Recovered, bool) {
    let mut recovered = Recovered::default();
    let mut is_left = false;
    let Some(sessions) = spool.existing_sessions() else {
        return (recovered, is_left);
    };
    for name in list(&sessions).unwrap_or_default() {
        if is_leftover(&name) {
            sweep(&sessions, &name);
        } else if is_journal(&name) {
            // A journal that cannot be opened or locked is tried again by the next command.
            let Ok(Some(journal)) = claim_dead(&sessions, &name) else { continue };
            if allowance.is_spent(recovered.entries) {
                is_left = true;
                break;
            }
            if !allowance.is_endless() && journal.metadata().is_ok_and(|file| file.len() > LONG) {
                is_left = true;
                continue;
            }
            let journal = Arc::new(journal);
            let (written, came) = settle(spool, &journal, allowance, recovered.entries);
            recovered.entries += written;
            match came {
                Came::ToTheEnd => {
                    recovered.sessions += 1;
                    // The lock is held until the file is gone, so nobody comes to it again.
                    let _ = rustix::fs::unlinkat(&sessions, &*name, AtFlags::empty());
                }
                Came::SoFar => is_left = true,
                Came::ToAFault => {}
            }
            drop(journal);
        }
    }
    (recovered, is_left)
}

/// How far settling a journal came.
enum Came {
    ToTheEnd,
    /// To where the allowance was spent.
    SoFar,
    /// Something could not be read or written; the next command tries again.
    ToAFault,
}

/// Settles a journal whose lock is held; `before` entries were written in the same go. Tells how many
/// were written for this one.
fn settle(
    spool: &Arc<Spool>,
    journal: &Arc<File>,
    allowance: Allowance,
    before: u64,
) -> (u64, Came) {
    let mut spooler = Spooler::new(Arc::clone(spool), Arc::clone(journal), Existing::IsOurs);
    spooler.skip_to(spooled(journal));
    let is_whole = go_through(&mut spooler, |spooler| allowance.is_spent(before + spooler.written));
    let came = match (&spooler.fault, is_whole) {
        (Some(_), _) => Came::ToAFault,
        (None, true) => Came::ToTheEnd,
        (None, false) => {
            // Whoever does not find the note looks at each file that is there.
            drop(journal::leave(journal, &spooler.position()));
            Came::SoFar
        }
    };
    (spooler.written, came)
}

/// Writes one entry after the other, what was final first. `false` if it was stopped before the end.
fn go_through(spooler: &mut Spooler, is_to_stop: impl Fn(&Spooler) -> bool) -> bool {
    while spooler.work_on() {
        // Nothing comes after the command's own entry.
        if !spooler.is_closed() && is_to_stop(spooler) {
            return false;
        }
    }
    // What stands beyond a place that cannot be read may be the end of what looks open.
    while spooler.fault.is_none() && spooler.settle_on() {
        if is_to_stop(spooler) {
            return false;
        }
    }
    true
}

/// How far the process itself had come, and whoever settled its journal before.
fn spooled(journal: &Arc<File>) -> u64 {
    let mut reader = Reader::new(Arc::clone(journal));
    let mut spooled = 0;
    let is_wanted = |json: &[u8]| json.starts_with(br#"{"spooled":"#);
    while let Ok(Some(record)) = reader.next_of(is_wanted) {
        if let Record::Spooled { to } = record {
            spooled = spooled.max(to);
        }
    }
    spooled
}

/// Removes what a process left that died between making and locking its journal.
fn sweep(sessions: &OwnedFd, name: &str) {
    let Ok(found) = rustix::fs::statat(sessions, name, AtFlags::SYMLINK_NOFOLLOW) else {
        return;
    };
    let changed = Duration::from_secs(u64::try_from(found.st_mtime).unwrap_or(0));
    let age = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH + changed);
    if age.is_ok_and(|age| age > LEFTOVER) {
        let _ = rustix::fs::unlinkat(sessions, name, AtFlags::empty());
    }
}
