//! From what a store says to the figures of pages.

use swamp_dashboard::page::{Call, NestedRun, Regression, RunLine, SlowCall};
use swamp_dashboard::{Bucket, Calls, Group, Outcome, Series, Summary, View};
use swamp_ident::Timestamp;

use crate::answer::{self, MethodCall, RunNode, percentile};
use crate::error::CollectorError;
use crate::event::ProjectId;
use crate::query::{DAY, Filter, Interval, Query, TimeRange};
use crate::store::{self, RunSummary, Store, Totals};

/// Stretches of a series, at most; longer periods get longer stretches.
const BUCKETS: i64 = 200;

/// What a view asks of a store.
pub(super) fn query(view: &View, project: ProjectId, now: Timestamp) -> Query {
    let (since, until) = view.period.bounds(now);
    let mut filters: Vec<Filter> = Vec::new();
    for filter in &view.filters {
        match filters.iter_mut().find(|known| known.dimension == filter.dimension) {
            Some(known) => known.values.push(filter.value.clone()),
            None => filters
                .push(Filter { dimension: filter.dimension, values: vec![filter.value.clone()] }),
        }
    }
    Query { project, range: TimeRange { since: Some(since), until: Some(until) }, filters }
}

pub(super) fn calls(totals: &Totals) -> Calls {
    Calls {
        count: totals.count,
        failed: totals.errors,
        total_ms: totals.total_ms,
        p50: percentile(totals, 50),
        p95: percentile(totals, 95),
        p99: percentile(totals, 99),
    }
}

fn measured(measures: &answer::Measures) -> Calls {
    Calls {
        count: measures.count,
        failed: measures.errors,
        total_ms: measures.total_ms,
        p50: measures.p50,
        p95: measures.p95,
        p99: measures.p99,
    }
}

/// The figures of a period, and of the one before if there was anything in it.
pub(super) fn summary(answer: &answer::Summary) -> (Summary, Option<Summary>) {
    let one = |numbers: &answer::SummaryNumbers| Summary {
        runs: numbers.runs.zip(numbers.failed_runs),
        calls: Calls {
            count: numbers.methods,
            failed: numbers.errors,
            total_ms: numbers.total_ms,
            p50: numbers.p50,
            p95: numbers.p95,
            p99: numbers.p99,
        },
    };
    let before = answer.previous.as_ref().map(one);
    (one(&answer.numbers), before.filter(|before| before.calls.count > 0))
}

/// Rows of a breakdown as groups of a table.
pub(super) fn groups(answer: answer::Breakdown) -> Vec<Group> {
    answer
        .rows
        .into_iter()
        .map(|row| Group {
            calls: measured(&row.measures),
            before: row.previous.as_ref().map(measured).filter(|before| before.count > 0),
            key: row.key.into_values().collect(),
        })
        .collect()
}

/// Calls over time, with the stretches in which there were none.
pub(super) fn series(
    store: &dyn Store,
    query: &Query,
    now: Timestamp,
) -> Result<Series, CollectorError> {
    let range = query.range.to_hours();
    let until = range.until.unwrap_or(now).as_millis();
    let since = range.since.map_or(until - DAY, Timestamp::as_millis);
    let interval = if until - since <= 8 * DAY { Interval::Hour } else { Interval::Day };
    let start = interval.start(Timestamp::from_millis(since)).as_millis();
    let length = interval.millis();
    let stretches = (until - start).max(1);
    let step = length * (stretches / length / BUCKETS + 1);
    let slots = usize::try_from((stretches - 1) / step + 1).unwrap_or(1);
    let mut totals = vec![Totals::default(); slots];
    for point in store.series(query, interval, &[])? {
        let slot = (point.start.as_millis() - start).div_euclid(step);
        if let Some(slot) = usize::try_from(slot).ok().and_then(|slot| totals.get_mut(slot)) {
            slot.merge(&point.totals);
        }
    }
    let starts = (0..).map(|slot| Timestamp::from_millis(start + slot * step));
    let buckets =
        starts.zip(&totals).map(|(start, totals)| Bucket { start, calls: calls(totals) }).collect();
    Ok(Series { interval_ms: step, buckets })
}

pub(super) fn regression(row: answer::Regression) -> Regression {
    Regression {
        now: measured(&row.now),
        before: measured(&row.before),
        model_type: row.model_type,
        method: row.method,
        driver: row.driver,
        slower: row.slower,
        fails_more: row.fails_more,
        lost_ms: row.lost_ms,
    }
}

/// How something ended, from what its entry says.
pub(super) fn outcome(
    status: Option<&str>,
    category: Option<&str>,
    phase: Option<&str>,
    allowed: bool,
) -> Outcome {
    match status {
        None => Outcome::Unknown,
        Some("success") => Outcome::Succeeded,
        Some(_) if allowed => Outcome::AllowedFailure,
        Some(_) if category == Some("cancelled") => Outcome::Cancelled,
        Some(_) if phase == Some("before_method") => Outcome::FailedBefore,
        Some(_) => Outcome::Failed,
    }
}

pub(super) fn run_line(run: RunSummary) -> RunLine {
    RunLine {
        outcome: outcome(run.status.as_deref(), run.error_category.as_deref(), None, false),
        id: run.id,
        workflow: run.workflow,
        category: run.error_category,
        started: run.started_at,
        duration_ms: run.duration_ms,
        calls: run.methods,
        failed: run.errors,
        platform: run.platform,
        agent: run.agent,
    }
}

pub(super) fn slow_call(call: store::SlowCall) -> SlowCall {
    SlowCall {
        outcome: outcome(call.status.as_deref(), None, None, false),
        model_type: call.model_type,
        method: call.method,
        driver: call.driver,
        workflow: call.workflow,
        job: call.job,
        step: call.step,
        started: call.started_at,
        duration_ms: call.duration_ms,
        run: call.run,
    }
}

pub(super) fn nested_run(node: RunNode) -> NestedRun {
    NestedRun {
        workflow: node.workflow,
        offset_ms: offset(node.offset_ms),
        duration_ms: node.duration_ms,
        calls: node.methods.into_iter().map(call).collect(),
        nested: node.nested.into_iter().map(nested_run).collect(),
    }
}

pub(super) fn call(call: MethodCall) -> Call {
    Call {
        outcome: outcome(
            Some(&call.status),
            call.error_category.as_deref(),
            call.phase.as_deref(),
            call.allowed_failure,
        ),
        job: call.job,
        step: call.step,
        attempt: call.attempt,
        model_type: call.model_type,
        method: call.method,
        driver: call.driver,
        category: call.error_category,
        message: call.error_message,
        offset_ms: offset(call.offset_ms),
        duration_ms: call.duration_ms,
    }
}

/// A distance from the beginning; a clock that was set back does not make it negative.
fn offset(millis: i64) -> u64 {
    u64::try_from(millis).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes() {
        for (status, category, phase, allowed, want) in [
            (None, None, None, false, Outcome::Unknown),
            (Some("success"), None, Some("method"), false, Outcome::Succeeded),
            (
                Some("user_error"),
                Some("vault"),
                Some("before_method"),
                false,
                Outcome::FailedBefore,
            ),
            (Some("user_error"), Some("method"), Some("method"), true, Outcome::AllowedFailure),
            (Some("error"), Some("cancelled"), Some("method"), false, Outcome::Cancelled),
            (Some("error"), Some("timeout"), None, false, Outcome::Failed),
            (Some("weird"), None, None, false, Outcome::Failed),
        ] {
            assert_eq!(outcome(status, category, phase, allowed), want, "{status:?} {category:?}");
        }
    }
}
