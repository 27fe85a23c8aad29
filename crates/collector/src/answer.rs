//! The documents that questions are answered with. Durations are milliseconds.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use swamp_ident::Timestamp;

use crate::store::{RunCounts, RunSummary, SlowCall, Totals};

/// The stretch of time an answer is about; absent ends are open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Period {
    /// The beginning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// The end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// What is said about a group of method calls.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Measures {
    /// How many.
    pub count: u64,
    /// How many of them failed.
    pub errors: u64,
    /// The failed ones' share, from 0 to 1.
    pub failure_rate: f64,
    /// Half of the calls that came to run took no longer; `null` if none did.
    pub p50: Option<u64>,
    /// 95 of 100 took no longer.
    pub p95: Option<u64>,
    /// 99 of 100 took no longer.
    pub p99: Option<u64>,
    /// The longest.
    pub max_ms: u64,
    /// The sum.
    pub total_ms: u64,
}

impl From<&Totals> for Measures {
    fn from(totals: &Totals) -> Self {
        Self {
            count: totals.count,
            errors: totals.errors,
            failure_rate: ratio(totals.errors, totals.count),
            p50: percentile(totals, 50),
            p95: percentile(totals, 95),
            p99: percentile(totals, 99),
            max_ms: totals.max_ms,
            total_ms: totals.total_ms,
        }
    }
}

/// A percentile; the middle of a bin may lie above the largest duration there was.
pub(crate) fn percentile(totals: &Totals, percent: u32) -> Option<u64> {
    totals.durations.percentile(percent).map(|millis| millis.min(totals.max_ms))
}

/// A share, 0 of nothing.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(crate) fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// `GET /api/v1/summary`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// What it is about.
    pub period: Period,
    /// The numbers.
    #[serde(flatten)]
    pub numbers: SummaryNumbers,
    /// The same for the period before, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<SummaryNumbers>,
}

/// The numbers of a [`Summary`].
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SummaryNumbers {
    /// Runs of workflows; `null` if the filters are none that can be asked of a run.
    pub runs: Option<u64>,
    /// Runs that failed.
    pub failed_runs: Option<u64>,
    /// Method calls.
    pub methods: u64,
    /// Method calls that failed.
    pub errors: u64,
    /// Their share, from 0 to 1.
    pub failure_rate: f64,
    /// The sum of the durations of method calls.
    pub total_ms: u64,
    /// Half of the calls that came to run took no longer.
    pub p50: Option<u64>,
    /// 95 of 100 took no longer.
    pub p95: Option<u64>,
    /// 99 of 100 took no longer.
    pub p99: Option<u64>,
    /// The longest.
    pub max_ms: u64,
}

impl SummaryNumbers {
    /// From what a store says.
    pub fn new(runs: Option<RunCounts>, totals: &Totals) -> Self {
        let measures = Measures::from(totals);
        Self {
            runs: runs.map(|counts| counts.runs),
            failed_runs: runs.map(|counts| counts.failed),
            methods: measures.count,
            errors: measures.errors,
            failure_rate: measures.failure_rate,
            total_ms: measures.total_ms,
            p50: measures.p50,
            p95: measures.p95,
            p99: measures.p99,
            max_ms: measures.max_ms,
        }
    }
}

/// `GET /api/v1/breakdown`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Breakdown {
    /// What it is about.
    pub period: Period,
    /// The dimensions.
    pub by: Vec<&'static str>,
    /// The groups, those with the most time first.
    pub rows: Vec<BreakdownRow>,
    /// Whether there were more groups than were asked for.
    pub truncated: bool,
}

/// A group of a [`Breakdown`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BreakdownRow {
    /// The values of the dimensions, in their order; `null` where the calls have none.
    #[serde(flatten)]
    pub key: indexmap::IndexMap<&'static str, Option<String>>,
    /// The numbers.
    #[serde(flatten)]
    pub measures: Measures,
    /// The same for the period before, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<Measures>,
}

/// `GET /api/v1/timeseries`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TimeSeries {
    /// What it is about.
    pub period: Period,
    /// `hour` or `day`.
    pub interval: &'static str,
    /// One for each stretch of time with calls, and each group in it.
    pub points: Vec<TimePoint>,
}

/// A stretch of a [`TimeSeries`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TimePoint {
    /// Its beginning.
    pub at: Timestamp,
    /// The values of the dimensions, if any were asked for.
    #[serde(flatten)]
    pub key: indexmap::IndexMap<&'static str, Option<String>>,
    /// The numbers.
    #[serde(flatten)]
    pub measures: Measures,
}

/// `GET /api/v1/runs`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Runs {
    /// Latest first.
    pub runs: Vec<RunSummary>,
    /// What to give as `after` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// `GET /api/v1/runs/{id}`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Run {
    /// The run.
    #[serde(flatten)]
    pub summary: RunSummary,
    /// The command's entry as it was sent; `null` if it has not reported.
    pub parent: Option<Value>,
    /// The run the user started, with the runs nested in it.
    pub children: Vec<RunNode>,
}

/// A run of a workflow with what happened in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunNode {
    /// Its id.
    pub run_id: Option<String>,
    /// Its workflow.
    pub workflow: Option<String>,
    /// How many runs are around it.
    pub depth: u32,
    /// From the beginning of the whole to the first call known here.
    pub offset_ms: i64,
    /// From there to the end of the last call known here, nested ones included.
    pub duration_ms: u64,
    /// The calls of its steps, in order of their beginning.
    pub methods: Vec<MethodCall>,
    /// The runs nested in it.
    pub nested: Vec<Self>,
}

/// A call of a method in a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MethodCall {
    /// The entry's id.
    pub id: String,
    /// The job.
    pub job: Option<String>,
    /// The step, after `forEach` expansion.
    pub step: Option<String>,
    /// The step as written in the file, for items of a `forEach`.
    pub step_template: Option<String>,
    /// The position of the item.
    pub for_each_index: Option<u64>,
    /// Which attempt, from 2; `null` for the first.
    pub attempt: Option<u64>,
    /// The model's type.
    pub model_type: Option<String>,
    /// The method.
    pub method: Option<String>,
    /// The driver.
    pub driver: Option<String>,
    /// `success`, `error` or `user_error`.
    pub status: String,
    /// What kind of thing went wrong.
    pub error_category: Option<String>,
    /// First line of the error.
    pub error_message: Option<String>,
    /// `before_method`, `method` or `after_method`.
    pub phase: Option<String>,
    /// The workflow allows the failure.
    pub allowed_failure: bool,
    /// When it began.
    pub started_at: Timestamp,
    /// The same, from the beginning of the whole.
    pub offset_ms: i64,
    /// How long it took.
    pub duration_ms: u64,
}

/// `GET /api/v1/errors`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Errors {
    /// What it is about.
    pub period: Period,
    /// Most frequent first.
    pub rows: Vec<ErrorRow>,
    /// How many failures there were of each category.
    pub categories: BTreeMap<String, u64>,
}

/// Failures that look alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorRow {
    /// The category.
    pub error_category: Option<String>,
    /// The first line of the error.
    pub error_message: Option<String>,
    /// How often.
    pub count: u64,
    /// When the last of them began.
    pub last_at: Option<Timestamp>,
}

/// `GET /api/v1/slowest`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Slowest {
    /// What it is about.
    pub period: Period,
    /// Slowest first.
    pub rows: Vec<SlowCall>,
}

/// `GET /api/v1/regressions`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Regressions {
    /// What is looked at.
    pub period: Period,
    /// What it is compared with.
    pub baseline: Period,
    /// Those that lost the most time first.
    pub rows: Vec<Regression>,
}

/// A method on a driver that does worse than it did.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Regression {
    /// The model's type.
    pub model_type: Option<String>,
    /// The method.
    pub method: Option<String>,
    /// The driver.
    pub driver: Option<String>,
    /// Whether it became slower.
    pub slower: bool,
    /// Whether it fails more often.
    pub fails_more: bool,
    /// What the calls took beyond what they would have taken before, in milliseconds.
    pub lost_ms: u64,
    /// Now.
    pub now: Measures,
    /// Before.
    pub before: Measures,
}
