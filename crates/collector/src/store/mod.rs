//! The store: where events are kept, and what every store can answer.
//!
//! A store is called from plain threads and may block. It has one promise above all: what
//! [`append`](Store::append) has given an outcome for is durable, is in every answer from then on,
//! and counts once however often it is sent.

pub mod clickhouse;
mod sqlite;

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use swamp_ident::Timestamp;

use crate::dimension::Dimension;
use crate::error::CollectorError;
use crate::event::{Event, ProjectId};
use crate::keys::Directory;
use crate::query::{Interval, Query};
use crate::sketch::Distribution;

pub use sqlite::{SqliteDirectory, SqliteStore, backup};

/// What became of an event that was handed to a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Stored.
    Stored,
    /// It was there already, or stands in the batch twice.
    Duplicate,
    /// Not wanted.
    Dropped(&'static str),
}

/// What is known about a group of method calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// How many there were.
    pub count: u64,
    /// How many of them failed.
    pub errors: u64,
    /// The sum of their durations, in milliseconds.
    pub total_ms: u64,
    /// The longest duration, in milliseconds.
    pub max_ms: u64,
    /// When the last of them began.
    pub last_at: Option<Timestamp>,
    /// The durations of those whose method came to run.
    pub durations: Distribution,
}

impl Totals {
    /// Adds another group.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.errors += other.errors;
        self.total_ms += other.total_ms;
        self.max_ms = self.max_ms.max(other.max_ms);
        self.last_at = self.last_at.max(other.last_at);
        self.durations.merge(&other.durations);
    }
}

/// The values of the dimensions a group was made by, in that order; `None` where its calls have no
/// value.
pub type GroupKey = Vec<Option<String>>;

/// Calls that are alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// What they have in common.
    pub key: GroupKey,
    /// What is known about them.
    pub totals: Totals,
}

/// Calls that are alike and began in the same stretch of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// The beginning of the stretch.
    pub start: Timestamp,
    /// What the calls have in common.
    pub key: GroupKey,
    /// What is known about them.
    pub totals: Totals,
}

/// How many runs and other commands there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunCounts {
    /// Runs of workflows that a user started, whether their command reported or only their calls.
    pub runs: u64,
    /// Those that ended otherwise than well.
    pub failed: u64,
    /// The time their commands took, in milliseconds.
    pub total_ms: u64,
}

/// A run in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunSummary {
    /// The id of its command; if that is not known, of the run.
    pub id: String,
    /// The id of the run the user started, if known.
    pub run_id: Option<String>,
    /// The workflow the user started, if known.
    pub workflow: Option<String>,
    /// How the command ended; `None` if it has not reported.
    pub status: Option<String>,
    /// Why it failed.
    pub error_category: Option<String>,
    /// When the first thing known of it began.
    pub started_at: Timestamp,
    /// How long the command took; `None` if it has not reported.
    pub duration_ms: Option<u64>,
    /// Method calls.
    pub methods: u64,
    /// Method calls that failed.
    pub errors: u64,
    /// The sum of the durations of its method calls.
    pub total_ms: u64,
    /// The operating system.
    pub platform: Option<String>,
    /// The agent that drove it.
    pub agent: Option<String>,
}

/// Where to go on in a list of runs: after the run that began at `started_at` and has this `id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunCursor {
    /// When the last run of the page before began.
    pub started_at: Timestamp,
    /// Its id.
    pub id: String,
}

/// A run with its events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunEvents {
    /// The run.
    pub summary: RunSummary,
    /// Its events as they were sent, in no order; without those retention has removed.
    pub events: Vec<String>,
}

/// A slow call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SlowCall {
    /// The driver.
    pub driver: Option<String>,
    /// The model's type.
    pub model_type: Option<String>,
    /// The method.
    pub method: Option<String>,
    /// The workflow.
    pub workflow: Option<String>,
    /// The job.
    pub job: Option<String>,
    /// The step.
    pub step: Option<String>,
    /// How it ended.
    pub status: Option<String>,
    /// How long it took.
    pub duration_ms: u64,
    /// When it began.
    pub started_at: Timestamp,
    /// The id of its run in lists of runs, if it belongs to one.
    pub run: Option<String>,
}

/// How many different values a dimension has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cardinality {
    /// The dimension.
    pub dimension: &'static str,
    /// Different values that are told apart.
    pub values: u64,
    /// How many there may be.
    pub limit: u64,
    /// Events whose value is counted as [`OTHER`](crate::OTHER) because there were too many.
    pub other: u64,
}

/// The size of a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreSize {
    /// Events whose text is kept.
    pub events: u64,
    /// What they take on disk, together with everything else, in bytes.
    pub bytes: u64,
}

/// How long things are kept. `None` is "for ever".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Age of events, in days. Statistics stay.
    pub raw_days: Option<u32>,
    /// Bytes of events; the oldest go first.
    pub raw_bytes: Option<u64>,
    /// Age of statistics, in days.
    pub rollup_days: Option<u32>,
}

impl Default for Retention {
    fn default() -> Self {
        Self { raw_days: Some(90), raw_bytes: None, rollup_days: Some(400) }
    }
}

/// Where events are kept, and who may send and read them.
pub trait Store: Directory + Send + Sync {
    /// Keeps events. When this returns, they are durable and in every answer; one outcome for each,
    /// in their order.
    ///
    /// # Errors
    ///
    /// On an error nothing of the batch was kept.
    fn append(&self, batch: &[Event]) -> Result<Vec<Outcome>, CollectorError> {
        self.append_all(&[batch])
    }

    /// The same for events that came in several requests and become one batch.
    ///
    /// # Errors
    ///
    /// On an error nothing of the batch was kept.
    fn append_all(&self, parts: &[&[Event]]) -> Result<Vec<Outcome>, CollectorError>;

    /// Method calls, grouped by the values of dimensions; one group of all if `by` is empty and
    /// there is anything. In no order.
    fn groups(&self, query: &Query, by: &[Dimension]) -> Result<Vec<Group>, CollectorError>;

    /// The same for each stretch of time; stretches without calls are left out. In order of time.
    fn series(
        &self,
        query: &Query,
        interval: Interval,
        by: &[Dimension],
    ) -> Result<Vec<Point>, CollectorError>;

    /// Runs of workflows by the hour they began; `None` if the query filters by something that is
    /// not a property of a run (which are workflow, status, platform and agent).
    fn run_counts(&self, query: &Query) -> Result<Option<RunCounts>, CollectorError>;

    /// Runs, latest first, at most `limit`, those after `after`. Filters of dimensions that are no
    /// property of runs are not looked at.
    fn runs(
        &self,
        query: &Query,
        after: Option<&RunCursor>,
        limit: usize,
    ) -> Result<Vec<RunSummary>, CollectorError>;

    /// The run of a command, or with the id of a run.
    fn run(&self, project: ProjectId, id: &str) -> Result<Option<RunEvents>, CollectorError>;

    /// The slowest calls, slowest first: of calls that are alike in every dimension, for each hour
    /// or day the slowest one.
    fn slowest(&self, query: &Query, limit: usize) -> Result<Vec<SlowCall>, CollectorError>;

    /// The values a dimension has had, in order.
    fn values(
        &self,
        project: ProjectId,
        dimension: Dimension,
    ) -> Result<Vec<String>, CollectorError>;

    /// How many values there are of each dimension.
    fn cardinality(&self, project: ProjectId) -> Result<Vec<Cardinality>, CollectorError>;

    /// Shows every event of a range of time as it was sent, in the order of arrival, until told to
    /// stop. Filters are not looked at.
    fn export(
        &self,
        query: &Query,
        show: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<(), CollectorError>;

    /// Removes what is too old or too much. Gives the number of events removed.
    fn retain(&self, retention: Retention, now: Timestamp) -> Result<u64, CollectorError>;

    /// Brings statistics in line with the events they are made from, as far as the latter are kept,
    /// for hours of the last `days` in which nothing arrived for the time `settled`. Gives the number
    /// of hours of projects that were touched. Most stores write both at once and have nothing to do
    /// here.
    fn repair(
        &self,
        _days: u32,
        _settled: Duration,
        _now: Timestamp,
    ) -> Result<u64, CollectorError> {
        Ok(0)
    }

    /// Whether the store can take events now.
    fn ready(&self) -> Result<(), CollectorError>;

    /// How large it is.
    fn size(&self) -> Result<StoreSize, CollectorError>;

    /// Writes a copy that is whole and consistent while events go on coming in.
    fn backup(&self, to: &Path) -> Result<(), CollectorError>;

    /// Does what is due at the end: after this the next start is quick.
    fn close(&self) -> Result<(), CollectorError>;

    /// How long to wait for more events before a batch that is not full is appended. Stores whose
    /// cost is in the number of batches say more than nothing; who sends waits that much longer.
    fn linger(&self) -> Duration {
        Duration::ZERO
    }
}
