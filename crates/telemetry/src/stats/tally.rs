//! Numbers in the making, and made.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;
use swamp_wire::TelemetryEntry;

use super::times::Times;
use crate::facts::{Dimension, Key, NameId, Names, ran, run_number};
use crate::rollup;

/// The numbers of entries that have one [`Key`].
#[derive(Clone, Debug, Default)]
pub(super) struct Cell {
    pub(super) count: u64,
    /// Durations of all of them, in milliseconds.
    pub(super) total_ms: i64,
    runs: HashSet<u64>,
    more_runs: bool,
    times: Times,
}

impl Cell {
    pub(super) fn add(&mut self, entry: &TelemetryEntry) {
        self.count += 1;
        self.total_ms = self.total_ms.saturating_add(entry.duration_ms);
        if let Some(context) = &entry.workflow_context {
            self.runs.insert(run_number(&context.run_id));
        }
        if let Some(millis) = ran(entry) {
            self.times.record(millis);
        }
    }

    pub(super) fn merge(&mut self, rolled_up: &rollup::Cell) {
        self.count += rolled_up.count;
        self.total_ms = self.total_ms.saturating_add(rolled_up.total_ms);
        self.runs.extend(&rolled_up.runs);
        self.more_runs |= rolled_up.more_runs();
        self.times.merge_sketch(&rolled_up.times);
    }
}

/// The numbers of several cells together.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    cell: Cell,
    succeeded: u64,
    user_errors: u64,
    failures: BTreeMap<NameId, u64>,
}

impl Tally {
    pub(super) fn add(&mut self, key: &Key, cell: &Cell) {
        self.cell.count += cell.count;
        self.cell.total_ms = self.cell.total_ms.saturating_add(cell.total_ms);
        self.cell.runs.extend(&cell.runs);
        self.cell.more_runs |= cell.more_runs;
        self.cell.times.merge(&cell.times);
        match key.get(Dimension::Status) {
            NameId::SUCCESS => self.succeeded += cell.count,
            status => {
                self.user_errors += if status == NameId::USER_ERROR { cell.count } else { 0 };
                *self.failures.entry(key.get(Dimension::ErrorCategory)).or_default() += cell.count;
            }
        }
    }

    pub(super) fn finish(&self, names: &Names) -> Numbers {
        let times = &self.cell.times;
        let [p50_ms, p95_ms, p99_ms] = times.per_mille([500, 950, 990]);
        let failed = self.failures.values().sum();
        let name = |id: &NameId| names.get(*id).map_or("unknown", |name| name).to_owned();
        Numbers {
            calls: self.cell.count,
            runs: self.cell.runs.len() as u64,
            more_runs: self.cell.more_runs,
            succeeded: self.succeeded,
            failed,
            user_errors: self.user_errors,
            before_method: self.cell.count - times.count(),
            failure_rate: if failed == 0 { 0.0 } else { ratio(failed, self.cell.count) },
            failures: self.failures.iter().map(|(id, count)| (name(id), *count)).collect(),
            p50_ms,
            p95_ms,
            p99_ms,
            max_ms: times.max(),
            total_ms: times.total(),
        }
    }
}

/// The numbers of some method calls, or of some commands.
///
/// Times are those of what ran; a percentile is the smallest time that at least so many per cent of
/// them did not exceed (nearest rank), exact for entries that are there as files, and within one part
/// in 256 as soon as the roll-up is involved. Absent when nothing ran.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Numbers {
    /// How many.
    pub calls: u64,
    /// Workflow runs they were made in, direct calls not included.
    pub runs: u64,
    /// Whether there may have been more runs than were told apart in the roll-up.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub more_runs: bool,
    /// Those that succeeded.
    pub succeeded: u64,
    /// Those that failed, `user_errors` included.
    pub failed: u64,
    /// Those that failed with something the user can put right.
    pub user_errors: u64,
    /// Calls that failed before their method ran.
    pub before_method: u64,
    /// `failed` as a part of `calls`, 0 to 1.
    pub failure_rate: f64,
    /// Failed ones by category; `unknown` for entries that have none.
    pub failures: BTreeMap<String, u64>,
    /// Half of them took at most this, in milliseconds.
    pub p50_ms: Option<u64>,
    /// 95 per cent took at most this, in milliseconds.
    pub p95_ms: Option<u64>,
    /// 99 per cent took at most this, in milliseconds.
    pub p99_ms: Option<u64>,
    /// The longest, in milliseconds.
    pub max_ms: Option<u64>,
    /// All together, in milliseconds.
    pub total_ms: u64,
}

/// One count as a part of another.
#[expect(clippy::cast_precision_loss, reason = "counts of entries are far below 2^52")]
pub(super) fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}
