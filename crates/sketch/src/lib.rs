//! Percentiles of very many durations in very little space.
//!
//! A [`Sketch`] counts whole numbers in buckets whose width grows with the number: up to 255 each
//! number has a bucket of its own, above that each power of two is cut into 128. It therefore knows
//! every number to one part in 256 ([`Sketch::ERROR`]) and never needs more than 7,424 buckets;
//! the durations of one method rarely touch fifty.
//!
//! * **Merging loses nothing.** Two sketches merged are the sketch of all their numbers, in whatever
//!   order and grouping: bucket borders depend on no data, and all arithmetic is in integers.
//! * **A percentile is a rank**, not an interpolation: the number at that place in the sorted list,
//!   within the error. Smallest, largest, count and sum are exact.
//! * **The same everywhere.** No floating point, so two machines agree on every bit.
//!
//! ```
//! use swamp_sketch::Sketch;
//!
//! let mut monday: Sketch = (1..=500).collect();
//! let tuesday: Sketch = (501..=1000).collect();
//! monday.merge(&tuesday);
//! assert_eq!(monday.count(), 1000);
//! let p95 = monday.per_mille(950).unwrap();
//! assert!(p95.abs_diff(950) <= 950 / Sketch::ERROR);
//! assert_eq!(Sketch::from_bytes(&monday.to_bytes()), Ok(monday));
//! ```

mod bucket;
mod bytes;
mod list;

use std::collections::BTreeMap;

use bucket::Bucket;

/// A text or file that holds no sketch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SketchError {
    /// Written by a later version.
    #[error("the sketch has layout {0}, which this version does not know; use a newer version")]
    Layout(u8),
    /// It ends in the middle of a number, or a number is missing.
    #[error("the sketch is not whole; make it again from its numbers")]
    Torn,
    /// What it says cannot be.
    #[error("the sketch is damaged ({0}); make it again from its numbers")]
    Damaged(&'static str),
}

/// How often each number occurred, the numbers known to one part in [`Self::ERROR`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sketch {
    buckets: BTreeMap<Bucket, u64>,
    count: u64,
    sum: u64,
    /// Meaningless while `count` is 0.
    min: u64,
    max: u64,
}

impl Sketch {
    /// A percentile is off by at most its value divided by this, rounded down.
    pub const ERROR: u64 = 256;

    /// Without numbers.
    pub const fn new() -> Self {
        Self { buckets: BTreeMap::new(), count: 0, sum: 0, min: 0, max: 0 }
    }

    /// Counts a number once.
    pub fn record(&mut self, value: u64) {
        self.record_many(value, 1);
    }

    /// Counts a number several times.
    pub fn record_many(&mut self, value: u64, times: u64) {
        if times == 0 {
            return;
        }
        (self.min, self.max) = if self.count == 0 {
            (value, value)
        } else {
            (self.min.min(value), self.max.max(value))
        };
        let count = self.buckets.entry(Bucket::of(value)).or_default();
        *count = count.saturating_add(times);
        self.count = self.count.saturating_add(times);
        self.sum = self.sum.saturating_add(value.saturating_mul(times));
    }

    /// Adds all numbers of another sketch.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        (self.min, self.max) = if self.count == 0 {
            (other.min, other.max)
        } else {
            (self.min.min(other.min), self.max.max(other.max))
        };
        for (bucket, more) in &other.buckets {
            let count = self.buckets.entry(*bucket).or_default();
            *count = count.saturating_add(*more);
        }
        self.count = self.count.saturating_add(other.count);
        self.sum = self.sum.saturating_add(other.sum);
    }

    /// How many numbers.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Their sum; stops at the largest number there is.
    pub const fn sum(&self) -> u64 {
        self.sum
    }

    /// The smallest.
    pub fn min(&self) -> Option<u64> {
        (self.count > 0).then_some(self.min)
    }

    /// The largest.
    pub fn max(&self) -> Option<u64> {
        (self.count > 0).then_some(self.max)
    }

    /// The smallest number that at least so many of a thousand did not exceed (nearest rank): 500
    /// for the median, 950 and 990 for the usual percentiles. `None` without numbers.
    pub fn per_mille(&self, per_mille: u32) -> Option<u64> {
        let rank = rank(self.count, per_mille)?;
        let mut seen: u64 = 0;
        for (bucket, count) in &self.buckets {
            seen = seen.saturating_add(*count);
            if seen >= rank {
                return Some(bucket.middle().clamp(self.min, self.max));
            }
        }
        Some(self.max)
    }

    /// The buckets that are not empty, in order: the largest number that belongs in it, and how many
    /// do. For histograms of other systems.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> {
        self.buckets.iter().map(|(bucket, count)| (bucket.last(), *count))
    }
}

/// The number of the bucket a number is counted in, for databases that count by themselves. The order
/// of these numbers is that of what is counted; the layout of sketches fixes them for good.
pub fn bucket(value: u64) -> u16 {
    u16::try_from(Bucket::of(value).place()).unwrap_or(u16::MAX)
}

/// The number that stands for all that are counted in a bucket; `None` for a number that is no
/// bucket's.
pub fn middle(bucket: u16) -> Option<u64> {
    Some(Bucket::at(u64::from(bucket))?.middle())
}

/// The place in a sorted list of `count` that so many of a thousand do not exceed, from 1; `None` for
/// an empty list.
pub fn rank(count: u64, per_mille: u32) -> Option<u64> {
    if count == 0 {
        return None;
    }
    let rank = (u128::from(count) * u128::from(per_mille.min(1000))).div_ceil(1000);
    u64::try_from(rank.max(1)).ok()
}

impl Extend<u64> for Sketch {
    fn extend<I: IntoIterator<Item = u64>>(&mut self, values: I) {
        for value in values {
            self.record(value);
        }
    }
}

impl FromIterator<u64> for Sketch {
    fn from_iter<I: IntoIterator<Item = u64>>(values: I) -> Self {
        let mut sketch = Self::new();
        sketch.extend(values);
        sketch
    }
}
