//! Runs: one row for each, made of what its events say, in whatever order they come; and how many
//! began in each hour. What is not in the database yet is added to what is there when somebody asks.

mod sieve;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::fast::FixedState;
use rusqlite::{Connection, OptionalExtension, Transaction};
use swamp_ident::Timestamp;

use super::dictionary::Dictionary;
use crate::dimension::Dimension;
use crate::error::CollectorError;
use crate::event::{Event, EventKey, Kind, ProjectId};
use crate::query::{HOUR, Query};
use crate::store::{RunCounts, RunCursor, RunSummary};

pub(super) use self::sieve::RunSieve;

/// What is known of a run, from its events so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Run {
    project: u32,
    /// The id under which it stands in lists.
    group: Arc<str>,
    /// Its own id.
    id: Option<Arc<str>>,
    workflow: u32,
    status: u32,
    category: u32,
    platform: u32,
    agent: u32,
    started_at: i64,
    /// Of the command, when it has reported.
    duration_ms: Option<i64>,
    failed: bool,
    methods: i64,
    errors: i64,
    total_ms: i64,
}

/// What counts are kept by.
type HourKey = (u32, i64, u32, u32, u32, u32);

impl Run {
    fn add(&mut self, event: &Event, dictionary: &mut Dictionary) {
        let mut number = |dimension: Dimension, text: Option<&str>| {
            text.map_or(0, |text| dictionary.number(event.project, dimension, text))
        };
        if self.workflow == 0 {
            self.workflow = number(Dimension::Workflow, event.root_workflow());
        }
        if self.platform == 0 {
            self.platform = number(Dimension::Platform, event.text(Dimension::Platform));
        }
        if self.agent == 0 {
            self.agent = number(Dimension::Agent, event.text(Dimension::Agent));
        }
        if self.id.is_none() {
            self.id = event.run_id().map(Arc::from);
        }
        let duration = event.duration_ms.cast_signed();
        if event.kind == Kind::Run {
            self.status = number(Dimension::Status, event.text(Dimension::Status));
            self.category = number(Dimension::ErrorCategory, event.text(Dimension::ErrorCategory));
            self.started_at = event.at.as_millis();
            self.duration_ms = Some(duration);
            self.failed = event.failed;
        } else {
            if self.duration_ms.is_none() {
                self.started_at = self.started_at.min(event.at.as_millis());
            }
            self.methods += 1;
            self.errors += i64::from(event.failed);
            self.total_ms = self.total_ms.saturating_add(duration);
        }
    }

    /// Adds what later events said.
    fn merge(&mut self, later: &Self) {
        for (own, later) in [
            (&mut self.workflow, later.workflow),
            (&mut self.platform, later.platform),
            (&mut self.agent, later.agent),
        ] {
            if *own == 0 {
                *own = later;
            }
        }
        if self.id.is_none() {
            self.id.clone_from(&later.id);
        }
        if later.duration_ms.is_some() {
            self.status = later.status;
            self.category = later.category;
            self.started_at = later.started_at;
            self.duration_ms = later.duration_ms;
            self.failed = later.failed;
        } else if self.duration_ms.is_none() {
            self.started_at = self.started_at.min(later.started_at);
        }
        self.methods += later.methods;
        self.errors += later.errors;
        self.total_ms = self.total_ms.saturating_add(later.total_ms);
    }

    fn hour(&self) -> HourKey {
        let hour = self.started_at.div_euclid(HOUR);
        (self.project, hour, self.workflow, self.status, self.platform, self.agent)
    }
}

/// What a generation adds to runs.
#[derive(Clone, Default)]
pub(super) struct Changes {
    runs: HashMap<EventKey, Change, FixedState>,
}

#[derive(Clone)]
struct Change {
    run: Run,
    /// Records with events of it.
    records: Vec<u64>,
}

impl Changes {
    /// Adds an event, if it belongs to a run.
    pub(super) fn add(&mut self, dictionary: &mut Dictionary, event: &Event, record: u64) {
        let (Some(group), Some(key)) = (event.group_id(), event.group_key) else { return };
        let change = match self.runs.entry(key) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(Change {
                run: Run {
                    project: event.project.0,
                    group: Arc::from(group),
                    started_at: event.at.as_millis(),
                    ..Run::default()
                },
                records: Vec::new(),
            }),
        };
        change.run.add(event, dictionary);
        if change.records.last() != Some(&record) {
            change.records.push(record);
        }
    }

    /// Writes the runs, where their events are, and the counts.
    pub(super) fn write(
        &self,
        transaction: &Transaction<'_>,
        segments: &HashMap<u64, i64>,
    ) -> Result<(), CollectorError> {
        let mut counts: HashMap<HourKey, (i64, i64, i64), FixedState> = HashMap::default();
        let mut count = |run: &Run, sign: i64| {
            let counts = counts.entry(run.hour()).or_default();
            counts.0 += sign;
            counts.1 += sign * i64::from(run.failed);
            counts.2 += sign * run.duration_ms.unwrap_or(0);
        };
        let mut insert = transaction.prepare_cached(
            "INSERT INTO runs (project, key, group_id, run_key, run_id, workflow, status, category,
                platform, agent, started_at, duration_ms, failed, methods, errors, total_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
        )?;
        let mut update = transaction.prepare_cached(
            "UPDATE runs SET run_key = ?2, run_id = ?3, workflow = ?4, status = ?5, category = ?6,
                platform = ?7, agent = ?8, started_at = ?9, duration_ms = ?10, failed = ?11,
                methods = ?12, errors = ?13, total_ms = ?14 WHERE id = ?1",
        )?;
        let mut link = transaction
            .prepare_cached("INSERT OR IGNORE INTO run_segments (run, segment) VALUES (?1, ?2)")?;
        // In the order of the index, so that neighbours are written together.
        let mut runs: Vec<(&EventKey, &Change)> = self.runs.iter().collect();
        runs.sort_unstable_by_key(|(key, _)| **key);
        for (key, change) in runs {
            let before = find(transaction, *key)?;
            let (row, run) = match before {
                None => (None, change.run.clone()),
                Some((row, mut run)) => {
                    count(&run, -1);
                    run.merge(&change.run);
                    (Some(row), run)
                }
            };
            count(&run, 1);
            let project = ProjectId(run.project);
            let run_key = run.id.as_deref().map(|id| EventKey::new(project, id).0);
            let row = match row {
                Some(row) => {
                    update.execute(rusqlite::params![
                        row,
                        run_key,
                        run.id,
                        run.workflow,
                        run.status,
                        run.category,
                        run.platform,
                        run.agent,
                        run.started_at,
                        run.duration_ms,
                        run.failed,
                        run.methods,
                        run.errors,
                        run.total_ms
                    ])?;
                    row
                }
                None => insert.insert(rusqlite::params![
                    run.project,
                    key.0,
                    run.group,
                    run_key,
                    run.id,
                    run.workflow,
                    run.status,
                    run.category,
                    run.platform,
                    run.agent,
                    run.started_at,
                    run.duration_ms,
                    run.failed,
                    run.methods,
                    run.errors,
                    run.total_ms
                ])?,
            };
            let mut last = None;
            for segment in change.records.iter().filter_map(|record| segments.get(record)) {
                if last.replace(segment) != Some(segment) {
                    link.execute((row, segment))?;
                }
            }
        }
        let mut add = transaction.prepare_cached(
            "INSERT INTO run_hours VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT DO UPDATE SET runs = runs + excluded.runs,
                failed = failed + excluded.failed, total_ms = total_ms + excluded.total_ms",
        )?;
        for ((project, hour, workflow, status, platform, agent), (runs, failed, total)) in counts {
            if (runs, failed, total) != (0, 0, 0) {
                add.execute((
                    project, hour, workflow, status, platform, agent, runs, failed, total,
                ))?;
            }
        }
        Ok(())
    }
}

/// Runs of which something is not in the file yet: as they are in the file, and as they are.
type Changed = HashMap<EventKey, (Option<Run>, Run), FixedState>;

/// Runs as they are with what is not in the file yet: the generations that are not in it, the oldest
/// first.
pub(super) struct Runs<'a> {
    pub(super) connection: &'a Connection,
    /// The last record in the file.
    pub(super) applied: u64,
    pub(super) fresh: Vec<&'a Changes>,
    pub(super) known: &'a Known,
}

/// How runs stand in the file of which something is not there yet. Only folds change that, so that
/// questions between two of them look it up once.
#[derive(Default)]
pub(super) struct Known(Mutex<KnownRuns>);

impl Known {
    /// The file has changed otherwise.
    pub(super) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = KnownRuns::default();
    }
}

#[derive(Default)]
struct KnownRuns {
    /// The last record in the file.
    applied: u64,
    runs: HashMap<EventKey, Option<Run>, FixedState>,
}

impl Runs<'_> {
    /// What is not in the file yet of a run.
    fn fresh(&self, key: EventKey) -> Option<Run> {
        let mut changes = self.fresh.iter().filter_map(|changes| changes.runs.get(&key));
        let mut run = changes.next()?.run.clone();
        changes.for_each(|later| run.merge(&later.run));
        Some(run)
    }

    fn find(&self, key: EventKey) -> Result<Option<(Option<i64>, Run)>, CollectorError> {
        let fresh = self.fresh(key);
        Ok(match (find(self.connection, key)?, fresh) {
            (Some((row, mut run)), Some(fresh)) => {
                run.merge(&fresh);
                Some((Some(row), run))
            }
            (Some((row, run)), None) => Some((Some(row), run)),
            (None, fresh) => fresh.map(|run| (None, run)),
        })
    }

    /// The run with the id of its command or its own: its key, its row, its records.
    pub(super) fn lookup(
        &self,
        project: ProjectId,
        id: &str,
    ) -> Result<Option<FoundRun>, CollectorError> {
        let mut key = EventKey::new(project, id);
        let mut found = self.find(key)?;
        if found.is_none() {
            let in_file: Option<Vec<u8>> = self
                .connection
                .prepare_cached(
                    "SELECT key FROM runs WHERE run_key = ?1 ORDER BY started_at LIMIT 1",
                )?
                .query_row([key.0], |row| row.get(0))
                .optional()?;
            let in_file = in_file.and_then(|key| Some(EventKey(key.try_into().ok()?)));
            let is_it = |run: &Run| run.project == project.0 && run.id.as_deref() == Some(id);
            let fresh = self.fresh.iter().flat_map(|changes| &changes.runs);
            let fresh = fresh.filter(|(_, change)| is_it(&change.run)).map(|(key, _)| *key);
            for candidate in in_file.into_iter().chain(fresh) {
                let other = self.find(candidate)?;
                let began =
                    |found: &Option<(_, Run)>| found.as_ref().map(|(_, run)| run.started_at);
                if found.is_none() || began(&other) < began(&found) {
                    (key, found) = (candidate, other);
                }
            }
        }
        let Some((row, run)) = found else { return Ok(None) };
        let changes = self.fresh.iter().filter_map(|changes| changes.runs.get(&key));
        let records = changes.flat_map(|change| change.records.iter().copied()).collect();
        Ok(Some(FoundRun { key, row, records, run }))
    }

    /// The id under which a run stands in lists.
    pub(super) fn group_id(&self, key: EventKey) -> Result<Option<String>, CollectorError> {
        if let Some(change) = self.fresh.iter().find_map(|changes| changes.runs.get(&key)) {
            return Ok(Some(change.run.group.to_string()));
        }
        let mut statement =
            self.connection.prepare_cached("SELECT group_id FROM runs WHERE key = ?1")?;
        Ok(statement.query_row([key.0], |row| row.get(0)).optional()?)
    }

    /// A run as it is in the file.
    fn before(&self, known: &mut KnownRuns, key: EventKey) -> Result<Option<Run>, CollectorError> {
        // Whoever began before the last fold sees the file as it was then.
        let is_same = known.applied == self.applied;
        if let Some(run) = known.runs.get(&key).filter(|_| is_same) {
            return Ok(run.clone());
        }
        let run = find(self.connection, key)?.map(|(_, run)| run);
        if is_same {
            known.runs.insert(key, run.clone());
        }
        Ok(run)
    }

    /// Runs of a project of which something is not in the file yet: as they are in the file, and as
    /// they are.
    fn changed(&self, project: ProjectId) -> Result<Changed, CollectorError> {
        let mut changed = Changed::default();
        let mut known = self.known.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.applied < self.applied {
            *known = KnownRuns { applied: self.applied, runs: HashMap::default() };
        }
        let own = |(_, change): &(&EventKey, &Change)| change.run.project == project.0;
        for (key, change) in self.fresh.iter().flat_map(|changes| &changes.runs).filter(own) {
            match changed.entry(*key) {
                Entry::Occupied(mut known) => known.get_mut().1.merge(&change.run),
                Entry::Vacant(place) => {
                    let before = self.before(&mut known, *key)?;
                    let mut now = before.clone().unwrap_or_else(|| change.run.clone());
                    if before.is_some() {
                        now.merge(&change.run);
                    }
                    place.insert((before, now));
                }
            }
        }
        Ok(changed)
    }

    /// How many runs began in the hours of a query.
    pub(super) fn counts(
        &self,
        query: &Query,
        sieve: &RunSieve,
    ) -> Result<RunCounts, CollectorError> {
        let range = query.range.to_hours();
        let hour = |time: Timestamp| time.as_millis().div_euclid(HOUR);
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT coalesce(sum(runs), 0), coalesce(sum(failed), 0), coalesce(sum(total_ms), 0)
             FROM run_hours WHERE project = ?1 AND hour >= ?2 AND hour < ?3{}",
            sieve.condition()
        ))?;
        let since = range.since.map_or(i64::MIN, hour);
        let until = range.until.map_or(i64::MAX, hour);
        let mut sums: (i64, i64, i64) = statement
            .query_row((query.project.0, since, until), |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?;
        let mut count = |run: &Run, sign: i64| {
            if range.contains(Timestamp::from_millis(run.started_at)) && sieve.passes(run) {
                sums.0 += sign;
                sums.1 += sign * i64::from(run.failed);
                sums.2 += sign * run.duration_ms.unwrap_or(0);
            }
        };
        for (before, now) in self.changed(query.project)?.values() {
            if let Some(before) = before {
                count(before, -1);
            }
            count(now, 1);
        }
        Ok(RunCounts {
            runs: sums.0.cast_unsigned(),
            failed: sums.1.cast_unsigned(),
            total_ms: sums.2.cast_unsigned(),
        })
    }

    /// A page of runs, latest first.
    pub(super) fn list(
        &self,
        query: &Query,
        sieve: &RunSieve,
        after: Option<&RunCursor>,
        limit: usize,
    ) -> Result<Vec<Run>, CollectorError> {
        let since = query.range.since.map_or(i64::MIN, Timestamp::as_millis);
        // Ids are not empty, so nothing that began at `until` comes before it.
        let until = (query.range.until.map_or(i64::MAX, Timestamp::as_millis), "");
        let before = after
            .map(|after| (after.started_at.as_millis(), after.id.as_str()))
            .filter(|after| *after < until)
            .unwrap_or(until);
        let changed = self.changed(query.project)?;
        let is_wanted = |run: &Run| {
            run.started_at >= since && (run.started_at, &*run.group) < before && sieve.passes(run)
        };
        let mut runs: Vec<Run> = changed
            .values()
            .filter(|(_, now)| is_wanted(now))
            .map(|(_, now)| now.clone())
            .collect();
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM runs WHERE project = ?1 AND started_at >= ?2
                AND (started_at, group_id) < (?3, ?4){}
             ORDER BY started_at DESC, group_id DESC",
            sieve.condition()
        ))?;
        let mut rows = statement.query((query.project.0, since, before.0, before.1))?;
        let mut left = limit;
        while left > 0
            && let Some(row) = rows.next()?
        {
            let (_, key, run) = from_row(row)?;
            // What has changed is in the list already, or is not wanted any more.
            if !changed.contains_key(&key) {
                runs.push(run);
                left -= 1;
            }
        }
        runs.sort_unstable_by(|a, b| (b.started_at, &b.group).cmp(&(a.started_at, &a.group)));
        runs.truncate(limit);
        Ok(runs)
    }
}

/// A run that somebody asked for.
pub(super) struct FoundRun {
    pub(super) key: EventKey,
    /// Its row in the file, if it is there.
    pub(super) row: Option<i64>,
    /// Records with events of it that are not in the file yet.
    pub(super) records: Vec<u64>,
    pub(super) run: Run,
}

const COLUMNS: &str = "id, project, group_id, run_id, workflow, status, category, platform, agent,
    started_at, duration_ms, failed, methods, errors, total_ms, key";

fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<(i64, EventKey, Run)> {
    let run = Run {
        project: row.get(1)?,
        group: row.get(2)?,
        id: row.get(3)?,
        workflow: row.get(4)?,
        status: row.get(5)?,
        category: row.get(6)?,
        platform: row.get(7)?,
        agent: row.get(8)?,
        started_at: row.get(9)?,
        duration_ms: row.get(10)?,
        failed: row.get(11)?,
        methods: row.get(12)?,
        errors: row.get(13)?,
        total_ms: row.get(14)?,
    };
    Ok((row.get(0)?, EventKey(row.get(15)?), run))
}

fn find(connection: &Connection, key: EventKey) -> Result<Option<(i64, Run)>, CollectorError> {
    let mut statement =
        connection.prepare_cached(&format!("SELECT {COLUMNS} FROM runs WHERE key = ?1"))?;
    let found = statement.query_row([key.0], from_row).optional()?;
    Ok(found.map(|(row, _, run)| (row, run)))
}

/// A run as others see it.
pub(super) fn summary(dictionary: &Dictionary, run: &Run) -> RunSummary {
    let text = |dimension, number| dictionary.text(ProjectId(run.project), dimension, number);
    RunSummary {
        workflow: text(Dimension::Workflow, run.workflow),
        status: text(Dimension::Status, run.status),
        error_category: text(Dimension::ErrorCategory, run.category),
        platform: text(Dimension::Platform, run.platform),
        agent: text(Dimension::Agent, run.agent),
        id: run.group.to_string(),
        run_id: run.id.as_deref().map(str::to_owned),
        started_at: Timestamp::from_millis(run.started_at),
        duration_ms: run.duration_ms.map(i64::cast_unsigned),
        methods: run.methods.cast_unsigned(),
        errors: run.errors.cast_unsigned(),
        total_ms: run.total_ms.cast_unsigned(),
    }
}
