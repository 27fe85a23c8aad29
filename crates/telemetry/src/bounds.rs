//! How much a spool may hold, and what goes when it is too much.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use swamp_ident::Timestamp;

use crate::waiting::Found;

/// Bytes of a mebibyte.
const MEBIBYTE: u64 = 1024 * 1024;

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// What a spool may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Entries, waiting and kept ones together.
    pub entries: u64,
    /// Bytes of all of them.
    pub bytes: u64,
    /// Days since the invocation began.
    pub days: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { entries: 50_000, bytes: 64 * MEBIBYTE, days: 30 }
    }
}

impl Limits {
    /// Reads the key `spool` of the user's settings: `entries`, `mebibytes`, `days`.
    pub(crate) fn read(value: Option<&Value>) -> Self {
        let number = |key: &str| value?.get(key)?.as_u64();
        let default = Self::default();
        Self {
            entries: number("entries").unwrap_or(default.entries),
            bytes: number("mebibytes").map_or(default.bytes, |n| n.saturating_mul(MEBIBYTE)),
            days: number("days").and_then(|n| u32::try_from(n).ok()).unwrap_or(default.days),
        }
    }

    /// Whether this is more than may be there.
    pub(crate) fn are_exceeded(&self, entries: u64, bytes: u64) -> bool {
        entries > self.entries || bytes > self.bytes
    }
}

/// Why an entry was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    Many,
    Bytes,
    Age,
}

/// What was given up, by reason, since the spool was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Dropped {
    /// There were too many entries.
    pub too_many: u64,
    /// They had too many bytes.
    pub too_much: u64,
    /// They were too old.
    pub too_old: u64,
    /// The collector did not want them.
    pub by_server: u64,
}

impl Dropped {
    /// All of them.
    pub const fn total(&self) -> u64 {
        self.too_many
            .saturating_add(self.too_much)
            .saturating_add(self.too_old)
            .saturating_add(self.by_server)
    }

    pub(crate) fn count(&mut self, why: Why) {
        let counter = match why {
            Why::Many => &mut self.too_many,
            Why::Bytes => &mut self.too_much,
            Why::Age => &mut self.too_old,
        };
        *counter = counter.saturating_add(1);
    }
}

/// What has to go, given files from the oldest to the newest: whatever is too old; and if there is
/// still too much, first what was sent and kept, then what is oldest. Then a tenth more goes, so
/// that a full spool is not looked through again for each new entry.
pub(crate) fn surplus(found: &[Found], limits: &Limits, now: Timestamp) -> Vec<(usize, Why)> {
    let first_day = now.plus_millis(-i64::from(limits.days).saturating_mul(DAY)).date();
    let mut surplus = Vec::new();
    let (mut entries, mut bytes) = (0_u64, 0_u64);
    for (at, file) in found.iter().enumerate() {
        if file.name.date() < first_day.as_str() {
            surplus.push((at, Why::Age));
        } else {
            entries += 1;
            bytes += file.bytes;
        }
    }
    if !limits.are_exceeded(entries, bytes) {
        return surplus;
    }
    let roomy = Limits {
        entries: limits.entries - limits.entries / 10,
        bytes: limits.bytes - limits.bytes / 10,
        ..*limits
    };
    let is_recent = |file: &Found| file.name.date() >= first_day.as_str();
    for kept in [true, false] {
        for (at, file) in found.iter().enumerate() {
            if !roomy.are_exceeded(entries, bytes) {
                return surplus;
            }
            if file.name.is_kept() == kept && is_recent(file) {
                let why = if entries > roomy.entries { Why::Many } else { Why::Bytes };
                surplus.push((at, why));
                entries -= 1;
                bytes -= file.bytes;
            }
        }
    }
    surplus
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::waiting::EntryName;

    fn found(date: &str, n: u32, kept: bool, bytes: u64) -> Found {
        let kept = if kept { ".flushed" } else { "" };
        let name = format!("telemetry-{date}-{n}{kept}.json");
        Found { name: EntryName::parse(&name).unwrap(), bytes, modified: i64::from(n) }
    }

    fn now() -> Timestamp {
        Timestamp::parse("2026-11-30T12:00:00.000Z").unwrap()
    }

    #[test]
    fn within_bounds_nothing_goes() {
        let files = [found("2026-10-31", 1, false, 10), found("2026-11-30", 2, true, 10)];
        assert_eq!(surplus(&files, &Limits { entries: 2, bytes: 20, days: 30 }, now()), []);
        assert_eq!(surplus(&[], &Limits { entries: 0, bytes: 0, days: 0 }, now()), []);
    }

    /// Weakness 32: what was not sent yet goes before what was.
    #[test]
    fn the_old_go_then_the_kept_then_the_oldest() {
        let files = [
            found("2026-10-30", 1, false, 1),
            found("2026-10-30", 2, true, 1),
            found("2026-11-01", 3, false, 1),
            found("2026-11-02", 4, true, 1),
            found("2026-11-03", 5, false, 1),
            found("2026-11-04", 6, true, 1),
        ];
        let gone =
            |entries: u64, bytes: u64| surplus(&files, &Limits { entries, bytes, days: 30 }, now());
        let old = [(0, Why::Age), (1, Why::Age)];
        assert_eq!(gone(4, 100), old);
        assert_eq!(gone(3, 100), [&old[..], &[(3, Why::Many)]].concat());
        let (many, kept) = (Why::Many, [(3, Why::Many), (5, Why::Many)]);
        assert_eq!(gone(1, 100), [&old[..], &kept, &[(2, many)]].concat());
        assert_eq!(gone(100, 3), [&old[..], &[(3, Why::Bytes)]].concat());
    }

    #[test]
    fn a_full_spool_gets_room_for_a_tenth() {
        let files: Vec<Found> = (0..101).map(|n| found("2026-11-30", n, false, 1)).collect();
        let gone = surplus(&files, &Limits { entries: 100, bytes: 1000, days: 30 }, now());
        assert_eq!(gone.len(), 11);
        assert!(gone.iter().enumerate().all(|(n, gone)| *gone == (n, Why::Many)));
        let gone = surplus(&files, &Limits { entries: 1000, bytes: 50, days: 30 }, now());
        assert_eq!(gone.len(), 101 - 45);
    }

    #[test]
    fn drops_are_counted_by_reason() {
        let mut dropped = Dropped { by_server: 1, ..Dropped::default() };
        for why in [Why::Many, Why::Age, Why::Bytes, Why::Age] {
            dropped.count(why);
        }
        assert_eq!(dropped, Dropped { too_many: 1, too_much: 1, too_old: 2, by_server: 1 });
        assert_eq!(dropped.total(), 5);
    }
}
