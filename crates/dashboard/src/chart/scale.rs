//! Where things stand in a chart.

use std::fmt;

use crate::figures::Series;
use crate::{amount, time};

/// A part of a whole as SVG writes it: `12.34%`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fraction(u64);

impl Fraction {
    /// `part` of `whole`, at most all of it; nothing of nothing.
    pub(crate) fn new(part: u64, whole: u64) -> Self {
        if whole == 0 {
            return Self(0);
        }
        let hundredths = u128::from(part.min(whole)) * 10_000 / u128::from(whole);
        Self(u64::try_from(hundredths).unwrap_or(10_000))
    }

    /// This, or the least that can be seen if it is smaller.
    #[must_use]
    pub(crate) fn at_least(self, hundredths: u64) -> Self {
        Self(self.0.max(hundredths))
    }

    /// The position so far from the other end.
    #[must_use]
    pub(crate) fn mirrored(self) -> Self {
        Self(10_000_u64.saturating_sub(self.0))
    }

    /// Both together, at most all.
    #[must_use]
    pub(crate) fn plus(self, other: Self) -> Self {
        Self((self.0 + other.0).min(10_000))
    }

    /// In hundredths of a percent.
    pub(crate) const fn hundredths(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 % 100 {
            0 => write!(f, "{}%", self.0 / 100),
            part => write!(f, "{}.{part:02}%", self.0 / 100),
        }
    }
}

impl maud::Render for Fraction {
    fn render_to(&self, buffer: &mut String) {
        maud::display(self).render_to(buffer);
    }
}

/// A vertical scale from zero to a round number.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scale {
    Count(u64),
    Duration(u64),
}

/// Round durations beyond a second, in milliseconds.
const ROUND: [u64; 21] = [
    1_000,
    2_000,
    4_000,
    6_000,
    10_000,
    20_000,
    40_000,
    60_000,
    120_000,
    240_000,
    360_000,
    600_000,
    1_200_000,
    2_400_000,
    3_600_000,
    7_200_000,
    14_400_000,
    21_600_000,
    43_200_000,
    86_400_000,
    172_800_000,
];

impl Scale {
    pub(crate) fn of_counts(largest: u64) -> Self {
        Self::Count(round(largest))
    }

    pub(crate) fn of_durations(largest: u64) -> Self {
        let top = if largest <= 800 {
            round(largest)
        } else {
            ROUND.into_iter().find(|round| *round >= largest).unwrap_or_else(|| {
                let days = round(largest.div_ceil(86_400_000));
                days.saturating_mul(86_400_000)
            })
        };
        Self::Duration(top)
    }

    pub(crate) const fn top(self) -> u64 {
        match self {
            Self::Count(top) | Self::Duration(top) => top,
        }
    }

    /// The lines across the chart: height in percent, and what they stand for.
    pub(crate) fn lines(self) -> [(u32, String); 3] {
        let label = |value| match self {
            Self::Count(_) => amount::count(value),
            Self::Duration(_) => amount::duration(value),
        };
        [(0, String::new()), (50, label(self.top() / 2)), (100, label(self.top()))]
    }
}

/// The next number of the form 2, 4, 6, 8 or 10 times a power of ten: its half is whole.
fn round(largest: u64) -> u64 {
    let mut unit = 1_u64;
    loop {
        if let Some(top) =
            [2, 4, 6, 8, 10].into_iter().find(|step| unit.saturating_mul(*step) >= largest)
        {
            return unit.saturating_mul(top);
        }
        unit = unit.saturating_mul(10);
    }
}

/// A label of the time axis.
pub(crate) struct Tick {
    pub(crate) at: Fraction,
    pub(crate) label: String,
    /// Whether it may be left out where there is little room.
    pub(crate) second: bool,
}

/// Up to eight labels at round times.
pub(crate) fn ticks(series: &Series) -> Vec<Tick> {
    const HOUR: i64 = 3_600_000;
    let (Some(first), Some(last)) = (series.buckets.first(), series.buckets.last()) else {
        return Vec::new();
    };
    let (start, end) = (first.start.as_millis(), last.start.as_millis() + series.interval_ms);
    let length = (end - start).max(1);
    let step = [1, 2, 3, 6, 12, 24, 48, 96, 168, 336, 720, 2_160, 8_760]
        .into_iter()
        .map(|hours| hours * HOUR)
        .find(|step| length / step <= 8)
        .unwrap_or(length);
    let mut ticks = Vec::new();
    let mut at = start.div_euclid(step) * step;
    while at < end {
        let part = at - start;
        // A label that would be cut off at an edge is none.
        if part * 40 >= length && (length - part) * 40 >= length {
            let moment = swamp_ident::Timestamp::from_millis(at);
            let midnight = at.rem_euclid(24 * HOUR) == 0;
            ticks.push(Tick {
                at: Fraction::new(part.unsigned_abs(), length.unsigned_abs()),
                label: if midnight { time::day(moment) } else { time::clock(moment) },
                second: ticks.len() % 2 == 1,
            });
        }
        at += step;
    }
    ticks
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use swamp_ident::Timestamp;

    use super::*;
    use crate::figures::{Bucket, Calls};

    #[test]
    fn tops_are_round_and_can_be_halved() {
        for (largest, want) in
            [(0, 2), (1, 2), (3, 4), (10, 10), (11, 20), (612, 800), (950, 1_000)]
        {
            assert_eq!(Scale::of_counts(largest).top(), want, "{largest}");
        }
        for (largest, want) in
            [(0, 2), (700, 800), (900, 1_000), (6_001, 10_000), (61_000, 120_000)]
        {
            assert_eq!(Scale::of_durations(largest).top(), want, "{largest}");
        }
        let labels = Scale::of_durations(61_000).lines().map(|(_, label)| label);
        assert_eq!(labels, ["", "1 min", "2 min"]);
    }

    #[test]
    fn times_are_round() {
        let start = Timestamp::parse("2026-11-25T14:00:00Z").unwrap();
        let bucket = |hour: i64| Bucket {
            start: start.plus_millis(hour * 3_600_000),
            calls: Calls::default(),
        };
        let series = Series { interval_ms: 3_600_000, buckets: (0..24).map(bucket).collect() };
        let labels: Vec<String> = ticks(&series).into_iter().map(|tick| tick.label).collect();
        assert_eq!(
            labels,
            ["15:00", "18:00", "21:00", "26 Nov", "03:00", "06:00", "09:00", "12:00"]
        );
    }

    proptest! {
        #[test]
        fn nothing_leaves_the_chart(part: u64, whole: u64, value: u64) {
            prop_assert!(Fraction::new(part, whole).hundredths() <= 10_000);
            prop_assert!(Scale::of_durations(value).top() >= value);
            prop_assert!(Scale::of_counts(value).top() >= value);
        }
    }
}
