//! Durations, exact as long as they can be.

use std::collections::BTreeMap;

use swamp_sketch::{Sketch, rank};

/// How often each duration occurred, in milliseconds. Those that came from files are known exactly;
/// once a sketch is merged in, percentiles are within its error.
#[derive(Clone, Debug, Default)]
pub(super) struct Times {
    /// Different durations with their numbers: many calls of one method share few.
    exact: BTreeMap<u64, u64>,
    sketch: Sketch,
}

impl Times {
    pub(super) fn record(&mut self, millis: u64) {
        *self.exact.entry(millis).or_default() += 1;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (millis, count) in &other.exact {
            *self.exact.entry(*millis).or_default() += count;
        }
        self.sketch.merge(&other.sketch);
    }

    pub(super) fn merge_sketch(&mut self, sketch: &Sketch) {
        self.sketch.merge(sketch);
    }

    /// How many.
    pub(super) fn count(&self) -> u64 {
        self.exact.values().sum::<u64>() + self.sketch.count()
    }

    /// All together.
    pub(super) fn total(&self) -> u64 {
        let exact = self.exact.iter().map(|(millis, count)| millis.saturating_mul(*count));
        exact.fold(self.sketch.sum(), u64::saturating_add)
    }

    pub(super) fn max(&self) -> Option<u64> {
        self.exact.keys().next_back().copied().max(self.sketch.max())
    }

    /// The percentiles that so many of a thousand did not exceed.
    pub(super) fn per_mille<const N: usize>(&self, wanted: [u32; N]) -> [Option<u64>; N] {
        if self.sketch.count() == 0 {
            return wanted.map(|wanted| self.exact_per_mille(wanted));
        }
        let mut sketch = self.sketch.clone();
        for (millis, count) in &self.exact {
            sketch.record_many(*millis, *count);
        }
        wanted.map(|wanted| sketch.per_mille(wanted))
    }

    fn exact_per_mille(&self, wanted: u32) -> Option<u64> {
        let rank = rank(self.exact.values().sum(), wanted)?;
        let mut seen = 0;
        self.exact.iter().find_map(|(millis, count)| {
            seen += count;
            (seen >= rank).then_some(*millis)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn times(values: impl IntoIterator<Item = u64>) -> Times {
        let mut times = Times::default();
        values.into_iter().for_each(|millis| times.record(millis));
        times
    }

    #[test]
    fn percentiles_are_values_that_occurred() {
        let percentiles = |values: &[u64]| times(values.iter().copied()).per_mille([500, 950]);
        let hundred: Vec<u64> = (1..=100).collect();
        assert_eq!(percentiles(&hundred), [Some(50), Some(95)]);
        assert_eq!(percentiles(&[3, 9]), [Some(3), Some(9)]);
        assert_eq!(percentiles(&[7]), [Some(7); 2]);
        assert_eq!(percentiles(&[]), [None; 2]);
        assert_eq!((times([]).max(), times([3, 9, 9]).total()), (None, 21));
    }

    proptest! {
        #[test]
        fn with_a_sketch_they_are_within_its_error(
            files in vec(0..1_000_000_u64, 0..100),
            gone in vec(0..1_000_000_u64, 0..100),
        ) {
            let mut mixed = times(files.iter().copied());
            mixed.merge_sketch(&gone.iter().copied().collect());
            let exact = times(files.into_iter().chain(gone));
            let wanted = [0, 500, 950, 990, 1000];
            for (told, exact) in mixed.per_mille(wanted).into_iter().zip(exact.per_mille(wanted)) {
                let (Some(told), Some(exact)) = (told, exact) else {
                    prop_assert_eq!(told, exact);
                    continue;
                };
                prop_assert!(told.abs_diff(exact) <= exact / Sketch::ERROR, "{} for {}", told, exact);
            }
            prop_assert_eq!(
                (mixed.count(), mixed.total(), mixed.max()),
                (exact.count(), exact.total(), exact.max())
            );
        }
    }
}
