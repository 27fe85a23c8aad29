//! Entries of sessions whose process died.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustix::fs::AtFlags;
use swamp_ident::Timestamp;

use crate::journal::{Reader, Record, claim_dead, is_journal, is_leftover};
use crate::spool::{Spool, list};
use crate::spooler::{Existing, Spooler};
use crate::tally::{self, Added};

/// Age at which a journal that was never locked belongs to nobody.
const LEFTOVER: Duration = Duration::from_hours(1);

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
    let recovered = recover(&spool);
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
pub(crate) fn recover(spool: &Arc<Spool>) -> Recovered {
    let mut recovered = Recovered::default();
    let Some(sessions) = spool.existing_sessions() else {
        return recovered;
    };
    for name in list(&sessions).unwrap_or_default() {
        if is_leftover(&name) {
            sweep(&sessions, &name);
        } else if is_journal(&name) {
            // A journal that cannot be opened or locked is tried again by the next command.
            if let Ok(Some(journal)) = claim_dead(&sessions, &name) {
                recovered.entries += settle(spool, &sessions, &name, journal);
                recovered.sessions += 1;
            }
        }
    }
    recovered
}

fn settle(spool: &Arc<Spool>, sessions: &OwnedFd, name: &str, journal: File) -> u64 {
    let journal = Arc::new(journal);
    let mut spooler = Spooler::new(Arc::clone(spool), Arc::clone(&journal), Existing::IsOurs);
    spooler.skip_to(spooled(&journal));
    spooler.work(None);
    spooler.settle();
    if spooler.fault.is_none() {
        // The lock is held until the file is gone, so nobody comes to the same journal again.
        let _ = rustix::fs::unlinkat(sessions, name, AtFlags::empty());
    }
    spooler.written
}

/// How far the process itself had come.
fn spooled(journal: &Arc<File>) -> u64 {
    let mut reader = Reader::new(Arc::clone(journal));
    let mut spooled = 0;
    while let Ok(Some(record)) = reader.next() {
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
