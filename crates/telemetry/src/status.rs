//! How a spool is doing.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use rustix::fs::{AtFlags, OFlags};

use crate::spool::{Spool, SpoolError, list, private};
use crate::{journal, stats};

/// File in the spool that counts what was lost: a line with a number for each session that lost
/// something.
const LOST: &str = "lost";

/// The state of a spool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Entries that wait.
    pub waiting: u64,
    /// Entries that were sent and kept.
    pub kept: u64,
    /// Bytes of all of them.
    pub bytes: u64,
    /// Sessions that are under way, or died and were not settled yet.
    pub sessions: u64,
    /// Entries that could not be written although the spool could be, since the spool was made.
    pub lost: u64,
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
    for name in spool.names().map_err(failed)? {
        if stats::is_entry(&name) {
            if name.ends_with(".flushed.json") {
                status.kept += 1;
            } else {
                status.waiting += 1;
            }
            status.bytes += spool.size(&name).unwrap_or(0);
        }
    }
    if let Some(sessions) = spool.existing_sessions() {
        let names = list(&sessions).map_err(failed)?;
        status.sessions = names.iter().filter(|name| journal::is_journal(name)).count() as u64;
    }
    let lost = spool.read(LOST).unwrap_or_default();
    let counts = lost.lines().filter_map(|line| line.parse().ok());
    status.lost = counts.fold(0, u64::saturating_add);
    Ok(status)
}

/// Notes that entries were lost, if even that can be written.
pub(crate) fn note_lost(spool: &Spool, count: u64) -> io::Result<()> {
    let flags = OFlags::CREATE | OFlags::APPEND | OFlags::WRONLY | OFlags::NOFOLLOW;
    let file = rustix::fs::openat(spool, LOST, flags | OFlags::CLOEXEC, private())?;
    File::from(file).write_all(format!("{count}\n").as_bytes())
}

impl Spool {
    fn size(&self, name: &str) -> Option<u64> {
        let found = rustix::fs::statat(self, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        u64::try_from(found.st_size).ok()
    }
}
