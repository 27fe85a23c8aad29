//! Counts of durations in the buckets of `swamp-sketch`, for the groups an answer is made of.
//!
//! Every store, in any language, puts a duration into the same bucket, and merging is addition. A
//! percentile is thereby exact below 256 ms and within one part in 256 above, and the same from
//! every store. The tree of `swamp_sketch::Sketch` would serve as well, but adding up a hundred
//! thousand groups takes it longer than an answer may.

pub use swamp_sketch::{bucket, middle};

/// The sum of many groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Distribution {
    counts: Vec<u64>,
    total: u64,
}

impl Distribution {
    /// Counts a duration.
    pub fn add(&mut self, millis: u64) {
        self.add_bin(bucket(millis), 1);
    }

    /// Counts what is in bins; they are in order, and each has a count.
    pub fn add_bins(&mut self, bins: &[u16], counts: &[u32]) {
        let Some(last) = bins.last() else { return };
        let needed = usize::from(*last) + 1;
        if needed > self.counts.len() {
            self.counts.resize(needed, 0);
        }
        let mut sum = 0;
        for (bin, count) in bins.iter().zip(counts) {
            self.counts[usize::from(*bin)] += u64::from(*count);
            sum += u64::from(*count);
        }
        self.total += sum;
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
    /// of its bucket. `None` if nothing was counted.
    pub fn percentile(&self, percent: u32) -> Option<u64> {
        if self.total == 0 {
            return None;
        }
        let rank = (u128::from(self.total) * u128::from(percent)).div_ceil(100).max(1);
        // More than all of them are not asked for.
        let rank = u64::try_from(rank).unwrap_or(u64::MAX).min(self.total);
        let mut seen = 0;
        for (bin, count) in (0_u16..).zip(&self.counts) {
            seen += count;
            if seen >= rank {
                return middle(bin);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn percentiles_are_within_a_hundredth(
            mut values in prop::collection::vec(prop_oneof![0..200_u64, 0..100_000_u64, 0..1_u64 << 40], 1..200),
            split in 0..200_usize,
        ) {
            let (mut whole, mut right) = (Distribution::default(), Distribution::default());
            for (at, value) in values.iter().enumerate() {
                if at < split { whole.add(*value) } else { right.add(*value) }
            }
            let (bins, counts): (Vec<u16>, Vec<u32>) =
                right.bins().map(|(bin, count)| (bin, u32::try_from(count).unwrap())).unzip();
            whole.add_bins(&bins, &counts);
            values.sort_unstable();
            for percent in [0, 1, 50, 95, 99, 100] {
                let rank = (values.len() * percent as usize).div_ceil(100).max(1);
                let (want, got) = (values[rank - 1], whole.percentile(percent).unwrap());
                prop_assert!(want.abs_diff(got) * 256 <= want, "{got} for {want}");
            }
        }
    }
}
