//! Statistics: slots from memory or from the file, and the calls that are in neither yet.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;
use swamp_ident::Timestamp;

use super::cells::{Cell, Cells, Facts};
use super::core::Core;
use super::dictionary::CellKey;
use super::fresh::Call;
use super::slots::{self, Found, Part, Sieve, Size, SlotId};
use crate::dimension::Dimension;
use crate::error::CollectorError;
use crate::query::{DAY, Interval, Query, TimeRange};
use crate::sketch::bucket;
use crate::store::{Group, Point, SlowCall, Totals};

/// How often a question begins again because parts became others while it read them.
const ATTEMPTS: usize = 20;

/// Groups whose counts stay in the processor's cache.
const FEW_GROUPS: usize = 16;

/// Days that are brought into memory at the start.
const WARM_DAYS: i64 = 31;

/// Slots that are at most.
const WARM_SLOTS: usize = 1_000;

/// Slots with all their cells.
type Loaded = Vec<(SlotId, Arc<Cells>)>;

/// Everything a question is about, as it was at one moment.
struct View<'q> {
    query: &'q Query,
    range: TimeRange,
    largest: Size,
    slots: Loaded,
    calls: Vec<Arc<Vec<Call>>>,
    sieve: Sieve,
}

impl View<'_> {
    fn cells(&self) -> impl Iterator<Item = (SlotId, Cell<'_>)> {
        self.slots
            .iter()
            .flat_map(|(id, cells)| cells.iter().map(move |cell| (*id, cell)))
            .filter(|(_, cell)| self.sieve.passes(cell.key))
    }

    fn calls(&self) -> impl Iterator<Item = &Call> {
        self.calls.iter().flat_map(|piece| piece.iter()).filter(|call| {
            call.project == self.query.project
                && self.range.contains(Timestamp::from_millis(call.at))
                && self.sieve.passes(&call.key)
        })
    }
}

/// Groups while they are added up.
struct Sums<K> {
    places: HashMap<K, usize, FixedState>,
    groups: Vec<(K, Totals)>,
    last: usize,
}

impl<K: Copy + Eq + std::hash::Hash> Sums<K> {
    fn new() -> Self {
        Self { places: HashMap::default(), groups: Vec::new(), last: 0 }
    }

    /// The place of a group in the list of them.
    fn place(&mut self, key: K) -> usize {
        // Cells are in the order of their keys: the next one is often of the same group.
        if self.groups.get(self.last).is_none_or(|(last, _)| *last != key) {
            self.last = *self.places.entry(key).or_insert_with(|| {
                self.groups.push((key, Totals::default()));
                self.groups.len() - 1
            });
        }
        self.last
    }

    fn add_call(&mut self, key: K, call: &Call) {
        let place = self.place(key);
        add_call(&mut self.groups[place].1, call);
    }

    /// Adds cells; if there are many groups, one after the other, because the counts of all of them
    /// together do not fit into the processor's cache.
    fn add_cells<'a>(&mut self, cells: impl Iterator<Item = (K, Cell<'a>)>) {
        let mut placed: Vec<(usize, Cell<'a>)> = Vec::new();
        for (key, cell) in cells {
            let place = self.place(key);
            if self.groups.len() > FEW_GROUPS {
                placed.push((place, cell));
            } else {
                add_cell(&mut self.groups[place].1, cell);
            }
        }
        placed.sort_by_key(|(place, _)| *place);
        for (place, cell) in placed {
            add_cell(&mut self.groups[place].1, cell);
        }
    }
}

fn add_facts(totals: &mut Totals, facts: &Facts) {
    totals.count += facts.count;
    totals.errors += facts.errors;
    totals.total_ms = totals.total_ms.saturating_add(facts.total_ms);
    totals.max_ms = totals.max_ms.max(facts.max_ms);
    totals.last_at = totals.last_at.max(Some(Timestamp::from_millis(facts.last_at)));
}

fn add_cell(totals: &mut Totals, cell: Cell<'_>) {
    add_facts(totals, cell.facts);
    totals.durations.add_bins(cell.bins, cell.counts);
}

fn add_call(totals: &mut Totals, call: &Call) {
    add_facts(totals, &Facts::of(call));
    if call.timed {
        totals.durations.add_bin(bucket(call.duration_ms), 1);
    }
}

/// The key with zeros for all dimensions but those in `by`.
fn masked(key: &CellKey, by: &[Dimension]) -> CellKey {
    let mut masked = CellKey::default();
    for dimension in by {
        masked[dimension.index()] = key[dimension.index()];
    }
    masked
}

impl Core {
    /// What a query is about; `None` if nothing can be.
    fn view<'q>(
        &self,
        query: &'q Query,
        largest: Size,
    ) -> Result<Option<View<'q>>, CollectorError> {
        let mut loading = None;
        for _ in 0..ATTEMPTS {
            let counted = self.counted();
            let mut filters = Vec::new();
            for filter in &query.filters {
                let find =
                    |text: &String| counted.dictionary.find(query.project, filter.dimension, text);
                let numbers: Vec<u32> = filter.values.iter().filter_map(find).collect();
                if numbers.is_empty() {
                    return Ok(None);
                }
                filters.push((filter.dimension, numbers));
            }
            let found = counted.slots.cover(query.project, query.range, largest);
            let frozen = counted.frozen.iter().flat_map(|frozen| frozen.calls());
            let calls = frozen.chain(counted.current.calls()).cloned().collect();
            drop(counted);
            if loading.is_none() && found.iter().any(|found| matches!(found, Found::InFile(..))) {
                // Somebody else may be reading them just now; then they are there afterwards.
                loading = Some(self.loading());
                continue;
            }
            if let Some(slots) = self.load(found)? {
                let (range, sieve) = (query.range.to_hours(), Sieve::new(filters));
                return Ok(Some(View { query, range, largest, slots, calls, sieve }));
            }
        }
        let what = "Statistics change faster than they can be read".to_owned();
        Err(CollectorError::Store(what))
    }

    /// Reads slots that are not in memory. `None` if parts of them have become others.
    fn load(&self, found: Vec<Found>) -> Result<Option<Loaded>, CollectorError> {
        let mut all = Vec::with_capacity(found.len());
        let mut read: Vec<(SlotId, Vec<Part>, Arc<Cells>)> = Vec::new();
        let in_file = |found: &Found| matches!(found, Found::InFile(..));
        if !found.iter().any(in_file) {
            all.extend(found.into_iter().filter_map(|found| match found {
                Found::Here(id, cells) => Some((id, cells)),
                Found::InFile(..) => None,
            }));
            return Ok(Some(all));
        }
        let is_whole = self.read(|connection| {
            for found in found {
                let (id, cells) = match found {
                    Found::Here(id, cells) => (id, cells),
                    Found::InFile(id, parts) => {
                        let Some(cells) = slots::read(connection, id, &parts)? else {
                            return Ok(false);
                        };
                        let cells = Arc::new(cells);
                        read.push((id, parts, Arc::clone(&cells)));
                        (id, cells)
                    }
                };
                all.push((id, cells));
            }
            Ok(true)
        })?;
        let mut counted = self.counted_mut();
        for (id, parts, cells) in read {
            counted.slots.take_in(id, &parts, cells);
        }
        counted.slots.shrink();
        Ok(is_whole.then_some(all))
    }

    /// Brings the latest days into memory.
    pub(super) fn warm_up(&self, now: Timestamp) -> Result<(), CollectorError> {
        let since = Some(now.plus_millis(-WARM_DAYS * DAY));
        let days = self.counted().slots.days(TimeRange { since, until: None });
        for day in days.into_iter().take(WARM_SLOTS) {
            let _loading = self.loading();
            if self.progress().stopping {
                break;
            }
            let unread = self.counted().slots.unread(day);
            self.load(unread.into_iter().collect())?;
        }
        Ok(())
    }

    fn texts(&self, query: &Query, by: &[Dimension], key: &CellKey) -> Vec<Option<String>> {
        let counted = self.counted();
        by.iter()
            .map(|dimension| {
                counted.dictionary.text(query.project, *dimension, key[dimension.index()])
            })
            .collect()
    }

    pub(super) fn groups(
        &self,
        query: &Query,
        by: &[Dimension],
    ) -> Result<Vec<Group>, CollectorError> {
        let Some(view) = self.view(query, Size::Day)? else { return Ok(Vec::new()) };
        let mut sums = Sums::new();
        sums.add_cells(view.cells().map(|(_, cell)| (masked(cell.key, by), cell)));
        for call in view.calls() {
            sums.add_call(masked(&call.key, by), call);
        }
        let group = |(key, totals)| Group { key: self.texts(query, by, &key), totals };
        Ok(sums.groups.into_iter().map(group).collect())
    }

    pub(super) fn series(
        &self,
        query: &Query,
        interval: Interval,
        by: &[Dimension],
    ) -> Result<Vec<Point>, CollectorError> {
        let largest = match interval {
            Interval::Hour => Size::Hour,
            Interval::Day => Size::Day,
        };
        let Some(view) = self.view(query, largest)? else { return Ok(Vec::new()) };
        let mut sums = Sums::new();
        let key = |id: SlotId, cell: Cell<'_>| (interval.start(id.begin()), masked(cell.key, by));
        sums.add_cells(view.cells().map(|(id, cell)| (key(id, cell), cell)));
        for call in view.calls() {
            let start = interval.start(Timestamp::from_millis(call.at));
            sums.add_call((start, masked(&call.key, by)), call);
        }
        let point =
            |((start, key), totals)| Point { start, key: self.texts(query, by, &key), totals };
        let mut points: Vec<Point> = sums.groups.into_iter().map(point).collect();
        points.sort_by(|a, b| (a.start, &a.key).cmp(&(b.start, &b.key)));
        Ok(points)
    }

    pub(super) fn slowest(
        &self,
        query: &Query,
        limit: usize,
    ) -> Result<Vec<SlowCall>, CollectorError> {
        let Some(view) = self.view(query, Size::Day)? else { return Ok(Vec::new()) };
        let mut cells: HashMap<(SlotId, CellKey), Facts, FixedState> = HashMap::default();
        for (id, cell) in view.cells() {
            cells.entry((id, *cell.key)).or_default().merge(cell.facts);
        }
        for call in view.calls() {
            let size = slots::size_at(view.range, view.largest, call.at);
            let id = SlotId::of(call.project, size, call.at);
            cells.entry((id, call.key)).or_default().merge(&Facts::of(call));
        }
        let mut slowest: Vec<(CellKey, Facts)> =
            cells.into_iter().map(|((_, key), facts)| (key, facts)).collect();
        slowest.sort_unstable_by_key(|(key, facts)| {
            (std::cmp::Reverse((facts.max_ms, facts.max_at)), *key)
        });
        slowest.truncate(limit);
        let runs = self.with_runs(|runs| {
            let id = |facts: &Facts| facts.max_run.map(|run| runs.group_id(run)).transpose();
            slowest.iter().map(|(_, facts)| id(facts)).collect::<Result<Vec<_>, _>>()
        })?;
        let counted = self.counted();
        let call = |((key, facts), run): ((CellKey, Facts), Option<Option<String>>)| {
            let text = |dimension: Dimension| {
                counted.dictionary.text(query.project, dimension, key[dimension.index()])
            };
            SlowCall {
                driver: text(Dimension::Driver),
                model_type: text(Dimension::ModelType),
                method: text(Dimension::Method),
                workflow: text(Dimension::Workflow),
                job: text(Dimension::Job),
                step: text(Dimension::Step),
                status: text(Dimension::Status),
                duration_ms: facts.max_ms,
                started_at: Timestamp::from_millis(facts.max_at),
                run: run.flatten(),
            }
        };
        Ok(slowest.into_iter().zip(runs).map(call).collect())
    }
}
