//! Reading the entries of a spool.

use std::io;
use std::path::Path;

use swamp_ident::Timestamp;
use swamp_wire::TelemetryEntry;

use crate::spool::{Spool, SpoolError};

/// Milliseconds of a day.
const DAY: f64 = 86_400_000.0;

/// Calendar days in UTC, both included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period {
    first: String,
    last: String,
}

impl Period {
    /// Today and the `days` before it; a part of a day is a whole one. `None` when `days` is
    /// negative or no number, since no entry can then be meant.
    pub fn last_days(today: Timestamp, days: f64) -> Option<Self> {
        if days.is_nan() || days < 0.0 {
            return None;
        }
        // Further back than any entry; keeps the sum in range.
        let days = days.ceil().min(100_000.0);
        #[expect(clippy::cast_possible_truncation, reason = "at most 100,000 days")]
        let back = (days * DAY) as i64;
        Some(Self { first: today.plus_millis(-back).date(), last: today.date() })
    }

    fn contains(&self, date: &str) -> bool {
        (self.first.as_str()..=self.last.as_str()).contains(&date)
    }
}

/// How reading went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// Entries that were read.
    pub entries: u64,
    /// Files that hold no entry.
    pub unreadable: u64,
}

/// Reads the entries of a spool, waiting and kept alike, day by day: those whose file's date is in
/// the period, or all. A spool that is not there is empty.
pub fn read(
    spool: &Path,
    period: Option<&Period>,
    mut visit: impl FnMut(&TelemetryEntry),
) -> Result<Read, SpoolError> {
    let mut read = Read::default();
    let spool = match Spool::open(spool) {
        Err(error) if error.is_missing() => return Ok(read),
        other => other?,
    };
    let mut names = spool.names().map_err(|error| SpoolError::io("list", spool.path(), error))?;
    names.retain(|name| {
        date_of(name).is_some_and(|date| period.is_none_or(|period| period.contains(date)))
    });
    names.sort_unstable();
    for name in names {
        match spool.read(&name).map(|text| serde_json::from_str(&text)) {
            Ok(Ok(entry)) => {
                read.entries += 1;
                visit(&entry);
            }
            // Sent and removed by somebody else in between.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Ok(Err(_)) | Err(_) => read.unreadable += 1,
        }
    }
    Ok(read)
}

/// Whether a name is that of an entry's file.
pub(crate) fn is_entry(name: &str) -> bool {
    date_of(name).is_some()
}

/// The date in the name of an entry's file; `None` for other files, and for those set aside.
fn date_of(name: &str) -> Option<&str> {
    let rest = name.strip_prefix("telemetry-")?;
    let stem = rest.strip_suffix(".json")?;
    if stem.ends_with(".quarantined") {
        return None;
    }
    let (date, rest) = stem.split_at_checked(10)?;
    let is_date = date.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    (is_date && rest.starts_with('-')).then_some(date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_counts_days_in_utc() {
        let today = Timestamp::parse("2026-03-01T00:30:00.000Z").unwrap();
        let period =
            |days| Period::last_days(today, days).map(|period| (period.first, period.last));
        let days = |first: &str| Some((first.to_owned(), "2026-03-01".to_owned()));
        assert_eq!(period(0.0), days("2026-03-01"));
        assert_eq!(period(2.0), days("2026-02-27"));
        assert_eq!(period(1.5), days("2026-02-27"));
        assert!(period(f64::INFINITY).is_some());
        assert_eq!(period(-1.0), None);
        assert_eq!(period(f64::NAN), None);
    }

    #[test]
    fn only_entries_have_a_date() {
        for (name, want) in [
            ("telemetry-2026-03-01-x.json", Some("2026-03-01")),
            ("telemetry-2026-03-01-x.flushed.json", Some("2026-03-01")),
            ("telemetry-2026-03-01-x.quarantined.json", None),
            ("telemetry-2026-03-01-x.json.tmp", None),
            ("telemetry-2026-03-0x-x.json", None),
            ("telemetry-.json", None),
            ("telemetry-\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}.json", None),
            (".x.tmp", None),
            ("sessions", None),
        ] {
            assert_eq!(date_of(name), want, "{name}");
        }
    }
}
