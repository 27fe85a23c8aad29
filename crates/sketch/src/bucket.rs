//! Which numbers are counted together.

/// Bits of a number that are looked at, the highest one included.
const BITS: u32 = 8;

/// Numbers below this have a bucket each.
const EXACT: u64 = 1 << BITS;

/// Buckets for each power of two from `EXACT` on.
const PER_OCTAVE: u64 = 1 << (BITS - 1);

/// Buckets there are: the exact ones, and those of 56 powers of two.
const BUCKETS: u64 = EXACT + (u64::BITS - BITS) as u64 * PER_OCTAVE;

/// A bucket. Their order is that of the numbers in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Bucket(u16);

impl Bucket {
    /// The bucket a number belongs to: itself, or its eight highest bits and how many there are below.
    pub(crate) fn of(value: u64) -> Self {
        let place = if value < EXACT {
            value
        } else {
            let below = u64::BITS - BITS - value.leading_zeros();
            EXACT + u64::from(below - 1) * PER_OCTAVE + ((value >> below) - PER_OCTAVE)
        };
        // There are 7,424 places.
        Self(u16::try_from(place).unwrap_or(u16::MAX))
    }

    /// The bucket at a place, if there is one.
    pub(crate) fn at(place: u64) -> Option<Self> {
        (place < BUCKETS).then(|| u16::try_from(place).ok().map(Self)).flatten()
    }

    /// Its place, from 0.
    pub(crate) fn place(self) -> u64 {
        u64::from(self.0)
    }

    /// The smallest number in it, and how many numbers there are after that one.
    fn range(self) -> (u64, u64) {
        let place = self.place();
        if place < EXACT {
            return (place, 0);
        }
        let (octave, rest) = ((place - EXACT) / PER_OCTAVE, (place - EXACT) % PER_OCTAVE);
        let below = octave + 1;
        ((PER_OCTAVE + rest) << below, (1 << below) - 1)
    }

    /// The number that stands for all in it.
    pub(crate) fn middle(self) -> u64 {
        let (first, more) = self.range();
        first + more.div_ceil(2)
    }

    /// The largest number in it.
    pub(crate) fn last(self) -> u64 {
        let (first, more) = self.range();
        first + more
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_follow_each_other_without_gap_or_overlap() {
        let mut next = 0;
        for place in 0..BUCKETS {
            let bucket = Bucket::at(place).unwrap();
            let (first, more) = bucket.range();
            assert_eq!(first, next, "bucket {place}");
            assert_eq!((Bucket::of(first), Bucket::of(first + more)), (bucket, bucket));
            next = (first + more).wrapping_add(1);
        }
        assert_eq!(next, 0, "the last bucket ends with the largest number");
        assert_eq!(Bucket::at(BUCKETS), None);
    }

    #[test]
    fn the_middle_is_close_to_every_number_of_a_bucket() {
        for place in 0..BUCKETS {
            let bucket = Bucket::at(place).unwrap();
            let (first, more) = bucket.range();
            for value in [first, first + more] {
                assert!(bucket.middle().abs_diff(value) <= value / crate::Sketch::ERROR);
            }
        }
    }
}
