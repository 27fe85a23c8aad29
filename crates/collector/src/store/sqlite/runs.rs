//! Runs: one row for each, made of what its events say, in whatever order they come; and how many
//! began in each hour.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use foldhash::fast::FixedState;
use rusqlite::{Connection, OptionalExtension, Transaction};
use swamp_ident::Timestamp;

use super::dictionary::Dictionary;
use crate::dimension::Dimension;
use crate::error::CollectorError;
use crate::event::{Event, EventKey, Kind, ProjectId};
use crate::query::{Filter, HOUR, Query};
use crate::store::{RunCounts, RunCursor, RunSummary};

/// What is known of a run, from its events so far.
#[derive(Clone, Debug, Default)]
struct Run {
    project: u32,
    /// The id under which it stands in lists.
    group: String,
    /// Its own id.
    id: Option<String>,
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
            self.id = event.run_id().map(str::to_owned);
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

    fn hour(&self) -> HourKey {
        let hour = self.started_at.div_euclid(HOUR);
        (self.project, hour, self.workflow, self.status, self.platform, self.agent)
    }
}

/// The runs that a batch adds to, each with the row it has already.
#[derive(Default)]
pub(super) struct Changes {
    runs: HashMap<EventKey, Change, FixedState>,
}

struct Change {
    row: Option<i64>,
    before: Option<Run>,
    now: Run,
}

impl Changes {
    /// Adds an event of a run. Gives the run's key, if it belongs to one.
    pub(super) fn add(
        &mut self,
        connection: &Connection,
        dictionary: &mut Dictionary,
        event: &Event,
    ) -> Result<Option<EventKey>, CollectorError> {
        let (Some(group), Some(key)) = (event.group_id(), event.group_key) else {
            return Ok(None);
        };
        let change = match self.runs.entry(key) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let fresh = || Run {
                    project: event.project.0,
                    group: group.to_owned(),
                    started_at: event.at.as_millis(),
                    ..Run::default()
                };
                place.insert(match find(connection, key)? {
                    Some((row, run)) => {
                        Change { row: Some(row), before: Some(run.clone()), now: run }
                    }
                    None => Change { row: None, before: None, now: fresh() },
                })
            }
        };
        change.now.add(event, dictionary);
        Ok(Some(key))
    }

    /// Writes the runs, where their events are, and the counts.
    pub(super) fn write(
        &self,
        transaction: &Transaction<'_>,
        segments: &HashMap<ProjectId, i64>,
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
        for (key, change) in &self.runs {
            let run = &change.now;
            let project = ProjectId(run.project);
            let run_key = run.id.as_deref().map(|id| EventKey::new(project, id).0);
            if let Some(before) = &change.before {
                count(before, -1);
            }
            count(run, 1);
            let row = match change.row {
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
            link.execute((row, segments.get(&project)))?;
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

const COLUMNS: &str = "id, project, group_id, run_id, workflow, status, category, platform, agent,
    started_at, duration_ms, failed, methods, errors, total_ms";

fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<(i64, Run)> {
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
    Ok((row.get(0)?, run))
}

fn find(connection: &Connection, key: EventKey) -> Result<Option<(i64, Run)>, CollectorError> {
    let mut statement =
        connection.prepare_cached(&format!("SELECT {COLUMNS} FROM runs WHERE key = ?1"))?;
    Ok(statement.query_row([key.0], from_row).optional()?)
}

/// The run with the id of its command or its own.
pub(super) fn lookup(
    connection: &Connection,
    dictionary: &Dictionary,
    project: ProjectId,
    id: &str,
) -> Result<Option<(i64, RunSummary)>, CollectorError> {
    let key = EventKey::new(project, id);
    let found = match find(connection, key)? {
        Some(found) => Some(found),
        None => connection
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM runs WHERE run_key = ?1 ORDER BY started_at LIMIT 1"
            ))?
            .query_row([key.0], from_row)
            .optional()?,
    };
    Ok(found.map(|(row, run)| (row, summary(dictionary, run))))
}

/// The id under which a run stands in lists.
pub(super) fn group_id(
    connection: &Connection,
    key: EventKey,
) -> Result<Option<String>, CollectorError> {
    let mut statement = connection.prepare_cached("SELECT group_id FROM runs WHERE key = ?1")?;
    Ok(statement.query_row([key.0], |row| row.get(0)).optional()?)
}

fn summary(dictionary: &Dictionary, run: Run) -> RunSummary {
    let text = |dimension, number| dictionary.text(ProjectId(run.project), dimension, number);
    RunSummary {
        workflow: text(Dimension::Workflow, run.workflow),
        status: text(Dimension::Status, run.status),
        error_category: text(Dimension::ErrorCategory, run.category),
        platform: text(Dimension::Platform, run.platform),
        agent: text(Dimension::Agent, run.agent),
        id: run.group,
        run_id: run.id,
        started_at: Timestamp::from_millis(run.started_at),
        duration_ms: run.duration_ms.map(i64::cast_unsigned),
        methods: run.methods.cast_unsigned(),
        errors: run.errors.cast_unsigned(),
        total_ms: run.total_ms.cast_unsigned(),
    }
}

/// The column of a dimension that is a property of runs.
fn column(dimension: Dimension) -> Option<&'static str> {
    match dimension {
        Dimension::Workflow => Some("workflow"),
        Dimension::Status => Some("status"),
        Dimension::Platform => Some("platform"),
        Dimension::Agent => Some("agent"),
        _ => None,
    }
}

/// The filters of a query as a condition; numbers need no quoting.
fn condition(dictionary: &Dictionary, query: &Query) -> String {
    let one = |filter: &Filter| {
        let column = column(filter.dimension)?;
        let numbers: Vec<String> = filter
            .values
            .iter()
            .filter_map(|text| dictionary.find(query.project, filter.dimension, text))
            .map(|number| number.to_string())
            .collect();
        Some(format!(" AND {column} IN ({})", numbers.join(", ")))
    };
    query.filters.iter().filter_map(one).collect()
}

/// How many runs began in the hours of a query.
pub(super) fn counts(
    connection: &Connection,
    dictionary: &Dictionary,
    query: &Query,
) -> Result<Option<RunCounts>, CollectorError> {
    if query.filters.iter().any(|filter| column(filter.dimension).is_none()) {
        return Ok(None);
    }
    let range = query.range.to_hours();
    let hour = |time: Timestamp| time.as_millis().div_euclid(HOUR);
    let mut statement = connection.prepare_cached(&format!(
        "SELECT coalesce(sum(runs), 0), coalesce(sum(failed), 0), coalesce(sum(total_ms), 0)
         FROM run_hours WHERE project = ?1 AND hour >= ?2 AND hour < ?3{}",
        condition(dictionary, query)
    ))?;
    let since = range.since.map_or(i64::MIN, hour);
    let until = range.until.map_or(i64::MAX, hour);
    let counts = statement.query_row((query.project.0, since, until), |row| {
        Ok(RunCounts {
            runs: row.get::<_, i64>(0)?.cast_unsigned(),
            failed: row.get::<_, i64>(1)?.cast_unsigned(),
            total_ms: row.get::<_, i64>(2)?.cast_unsigned(),
        })
    })?;
    Ok(Some(counts))
}

/// A page of runs, latest first.
pub(super) fn list(
    connection: &Connection,
    dictionary: &Dictionary,
    query: &Query,
    after: Option<&RunCursor>,
    limit: usize,
) -> Result<Vec<RunSummary>, CollectorError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM runs WHERE project = ?1 AND started_at >= ?2
            AND (started_at, group_id) < (?3, ?4){}
         ORDER BY started_at DESC, group_id DESC LIMIT ?5",
        condition(dictionary, query)
    ))?;
    let since = query.range.since.map_or(i64::MIN, Timestamp::as_millis);
    // Ids are not empty, so nothing that began at `until` comes before it.
    let until = (query.range.until.map_or(i64::MAX, Timestamp::as_millis), "");
    let before = after
        .map(|after| (after.started_at.as_millis(), after.id.as_str()))
        .filter(|after| *after < until)
        .unwrap_or(until);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows =
        statement.query_map((query.project.0, since, before.0, before.1, limit), from_row)?;
    let mut runs = Vec::new();
    for row in rows {
        runs.push(summary(dictionary, row?.1));
    }
    Ok(runs)
}
