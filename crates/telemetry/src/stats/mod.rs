//! What the entries of a spool say together.
//!
//! [`collect`] looks once at everything a spool knows of a [`Period`] and of the one before: entries
//! that wait, entries that were sent and kept, and the roll-up of those that are gone, none of them
//! twice. What it brings is a [`Statistics`] with three views: [`Summary`] counts commands and
//! options in the shape the original prints; [`Calls`] looks at method calls, wherever they were
//! made, and [`Commands`] at the commands themselves, so that the time of a call is never added to
//! that of the command that made it.

mod files;
mod period;
mod rows;
mod summary;
mod tally;
mod times;

pub use crate::facts::{Dimension, UnknownDimension};
pub(crate) use files::is_entry;
pub use files::{Kind, Read, Stored, each};
pub use period::{Period, Range};
pub use rows::{Before, Change, Row, Rows};
pub use summary::Summary;
pub use tally::Numbers;

use std::collections::{HashMap, HashSet};
use std::path::Path;

use serde::Serialize;
use swamp_ident::Timestamp;
use swamp_wire::TelemetryEntry;

use crate::facts::{Key, NameId, Names, fnv};
use crate::rollup;
use crate::spool::{Spool, SpoolError};
use rows::Cells;

/// How often a spool is looked at when entries are delivered while it is read.
const ATTEMPTS: usize = 4;

/// Where the numbers come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sources {
    /// Entries of the period that are there as files.
    pub files: u64,
    /// Entries of the period that only the roll-up knows.
    pub rolled_up: u64,
    /// Files that hold no entry.
    pub unreadable: u64,
    /// Entries that the roll-up counts as `__other__`, because there were too many kinds in a day.
    pub other: u64,
    /// Files of the roll-up that were damaged and set aside.
    pub damaged: u64,
    /// Entries were delivered all the time while the spool was read, and some may be missing here.
    pub changing: bool,
}

/// Everything that is known of a period. Memory grows with the number of kinds of entries and of
/// different durations, not with the entries.
#[derive(Debug, Default)]
pub struct Statistics {
    names: Names,
    cells: Cells,
    options: HashMap<NameId, u64>,
    sources: Sources,
}

/// Looks at everything a spool knows of a period and of the one before. A spool that is not there is
/// empty.
///
/// A flusher may deliver entries meanwhile, which move from files to the roll-up; the spool is then
/// looked at again.
pub fn collect(spool: &Path, period: &Period) -> Result<Statistics, SpoolError> {
    let spool = match Spool::open(spool) {
        Err(error) if error.is_missing() => return Ok(Statistics::default()),
        other => other?,
    };
    let mut statistics = Statistics::default();
    for _ in 0..ATTEMPTS {
        statistics = collect_once(&spool, period)?;
        if !statistics.sources.changing {
            break;
        }
    }
    Ok(statistics)
}

fn collect_once(spool: &Spool, period: &Period) -> Result<Statistics, SpoolError> {
    let mut statistics = Statistics::default();
    let whole = period.with_before();
    let failed = |error| SpoolError::io("read the roll-up in", spool.path(), error);
    let days = rollup::days(spool).map_err(failed)?;
    statistics.sources.damaged = days.damaged;
    let mut absorbed = HashSet::new();
    for date in days.dates.iter().filter(|date| whole.has_date(date)) {
        match days.read(date).map_err(failed)? {
            Some(day) => {
                absorbed.extend(day.absorbed.iter().map(|id| fnv(id.as_str())));
                statistics.add_day(date, &day, period);
            }
            None => statistics.sources.damaged += 1,
        }
    }
    let read = files::each_of(spool, Some(&whole), |stored| {
        if !absorbed.contains(&fnv(stored.entry.id.as_str())) {
            statistics.add(stored.entry, period);
        }
        Ok::<_, std::convert::Infallible>(())
    })?;
    let read = match read {
        Ok(read) => read,
        Err(never) => match never {},
    };
    statistics.sources.unreadable = read.unreadable;
    // An entry that was delivered after the roll-up was read is missed; none is counted twice.
    statistics.sources.changing = read.vanished > 0 || !days.are_still(spool).map_err(failed)?;
    Ok(statistics)
}

impl Statistics {
    fn add(&mut self, entry: &TelemetryEntry, period: &Period) {
        let Some(is_now) = period.place(entry.started_at) else {
            return;
        };
        let key = Key::of(entry, &mut self.names);
        let cells = if is_now { &mut self.cells.now } else { &mut self.cells.before };
        cells.entry(key).or_default().add(entry);
        if is_now {
            self.sources.files += 1;
            let call = &entry.invocation;
            for option in call.option_keys.iter().chain(&call.global_options) {
                *self.options.entry(self.names.id(option)).or_default() += 1;
            }
        }
    }

    /// Adds a day of the roll-up. It knows hours; one belongs where its middle does.
    fn add_day(&mut self, date: &str, day: &rollup::Day, period: &Period) {
        let Ok(midnight) = Timestamp::parse(&format!("{date}T00:00:00Z")) else {
            return;
        };
        let place =
            |hour: u8| period.place(midnight.plus_millis(i64::from(hour) * 3_600_000 + 1_800_000));
        let mut known = false;
        for ((hour, key), cell) in &day.cells {
            let Some(is_now) = place(*hour) else {
                continue;
            };
            let names: Vec<NameId> = key
                .names()
                .map(|id| self.names.maybe(day.names.get(id).map(|name| &**name)))
                .collect();
            let Some(key) = Key::from_names(&names) else {
                continue;
            };
            let cells = if is_now { &mut self.cells.now } else { &mut self.cells.before };
            cells.entry(key).or_default().merge(cell);
            if is_now {
                self.sources.rolled_up += cell.count;
                known = true;
            }
        }
        if known {
            self.sources.other += day.folded;
        }
        for ((hour, option), count) in &day.options {
            if place(*hour) == Some(true) {
                let option = self.names.maybe(day.names.get(*option).map(|name| &**name));
                *self.options.entry(option).or_default() += count;
            }
        }
    }

    /// How many entries of the period are known, as files or rolled up.
    pub fn entries(&self) -> u64 {
        self.sources.files + self.sources.rolled_up
    }

    /// Where the numbers come from.
    pub fn sources(&self) -> Sources {
        self.sources
    }

    /// Commands and options. `days` is passed on as it was asked for.
    pub fn summary(&self, days: f64) -> Summary {
        summary::summary(&self.names, &self.cells.now, &self.options, days)
    }

    /// Method calls, all and by the usual breakdowns.
    pub fn calls(&self) -> Calls {
        use Dimension::{Driver, Job, Method, ModelType, Step, Workflow};
        let by = |dimensions: &[Dimension]| {
            self.rows(&Rows { by: dimensions.to_vec(), ..Rows::default() }).rows
        };
        let in_workflows = |mut rows: Vec<Row>| {
            rows.retain(|row| row.key.iter().all(|(_, name)| name.is_some()));
            rows
        };
        Calls {
            total: self.cells.total(&self.names, Key::is_call),
            by_model_type: by(&[ModelType]),
            by_driver: by(&[Driver]),
            by_method: by(&[ModelType, Method]),
            by_step: in_workflows(by(&[Workflow, Job, Step])),
            by_workflow: in_workflows(by(&[Workflow])),
        }
    }

    /// Method calls in the rows that are asked for.
    pub fn rows(&self, asked: &Rows) -> Breakdown {
        let wanted = |key: &Key| {
            let workflow = self.names.get(key.get(Dimension::Workflow));
            key.is_call()
                && asked
                    .workflow
                    .as_deref()
                    .is_none_or(|wanted| workflow.is_some_and(|workflow| **workflow == *wanted))
        };
        let named = |key: &Key| {
            let name = |dimension: &Dimension| (dimension.as_str(), key.get(*dimension));
            asked.by.iter().map(name).collect()
        };
        let total = self.cells.total(&self.names, wanted);
        let mut rows = self.cells.rows(&self.names, wanted, |key| key.only(&asked.by), named);
        asked.choose(&mut rows);
        Breakdown { total, by: asked.by.clone(), rows }
    }

    /// Commands, all and by their words.
    pub fn commands(&self) -> Commands {
        let named = |key: &Key| vec![("command", key.command)];
        Commands {
            total: self.cells.total(&self.names, Key::is_command),
            by_command: self.cells.rows(&self.names, Key::is_command, Key::only_command, named),
        }
    }
}

/// Method calls, all and by what they have in common. Rows with most calls come first.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Calls {
    /// All of them.
    pub total: Row,
    /// By the model's type.
    pub by_model_type: Vec<Row>,
    /// By the driver.
    pub by_driver: Vec<Row>,
    /// By type and method.
    pub by_method: Vec<Row>,
    /// By step as written in the workflow file: the items of a `forEach` are one group.
    pub by_step: Vec<Row>,
    /// By the workflow in whose file the step stands.
    pub by_workflow: Vec<Row>,
}

/// Method calls by what was asked for.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Breakdown {
    /// All calls that were looked at.
    pub total: Row,
    /// What the calls of a row have in common.
    pub by: Vec<Dimension>,
    /// The rows.
    pub rows: Vec<Row>,
}

/// Commands, without what they called. A command that calls one method directly is both.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Commands {
    /// All of them.
    pub total: Row,
    /// By command and sub-command.
    pub by_command: Vec<Row>,
}

#[cfg(test)]
mod tests;
