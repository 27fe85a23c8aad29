//! The store of one machine: one SQLite file.
//!
//! A batch becomes one transaction and one sync. It holds few and large things instead of many small
//! ones, because at hundreds of thousands of events a second a row and three index entries for each
//! are too much: the events as they were sent in one packed [segment](segments) for each project,
//! their keys in one list ([`seen`]), a row for each [run](runs). Statistics are counted in memory
//! ([`rollup`]) and written now and then; what was not yet written is counted again from the
//! segments at the next start.

mod bytes;
mod dictionary;
mod directory;
mod lock;
mod rollup;
mod runs;
mod schema;
mod seen;
mod segments;
mod wal;

use std::collections::HashMap;
use std::fs::File;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use foldhash::fast::FixedState;
use rusqlite::{Connection, TransactionBehavior};
use swamp_ident::Timestamp;

use self::bytes::Packer;
use self::dictionary::{CellKey, Dictionary};
use self::rollup::{Additions, Cells, Rollups, Sieve, Size, SlotId};
use self::seen::Seen;
use self::segments::Draft;
use super::{
    Cardinality, Group, Outcome, Point, Retention, RunCounts, RunCursor, RunEvents, RunSummary,
    SlowCall, Store, StoreSize, Totals,
};
use crate::dimension::Dimension;
use crate::error::CollectorError;
use crate::event::{Event, EventKey, Kind, ProjectId};
use crate::keys::{Directory, KeyId, Project, StoredKey};
use crate::query::{DAY, Interval, Query};

pub use directory::SqliteDirectory;

/// The name of the file in the data directory.
const FILE: &str = "collector.db";

/// Events after which statistics are written: so many have to be counted again after a crash.
const WRITE_AFTER_EVENTS: u64 = 200_000;

/// Time after which statistics are written, if there was anything.
const WRITE_AFTER: Duration = Duration::from_mins(1);

/// The store in one SQLite file.
pub struct SqliteStore {
    path: PathBuf,
    writer: Mutex<Writer>,
    counted: RwLock<Counted>,
    readers: Mutex<Vec<Connection>>,
    directory: SqliteDirectory,
    wal: wal::Tidier,
    _lock: File,
}

/// What only the thread that appends needs.
struct Writer {
    connection: Connection,
    seen: Seen,
    packer: Packer,
    /// Events since statistics were last written, and when that was.
    unwritten: u64,
    written_at: Instant,
    /// The last segment.
    segment: i64,
}

/// What questions are answered from.
struct Counted {
    dictionary: Dictionary,
    rollups: Rollups,
}

impl SqliteStore {
    /// Opens the store in a directory, or makes one there.
    pub fn open(directory: &Path) -> Result<Self, CollectorError> {
        let lock = lock::take(directory)?;
        let path = directory.join(FILE);
        let connection = schema::open(&path)?;
        let dictionary = Dictionary::load(&connection)?;
        let rollups = Rollups::load(&connection)?;
        let seen = Seen::load(&connection)?;
        let segment =
            connection
                .query_row("SELECT coalesce(max(id), 0) FROM segments", [], |row| row.get(0))?;
        let writer = Writer {
            connection,
            seen,
            packer: Packer::new()?,
            unwritten: 0,
            written_at: Instant::now(),
            segment,
        };
        let store = Self {
            writer: Mutex::new(writer),
            counted: RwLock::new(Counted { dictionary, rollups }),
            readers: Mutex::default(),
            directory: SqliteDirectory::new(schema::open_again(&path)?),
            wal: wal::Tidier::start(&path)?,
            path,
            _lock: lock,
        };
        directory::make_default_project(&store)?;
        store.count_again()?;
        Ok(store)
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn counted(&self) -> RwLockReadGuard<'_, Counted> {
        self.counted.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn counted_mut(&self) -> RwLockWriteGuard<'_, Counted> {
        self.counted.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads from the file beside whoever writes.
    fn read<T>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, CollectorError>,
    ) -> Result<T, CollectorError> {
        let pool = || self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = pool().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => schema::open_again(&self.path)?,
        };
        let answer = question(&connection);
        pool().push(connection);
        answer
    }

    /// Counts the segments that statistics in the file do not know.
    fn count_again(&self) -> Result<(), CollectorError> {
        let writer = &mut *self.writer();
        let connection = &writer.connection;
        let applied: i64 =
            connection.query_row("SELECT segment FROM applied", [], |row| row.get(0))?;
        segments::each(connection, "id > ?1", [applied], |segment| {
            let events = segment.events()?;
            let mut additions = Additions::default();
            let mut counted = self.counted_mut();
            for event in events.iter().filter(|event| event.kind == Kind::Method) {
                let key = counted.dictionary.key(event);
                additions.add(event, key, group_key(event));
            }
            // All texts are in the dictionary: they were written together with the segment.
            counted.dictionary.keep_fresh();
            count(connection, &mut counted.rollups, &additions)?;
            writer.unwritten += events.len() as u64;
            Ok(ControlFlow::Continue(()))
        })
    }

    /// Writes statistics.
    fn write_statistics(&self, writer: &mut Writer) -> Result<(), CollectorError> {
        let changed = self.counted().rollups.changed();
        let transaction =
            writer.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        rollup::write(&transaction, &changed, &mut writer.packer)?;
        self.counted().dictionary.write_beyond(&transaction)?;
        transaction.execute("UPDATE applied SET segment = ?1", [writer.segment])?;
        transaction.commit()?;
        self.counted_mut().rollups.written(&changed);
        (writer.unwritten, writer.written_at) = (0, Instant::now());
        Ok(())
    }

    /// The slots of a query with their cells, and what its filters let pass; `None` if nothing can.
    fn cells(&self, query: &Query, largest: Size) -> Result<Option<Found>, CollectorError> {
        let (slots, sieve, age) = {
            let counted = self.counted();
            let mut filters = Vec::new();
            for filter in &query.filters {
                let numbers: Vec<u32> = filter
                    .values
                    .iter()
                    .filter_map(|text| {
                        counted.dictionary.find(query.project, filter.dimension, text)
                    })
                    .collect();
                if numbers.is_empty() {
                    return Ok(None);
                }
                filters.push((filter.dimension, numbers));
            }
            let slots = counted.rollups.cover(query.project, query.range, largest);
            (slots, Sieve::new(filters), counted.rollups.age())
        };
        let missing: Vec<SlotId> =
            slots.iter().filter(|(_, cells)| cells.is_none()).map(|(id, _)| *id).collect();
        let mut loaded = HashMap::new();
        if !missing.is_empty() {
            let read = self.read(|connection| load(connection, missing))?;
            loaded.extend(read.iter().cloned());
            let mut counted = self.counted_mut();
            counted.rollups.take_in(read, age);
            counted.rollups.shrink();
        }
        let slots = slots
            .into_iter()
            .filter_map(|(id, cells)| Some((id, cells.or_else(|| loaded.remove(&id))?)))
            .collect();
        Ok(Some(Found { slots, sieve }))
    }

    fn texts(&self, project: ProjectId, by: &[Dimension], key: &CellKey) -> Vec<Option<String>> {
        let counted = self.counted();
        by.iter()
            .map(|dimension| counted.dictionary.text(project, *dimension, key[dimension.index()]))
            .collect()
    }
}

struct Found {
    slots: Vec<(SlotId, Arc<Cells>)>,
    sieve: Sieve,
}

fn load(
    connection: &Connection,
    slots: Vec<SlotId>,
) -> Result<Vec<(SlotId, Arc<Cells>)>, CollectorError> {
    slots.into_iter().map(|id| Ok((id, rollup::read(connection, id)?))).collect()
}

/// Adds to statistics; what they need of the file is read first.
fn count(
    connection: &Connection,
    rollups: &mut Rollups,
    additions: &Additions,
) -> Result<(), CollectorError> {
    let loaded = load(connection, rollups.needed(additions))?;
    rollups.take_in(loaded, rollups.age());
    rollups.apply(additions);
    Ok(())
}

const fn group_key(event: &Event) -> Option<EventKey> {
    event.group_key
}

/// The key with zeros for all dimensions but those in `by`.
fn masked(key: &CellKey, by: &[Dimension]) -> CellKey {
    let mut masked = CellKey::default();
    for dimension in by {
        masked[dimension.index()] = key[dimension.index()];
    }
    masked
}

fn add(totals: &mut Totals, cell: &rollup::Cell) {
    totals.count += cell.count;
    totals.errors += cell.errors;
    totals.total_ms = totals.total_ms.saturating_add(cell.total_ms);
    totals.max_ms = totals.max_ms.max(cell.max_ms);
    totals.last_at = totals.last_at.max(Some(Timestamp::from_millis(cell.last_at)));
    totals.durations.add(&cell.bins);
}

impl Store for SqliteStore {
    fn append_all(&self, parts: &[&[Event]]) -> Result<Vec<Outcome>, CollectorError> {
        let batch: Vec<&Event> = parts.iter().copied().flatten().collect();
        let writer = &mut *self.writer();
        let due = writer.unwritten > 0 && writer.written_at.elapsed() > WRITE_AFTER;
        if due || writer.unwritten >= WRITE_AFTER_EVENTS {
            self.write_statistics(writer)?;
        }
        let now = Timestamp::from_millis(jiff::Timestamp::now().as_millisecond());
        let Writer { connection, seen, packer, .. } = &mut *writer;
        let keys: Vec<EventKey> = batch.iter().map(|event| event.key).collect();
        let fresh = seen.fresh(connection, &keys)?;
        let events: Vec<&Event> = batch
            .iter()
            .zip(&fresh)
            .filter(|(_, fresh)| **fresh)
            .map(|(event, _)| *event)
            .collect();
        let outcome = |fresh: &bool| if *fresh { Outcome::Stored } else { Outcome::Duplicate };
        let outcomes = fresh.iter().map(outcome).collect();
        if events.is_empty() {
            return Ok(outcomes);
        }
        let keys: Vec<EventKey> = events.iter().map(|event| event.key).collect();

        // Nobody else changes the dictionary; readers wait for this short time.
        let prepared = prepare(connection, &mut self.counted_mut().dictionary, &events);
        let commit = || -> Result<_, CollectorError> {
            let prepared = prepared?;
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mut numbers = HashMap::new();
            for (project, draft) in prepared.drafts {
                let number = draft.write(&transaction, packer, project, now)?;
                numbers.insert(project, number);
            }
            let written = seen.write(&transaction, &keys, now)?;
            prepared.runs.write(&transaction, &numbers)?;
            let mut counted = self.counted_mut();
            counted.dictionary.write_fresh(&transaction)?;
            // What has to be read for counting is read before there is no way back.
            let needed = load(&transaction, counted.rollups.needed(&prepared.additions))?;
            let age = counted.rollups.age();
            counted.rollups.take_in(needed, age);
            drop(counted);
            transaction.commit()?;
            Ok((prepared.additions, written, numbers))
        };
        let result = commit();
        let mut counted = self.counted_mut();
        match result {
            Ok((additions, written, numbers)) => {
                counted.dictionary.keep_fresh();
                count(connection, &mut counted.rollups, &additions)?;
                drop(counted);
                writer.seen.keep(&keys, written);
                writer.segment = numbers.into_values().max().unwrap_or(writer.segment);
                writer.unwritten += events.len() as u64;
                self.wal.wrote(&writer.connection);
                Ok(outcomes)
            }
            Err(error) => {
                counted.dictionary.forget_fresh();
                Err(error)
            }
        }
    }

    fn groups(&self, query: &Query, by: &[Dimension]) -> Result<Vec<Group>, CollectorError> {
        let Some(found) = self.cells(query, Size::Day)? else { return Ok(Vec::new()) };
        let mut groups: HashMap<CellKey, Totals, FixedState> = HashMap::default();
        for (_, cells) in &found.slots {
            for (key, cell) in cells.iter().filter(|(key, _)| found.sieve.passes(key)) {
                add(groups.entry(masked(key, by)).or_default(), cell);
            }
        }
        let group = |(key, totals)| Group { key: self.texts(query.project, by, &key), totals };
        Ok(groups.into_iter().map(group).collect())
    }

    fn series(
        &self,
        query: &Query,
        interval: Interval,
        by: &[Dimension],
    ) -> Result<Vec<Point>, CollectorError> {
        let largest = match interval {
            Interval::Hour => Size::Hour,
            Interval::Day => Size::Day,
        };
        let Some(found) = self.cells(query, largest)? else { return Ok(Vec::new()) };
        let mut points: HashMap<(Timestamp, CellKey), Totals, FixedState> = HashMap::default();
        for (id, cells) in &found.slots {
            let start = interval.start(id.begin());
            for (key, cell) in cells.iter().filter(|(key, _)| found.sieve.passes(key)) {
                add(points.entry((start, masked(key, by))).or_default(), cell);
            }
        }
        let point = |((start, key), totals)| Point {
            start,
            key: self.texts(query.project, by, &key),
            totals,
        };
        let mut points: Vec<Point> = points.into_iter().map(point).collect();
        points.sort_by(|a, b| (a.start, &a.key).cmp(&(b.start, &b.key)));
        Ok(points)
    }

    fn run_counts(&self, query: &Query) -> Result<Option<RunCounts>, CollectorError> {
        self.read(|connection| runs::counts(connection, &self.counted().dictionary, query))
    }

    fn runs(
        &self,
        query: &Query,
        after: Option<&RunCursor>,
        limit: usize,
    ) -> Result<Vec<RunSummary>, CollectorError> {
        self.read(|connection| {
            runs::list(connection, &self.counted().dictionary, query, after, limit)
        })
    }

    fn run(&self, project: ProjectId, id: &str) -> Result<Option<RunEvents>, CollectorError> {
        self.read(|connection| {
            let found = runs::lookup(connection, &self.counted().dictionary, project, id)?;
            let Some((row, summary)) = found else { return Ok(None) };
            let key = EventKey::new(project, &summary.id);
            let mut events = Vec::new();
            let condition = "id IN (SELECT segment FROM run_segments WHERE run = ?1)";
            segments::each(connection, condition, [row], |segment| {
                let own = segment.events()?;
                let own = own
                    .iter()
                    .filter(|event| event.project == project && group_key(event) == Some(key));
                events.extend(own.map(|event| event.raw().to_owned()));
                Ok(ControlFlow::Continue(()))
            })?;
            Ok(Some(RunEvents { summary, events }))
        })
    }

    fn slowest(&self, query: &Query, limit: usize) -> Result<Vec<SlowCall>, CollectorError> {
        let Some(found) = self.cells(query, Size::Day)? else { return Ok(Vec::new()) };
        let mut calls: Vec<(&CellKey, &rollup::Cell)> = found
            .slots
            .iter()
            .flat_map(|(_, cells)| cells.iter())
            .filter(|(key, _)| found.sieve.passes(key))
            .collect();
        calls.sort_unstable_by_key(|(_, cell)| std::cmp::Reverse((cell.max_ms, cell.max_at)));
        calls.truncate(limit);
        self.read(|connection| {
            let counted = self.counted();
            let call = |(key, cell): (&CellKey, &rollup::Cell)| {
                let text = |dimension: Dimension| {
                    counted.dictionary.text(query.project, dimension, key[dimension.index()])
                };
                let run = cell.max_run.map(|run| runs::group_id(connection, run)).transpose()?;
                Ok(SlowCall {
                    driver: text(Dimension::Driver),
                    model_type: text(Dimension::ModelType),
                    method: text(Dimension::Method),
                    workflow: text(Dimension::Workflow),
                    job: text(Dimension::Job),
                    step: text(Dimension::Step),
                    status: text(Dimension::Status),
                    duration_ms: cell.max_ms,
                    started_at: Timestamp::from_millis(cell.max_at),
                    run: run.flatten(),
                })
            };
            calls.into_iter().map(call).collect()
        })
    }

    fn values(
        &self,
        project: ProjectId,
        dimension: Dimension,
    ) -> Result<Vec<String>, CollectorError> {
        Ok(self.counted().dictionary.texts(project, dimension))
    }

    fn cardinality(&self, project: ProjectId) -> Result<Vec<Cardinality>, CollectorError> {
        Ok(self.counted().dictionary.cardinality(project))
    }

    fn export(
        &self,
        query: &Query,
        show: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<(), CollectorError> {
        let since = query.range.since.map_or(i64::MIN, Timestamp::as_millis);
        let until = query.range.until.map_or(i64::MAX, Timestamp::as_millis);
        self.read(|connection| {
            let condition = "project = ?1 AND max_at >= ?2 AND min_at < ?3";
            let parameters = (query.project.0, since, until);
            segments::each(connection, condition, parameters, |segment| {
                let events = segment.events()?;
                for event in events.iter().filter(|event| query.range.contains(event.at)) {
                    if show(event.raw()).is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
                Ok(ControlFlow::Continue(()))
            })
        })
    }

    fn retain(&self, retention: Retention, now: Timestamp) -> Result<u64, CollectorError> {
        let writer = &mut *self.writer();
        // What leaves must be in the statistics.
        self.write_statistics(writer)?;
        let before = |days: Option<u32>| days.map(|days| now.plus_millis(-i64::from(days) * DAY));
        let Writer { connection, seen, .. } = writer;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut removed = 0_i64;
        let mut forgotten = Vec::new();
        let mut last = 0_i64;
        if let Some(before) = before(retention.raw_days) {
            // Segments are in the order of arrival: the last one that is old takes all before it,
            // as far as they are old too.
            last = transaction.query_row(
                "SELECT coalesce(min(id) - 1, (SELECT coalesce(max(id), 0) FROM segments))
                 FROM segments WHERE max(max_at, received_at) >= ?1",
                [before.as_millis()],
                |row| row.get(0),
            )?;
            forgotten = Seen::forget(&transaction, before)?;
        }
        if let Some(most) = retention.raw_bytes {
            let mut statement =
                transaction.prepare("SELECT id, bytes FROM segments ORDER BY id DESC")?;
            let mut rows = statement.query([])?;
            let mut total = 0_u64;
            while let Some(row) = rows.next()? {
                total += row.get::<_, i64>(1)?.cast_unsigned();
                if total > most {
                    last = last.max(row.get(0)?);
                    break;
                }
            }
        }
        if last > 0 {
            removed = transaction.query_row(
                "SELECT coalesce(sum(events), 0) FROM segments WHERE id <= ?1",
                [last],
                |row| row.get(0),
            )?;
            transaction.execute("DELETE FROM segments WHERE id <= ?1", [last])?;
            transaction.execute("DELETE FROM run_segments WHERE segment <= ?1", [last])?;
        }
        let mut expired = Vec::new();
        if let Some(before) = before(retention.rollup_days) {
            expired = self.counted().rollups.expired(before);
            rollup::delete(&transaction, &expired)?;
            let hour = before.as_millis().div_euclid(crate::query::HOUR);
            transaction.execute("DELETE FROM run_hours WHERE hour < ?1", [hour])?;
            transaction.execute("DELETE FROM runs WHERE started_at < ?1", [before.as_millis()])?;
        }
        transaction.commit()?;
        seen.forgotten(&forgotten);
        self.counted_mut().rollups.forget(&expired);
        Ok(removed.cast_unsigned())
    }

    fn ready(&self) -> Result<(), CollectorError> {
        self.read(|connection| {
            Ok(connection
                .query_row("SELECT segment FROM applied", [], |row| row.get::<_, i64>(0))?)
        })
        .map(|_| ())
    }

    fn size(&self) -> Result<StoreSize, CollectorError> {
        let events: i64 = self.read(|connection| {
            let sum = "SELECT coalesce(sum(events), 0) FROM segments";
            Ok(connection.query_row(sum, [], |row| row.get(0))?)
        })?;
        let length = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        let mut log = self.path.clone().into_os_string();
        log.push("-wal");
        let bytes = length(&self.path) + length(Path::new(&log));
        Ok(StoreSize { events: events.cast_unsigned(), bytes })
    }

    fn backup(&self, to: &Path) -> Result<(), CollectorError> {
        copy(&self.path, to)
    }

    fn close(&self) -> Result<(), CollectorError> {
        let writer = &mut *self.writer();
        if writer.unwritten > 0 {
            self.write_statistics(writer)?;
        }
        self.wal.stop();
        writer.connection.execute_batch("PRAGMA optimize")?;
        writer.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(())
    }
}

/// Copies the store in a directory, to which a collector may be writing: one consistent state of it.
pub fn backup(directory: &Path, to: &Path) -> Result<(), CollectorError> {
    copy(&directory.join(FILE), to)
}

fn copy(from: &Path, to: &Path) -> Result<(), CollectorError> {
    if !from.exists() {
        let name = from.display().to_string();
        return Err(CollectorError::NotFound { what: "The store", name, hint: "" });
    }
    if to.exists() {
        return Err(CollectorError::Exists { what: "The file", name: to.display().to_string() });
    }
    let connection = schema::open_again(from)?;
    connection.execute("VACUUM INTO ?1", [to.to_string_lossy()])?;
    Ok(())
}

impl Directory for SqliteStore {
    fn create_project(&self, name: &str, now: Timestamp) -> Result<Project, CollectorError> {
        self.directory.create_project(name, now)
    }

    fn projects(&self) -> Result<Vec<Project>, CollectorError> {
        self.directory.projects()
    }

    fn insert_key(&self, key: &StoredKey) -> Result<(), CollectorError> {
        self.directory.insert_key(key)
    }

    fn find_key(&self, id: &KeyId) -> Result<Option<StoredKey>, CollectorError> {
        self.directory.find_key(id)
    }

    fn keys(&self) -> Result<Vec<StoredKey>, CollectorError> {
        self.directory.keys()
    }

    fn revoke_key(&self, id: &KeyId, now: Timestamp) -> Result<(), CollectorError> {
        self.directory.revoke_key(id, now)
    }
}

/// What a batch becomes.
struct Prepared {
    drafts: HashMap<ProjectId, Draft>,
    additions: Additions,
    runs: runs::Changes,
}

fn prepare(
    connection: &Connection,
    dictionary: &mut Dictionary,
    events: &[&Event],
) -> Result<Prepared, CollectorError> {
    let mut drafts: HashMap<ProjectId, Draft> = HashMap::new();
    let mut additions = Additions::default();
    let mut runs = runs::Changes::default();
    for event in events {
        drafts.entry(event.project).or_default().add(event);
        let run = runs.add(connection, dictionary, event)?;
        if event.kind == Kind::Method {
            let key = dictionary.key(event);
            additions.add(event, key, run);
        }
    }
    Ok(Prepared { drafts, additions, runs })
}
