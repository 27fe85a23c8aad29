//! Reading the entries of a spool.

use std::io;
use std::path::Path;

use rustix::fs::Dir;
use swamp_wire::TelemetryEntry;

use super::Range;
use crate::spool::{Spool, SpoolError};

/// How reading went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// Entries that were read.
    pub entries: u64,
    /// Files that hold no entry.
    pub unreadable: u64,
    /// Files that somebody else removed meanwhile, such as one who delivered them.
    pub vanished: u64,
}

/// What has become of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It waits.
    Pending,
    /// It was sent and kept.
    Kept,
}

/// An entry as it is stored.
#[derive(Clone, Copy, Debug)]
pub struct Stored<'a> {
    /// The text of its file.
    pub text: &'a str,
    /// What it says.
    pub entry: &'a TelemetryEntry,
    /// What has become of it.
    pub kind: Kind,
}

/// Shows the entries of a spool one after the other, waiting and kept alike, in no particular order:
/// those that started in the range, or all. One is in memory at a time. A spool that is not there is
/// empty. The first error of the visitor ends it.
pub fn each<E>(
    spool: &Path,
    range: Option<&Range>,
    visit: impl FnMut(Stored<'_>) -> Result<(), E>,
) -> Result<Result<Read, E>, SpoolError> {
    match Spool::open(spool) {
        Err(error) if error.is_missing() => Ok(Ok(Read::default())),
        other => each_of(&other?, range, visit),
    }
}

pub(super) fn each_of<E>(
    spool: &Spool,
    range: Option<&Range>,
    mut visit: impl FnMut(Stored<'_>) -> Result<(), E>,
) -> Result<Result<Read, E>, SpoolError> {
    let failed = |error: rustix::io::Errno| SpoolError::io("list", spool.path(), error);
    let mut read = Read::default();
    for item in Dir::read_from(spool).map_err(failed)? {
        let item = item.map_err(failed)?;
        let Ok(name) = item.file_name().to_str() else {
            continue;
        };
        let Some((date, kind)) = parts(name) else {
            continue;
        };
        if range.is_some_and(|range| !range.has_date(date)) {
            continue;
        }
        match spool.read(name) {
            Ok(text) => match serde_json::from_str::<TelemetryEntry>(&text) {
                Ok(entry) if range.is_some_and(|range| !range.contains(entry.started_at)) => {}
                Ok(entry) => {
                    read.entries += 1;
                    if let Err(error) = visit(Stored { text: &text, entry: &entry, kind }) {
                        return Ok(Err(error));
                    }
                }
                Err(_) => read.unreadable += 1,
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => read.vanished += 1,
            Err(_) => read.unreadable += 1,
        }
    }
    Ok(Ok(read))
}

/// Whether a name is that of an entry's file.
pub(crate) fn is_entry(name: &str) -> bool {
    parts(name).is_some()
}

/// The date in the name of an entry's file and what became of it; `None` for other files, and for
/// those set aside.
fn parts(name: &str) -> Option<(&str, Kind)> {
    let rest = name.strip_prefix("telemetry-")?;
    let stem = rest.strip_suffix(".json")?;
    if stem.ends_with(".quarantined") {
        return None;
    }
    let kind = if stem.ends_with(".flushed") { Kind::Kept } else { Kind::Pending };
    let (date, rest) = stem.split_at_checked(10)?;
    let is_date = date.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    (is_date && rest.starts_with('-')).then_some((date, kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_entries_have_a_date() {
        for (name, want) in [
            ("telemetry-2026-03-01-x.json", Some(("2026-03-01", Kind::Pending))),
            ("telemetry-2026-03-01-x.flushed.json", Some(("2026-03-01", Kind::Kept))),
            ("telemetry-2026-03-01-x.quarantined.json", None),
            ("telemetry-2026-03-01-x.json.tmp", None),
            ("telemetry-2026-03-0x-x.json", None),
            ("telemetry-.json", None),
            ("telemetry-\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}.json", None),
            (".x.tmp", None),
            ("sessions", None),
        ] {
            assert_eq!(parts(name), want, "{name}");
        }
    }
}
