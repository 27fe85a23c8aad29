//! Cells: method calls that are alike in every dimension and began in the same hour or day.
//!
//! All cells of a [slot](super::slots) lie in a few flat lists, in the order of their keys. A question
//! about a month goes over some ten million counts; from one end of a list to the other that takes
//! milliseconds.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::bytes::{Reader, put, put_signed};
use super::dictionary::CellKey;
use super::fresh::Call;
use super::slots::{Size, SlotId};
use crate::event::EventKey;
use crate::sketch::bucket;

/// The layout of cells in the file.
const LAYOUT: u64 = 1;

/// In place of the bucket of a call whose duration says nothing.
const UNTIMED: u16 = u16::MAX;

/// What is known of a cell besides its durations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) count: u64,
    pub(super) errors: u64,
    pub(super) total_ms: u64,
    pub(super) last_at: i64,
    /// The longest call: how long, when, and in which run.
    pub(super) max_ms: u64,
    pub(super) max_at: i64,
    pub(super) max_run: Option<EventKey>,
}

impl Facts {
    pub(super) fn of(call: &Call) -> Self {
        Self {
            count: 1,
            errors: u64::from(call.failed),
            total_ms: call.duration_ms,
            last_at: call.at,
            max_ms: call.duration_ms,
            max_at: call.at,
            max_run: call.run,
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        if self.count == 0 {
            *self = *other;
            return;
        }
        self.last_at = self.last_at.max(other.last_at);
        // Of equally long ones it is the same whatever the order.
        let longest = |facts: &Self| (facts.max_ms, facts.max_at, facts.max_run);
        if longest(other) > longest(self) {
            (self.max_ms, self.max_at, self.max_run) = longest(other);
        }
        self.count += other.count;
        self.errors += other.errors;
        self.total_ms = self.total_ms.saturating_add(other.total_ms);
    }
}

/// One cell.
#[derive(Clone, Copy)]
pub(super) struct Cell<'a> {
    pub(super) key: &'a CellKey,
    pub(super) facts: &'a Facts,
    /// Buckets of durations, in order, and how many calls are in each.
    pub(super) bins: &'a [u16],
    pub(super) counts: &'a [u32],
}

/// The cells of a slot, or of a part of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cells {
    keys: Vec<CellKey>,
    facts: Vec<Facts>,
    /// Where the bins of each cell end.
    ends: Vec<usize>,
    bins: Vec<u16>,
    counts: Vec<u32>,
}

impl Cells {
    pub(super) fn iter(&self) -> impl Iterator<Item = Cell<'_>> {
        let starts = std::iter::once(&0).chain(&self.ends);
        self.keys.iter().zip(&self.facts).zip(starts.zip(&self.ends)).map(
            |((key, facts), (start, end))| Cell {
                key,
                facts,
                bins: &self.bins[*start..*end],
                counts: &self.counts[*start..*end],
            },
        )
    }

    /// The memory they take, in bytes.
    pub(super) fn memory(&self) -> usize {
        self.keys.len() * (size_of::<CellKey>() + size_of::<Facts>() + size_of::<usize>())
            + self.bins.len() * (size_of::<u16>() + size_of::<u32>())
    }

    fn bin(&mut self, bin: u16, count: u32) {
        self.bins.push(bin);
        self.counts.push(count);
    }

    fn end(&mut self, key: CellKey, facts: Facts) {
        self.keys.push(key);
        self.facts.push(facts);
        self.ends.push(self.bins.len());
    }

    /// The cells of calls, for each slot of a size.
    pub(super) fn of_calls(calls: &[&Call], size: Size) -> Vec<(SlotId, Self)> {
        // Keys and slots get numbers in their order, so that sorting compares numbers only.
        let (keys, key_ranks) = ranks(calls.iter().map(|call| call.key));
        let slot = |call: &Call| SlotId::of(call.project, size, call.at);
        let (slots, slot_ranks) = ranks(calls.iter().map(|call| slot(call)));
        let mut order: Vec<(u32, u32, u16, u32)> = calls
            .iter()
            .zip(slot_ranks.iter().zip(&key_ranks))
            .zip(0..)
            .map(|((call, (slot, key)), place)| {
                let bin = if call.timed { bucket(call.duration_ms) } else { UNTIMED };
                (*slot, *key, bin, place)
            })
            .collect();
        order.sort_unstable();
        let mut all = Vec::with_capacity(slots.len());
        for of_slot in order.chunk_by(|a, b| a.0 == b.0) {
            let mut own = Self::default();
            for of_cell in of_slot.chunk_by(|a, b| a.1 == b.1) {
                let mut facts = Facts::default();
                for of_bin in of_cell.chunk_by(|a, b| a.2 == b.2) {
                    for (.., place) in of_bin {
                        facts.merge(&Facts::of(calls[*place as usize]));
                    }
                    if of_bin[0].2 != UNTIMED {
                        own.bin(of_bin[0].2, u32::try_from(of_bin.len()).unwrap_or(u32::MAX));
                    }
                }
                own.end(keys[of_cell[0].1 as usize], facts);
            }
            all.push((slots[of_slot[0].0 as usize], own));
        }
        all
    }

    /// The cells of several parts of a slot as one; those of earlier parts come first.
    pub(super) fn merge<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut cells: Vec<Cell<'a>> = parts.into_iter().flat_map(Self::iter).collect();
        // The parts are in order themselves, which this way of sorting makes use of.
        cells.sort_by_key(|cell| cell.key);
        let mut merged = Self::default();
        let (mut bins, mut other) = (Vec::new(), Vec::new());
        for alike in cells.chunk_by(|a, b| a.key == b.key) {
            let mut facts = *alike[0].facts;
            if let [one] = alike {
                merged.bins.extend_from_slice(one.bins);
                merged.counts.extend_from_slice(one.counts);
            } else {
                bins.clear();
                bins.extend(pairs(alike[0]));
                for cell in &alike[1..] {
                    facts.merge(cell.facts);
                    add_bins(&bins, *cell, &mut other);
                    std::mem::swap(&mut bins, &mut other);
                }
                for (bin, count) in &bins {
                    merged.bin(*bin, *count);
                }
            }
            merged.end(*alike[0].key, facts);
        }
        merged
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.keys.len() * 64 + self.bins.len() * 2);
        put(&mut bytes, LAYOUT);
        put(&mut bytes, self.keys.len() as u64);
        for Cell { key, facts, bins, counts } in self.iter() {
            for number in key {
                put(&mut bytes, u64::from(*number));
            }
            for number in [facts.count, facts.errors, facts.total_ms, facts.max_ms] {
                put(&mut bytes, number);
            }
            put_signed(&mut bytes, facts.last_at);
            put_signed(&mut bytes, facts.last_at - facts.max_at);
            match facts.max_run {
                None => bytes.push(0),
                Some(run) => {
                    bytes.push(1);
                    bytes.extend_from_slice(&run.0);
                }
            }
            put(&mut bytes, bins.len() as u64);
            let mut before = 0;
            for (bin, count) in bins.iter().zip(counts) {
                put(&mut bytes, u64::from(bin - before));
                put(&mut bytes, u64::from(*count));
                before = *bin;
            }
        }
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        if reader.number()? != LAYOUT {
            return None;
        }
        let mut cells = Self::default();
        for _ in 0..reader.number()? {
            let mut key = CellKey::default();
            for number in &mut key {
                *number = reader.small()?;
            }
            let mut facts = Facts {
                count: reader.number()?,
                errors: reader.number()?,
                total_ms: reader.number()?,
                max_ms: reader.number()?,
                last_at: reader.signed()?,
                ..Facts::default()
            };
            facts.max_at = facts.last_at.checked_sub(reader.signed()?)?;
            facts.max_run = match reader.take(1)? {
                [1] => Some(EventKey(reader.take(16)?.try_into().ok()?)),
                _ => None,
            };
            let mut bin: u16 = 0;
            for _ in 0..reader.number()? {
                bin = bin.checked_add(u16::try_from(reader.number()?).ok()?)?;
                cells.bin(bin, reader.small()?);
            }
            cells.end(key, facts);
        }
        if !reader.0.is_empty() {
            return None;
        }
        // Versions before this one wrote cells in the order they came.
        Some(if cells.keys.is_sorted() { cells } else { Self::merge([&cells]) })
    }
}

/// The different ones of some things in their order, and for each thing which of them it is.
fn ranks<T: Copy + Ord + std::hash::Hash>(things: impl Iterator<Item = T>) -> (Vec<T>, Vec<u32>) {
    let mut numbers: HashMap<T, u32, FixedState> = HashMap::default();
    let mut different = Vec::new();
    let mut of_each: Vec<u32> = things
        .map(|thing| {
            *numbers.entry(thing).or_insert_with(|| {
                different.push(thing);
                u32::try_from(different.len() - 1).unwrap_or(u32::MAX)
            })
        })
        .collect();
    let mut order: Vec<u32> = (0..).take(different.len()).collect();
    order.sort_unstable_by_key(|number| different[*number as usize]);
    let mut rank = vec![0; order.len()];
    for (place, number) in (0..).zip(&order) {
        rank[*number as usize] = place;
    }
    for number in &mut of_each {
        *number = rank[*number as usize];
    }
    (order.into_iter().map(|number| different[number as usize]).collect(), of_each)
}

fn pairs(cell: Cell<'_>) -> impl Iterator<Item = (u16, u32)> {
    cell.bins.iter().copied().zip(cell.counts.iter().copied())
}

/// Adds the bins of a cell to others; both are in order.
fn add_bins(bins: &[(u16, u32)], cell: Cell<'_>, sum: &mut Vec<(u16, u32)>) {
    sum.clear();
    let mut left = bins.iter().copied().peekable();
    let mut right = pairs(cell).peekable();
    loop {
        let next = match (left.peek(), right.peek()) {
            (Some(a), Some(b)) if a.0 == b.0 => {
                let both = (a.0, a.1.saturating_add(b.1));
                left.next();
                right.next();
                Some(both)
            }
            (Some(a), Some(b)) if a.0 < b.0 => left.next(),
            (Some(_), None) => left.next(),
            (_, Some(_)) => right.next(),
            (None, None) => None,
        };
        match next {
            Some(pair) => sum.push(pair),
            None => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dimension::Dimension;
    use crate::event::ProjectId;

    fn calls() -> impl Strategy<Value = Vec<Call>> {
        let call = (0..3_u32, 0..3_i64, 0..600_u64, any::<bool>(), any::<bool>()).prop_map(
            |(key, hour, duration_ms, timed, failed)| Call {
                project: ProjectId(1 + key % 2),
                key: [key; Dimension::COUNT],
                at: hour * crate::query::HOUR * 9,
                duration_ms,
                timed,
                failed,
                run: failed.then_some(EventKey([3; 16])),
            },
        );
        prop::collection::vec(call, 0..60)
    }

    proptest! {
        #[test]
        fn parts_together_are_the_whole(calls in calls(), split in any::<prop::sample::Index>()) {
            let all: Vec<&Call> = calls.iter().collect();
            let (first, second) = all.split_at(split.index(all.len() + 1));
            let parts: Vec<(SlotId, Cells)> =
                [first, second].iter().flat_map(|part| Cells::of_calls(part, Size::Day)).collect();
            for (slot, whole) in Cells::of_calls(&all, Size::Day) {
                let own = parts.iter().filter(|(id, _)| *id == slot).map(|(_, cells)| cells);
                prop_assert_eq!(Cells::merge(own), whole);
            }
        }

        #[test]
        fn cells_come_back_from_their_bytes(calls in calls()) {
            for (_, cells) in Cells::of_calls(&calls.iter().collect::<Vec<_>>(), Size::Hour) {
                let bytes = cells.to_bytes();
                prop_assert_eq!(Cells::from_bytes(&bytes[..bytes.len() - 1]), None);
                prop_assert_eq!(Cells::from_bytes(&bytes), Some(cells));
            }
        }
    }
}
