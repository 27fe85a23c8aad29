//! A sketch as a list of numbers: smallest, largest, sum, then for each bucket that is not empty its
//! distance from the one before and its count. An empty sketch is an empty list.

use std::fmt;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::ser::SerializeSeq as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::bucket::Bucket;
use crate::{Sketch, SketchError};

impl Sketch {
    /// The numbers.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u64> {
        let head = if self.count == 0 { [].as_slice() } else { &[self.min, self.max, self.sum] };
        let head = head.to_vec();
        let mut previous = 0;
        head.into_iter().chain(self.buckets.iter().flat_map(move |(bucket, count)| {
            let gap = bucket.place() - previous;
            previous = bucket.place();
            [gap, *count]
        }))
    }

    /// Reads the numbers and checks that they fit together.
    pub(crate) fn from_numbers(
        mut next: impl FnMut() -> Result<Option<u64>, SketchError>,
    ) -> Result<Self, SketchError> {
        let mut sketch = Self::new();
        let Some(min) = next()? else {
            return Ok(sketch);
        };
        sketch.min = min;
        sketch.max = next()?.ok_or(SketchError::Torn)?;
        sketch.sum = next()?.ok_or(SketchError::Torn)?;
        let mut place: u64 = 0;
        while let Some(gap) = next()? {
            let count = next()?.ok_or(SketchError::Torn)?;
            if count == 0 || (gap == 0 && !sketch.buckets.is_empty()) {
                return Err(SketchError::Damaged("an empty or repeated bucket"));
            }
            place = place.saturating_add(gap);
            let bucket = Bucket::at(place).ok_or(SketchError::Damaged("no such bucket"))?;
            sketch.buckets.insert(bucket, count);
            sketch.count = sketch.count.saturating_add(count);
        }
        let (first, last) = (sketch.buckets.keys().next(), sketch.buckets.keys().next_back());
        if first != Some(&Bucket::of(sketch.min)) || last != Some(&Bucket::of(sketch.max)) {
            return Err(SketchError::Damaged("smallest and largest are not in the buckets"));
        }
        Ok(sketch)
    }
}

impl Serialize for Sketch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        for number in self.numbers() {
            list.serialize_element(&number)?;
        }
        list.end()
    }
}

impl<'de> Deserialize<'de> for Sketch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor;

        impl<'de> Visitor<'de> for ListVisitor {
            type Value = Sketch;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of numbers")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Sketch, A::Error> {
                let mut fault = None;
                let read = Sketch::from_numbers(|| {
                    list.next_element().map_err(|error| {
                        fault = Some(error);
                        SketchError::Damaged("not a number")
                    })
                });
                match (fault, read) {
                    (Some(fault), _) => Err(fault),
                    (None, read) => read.map_err(A::Error::custom),
                }
            }
        }

        deserializer.deserialize_seq(ListVisitor)
    }
}
