//! Which entries are meant.

use swamp_ident::Timestamp;

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// A stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// Its first moment.
    pub from: Timestamp,
    /// The first moment that is not in it any more.
    pub to: Timestamp,
}

impl Range {
    /// Everything from a moment on.
    pub const fn since(from: Timestamp) -> Self {
        Self { from, to: Timestamp::from_millis(i64::MAX) }
    }

    /// Whether a moment is in it.
    pub fn contains(&self, at: Timestamp) -> bool {
        (self.from..self.to).contains(&at)
    }

    /// Whether a UTC date may have moments in it.
    pub(super) fn has_date(&self, date: &str) -> bool {
        let last = self.to.plus_millis(-1);
        // What lies beyond the calendar has no date to compare with.
        let is_before_end = last.as_millis() > 200_000 * DAY || date <= last.date().as_str();
        is_before_end && self.from.date().as_str() <= date
    }
}

/// A stretch of time up to now, and the one of the same length before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// What is looked at.
    pub now: Range,
    /// What it is compared with.
    pub before: Range,
}

impl Period {
    /// Today, by UTC date, and the `days` before it; a part of a day is a whole one. `None` when
    /// `days` is negative or no number, since no entry can then be meant.
    pub fn last_days(today: Timestamp, days: f64) -> Option<Self> {
        if days.is_nan() || days < 0.0 {
            return None;
        }
        // Further back than any entry; keeps the sum in range.
        #[expect(clippy::cast_possible_truncation, reason = "at most 20,000 days")]
        let back = days.ceil().min(20_000.0) as i64;
        let tomorrow = tomorrow(today);
        Some(Self::new(tomorrow.plus_millis(-(back + 1) * DAY), tomorrow, (back + 1) * DAY))
    }

    /// From a moment until now. Entries that a clock which is ahead has dated later today belong to
    /// it as well.
    pub fn since(from: Timestamp, now: Timestamp) -> Self {
        let length = now.as_millis().saturating_sub(from.as_millis()).max(0);
        Self::new(from, tomorrow(now).max(from), length)
    }

    fn new(from: Timestamp, to: Timestamp, length: i64) -> Self {
        let before = Range { from: from.plus_millis(-length), to: from };
        Self { now: Range { from, to }, before }
    }

    /// Both together.
    pub(super) const fn with_before(&self) -> Range {
        Range { from: self.before.from, to: self.now.to }
    }

    /// Whether a moment is in the period (`true`) or in the one before; `None` for neither.
    pub(super) fn place(&self, at: Timestamp) -> Option<bool> {
        if self.now.contains(at) { Some(true) } else { self.before.contains(at).then_some(false) }
    }
}

/// The beginning of the next UTC day.
fn tomorrow(now: Timestamp) -> Timestamp {
    Timestamp::from_millis((now.as_millis().div_euclid(DAY) + 1).saturating_mul(DAY))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    /// Weakness 39: statistics are empty east of Greenwich.
    #[test]
    fn days_are_counted_in_utc() {
        let today = at("2026-03-01T00:30:00.000Z");
        let told = |days| {
            Period::last_days(today, days).map(|period| {
                [period.before.from, period.now.from, period.now.to].map(Timestamp::date)
            })
        };
        let days = |dates: [&str; 3]| Some(dates.map(str::to_owned));
        assert_eq!(told(0.0), days(["2026-02-28", "2026-03-01", "2026-03-02"]));
        assert_eq!(told(2.0), days(["2026-02-24", "2026-02-27", "2026-03-02"]));
        assert_eq!(told(1.5), told(2.0));
        assert!(told(f64::INFINITY).is_some());
        assert_eq!((told(-1.0), told(f64::NAN)), (None, None));
    }

    #[test]
    fn the_period_before_is_as_long_as_this_one() {
        let period = Period::since(at("2026-03-01T10:00:00.000Z"), at("2026-03-01T12:00:00.000Z"));
        for (moment, want) in [
            ("2026-03-01T07:59:59.999Z", None),
            ("2026-03-01T08:00:00.000Z", Some(false)),
            ("2026-03-01T09:59:59.999Z", Some(false)),
            ("2026-03-01T10:00:00.000Z", Some(true)),
            ("2026-03-01T12:00:01.000Z", Some(true)),
            ("2026-03-02T00:00:00.000Z", None),
        ] {
            assert_eq!(period.place(at(moment)), want, "{moment}");
        }
        let whole = period.with_before();
        assert!(whole.has_date("2026-03-01") && !whole.has_date("2026-02-28"));
        assert!(
            !whole.has_date("2026-03-02") && Range::since(period.now.from).has_date("2999-01-01")
        );
    }

    #[test]
    fn a_period_that_begins_in_the_future_is_empty() {
        let period = Period::since(at("2026-03-09T00:00:00.000Z"), at("2026-03-01T12:00:00.000Z"));
        assert_eq!(period.place(at("2026-03-01T12:00:00.000Z")), None);
        assert_eq!(period.place(at("2026-03-09T12:00:00.000Z")), None);
    }
}
