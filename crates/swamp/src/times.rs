//! Lengths of time on the command line.

use std::time::Duration;

use swamp_ident::Timestamp;
use swamp_store::Span;

use crate::ending::CommandError;

/// `--timeout`: seconds (`30`, `30s`) or a number with `m`, `h`, `d`, `w`, `mo` or `y`.
pub(crate) fn timeout(text: &str) -> Result<Duration, CommandError> {
    let text = text.trim();
    let bare = text.strip_suffix('s').unwrap_or(text);
    let millis = match bare.parse::<u64>() {
        Ok(seconds) => seconds.saturating_mul(1000),
        Err(_) => u64::try_from(millis(text)?).unwrap_or(0),
    };
    if millis == 0 {
        return Err(CommandError::user(format!(
            "Invalid --timeout value \"{text}\": must be positive"
        )));
    }
    // A hundred years are as good as no limit, and every clock can count them.
    Ok(Duration::from_millis(millis.min(100 * 365 * 24 * 3_600_000)))
}

/// `--since`: the point in time that lies this long before `now`.
pub(crate) fn since(text: &str, now: Timestamp) -> Result<Timestamp, CommandError> {
    Ok(now.plus_millis(-millis(text)?))
}

/// A point in time that people wrote: how long ago (`24h`, `7d`), a UTC date, or a time in UTC.
pub(crate) fn moment(text: &str, now: Timestamp) -> Result<Timestamp, CommandError> {
    if let Ok(length) = Span::parse(text) {
        return Ok(now.plus_millis(-length.as_millis()));
    }
    let midnight = || Timestamp::parse(&format!("{text}T00:00:00Z"));
    Timestamp::parse(text).or_else(|_| midnight()).map_err(|_| {
        CommandError::user(format!(
            "Invalid time: \"{text}\". Expected how long ago, like 24h or 7d, a date like \
             2026-11-01, or a time in UTC like 2026-11-01T10:00:00Z"
        ))
    })
}

fn millis(text: &str) -> Result<i64, CommandError> {
    Span::parse(text).map(Span::as_millis).map_err(|_| {
        CommandError::user(format!(
            "Invalid duration format: \"{text}\". Expected format like 1h, 1d, 7d, 1w, 1mo"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_positive_lengths_of_time() {
        for (text, want) in [
            ("30", Ok(30)),
            ("30s", Ok(30)),
            ("5m", Ok(300)),
            ("1h", Ok(3600)),
            ("1w", Ok(604_800)),
            ("1mo", Ok(2_592_000)),
            ("0", Err("Invalid --timeout value \"0\": must be positive")),
            ("0h", Err("Invalid --timeout value \"0h\": must be positive")),
            (
                "abc",
                Err("Invalid duration format: \"abc\". Expected format like 1h, 1d, 7d, 1w, 1mo"),
            ),
            (
                "-3",
                Err("Invalid duration format: \"-3\". Expected format like 1h, 1d, 7d, 1w, 1mo"),
            ),
        ] {
            let got = timeout(text).map(|limit| limit.as_secs()).map_err(|error| error.message);
            assert_eq!(got, want.map_err(str::to_owned), "{text}");
        }
        assert!(timeout("99999999999999999999y").is_ok(), "very long is for ever");
    }

    #[test]
    fn moments_are_lengths_dates_or_times() {
        let now = Timestamp::parse("2026-11-22T10:00:00.000Z").unwrap();
        for (text, want) in [
            ("24h", Some("2026-11-21T10:00:00.000Z")),
            ("2026-11-01", Some("2026-11-01T00:00:00.000Z")),
            ("2026-11-01T10:00:00Z", Some("2026-11-01T10:00:00.000Z")),
            ("2026-02-30", None),
            ("yesterday", None),
            ("", None),
        ] {
            let told = moment(text, now).ok().map(|moment| moment.to_string());
            assert_eq!(told.as_deref(), want, "{text}");
        }
    }

    #[test]
    fn since_looks_back() {
        let now = Timestamp::parse("2026-11-22T10:00:00.000Z").unwrap();
        assert_eq!(since("1h", now).unwrap().to_string(), "2026-11-22T09:00:00.000Z");
        assert!(since("1x", now).is_err());
    }
}
