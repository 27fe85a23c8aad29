//! Points in time as files and people see them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A point in time in UTC with millisecond precision, written `2026-11-22T09:59:20.462Z`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(i64);

/// The text is not a time of the form `2026-11-22T09:59:20.462Z`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an ISO 8601 time in UTC (like 2026-11-22T09:59:20.462Z)")]
pub struct TimestampError(pub String);

impl Timestamp {
    /// From milliseconds since the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Reads an ISO 8601 text that ends in `Z`, with any number of fraction digits.
    pub fn parse(text: &str) -> Result<Self, TimestampError> {
        let error = || TimestampError(text.to_owned());
        if !text.ends_with('Z') || text.as_bytes().get(10) != Some(&b'T') {
            return Err(error());
        }
        let parsed: jiff::Timestamp = text.parse().map_err(|_| error())?;
        Ok(Self(parsed.as_millisecond()))
    }

    /// The form used in file names: `2026-11-22T09-59-20-462Z`.
    pub fn file_stamp(self) -> String {
        self.to_string().replace([':', '.'], "-")
    }

    /// The UTC calendar date: `2026-11-22`.
    pub fn date(self) -> String {
        let mut text = self.to_string();
        text.truncate(10);
        text
    }

    /// This time `millis` later (or earlier, when negative).
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Out-of-range values can only come from a damaged clock; the epoch is then the honest
        // "unknown".
        let time = jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        write!(f, "{time:.3}")
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for Timestamp {
    type Error = TimestampError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Timestamp> for String {
    fn from(time: Timestamp) -> Self {
        time.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_round_trip_with_three_digits() {
        for (given, want) in [
            ("2026-11-22T09:59:20.462Z", "2026-11-22T09:59:20.462Z"),
            ("2026-11-22T09:59:20Z", "2026-11-22T09:59:20.000Z"),
            ("2026-11-22T09:59:20.4629Z", "2026-11-22T09:59:20.462Z"),
        ] {
            assert_eq!(Timestamp::parse(given).unwrap().to_string(), want);
        }
        let time = Timestamp::parse("2026-11-22T09:59:20.462Z").unwrap();
        assert_eq!(time.file_stamp(), "2026-11-22T09-59-20-462Z");
        assert_eq!(time.date(), "2026-11-22");
    }

    #[test]
    fn only_utc_is_accepted() {
        for bad in ["2026-11-22", "2026-11-22T09:59:20+01:00", "2026-11-22 09:59:20Z", "x", ""] {
            assert_eq!(Timestamp::parse(bad), Err(TimestampError(bad.to_owned())));
        }
    }
}
