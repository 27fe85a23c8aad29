//! Quantiles of durations from counts in bins.
//!
//! Bins are whole numbers made from whole numbers, so that every store, in any language, puts a
//! duration into the same bin: below 128 ms each millisecond has its own, from there on each power
//! of two is divided into 64. A quantile is thereby exact below 128 ms and within 0.8 % above.
//! Sketches of parts add up to the sketch of the whole, whatever the order.

/// The largest duration that is told apart: 2^40 ms, some 35 years.
const LARGEST: u64 = (1 << 40) - 1;

/// The bin of a duration.
#[expect(clippy::cast_possible_truncation, reason = "there are 2240 bins")]
pub const fn bin(millis: u64) -> u16 {
    let millis = if millis > LARGEST { LARGEST } else { millis };
    if millis < 128 {
        return millis as u16;
    }
    let exponent = millis.ilog2();
    let sub = (millis >> (exponent - 6)) - 64;
    (128 + (exponent as u64 - 7) * 64 + sub) as u16
}

/// Smallest and largest duration of a bin.
pub const fn bounds(bin: u16) -> (u64, u64) {
    let bin = bin as u64;
    if bin < 128 {
        return (bin, bin);
    }
    let shift = (bin - 128) / 64 + 1;
    let low = (64 + (bin - 128) % 64) << shift;
    (low, low + (1 << shift) - 1)
}

/// Counts of durations in bins; only bins that hold something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sketch {
    bins: Vec<(u16, u32)>,
}

impl Sketch {
    /// Counts a duration.
    pub fn add(&mut self, millis: u64) {
        self.add_bin(bin(millis), 1);
    }

    /// Counts `count` durations of one bin.
    pub fn add_bin(&mut self, bin: u16, count: u32) {
        match self.bins.binary_search_by_key(&bin, |(bin, _)| *bin) {
            Ok(at) => self.bins[at].1 = self.bins[at].1.saturating_add(count),
            Err(at) => self.bins.insert(at, (bin, count)),
        }
    }

    /// Counts what another has counted.
    pub fn merge(&mut self, other: &Self) {
        for &(bin, count) in &other.bins {
            self.add_bin(bin, count);
        }
    }

    /// The bins that hold something, with their counts, smallest first.
    pub fn bins(&self) -> &[(u16, u32)] {
        &self.bins
    }
}

/// The sum of many sketches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Distribution {
    counts: Vec<u64>,
    total: u64,
}

impl Distribution {
    /// Counts what a sketch has counted.
    pub fn add(&mut self, sketch: &Sketch) {
        for &(bin, count) in &sketch.bins {
            self.add_bin(bin, u64::from(count));
        }
    }

    /// Counts `count` durations of one bin.
    pub fn add_bin(&mut self, bin: u16, count: u64) {
        let bin = usize::from(bin);
        if bin >= self.counts.len() {
            self.counts.resize(bin + 1, 0);
        }
        self.counts[bin] += count;
        self.total += count;
    }

    /// Counts what another has counted.
    pub fn merge(&mut self, other: &Self) {
        for (bin, count) in other.bins() {
            self.add_bin(bin, count);
        }
    }

    /// How many durations were counted.
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// The bins that hold something, with their counts, smallest first.
    pub fn bins(&self) -> impl Iterator<Item = (u16, u64)> + '_ {
        (0_u16..)
            .zip(&self.counts)
            .filter(|(_, count)| **count > 0)
            .map(|(bin, count)| (bin, *count))
    }

    /// The smallest duration that `percent` of the calls did not exceed, by nearest rank; the middle
    /// of its bin. `None` if nothing was counted.
    pub fn percentile(&self, percent: u32) -> Option<u64> {
        if self.total == 0 {
            return None;
        }
        let rank = (u128::from(self.total) * u128::from(percent)).div_ceil(100).max(1);
        let mut seen = 0_u128;
        for (bin, count) in self.bins() {
            seen += u128::from(count);
            if seen >= rank {
                let (low, high) = bounds(bin);
                return Some(low.midpoint(high));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bins_are_without_gaps() {
        let mut next = 0;
        for number in 0..=bin(u64::MAX) {
            let (low, high) = bounds(number);
            assert_eq!(low, next);
            assert_eq!((bin(low), bin(high)), (number, number));
            next = high + 1;
        }
        assert_eq!(next, LARGEST + 1);
    }

    proptest! {
        #[test]
        fn percentiles_are_within_a_hundredth(
            mut values in prop::collection::vec(prop_oneof![0..200_u64, 0..100_000_u64, 0..LARGEST], 1..200),
            split in 0..200_usize,
        ) {
            let (mut left, mut right) = (Sketch::default(), Sketch::default());
            for (at, value) in values.iter().enumerate() {
                if at < split { left.add(*value) } else { right.add(*value) }
            }
            let mut whole = Distribution::default();
            right.merge(&left);
            whole.add(&right);
            values.sort_unstable();
            for percent in [0, 1, 50, 95, 99, 100] {
                let rank = (values.len() * percent as usize).div_ceil(100).max(1);
                let (want, got) = (values[rank - 1], whole.percentile(percent).unwrap());
                prop_assert!(want.abs_diff(got) * 125 <= want, "{got} for {want}");
            }
        }
    }
}
