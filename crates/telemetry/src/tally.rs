//! How much is in a spool, without looking at it.
//!
//! A command that wrote entries adds a line to a file: how many, how many bytes. Whoever goes
//! through the spool anyway writes the file anew with what is really there. So a command knows
//! whether the spool is too full at the price of one short file, however many entries wait. Two
//! things make the count a little wrong until it is taken again: what a killed process had written,
//! and what is added in the moment of counting.

use std::fs::File;
use std::io::{self, Write as _};

use rustix::fs::{AtFlags, Dir, OFlags};
use swamp_ident::Timestamp;

use crate::spool::{Spool, private};
use crate::waiting::{EntryName, Found};

/// Name of the file.
const FILE: &str = "tally";

/// Bytes after which it is time for counting, so that reading it stays cheap.
const LONG: u64 = 8 * 1024;

/// Milliseconds after which it is time for counting, so that what is too old goes.
const OLD: i64 = 86_400_000;

/// Directory entries a command looks at when there is no count yet.
const GLANCE: usize = 512;

/// What a command added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Added {
    pub(crate) entries: u64,
    pub(crate) bytes: u64,
    /// Sessions that were settled, and the entries among the above that came from them.
    pub(crate) recovered_sessions: u64,
    pub(crate) recovered_entries: u64,
}

/// What is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) entries: u64,
    pub(crate) bytes: u64,
    /// Sessions that were settled since the spool was made.
    pub(crate) recovered_sessions: u64,
    pub(crate) recovered_entries: u64,
    /// When all files were counted; `None` if they never were.
    counted: Option<Timestamp>,
    /// Length of the file.
    length: u64,
}

impl Tally {
    /// Whether somebody should go through the spool.
    pub(crate) fn is_to_be_taken(&self, now: Timestamp) -> bool {
        self.length > LONG
            || self.counted.is_none_or(|at| {
                !(0..OLD).contains(&now.as_millis().saturating_sub(at.as_millis()))
            })
    }

    /// Reads the file. Every command does, and it may have hundreds of lines.
    fn parse(text: &[u8]) -> Self {
        let mut tally = Self { length: text.len() as u64, ..Self::default() };
        for line in text.split(|byte| *byte == b'\n') {
            // A line that was cut off by a full disk counts for nothing.
            if let Some([entries, bytes, sessions, recovered]) = numbers(line, b"+ ") {
                tally.entries = tally.entries.saturating_add(entries);
                tally.bytes = tally.bytes.saturating_add(bytes);
                tally.recovered_sessions = tally.recovered_sessions.saturating_add(sessions);
                tally.recovered_entries = tally.recovered_entries.saturating_add(recovered);
            } else if let Some([entries, bytes, sessions, recovered, at]) = numbers(line, b"= ") {
                let at = i64::try_from(at).unwrap_or_default();
                tally.entries = entries;
                tally.bytes = bytes;
                tally.recovered_sessions = sessions;
                tally.recovered_entries = recovered;
                tally.counted = Some(Timestamp::from_millis(at));
            }
        }
        tally
    }

    fn line(&self, now: Timestamp) -> String {
        let Self { entries, bytes, recovered_sessions, recovered_entries, .. } = self;
        let now = now.as_millis().max(0);
        format!("= {entries} {bytes} {recovered_sessions} {recovered_entries} {now}\n")
    }
}

/// The numbers of a line that begins with a sign; `None` if they are not exactly so many.
fn numbers<const N: usize>(line: &[u8], sign: &[u8]) -> Option<[u64; N]> {
    let mut words = line.strip_prefix(sign)?.split(|byte| *byte == b' ');
    let mut numbers = [0; N];
    for number in &mut numbers {
        *number = parse_number(words.next()?)?;
    }
    words.next().is_none().then_some(numbers)
}

fn parse_number(digits: &[u8]) -> Option<u64> {
    let add = |number: u64, digit: &u8| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
        number.checked_mul(10)?.checked_add(u64::from(digit))
    };
    if digits.is_empty() { None } else { digits.iter().try_fold(0, add) }
}

/// What is there, as far as it was noted.
pub(crate) fn read(spool: &Spool) -> Tally {
    spool.read(FILE).map(|text| Tally::parse(text.as_bytes())).unwrap_or_default()
}

/// Notes what was added. The first time it counts what is there instead, if that is quickly done.
pub(crate) fn note(spool: &Spool, added: Added, now: Timestamp) -> io::Result<()> {
    let flags = OFlags::CREATE | OFlags::APPEND | OFlags::WRONLY | OFlags::NOFOLLOW;
    let file = rustix::fs::openat(spool, FILE, flags | OFlags::CLOEXEC, private())?;
    let is_new = rustix::fs::fstat(&file)?.st_size == 0;
    let counted = if is_new { glance(spool)? } else { None };
    let Added { entries, bytes, recovered_sessions, recovered_entries } = added;
    let line = match counted {
        Some(tally) => Tally { recovered_sessions, recovered_entries, ..tally }.line(now),
        None => format!("+ {entries} {bytes} {recovered_sessions} {recovered_entries}\n"),
    };
    File::from(file).write_all(line.as_bytes())
}

/// Notes what is there after going through the spool.
pub(crate) fn take(spool: &Spool, found: &[Found], now: Timestamp) -> io::Result<()> {
    let tally = Tally {
        entries: found.len() as u64,
        bytes: found.iter().map(|file| file.bytes).sum(),
        ..read(spool)
    };
    spool.replace(FILE, tally.line(now).as_bytes())
}

/// Counts the files of a small spool; `None` if it is not small.
fn glance(spool: &Spool) -> io::Result<Option<Tally>> {
    let mut tally = Tally::default();
    for (number, item) in Dir::read_from(spool)?.enumerate() {
        if number >= GLANCE {
            return Ok(None);
        }
        let item = item?;
        let Some(name) = item.file_name().to_str().ok().and_then(EntryName::parse) else {
            continue;
        };
        if let Ok(stat) = rustix::fs::statat(spool, name.as_str(), AtFlags::SYMLINK_NOFOLLOW) {
            tally.entries += 1;
            tally.bytes += u64::try_from(stat.st_size).unwrap_or(0);
        }
    }
    Ok(Some(tally))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000_000_000);

    fn added(entries: u64) -> Added {
        Added { entries, bytes: entries * 100, ..Added::default() }
    }

    #[test]
    fn the_first_command_counts_and_the_others_add() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("telemetry");
        let spool = Spool::create(&path).unwrap();
        for n in 0..3 {
            fs::write(path.join(format!("telemetry-2026-11-22-{n}.json")), "12345").unwrap();
        }
        note(&spool, added(1), NOW).unwrap();
        let tally = read(&spool);
        assert_eq!((tally.entries, tally.bytes), (3, 15), "the command's own are among them");
        let recovered = Added { recovered_sessions: 1, recovered_entries: 4, ..added(4) };
        note(&spool, recovered, NOW).unwrap();
        let tally = read(&spool);
        assert_eq!((tally.entries, tally.bytes), (7, 415));
        assert!(!tally.is_to_be_taken(NOW));
        assert!(!tally.is_to_be_taken(NOW.plus_millis(OLD - 1)));
        assert!(tally.is_to_be_taken(NOW.plus_millis(OLD)));
        assert!(tally.is_to_be_taken(NOW.plus_millis(-1)), "the clock was set back");
        take(&spool, &[], NOW).unwrap();
        let tally = read(&spool);
        assert_eq!((tally.entries, tally.recovered_sessions, tally.recovered_entries), (0, 1, 4));
    }

    #[test]
    fn a_large_spool_without_a_count_is_not_gone_through() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("telemetry");
        let spool = Spool::create(&path).unwrap();
        for n in 0..=GLANCE {
            fs::write(path.join(format!("telemetry-2026-11-22-{n}.json")), "").unwrap();
        }
        for _ in 0..2 {
            note(&spool, added(1), NOW).unwrap();
            assert!(read(&spool).is_to_be_taken(NOW));
        }
        assert_eq!(read(&spool).entries, 2);
    }

    #[test]
    fn the_file_stays_short_and_damage_is_passed_over() {
        let text = "= 10 1000 0 0 1000000000000\n+ 1 1\nnonsense\n+ 1  1 1\n+ 2 20 0 0\n+ 3 x 0 0\n\
                    + 1 1 1 1 1\n+1 1 1 1\n= 1 1 1 1\n\0\n";
        let tally = Tally::parse(text.as_bytes());
        assert_eq!((tally.entries, tally.bytes), (12, 1020));
        assert!(!tally.is_to_be_taken(NOW));
        let long = format!("= 0 0 0 0 1000000000000\n{}", "+ 1 1 0 0\n".repeat(2000));
        assert!(Tally::parse(long.as_bytes()).is_to_be_taken(NOW));
    }
}
