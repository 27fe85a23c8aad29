//! Times as people read them: in UTC, which every page says.

use maud::{Markup, html};
use swamp_ident::Timestamp;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The pieces of a time's text, which always has the form `2026-11-22T09:59:20.462Z` from year 0
/// to 9999, the range senders can write.
struct Pieces(String);

impl Pieces {
    fn of(time: Timestamp) -> Self {
        Self(time.to_string())
    }

    fn get(&self, from: usize, to: usize) -> &str {
        self.0.get(from..to).unwrap_or("?")
    }

    fn day(&self) -> String {
        let month: usize = self.get(5, 7).parse().unwrap_or(0);
        let name = MONTHS.get(month.wrapping_sub(1)).copied().unwrap_or("?");
        format!("{} {name}", self.get(8, 10).trim_start_matches('0'))
    }
}

/// `26 Nov`.
pub(crate) fn day(time: Timestamp) -> String {
    Pieces::of(time).day()
}

/// `14:00`.
pub(crate) fn clock(time: Timestamp) -> String {
    Pieces::of(time).get(11, 16).to_owned()
}

/// From one moment to another: `25 Nov 14:00 – 26 Nov 14:00`, with years if they are not both that
/// of `now`.
pub(crate) fn stretch(since: Timestamp, until: Timestamp, now: Timestamp) -> String {
    let year = Pieces::of(now).get(0, 4).to_owned();
    let short = |time| format!("{} {}", day(time), clock(time));
    if [since, until].iter().all(|time| Pieces::of(*time).get(0, 4) == year) {
        format!("{} – {}", short(since), short(until))
    } else {
        format!("{} – {}", minute(since), minute(until))
    }
}

/// `26 Nov 2026 14:00`.
pub(crate) fn minute(time: Timestamp) -> String {
    let pieces = Pieces::of(time);
    format!("{} {} {}", pieces.day(), pieces.get(0, 4), pieces.get(11, 16))
}

/// What a `datetime-local` field holds: `2026-11-26T14:00`.
pub(crate) fn field(time: Timestamp) -> String {
    Pieces::of(time).get(0, 16).to_owned()
}

/// A moment to the second, with the whole text for programs and tooltips.
pub(crate) fn moment(time: Timestamp) -> Markup {
    let pieces = Pieces::of(time);
    html! {
        time datetime=(pieces.0) title={ (pieces.0) " (UTC)" } {
            (pieces.day()) " " (pieces.get(11, 19))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels() {
        let time = Timestamp::parse("2026-11-06T09:59:20.462Z").unwrap();
        assert_eq!(day(time), "6 Nov");
        assert_eq!(clock(time), "09:59");
        assert_eq!(minute(time), "6 Nov 2026 09:59");
        assert_eq!(field(time), "2026-11-06T09:59");
        assert_eq!(
            moment(time).into_string(),
            r#"<time datetime="2026-11-06T09:59:20.462Z" title="2026-11-06T09:59:20.462Z (UTC)">6 Nov 09:59:20</time>"#
        );
        let before = Timestamp::parse("2025-12-31T08:00:00Z").unwrap();
        assert_eq!(stretch(time, time, time), "6 Nov 09:59 – 6 Nov 09:59");
        assert_eq!(stretch(before, time, time), "31 Dec 2025 08:00 – 6 Nov 2026 09:59");
        // Beyond the calendar the epoch stands in, as everywhere.
        assert_eq!(day(Timestamp::from_millis(i64::MAX)), "1 Jan");
    }
}
