//! Timestamps and durations.

use std::fmt::Write;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::Reject;
use crate::value::Value;

type Result = std::result::Result<Value, Reject>;

pub(super) fn timestamp(arguments: &[Value]) -> Result {
    match arguments {
        [Value::String(text)] => match parse_timestamp(text).filter(|time| time.year() > 0) {
            Some(time) => Ok(Value::Timestamp(time)),
            None => Reject::failed("timestamp() requires a string in ISO 8601 format"),
        },
        [Value::Int(seconds)] => {
            let time = EPOCH.checked_add(SignedDuration::from_secs(*seconds)).ok();
            match time.filter(|time| time.year() > 0) {
                Some(time) => Ok(Value::Timestamp(time)),
                None => Reject::failed("timestamp() requires a valid integer unix timestamp"),
            }
        }
        _ => Err(Reject::Overload),
    }
}

const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

fn parse_timestamp(text: &str) -> Option<DateTime> {
    if !(20..=30).contains(&text.len()) {
        return None;
    }
    match text.parse::<Timestamp>() {
        Ok(time) => Some(TimeZone::UTC.to_datetime(time)),
        // The last day of the year 9999, a favourite for "never", is beyond what an instant with a
        // time zone can be.
        Err(_) => text.strip_suffix(['Z', 'z'])?.parse().ok(),
    }
}

pub(super) fn duration(arguments: &[Value]) -> Result {
    match arguments {
        [Value::String(text)] => match parse_duration(text) {
            Some(duration) => Ok(Value::Duration(duration)),
            None => Reject::failed(format!("Invalid duration string: {text}")),
        },
        _ => Err(Reject::Overload),
    }
}

/// Reads `1h30m`, `-1.5s`, `10us`: a sign, then numbers with units.
fn parse_duration(text: &str) -> Option<SignedDuration> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut nanos: i128 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let split = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(split);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return None;
        }
        let end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let unit: i128 = match &tail[..end] {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        nanos = nanos.checked_add(whole.checked_mul(unit)?)?;
        // Digits of the fraction beyond a nanosecond do not count.
        let mut scale = unit;
        for digit in fraction.bytes() {
            scale /= 10;
            nanos += i128::from(digit - b'0') * scale;
        }
        rest = &tail[end..];
    }
    let nanos = if negative { -nanos } else { nanos };
    let seconds = i64::try_from(nanos / 1_000_000_000).ok()?;
    let rest = i32::try_from(nanos % 1_000_000_000).ok()?;
    Some(SignedDuration::new(seconds, rest))
}

/// Writes a duration so that `duration()` reads it back: `1h30m`, `-1.5s`, `250ms`, `0s`.
pub(crate) fn duration_text(duration: SignedDuration) -> String {
    let mut text = String::new();
    if duration.is_negative() {
        text.push('-');
    }
    let total = duration.unsigned_abs();
    let (seconds, nanos) = (total.as_secs(), total.subsec_nanos());
    if seconds == 0 && nanos > 0 {
        let _ = match (nanos % 1_000_000, nanos % 1_000) {
            (0, _) => write!(text, "{}ms", nanos / 1_000_000),
            (_, 0) => write!(text, "{}us", nanos / 1_000),
            _ => write!(text, "{nanos}ns"),
        };
        return text;
    }
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        let _ = write!(text, "{hours}h");
    }
    if minutes > 0 {
        let _ = write!(text, "{minutes}m");
    }
    if nanos > 0 {
        let fraction = format!("{nanos:09}");
        let _ = write!(text, "{seconds}.{}s", fraction.trim_end_matches('0'));
    } else if seconds > 0 || (hours == 0 && minutes == 0) {
        let _ = write!(text, "{seconds}s");
    }
    text
}

/// A part of a timestamp, in UTC or in the zone named by the second argument.
fn part(arguments: &[Value], of: fn(DateTime) -> i64) -> Result {
    let (time, zone) = match arguments {
        [Value::Timestamp(time)] => return Ok(Value::Int(of(*time))),
        [Value::Timestamp(time), Value::String(zone)] => (time, zone),
        _ => return Err(Reject::Overload),
    };
    let Ok(zone) = TimeZone::get(zone) else {
        return Reject::failed(format!("Invalid time zone specified: {zone}"));
    };
    match time.to_zoned(TimeZone::UTC) {
        Ok(time) => Ok(Value::Int(of(time.with_time_zone(zone).datetime()))),
        Err(_) => Reject::failed("timestamp overflow"),
    }
}

pub(super) fn full_year(arguments: &[Value]) -> Result {
    part(arguments, |time| i64::from(time.year()))
}

pub(super) fn month(arguments: &[Value]) -> Result {
    part(arguments, |time| i64::from(time.month()) - 1)
}

pub(super) fn date(arguments: &[Value]) -> Result {
    part(arguments, |time| i64::from(time.day()))
}

pub(super) fn day_of_month(arguments: &[Value]) -> Result {
    part(arguments, |time| i64::from(time.day()) - 1)
}

pub(super) fn day_of_week(arguments: &[Value]) -> Result {
    part(arguments, |time| i64::from(time.weekday().to_sunday_zero_offset()))
}

pub(super) fn day_of_year(arguments: &[Value]) -> Result {
    part(arguments, |time| i64::from(time.day_of_year()) - 1)
}

pub(super) fn hours(arguments: &[Value]) -> Result {
    match arguments {
        [Value::Duration(duration)] => Ok(Value::Int(duration.as_hours())),
        _ => part(arguments, |time| i64::from(time.hour())),
    }
}

pub(super) fn minutes(arguments: &[Value]) -> Result {
    match arguments {
        [Value::Duration(duration)] => Ok(Value::Int(duration.as_mins())),
        _ => part(arguments, |time| i64::from(time.minute())),
    }
}

pub(super) fn seconds(arguments: &[Value]) -> Result {
    match arguments {
        [Value::Duration(duration)] => Ok(Value::Int(duration.as_secs())),
        _ => part(arguments, |time| i64::from(time.second())),
    }
}

pub(super) fn milliseconds(arguments: &[Value]) -> Result {
    match arguments {
        [Value::Duration(duration)] => {
            Ok(Value::Int(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
        }
        _ => part(arguments, |time| i64::from(time.millisecond())),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_read() {
        for (text, millis) in [
            ("1h30m", Some(5_400_000)),
            ("1.5h", Some(5_400_000)),
            ("-1500ms", Some(-1500)),
            ("+1h", Some(3_600_000)),
            (".5s", Some(500)),
            ("1.s", Some(1000)),
            ("1m1h", Some(3_660_000)),
            ("2000us", Some(2)),
            ("2000µs", Some(2)),
            ("2000000ns", Some(2)),
            ("1d", None),
            ("1", None),
            ("", None),
            ("-", None),
            ("s", None),
            (".s", None),
            ("1..5s", None),
            ("1h ", None),
            ("99999999999999999999h", None),
        ] {
            let got = parse_duration(text).map(|duration| duration.as_millis());
            assert_eq!(got, millis, "{text}");
        }
    }

    #[test]
    fn durations_are_written() {
        for (nanos, text) in [
            (0, "0s"),
            (90_000_000_000, "1m30s"),
            (5_400_000_000_000, "1h30m"),
            (3_600_000_000_000, "1h"),
            (-1_500_000_000, "-1.5s"),
            (250_000_000, "250ms"),
            (1_000, "1us"),
            (1, "1ns"),
        ] {
            assert_eq!(duration_text(SignedDuration::from_nanos(nanos)), text);
        }
    }

    proptest! {
        #[test]
        fn written_durations_read_back(nanos in any::<i64>()) {
            let duration = SignedDuration::from_nanos(nanos);
            prop_assert_eq!(parse_duration(&duration_text(duration)), Some(duration));
        }

        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            let _ = parse_duration(&text);
        }
    }
}
