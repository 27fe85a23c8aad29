//! What the sketch promises.

use proptest::collection::vec;
use proptest::prelude::*;
use swamp_sketch::{Sketch, SketchError, rank};

/// Numbers of every size.
fn numbers() -> impl Strategy<Value = Vec<u64>> {
    let number = (any::<u64>(), 0..64u32).prop_map(|(number, shift)| number >> shift);
    vec(number, 0..200)
}

proptest! {
    #[test]
    fn percentiles_are_within_the_error(mut values in numbers(), per_mille in 0..=1000u32) {
        let sketch: Sketch = values.iter().copied().collect();
        values.sort_unstable();
        let exact = rank(values.len() as u64, per_mille)
            .map(|rank| values[usize::try_from(rank).unwrap() - 1]);
        let told = sketch.per_mille(per_mille);
        prop_assert_eq!(told.is_some(), exact.is_some());
        if let (Some(told), Some(exact)) = (told, exact) {
            prop_assert!(told.abs_diff(exact) <= exact / Sketch::ERROR, "{} for {}", told, exact);
        }
        prop_assert_eq!((sketch.min(), sketch.max()), (values.first().copied(), values.last().copied()));
        let sum = values.iter().fold(0, |sum: u64, value| sum.saturating_add(*value));
        prop_assert_eq!((sketch.count(), sketch.sum()), (values.len() as u64, sum));
    }

    #[test]
    fn merging_is_the_same_as_counting_together(parts in vec(numbers(), 0..6)) {
        let together: Sketch = parts.iter().flatten().copied().collect();
        let sketches: Vec<Sketch> = parts.iter().map(|part| part.iter().copied().collect()).collect();
        let mut forward = Sketch::new();
        for sketch in &sketches {
            forward.merge(sketch);
        }
        let mut backward = Sketch::new();
        for sketch in sketches.iter().rev() {
            backward.merge(sketch);
        }
        prop_assert_eq!(&forward, &together);
        prop_assert_eq!(&backward, &together);
    }

    #[test]
    fn written_and_read_it_is_the_same(values in numbers()) {
        let sketch: Sketch = values.into_iter().collect();
        prop_assert_eq!(Sketch::from_bytes(&sketch.to_bytes()), Ok(sketch.clone()));
        let text = serde_json::to_string(&sketch).unwrap();
        prop_assert_eq!(serde_json::from_str::<Sketch>(&text).unwrap(), sketch);
    }

    #[test]
    fn any_bytes_are_a_sketch_or_an_error(mut bytes in vec(any::<u8>(), 0..60), valid: bool) {
        if let Some(first) = bytes.first_mut().filter(|_| valid) {
            *first = 1;
        }
        if let Ok(sketch) = Sketch::from_bytes(&bytes) {
            prop_assert_eq!(Sketch::from_bytes(&sketch.to_bytes()), Ok(sketch));
        }
    }
}

#[test]
fn what_is_not_a_sketch_says_why() {
    assert_eq!(Sketch::from_bytes(&[]), Err(SketchError::Torn));
    assert_eq!(Sketch::from_bytes(&[9]), Err(SketchError::Layout(9)));
    assert_eq!(Sketch::from_bytes(&[1, 5]), Err(SketchError::Torn));
    let endless = [&[1_u8][..], &[0xff; 12]].concat();
    assert_eq!(Sketch::from_bytes(&endless), Err(SketchError::Damaged("a number is too large")));
    for damaged in
        ["[1]", "[1,1]", "[1,1,1]", "[1,1,1,1]", "[1,1,1,1,0]", "[1,2,3,1,1]", "[1,1,1,1,\"x\"]"]
    {
        assert!(serde_json::from_str::<Sketch>(damaged).is_err(), "{damaged}");
    }
    assert_eq!(serde_json::from_str::<Sketch>("[1,1,1,1,1]").unwrap(), [1].into_iter().collect());
}

#[test]
fn a_thousand_calls_of_a_method_take_little_space() {
    // One to two seconds, every millisecond once.
    let sketch: Sketch = (1000..2000).collect();
    let size = sketch.to_bytes().len();
    assert!(size < 300, "{size} bytes");
    assert_eq!(sketch.buckets().map(|(_, count)| count).sum::<u64>(), 1000);
    let upper: Vec<u64> = sketch.buckets().map(|(upper, _)| upper).collect();
    assert!(upper.is_sorted() && upper.last() >= Some(&1999));
}
