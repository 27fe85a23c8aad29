//! The numbers pages are made of.

use swamp_ident::Timestamp;

/// What is known about a group of method calls. Durations are in milliseconds; percentiles are
/// absent when nothing in the group has a duration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// How many there were.
    pub count: u64,
    /// How many of them did not succeed.
    pub failed: u64,
    /// The time they took together.
    pub total_ms: u64,
    /// Half of them took at most this long.
    pub p50: Option<u64>,
    /// 95 of 100 took at most this long.
    pub p95: Option<u64>,
    /// 99 of 100 took at most this long.
    pub p99: Option<u64>,
}

/// The figures of a period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Runs of workflows, and how many of them did not succeed; `None` when filters are set that
    /// say nothing about runs.
    pub runs: Option<(u64, u64)>,
    /// Method calls, those outside of workflows included.
    pub calls: Calls,
}

/// One stretch of a time series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Its beginning.
    pub start: Timestamp,
    /// What was called in it.
    pub calls: Calls,
}

/// Calls over time: stretches of equal length, without gaps, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// Length of a stretch in milliseconds.
    pub interval_ms: i64,
    /// The stretches.
    pub buckets: Vec<Bucket>,
}

impl Series {
    /// Whether there is nothing to see.
    pub fn is_empty(&self) -> bool {
        self.buckets.iter().all(|bucket| bucket.calls.count == 0)
    }
}

/// A group of calls in a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The values of the dimensions of the table, in their order; `None` where calls have none.
    pub key: Vec<Option<String>>,
    /// The figures of the period.
    pub calls: Calls,
    /// The figures of the period before; `None` if there is no such period or nothing in it.
    pub before: Option<Calls>,
}
