//! The files of a spool, for those who go through all of them.

use std::io;

use rustix::fs::{AtFlags, FileType};

use crate::spool::Spool;

/// The name of an entry's file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct EntryName(String);

impl EntryName {
    /// Reads a name; `None` for other files.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        crate::stats::is_entry(name).then(|| Self(name.to_owned()))
    }

    /// The name as it stands.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The UTC date of the invocation.
    pub(crate) fn date(&self) -> &str {
        self.0.get("telemetry-".len().."telemetry-".len() + 10).unwrap_or_default()
    }

    /// Whether it was sent and kept.
    pub(crate) fn is_kept(&self) -> bool {
        self.0.ends_with(KEPT)
    }

    /// The name it has after it was sent and is kept.
    pub(crate) fn kept(&self) -> String {
        format!("{}{KEPT}", self.0.strip_suffix(".json").unwrap_or(&self.0))
    }
}

/// End of the name of an entry that was sent and kept.
const KEPT: &str = ".flushed.json";

/// A file in the spool.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) name: EntryName,
    pub(crate) bytes: u64,
    /// When it was written, in nanoseconds.
    pub(crate) modified: i64,
}

/// All entries, from the oldest to the newest: by day, then by when they were written. Costs a
/// system call for each.
pub(crate) fn all(spool: &Spool) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    for name in spool.names()? {
        let Some(name) = EntryName::parse(&name) else { continue };
        // Gone in between.
        let Ok(stat) = rustix::fs::statat(spool, name.as_str(), AtFlags::SYMLINK_NOFOLLOW) else {
            continue;
        };
        // A directory of that name is nobody's entry, and cannot be removed like one.
        if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
            continue;
        }
        let nanos = i64::try_from(stat.st_mtime_nsec).unwrap_or_default();
        let modified = stat.st_mtime.saturating_mul(1_000_000_000).saturating_add(nanos);
        found.push(Found { name, bytes: u64::try_from(stat.st_size).unwrap_or(0), modified });
    }
    found.sort_unstable_by(|a, b| {
        (a.name.date(), a.modified, &a.name).cmp(&(b.name.date(), b.modified, &b.name))
    });
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_day_and_fate() {
        let name = EntryName::parse("telemetry-2026-03-01-x.json").unwrap();
        assert_eq!((name.date(), name.is_kept()), ("2026-03-01", false));
        assert_eq!(name.kept(), "telemetry-2026-03-01-x.flushed.json");
        assert!(EntryName::parse(&name.kept()).unwrap().is_kept());
        assert_eq!(EntryName::parse("tally"), None);
        assert_eq!(EntryName::parse("telemetry-2026-03-01-x.quarantined.json"), None);
    }
}
