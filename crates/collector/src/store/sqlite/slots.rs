//! Statistics of method calls, by hour and by day.
//!
//! A *slot* is an hour or a day of a project; in it there is a [cell](super::cells) for each
//! combination of values that occurred. In the file a slot has *parts*, which are never changed: each
//! fold adds one to the slots it touches, and when a slot has many parts of one level they become one
//! of the next. So an event is written a few times, however large its slot is.
//!
//! In memory there are those slots that are asked for, and days from their beginning on. A reader
//! takes the slots it needs as they are (an [`Arc`] each) and adds them up without holding anybody up.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Transaction};
use swamp_ident::Timestamp;

use super::bytes::{Packer, unpack};
use super::cells::Cells;
use super::dictionary::CellKey;
use crate::dimension::Dimension;
use crate::error::CollectorError;
use crate::event::ProjectId;
use crate::query::{DAY, HOUR, TimeRange};

/// Memory of cells above which slots leave it, in bytes.
const MOST_MEMORY: usize = 192 << 20;

/// Parts of one level that become one of the next.
const PARTS: usize = 8;

/// The length of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Size {
    Hour,
    Day,
}

impl Size {
    const fn millis(self) -> i64 {
        match self {
            Self::Hour => HOUR,
            Self::Day => DAY,
        }
    }

    const fn number(self) -> u8 {
        self as u8
    }
}

/// Names a slot. `start` counts hours or days from the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct SlotId {
    project: ProjectId,
    size: Size,
    start: i64,
}

impl SlotId {
    pub(super) const fn of(project: ProjectId, size: Size, at: i64) -> Self {
        Self { project, size, start: at.div_euclid(size.millis()) }
    }

    /// When it begins.
    pub(super) const fn begin(self) -> Timestamp {
        Timestamp::from_millis(self.start * self.size.millis())
    }
}

/// A part of a slot in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    id: i64,
    level: u8,
}

#[derive(Default)]
struct Slot {
    parts: Vec<Part>,
    /// All parts together, if they are in memory.
    cells: Option<Arc<Cells>>,
}

/// Every slot there is.
#[derive(Default)]
pub(super) struct Slots {
    slots: BTreeMap<SlotId, Slot>,
}

/// A slot on its way to an answer.
pub(super) enum Found {
    /// It is in memory.
    Here(SlotId, Arc<Cells>),
    /// It has to be read.
    InFile(SlotId, Vec<Part>),
}

impl Slots {
    /// Takes note of what is in the file.
    pub(super) fn load(connection: &Connection) -> Result<Self, CollectorError> {
        let mut slots = Self::default();
        let mut statement =
            connection.prepare("SELECT project, size, start, id, level FROM parts ORDER BY id")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let size =
                if row.get::<_, u8>(1)? == Size::Day.number() { Size::Day } else { Size::Hour };
            let id = SlotId { project: ProjectId(row.get(0)?), size, start: row.get(2)? };
            let part = Part { id: row.get(3)?, level: row.get(4)? };
            slots.slots.entry(id).or_default().parts.push(part);
        }
        Ok(slots)
    }

    /// What is in memory of slots that are about to get another part: all of them, those that are
    /// new, and nothing.
    pub(super) fn before(&self, id: SlotId) -> Option<Arc<Cells>> {
        match self.slots.get(&id) {
            None => (id.size == Size::Day).then(Arc::default),
            Some(slot) => slot.cells.clone(),
        }
    }

    /// A slot has got another part. `before` and `after` are its cells in memory without it and with
    /// it.
    pub(super) fn add(
        &mut self,
        id: SlotId,
        part: Part,
        before: Option<&Arc<Cells>>,
        after: Option<Arc<Cells>>,
    ) {
        let slot = self.slots.entry(id).or_default();
        let is_new = slot.parts.is_empty();
        slot.parts.push(part);
        // Whoever brought the slot into memory meanwhile did so without the new part.
        let is_same = match (&slot.cells, before) {
            (Some(here), Some(before)) => Arc::ptr_eq(here, before),
            (None, Some(_)) => is_new,
            _ => false,
        };
        slot.cells = after.filter(|_| is_same);
    }

    /// Takes a slot into memory that was read from the file, if it still has these parts.
    pub(super) fn take_in(&mut self, id: SlotId, parts: &[Part], cells: Arc<Cells>) {
        if let Some(slot) = self.slots.get_mut(&id)
            && slot.parts == parts
        {
            slot.cells.get_or_insert(cells);
        }
    }

    /// Lets slots leave memory while there is too much of them: hours before days, the oldest first.
    pub(super) fn shrink(&mut self) {
        let size = |slot: &Slot| slot.cells.as_ref().map_or(0, |cells| cells.memory());
        let mut memory: usize = self.slots.values().map(size).sum();
        for which in [Size::Hour, Size::Day] {
            for (_, slot) in self.slots.iter_mut().filter(|(id, _)| id.size == which) {
                if memory <= MOST_MEMORY {
                    return;
                }
                memory -= size(slot);
                slot.cells = None;
            }
        }
    }

    /// The slots that make up a range of time, as many days as possible.
    pub(super) fn cover(&self, project: ProjectId, range: TimeRange, largest: Size) -> Vec<Found> {
        let range = range.to_hours();
        let whole = |id: &SlotId, size: Size| has_whole(range, size, id.begin().as_millis());
        let first = |size| SlotId { project, size, start: i64::MIN };
        let last = |size| SlotId { project, size, start: i64::MAX };
        let of = |size| self.slots.range(first(size)..=last(size));
        let days = of(Size::Day).filter(|(id, _)| largest == Size::Day && whole(id, Size::Day));
        let hours = of(Size::Hour).filter(|(id, _)| {
            whole(id, Size::Hour) && !(largest == Size::Day && whole(id, Size::Day))
        });
        days.chain(hours)
            .map(|(id, slot)| match &slot.cells {
                Some(cells) => Found::Here(*id, Arc::clone(cells)),
                None => Found::InFile(*id, slot.parts.clone()),
            })
            .collect()
    }

    /// The days in a range, the last first.
    pub(super) fn days(&self, range: TimeRange) -> Vec<SlotId> {
        let is_day = |id: &&SlotId| id.size == Size::Day && range.contains(id.begin());
        let mut days: Vec<SlotId> = self.slots.keys().filter(is_day).copied().collect();
        days.sort_unstable_by_key(|id| std::cmp::Reverse(id.start));
        days
    }

    /// The parts of a slot that is not in memory.
    pub(super) fn unread(&self, id: SlotId) -> Option<Found> {
        let slot = self.slots.get(&id).filter(|slot| slot.cells.is_none())?;
        Some(Found::InFile(id, slot.parts.clone()))
    }

    /// Parts that should become one: of each slot those of its lowest level, if they are many.
    pub(super) fn crowded(&self) -> Vec<(SlotId, Vec<Part>)> {
        let crowd = |slot: &Slot| {
            (0..u8::MAX).find_map(|level| {
                let own: Vec<Part> =
                    slot.parts.iter().filter(|part| part.level == level).copied().collect();
                (own.len() >= PARTS).then_some(own)
            })
        };
        self.slots
            .iter()
            .filter(|(_, slot)| slot.parts.len() >= PARTS)
            .filter_map(|(id, slot)| Some((*id, crowd(slot)?)))
            .collect()
    }

    /// Parts have become one.
    pub(super) fn replace(&mut self, id: SlotId, old: &[Part], new: Part) {
        if let Some(slot) = self.slots.get_mut(&id) {
            slot.parts.retain(|part| !old.contains(part));
            slot.parts.push(new);
        }
    }

    /// Slots that end before a time.
    pub(super) fn expired(&self, before: Timestamp) -> Vec<SlotId> {
        let ends = |id: &SlotId| (id.start + 1) * id.size.millis();
        self.slots.keys().filter(|id| ends(id) <= before.as_millis()).copied().collect()
    }

    /// The slots are gone from the file.
    pub(super) fn forget(&mut self, slots: &[SlotId]) {
        for id in slots {
            self.slots.remove(id);
        }
    }
}

/// Whether a range has all of the hour or day that a time lies in.
fn has_whole(range: TimeRange, size: Size, at: i64) -> bool {
    let since = range.since.map_or(i64::MIN, Timestamp::as_millis);
    let until = range.until.map_or(i64::MAX, Timestamp::as_millis);
    let begin = at.div_euclid(size.millis()) * size.millis();
    since <= begin && begin.saturating_add(size.millis()) <= until
}

/// The size of the slot that [`cover`](Slots::cover) has for a time; the range is of full hours.
pub(super) fn size_at(range: TimeRange, largest: Size, at: i64) -> Size {
    if largest == Size::Day && has_whole(range, Size::Day, at) { Size::Day } else { Size::Hour }
}

/// Reads the parts of a slot. `None` if one of them is not there any more.
pub(super) fn read(
    connection: &Connection,
    id: SlotId,
    parts: &[Part],
) -> Result<Option<Cells>, CollectorError> {
    let mut statement = connection.prepare_cached("SELECT cells FROM parts WHERE id = ?1")?;
    let mut all = Vec::with_capacity(parts.len());
    for part in parts {
        let packed: Option<Vec<u8>> =
            statement.query_row([part.id], |row| row.get(0)).optional()?;
        let Some(packed) = packed else { return Ok(None) };
        let what = format!("The statistics of {}", id.begin());
        let bytes = unpack(&packed, &what)?;
        all.push(
            Cells::from_bytes(&bytes)
                .ok_or_else(|| CollectorError::Store(format!("{what} are damaged")))?,
        );
    }
    Ok(Some(if let [_] = all[..] { all.remove(0) } else { Cells::merge(&all) }))
}

/// Writes another part of a slot.
pub(super) fn write(
    transaction: &Transaction<'_>,
    packer: &mut Packer,
    id: SlotId,
    level: u8,
    cells: &Cells,
) -> Result<Part, CollectorError> {
    let blob = packer.pack(&cells.to_bytes())?;
    let mut statement = transaction.prepare_cached(
        "INSERT INTO parts (project, size, start, level, cells) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let part = statement.insert((id.project.0, id.size.number(), id.start, level, blob))?;
    Ok(Part { id: part, level })
}

/// Makes one part of several.
pub(super) fn unite(
    transaction: &Transaction<'_>,
    packer: &mut Packer,
    id: SlotId,
    parts: &[Part],
) -> Result<Option<Part>, CollectorError> {
    let Some(cells) = read(transaction, id, parts)? else { return Ok(None) };
    let level = parts.iter().map(|part| part.level).max().unwrap_or(0).saturating_add(1);
    let new = write(transaction, packer, id, level, &cells)?;
    let mut remove = transaction.prepare_cached("DELETE FROM parts WHERE id = ?1")?;
    for part in parts {
        remove.execute([part.id])?;
    }
    Ok(Some(new))
}

/// Removes slots from the file.
pub(super) fn delete(
    transaction: &Transaction<'_>,
    slots: &[SlotId],
) -> Result<(), CollectorError> {
    let mut statement = transaction
        .prepare_cached("DELETE FROM parts WHERE project = ?1 AND size = ?2 AND start = ?3")?;
    for id in slots {
        statement.execute((id.project.0, id.size.number(), id.start))?;
    }
    Ok(())
}

/// Which cells a query is about: for each dimension that is filtered, the numbers that pass.
pub(super) struct Sieve(Vec<(usize, Vec<u32>)>);

impl Sieve {
    pub(super) fn new(filters: impl IntoIterator<Item = (Dimension, Vec<u32>)>) -> Self {
        Self(filters.into_iter().map(|(dimension, numbers)| (dimension.index(), numbers)).collect())
    }

    /// Whether a cell passes.
    pub(super) fn passes(&self, key: &CellKey) -> bool {
        self.0.iter().all(|(at, numbers)| numbers.contains(&key[*at]))
    }
}
