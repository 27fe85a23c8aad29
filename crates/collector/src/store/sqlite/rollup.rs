//! Statistics of method calls, by hour and by day.
//!
//! A *slot* is an hour or a day of a project; in it there is a *cell* for each combination of values
//! that occurred. An event goes into its hour and its day. Slots are a function of the segments:
//! they are written from time to time, with the number of the last segment in them, and what came
//! after that is counted again at the next start.
//!
//! A reader takes the slots it needs as they are (an [`Arc`] each) and adds them up without holding
//! anybody up; whoever changes a slot that is being read changes a copy.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use foldhash::fast::FixedState;
use indexmap::IndexMap;
use rusqlite::{Connection, OptionalExtension, Transaction};
use swamp_ident::Timestamp;

use super::bytes::{Packer, Reader, put, put_signed, unpack};
use super::dictionary::CellKey;
use crate::dimension::Dimension;
use crate::error::CollectorError;
use crate::event::{Event, EventKey, ProjectId};
use crate::query::{DAY, HOUR, TimeRange};
use crate::sketch::Bins;

/// The layout of a slot in the file.
const LAYOUT: u64 = 1;

/// Cells in memory above which slots that are written leave it.
const MOST_CELLS: usize = 400_000;

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
    fn of(project: ProjectId, size: Size, at: Timestamp) -> Self {
        Self { project, size, start: at.as_millis().div_euclid(size.millis()) }
    }

    /// When it begins.
    pub(super) const fn begin(self) -> Timestamp {
        Timestamp::from_millis(self.start * self.size.millis())
    }
}

/// Calls that are alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) count: u64,
    pub(super) errors: u64,
    pub(super) total_ms: u64,
    pub(super) last_at: i64,
    /// The longest call: how long, when, and in which run.
    pub(super) max_ms: u64,
    pub(super) max_at: i64,
    pub(super) max_run: Option<EventKey>,
    pub(super) bins: Bins,
}

impl Cell {
    fn add(&mut self, event: &Event, run: Option<EventKey>) {
        let at = event.at.as_millis();
        self.last_at = if self.count == 0 { at } else { self.last_at.max(at) };
        if self.count == 0 || event.duration_ms > self.max_ms {
            (self.max_ms, self.max_at, self.max_run) = (event.duration_ms, at, run);
        }
        self.count += 1;
        self.errors += u64::from(event.failed);
        self.total_ms = self.total_ms.saturating_add(event.duration_ms);
        if event.timed {
            self.bins.add(event.duration_ms);
        }
    }

    fn merge(&mut self, other: &Self) {
        self.last_at =
            if self.count == 0 { other.last_at } else { self.last_at.max(other.last_at) };
        if self.count == 0 || other.max_ms > self.max_ms {
            (self.max_ms, self.max_at, self.max_run) = (other.max_ms, other.max_at, other.max_run);
        }
        self.count += other.count;
        self.errors += other.errors;
        self.total_ms = self.total_ms.saturating_add(other.total_ms);
        self.bins.merge(&other.bins);
    }
}

/// The cells of a slot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cells(IndexMap<CellKey, Cell, FixedState>);

impl Cells {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&CellKey, &Cell)> {
        self.0.iter()
    }

    fn merge(&mut self, key: CellKey, cell: &Cell) {
        self.0.entry(key).or_default().merge(cell);
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len() * 64);
        put(&mut bytes, LAYOUT);
        put(&mut bytes, self.0.len() as u64);
        for (key, cell) in &self.0 {
            for number in key {
                put(&mut bytes, u64::from(*number));
            }
            for number in [cell.count, cell.errors, cell.total_ms, cell.max_ms] {
                put(&mut bytes, number);
            }
            put_signed(&mut bytes, cell.last_at);
            put_signed(&mut bytes, cell.last_at - cell.max_at);
            match cell.max_run {
                None => bytes.push(0),
                Some(run) => {
                    bytes.push(1);
                    bytes.extend_from_slice(&run.0);
                }
            }
            put(&mut bytes, cell.bins.bins().len() as u64);
            let mut before = 0;
            for (bin, count) in cell.bins.bins() {
                put(&mut bytes, u64::from(bin - before));
                put(&mut bytes, u64::from(*count));
                before = *bin;
            }
        }
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
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
            let mut cell = Cell {
                count: reader.number()?,
                errors: reader.number()?,
                total_ms: reader.number()?,
                max_ms: reader.number()?,
                last_at: reader.signed()?,
                ..Cell::default()
            };
            cell.max_at = cell.last_at - reader.signed()?;
            cell.max_run = match reader.take(1)? {
                [1] => Some(EventKey(reader.take(16)?.try_into().ok()?)),
                _ => None,
            };
            let mut bin: u16 = 0;
            for _ in 0..reader.number()? {
                bin = bin.checked_add(u16::try_from(reader.number()?).ok()?)?;
                cell.bins.add_bin(bin, reader.small()?);
            }
            cells.0.insert(key, cell);
        }
        reader.0.is_empty().then_some(cells)
    }
}

/// What a batch adds, before it is committed.
#[derive(Default)]
pub(super) struct Additions(HashMap<(ProjectId, i64), Cells, FixedState>);

impl Additions {
    /// Adds a method call.
    pub(super) fn add(&mut self, event: &Event, key: CellKey, run: Option<EventKey>) {
        let hour = event.at.as_millis().div_euclid(HOUR);
        let cells = self.0.entry((event.project, hour)).or_default();
        cells.0.entry(key).or_default().add(event, run);
    }
}

#[derive(Default)]
struct Slot {
    /// `None`: as they stand in the file.
    cells: Option<Arc<Cells>>,
    /// Whether they differ from what stands in the file.
    changed: bool,
}

/// Every slot there is.
#[derive(Default)]
pub(super) struct Rollups {
    slots: BTreeMap<SlotId, Slot>,
    /// How often slots were written: what was read from the file before is old after.
    writes: u64,
}

impl Rollups {
    /// Takes note of the slots in the file.
    pub(super) fn load(connection: &Connection) -> Result<Self, CollectorError> {
        let mut rollups = Self::default();
        let mut statement = connection.prepare("SELECT project, size, start FROM slots")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let size =
                if row.get::<_, u8>(1)? == Size::Day.number() { Size::Day } else { Size::Hour };
            let id = SlotId { project: ProjectId(row.get(0)?), size, start: row.get(2)? };
            rollups.slots.insert(id, Slot::default());
        }
        Ok(rollups)
    }

    /// Slots that are about to be changed and are not in memory.
    pub(super) fn needed(&self, additions: &Additions) -> Vec<SlotId> {
        let mut needed: Vec<SlotId> = additions
            .0
            .keys()
            .flat_map(|(project, hour)| slots_of(*project, *hour))
            .filter(|id| self.slots.get(id).is_some_and(|slot| slot.cells.is_none()))
            .collect();
        needed.sort_unstable();
        needed.dedup();
        needed
    }

    /// Takes slots into memory that were read from the file when this was [`age`](Self::age), unless
    /// they came there meanwhile.
    pub(super) fn take_in(&mut self, loaded: Vec<(SlotId, Arc<Cells>)>, age: u64) {
        if age != self.writes {
            return;
        }
        for (id, cells) in loaded {
            let Some(slot) = self.slots.get_mut(&id) else { continue };
            slot.cells.get_or_insert(cells);
        }
    }

    /// How often slots were written.
    pub(super) const fn age(&self) -> u64 {
        self.writes
    }

    /// Adds what a batch brought. Slots that are in the file must be in memory.
    pub(super) fn apply(&mut self, additions: &Additions) {
        for ((project, hour), more) in &additions.0 {
            for id in slots_of(*project, *hour) {
                let slot = self.slots.entry(id).or_default();
                slot.changed = true;
                let cells = Arc::make_mut(slot.cells.get_or_insert_default());
                more.iter().for_each(|(key, cell)| cells.merge(*key, cell));
            }
        }
    }

    /// Whether there is anything to write.
    pub(super) fn changed(&self) -> Vec<(SlotId, Arc<Cells>)> {
        self.slots
            .iter()
            .filter(|(_, slot)| slot.changed)
            .filter_map(|(id, slot)| Some((*id, Arc::clone(slot.cells.as_ref()?))))
            .collect()
    }

    /// Slots are written and committed; when there are too many in memory, the oldest hours leave.
    pub(super) fn written(&mut self, slots: &[(SlotId, Arc<Cells>)]) {
        self.writes += 1;
        for (id, _) in slots {
            if let Some(slot) = self.slots.get_mut(id) {
                slot.changed = false;
            }
        }
        self.shrink();
    }

    /// Lets slots leave memory while there are too many: hours before days, the oldest first.
    pub(super) fn shrink(&mut self) {
        let size = |slot: &Slot| slot.cells.as_ref().map_or(0, |cells| cells.0.len());
        let mut cells: usize = self.slots.values().map(size).sum();
        for which in [Size::Hour, Size::Day] {
            for (_, slot) in self.slots.iter_mut().filter(|(id, _)| id.size == which) {
                if cells <= MOST_CELLS {
                    return;
                }
                if !slot.changed {
                    cells -= size(slot);
                    slot.cells = None;
                }
            }
        }
    }

    /// The slots that make up a range of time, as many days as possible: those in memory with their
    /// cells.
    pub(super) fn cover(
        &self,
        project: ProjectId,
        range: TimeRange,
        largest: Size,
    ) -> Vec<(SlotId, Option<Arc<Cells>>)> {
        let range = range.to_hours();
        let since = range.since.map_or(i64::MIN, Timestamp::as_millis);
        let until = range.until.map_or(i64::MAX, Timestamp::as_millis);
        let whole = |id: &SlotId, size: Size| {
            let begin = id.begin().as_millis().div_euclid(size.millis()) * size.millis();
            since <= begin && begin.saturating_add(size.millis()) <= until
        };
        let first = |size| SlotId { project, size, start: i64::MIN };
        let last = |size| SlotId { project, size, start: i64::MAX };
        let of = |size| self.slots.range(first(size)..=last(size));
        let days = of(Size::Day).filter(|(id, _)| largest == Size::Day && whole(id, Size::Day));
        let hours = of(Size::Hour).filter(|(id, _)| {
            whole(id, Size::Hour) && !(largest == Size::Day && whole(id, Size::Day))
        });
        days.chain(hours).map(|(id, slot)| (*id, slot.cells.clone())).collect()
    }

    /// Removes slots that end before a time. Gives their ids.
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

fn slots_of(project: ProjectId, hour: i64) -> [SlotId; 2] {
    let at = Timestamp::from_millis(hour * HOUR);
    [SlotId::of(project, Size::Hour, at), SlotId::of(project, Size::Day, at)]
}

/// Reads a slot.
pub(super) fn read(connection: &Connection, id: SlotId) -> Result<Arc<Cells>, CollectorError> {
    let mut statement = connection.prepare_cached(
        "SELECT cells FROM slots WHERE project = ?1 AND size = ?2 AND start = ?3",
    )?;
    let packed: Option<Vec<u8>> = statement
        .query_row((id.project.0, id.size.number(), id.start), |row| row.get(0))
        .optional()?;
    let Some(packed) = packed else { return Ok(Arc::default()) };
    let what = format!("The statistics of {}", id.begin());
    let bytes = unpack(&packed, &what)?;
    Cells::from_bytes(&bytes)
        .map(Arc::new)
        .ok_or_else(|| CollectorError::Store(format!("{what} are damaged")))
}

/// Writes slots.
pub(super) fn write(
    transaction: &Transaction<'_>,
    slots: &[(SlotId, Arc<Cells>)],
    packer: &mut Packer,
) -> Result<(), CollectorError> {
    let mut statement =
        transaction.prepare_cached("INSERT OR REPLACE INTO slots VALUES (?1, ?2, ?3, ?4)")?;
    for (id, cells) in slots {
        let blob = packer.pack(&cells.to_bytes())?;
        statement.execute((id.project.0, id.size.number(), id.start, blob))?;
    }
    Ok(())
}

/// Removes slots from the file.
pub(super) fn delete(
    transaction: &Transaction<'_>,
    slots: &[SlotId],
) -> Result<(), CollectorError> {
    let mut statement = transaction
        .prepare_cached("DELETE FROM slots WHERE project = ?1 AND size = ?2 AND start = ?3")?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_come_back_from_their_bytes() {
        let mut cells = Cells::default();
        for number in 0..50_u32 {
            let mut cell = Cell {
                count: 3,
                errors: 1,
                total_ms: 1 << 40,
                last_at: 1_700_000_000_000,
                max_ms: 77,
                max_at: 1_600_000_000_000,
                max_run: (number % 2 == 0).then_some(EventKey([7; 16])),
                bins: Bins::default(),
            };
            for millis in [0, 1, 300, 1 << 39] {
                cell.bins.add(millis);
            }
            cells.0.insert([number; Dimension::COUNT], cell);
        }
        let bytes = cells.to_bytes();
        assert_eq!(Cells::from_bytes(&bytes), Some(cells));
        assert_eq!(Cells::from_bytes(&bytes[..bytes.len() - 1]), None);
    }
}
