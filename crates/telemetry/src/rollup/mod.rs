//! The roll-up: what stays in a spool of entries whose files are gone.
//!
//! Entries are removed when they are delivered. Before that their numbers are added to a file for
//! their UTC day, `rollup/<date>.json` in the spool, so that statistics go on to know them: how many
//! of which kind in which hour, and a sketch of how long they took. Nothing here leaves the machine.
//!
//! * **Once.** A day remembers which entries it holds for as long as their files are there, waiting
//!   or kept: whoever dies between counting and removing does both again without counting twice, and
//!   a reader knows which files to pass over.
//! * **Whole.** A file is replaced by renaming. One that cannot be read, or was written by a later
//!   version, is set aside under another name and a new one begun.
//! * **Bounded.** A day tells so many kinds of entries apart and counts the others as `__other__`;
//!   the latest [`MOST_DAYS`] days on which anything was recorded are kept. No clock is asked: one
//!   that is wrong would clear the past away.

mod day;
mod file;

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;
use swamp_ident::InvocationId;
use swamp_wire::TelemetryEntry;

pub(crate) use day::{Cell, Day};

use crate::spool::{Spool, list, private};

/// Directory inside the spool.
const FOLDER: &str = "rollup";

/// Days that are kept.
pub(crate) const MOST_DAYS: usize = 90;

/// Files set aside that are kept.
const MOST_DAMAGED: usize = 10;

/// End of the name of a day.
const SUFFIX: &str = ".json";

/// End of the name of a file that was set aside.
const DAMAGED: &str = ".json.damaged";

/// The file being written.
const TEMPORARY: &str = ".day.tmp";

/// Adds entries that are about to be removed from the spool. Doing it again for entries whose files
/// are still there, or that were added last, changes nothing.
///
/// Only one process may do this at a time: the caller holds the spool's lock. When it fails, entries
/// of some days may have been added and those of others not; it can be tried again, or the entries
/// removed, and then statistics will not know them.
pub(crate) fn absorb(spool: &Spool, delivered: &[TelemetryEntry]) -> io::Result<()> {
    let mut days: BTreeMap<String, Vec<&TelemetryEntry>> = BTreeMap::new();
    for entry in delivered {
        let date = entry.started_at.date();
        // A year beyond four digits comes from a damaged clock.
        if is_date(&date) {
            days.entry(date).or_default().push(entry);
        }
    }
    if days.is_empty() {
        return Ok(());
    }
    let folder = folder(spool)?;
    for (date, entries) in days {
        let mut day = match load(&folder, &date)? {
            Loaded::Day(day) => *day,
            Loaded::Missing => Day::default(),
            Loaded::Damaged => {
                set_aside(&folder, &date)?;
                Day::default()
            }
        };
        let before = day.absorbed.len();
        for entry in &entries {
            day.absorb(entry);
        }
        if day.absorbed.len() == before {
            continue;
        }
        let latest: HashSet<_> = entries.iter().map(|entry| &entry.id).collect();
        day.absorbed.retain(|id| latest.contains(id) || is_there(spool, &date, id));
        save(&folder, &date, &day)?;
    }
    forget(&folder)
}

/// The days that are kept, oldest first, and how many files were set aside. A spool without a
/// roll-up has none.
pub(crate) fn days(spool: &Spool) -> io::Result<Days> {
    let mut days = Days { folder: None, dates: Vec::new(), damaged: 0, stamp: Vec::new() };
    let folder = match open(spool) {
        Err(Errno::NOENT) => return Ok(days),
        other => other?,
    };
    for name in list(&folder)? {
        if let Some(date) = date_of(&name) {
            days.dates.push(date.to_owned());
        } else if name.ends_with(DAMAGED) {
            days.damaged += 1;
        }
    }
    days.dates.sort_unstable();
    for date in &days.dates {
        let name = format!("{date}{SUFFIX}");
        if let Ok(found) = rustix::fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            days.stamp.push((found.st_ino, found.st_size, found.st_mtime, found.st_mtime_nsec));
        }
    }
    days.folder = Some(folder);
    Ok(days)
}

/// What is kept of the past.
#[derive(Debug)]
pub(crate) struct Days {
    folder: Option<OwnedFd>,
    /// The UTC dates there is something about, oldest first.
    pub(crate) dates: Vec<String>,
    /// Files that were set aside.
    pub(crate) damaged: u64,
    /// Which files they are; others as soon as anything was added.
    stamp: Vec<Stamp>,
}

/// Node, size, seconds and nanoseconds of the last change.
type Stamp = (u64, i64, i64, u64);

impl Days {
    /// Whether nothing was added since.
    pub(crate) fn are_still(&self, spool: &Spool) -> io::Result<bool> {
        let now = days(spool)?;
        Ok(now.dates == self.dates && now.stamp == self.stamp)
    }

    /// One of them; `None` if it is damaged or gone.
    pub(crate) fn read(&self, date: &str) -> io::Result<Option<Box<Day>>> {
        let Some(folder) = &self.folder else { return Ok(None) };
        Ok(match load(folder, date)? {
            Loaded::Day(day) => Some(day),
            Loaded::Missing | Loaded::Damaged => None,
        })
    }
}

/// Removes the whole roll-up; returns how many days were forgotten.
pub(crate) fn clear(spool: &Spool) -> io::Result<u64> {
    let folder = match open(spool) {
        Err(Errno::NOENT) => return Ok(0),
        other => other?,
    };
    let mut cleared = 0;
    for name in list(&folder)? {
        rustix::fs::unlinkat(&folder, &name, AtFlags::empty())?;
        cleared += u64::from(date_of(&name).is_some());
    }
    rustix::fs::unlinkat(spool, FOLDER, AtFlags::REMOVEDIR)?;
    Ok(cleared)
}

fn open(spool: &Spool) -> Result<OwnedFd, Errno> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::RDONLY | OFlags::CLOEXEC;
    rustix::fs::openat(spool, FOLDER, flags, Mode::empty())
}

fn folder(spool: &Spool) -> io::Result<OwnedFd> {
    match open(spool) {
        Err(Errno::NOENT) => match rustix::fs::mkdirat(spool, FOLDER, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => Ok(open(spool)?),
            Err(error) => Err(error.into()),
        },
        other => Ok(other?),
    }
}

enum Loaded {
    Day(Box<Day>),
    Missing,
    Damaged,
}

fn load(folder: &OwnedFd, date: &str) -> io::Result<Loaded> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let name = format!("{date}{SUFFIX}");
    let file = match rustix::fs::openat(folder, &name, flags, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(Loaded::Missing),
        // A symbolic link, which may lead to anything.
        Err(Errno::LOOP) => return Ok(Loaded::Damaged),
        other => File::from(other?),
    };
    if !file.metadata()?.is_file() {
        return Ok(Loaded::Damaged);
    }
    match io::read_to_string(file) {
        Ok(text) => Ok(file::read(&text).map_or(Loaded::Damaged, |day| Loaded::Day(Box::new(day)))),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(Loaded::Damaged),
        Err(error) => Err(error),
    }
}

fn save(folder: &OwnedFd, date: &str, day: &Day) -> io::Result<()> {
    let text = file::write(day)?;
    match rustix::fs::unlinkat(folder, TEMPORARY, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(error) => return Err(error.into()),
    }
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW;
    let file = rustix::fs::openat(folder, TEMPORARY, flags | OFlags::CLOEXEC, private())?;
    File::from(file).write_all(&text)?;
    rustix::fs::renameat(folder, TEMPORARY, folder, Path::new(&format!("{date}{SUFFIX}")))?;
    Ok(())
}

fn set_aside(folder: &OwnedFd, date: &str) -> io::Result<()> {
    let (from, to) = (format!("{date}{SUFFIX}"), format!("{date}{DAMAGED}"));
    Ok(rustix::fs::renameat(folder, from, folder, to)?)
}

/// Whether the file of an entry is there, waiting or kept after delivery.
fn is_there(spool: &Spool, date: &str, id: &InvocationId) -> bool {
    ["", ".flushed"].into_iter().any(|kept| {
        let name = format!("telemetry-{date}-{id}{kept}.json");
        let found = rustix::fs::statat(spool, name, AtFlags::SYMLINK_NOFOLLOW);
        // What cannot be told is taken to be there; what cannot be a name is no file.
        !matches!(found, Err(Errno::NOENT | Errno::NOTDIR | Errno::INVAL | Errno::NAMETOOLONG))
    })
}

/// Removes the oldest days, and files that were set aside, when there are too many.
fn forget(folder: &OwnedFd) -> io::Result<()> {
    let mut names = list(folder)?;
    names.sort_unstable();
    let (days, others): (Vec<_>, Vec<_>) =
        names.into_iter().partition(|name| date_of(name).is_some());
    let damaged: Vec<_> = others.into_iter().filter(|name| name.ends_with(DAMAGED)).collect();
    for (names, most) in [(days, MOST_DAYS), (damaged, MOST_DAMAGED)] {
        for name in &names[..names.len().saturating_sub(most)] {
            rustix::fs::unlinkat(folder.as_fd(), name, AtFlags::empty())?;
        }
    }
    Ok(())
}

/// The date in the name of a day's file.
fn date_of(name: &str) -> Option<&str> {
    name.strip_suffix(SUFFIX).filter(|date| is_date(date))
}

fn is_date(text: &str) -> bool {
    let is_digit = |(at, byte): (usize, u8)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    text.len() == 10 && text.bytes().enumerate().all(is_digit)
}

#[cfg(test)]
mod tests;
