//! The questions of the API, each a function from a store and a [`Query`] to a document. The
//! dashboard asks the same ones.

use std::collections::{BTreeMap, HashMap};

use indexmap::IndexMap;
use swamp_ident::Timestamp;

use super::tree;
use crate::answer::{
    Breakdown, BreakdownRow, ErrorRow, Errors, Measures, Period, Regression, Regressions, Run,
    Runs, Slowest, Summary, SummaryNumbers, TimePoint, TimeSeries, ratio,
};
use crate::dimension::Dimension;
use crate::error::CollectorError;
use crate::query::{Filter, Interval, Query, TimeRange};
use crate::store::{Group, GroupKey, RunCursor, Store, Totals};

type Answer<T> = Result<T, CollectorError>;

fn period(range: TimeRange) -> Period {
    let range = range.to_hours();
    Period { since: range.since, until: range.until }
}

/// The period before, if it is asked for and there is one.
fn before(query: &Query, compare: bool, now: Timestamp) -> Option<Query> {
    let range = query.range.to_hours().before(now)?;
    compare.then(|| query.during(range))
}

/// How much happened, and how it went.
pub fn summary(store: &dyn Store, query: &Query, compare: bool, now: Timestamp) -> Answer<Summary> {
    let numbers = |query: &Query| -> Answer<SummaryNumbers> {
        let totals = total(store.groups(query, &[])?);
        Ok(SummaryNumbers::new(store.run_counts(query)?, &totals))
    };
    Ok(Summary {
        period: period(query.range),
        numbers: numbers(query)?,
        previous: before(query, compare, now).as_ref().map(numbers).transpose()?,
    })
}

fn total(groups: Vec<Group>) -> Totals {
    let mut total = Totals::default();
    for group in groups {
        total.merge(&group.totals);
    }
    total
}

/// Method calls by the values of dimensions, those with the most time first.
pub fn breakdown(
    store: &dyn Store,
    query: &Query,
    by: &[Dimension],
    limit: usize,
    compare: bool,
    now: Timestamp,
) -> Answer<Breakdown> {
    let mut groups = store.groups(query, by)?;
    groups.sort_by(|a, b| {
        let weight = |group: &Group| (group.totals.total_ms, group.totals.count);
        weight(b).cmp(&weight(a)).then_with(|| a.key.cmp(&b.key))
    });
    let truncated = groups.len() > limit;
    groups.truncate(limit);
    let previous = match before(query, compare, now) {
        None => None,
        Some(before) => Some(by_key(store.groups(&before, by)?)),
    };
    let rows = groups
        .into_iter()
        .map(|group| BreakdownRow {
            measures: Measures::from(&group.totals),
            previous: previous.as_ref().map(|previous| {
                previous
                    .get(&group.key)
                    .map_or_else(|| Measures::from(&Totals::default()), Measures::from)
            }),
            key: named(by, group.key),
        })
        .collect();
    let by = by.iter().map(|dimension| dimension.as_str()).collect();
    Ok(Breakdown { period: period(query.range), by, rows, truncated })
}

fn by_key(groups: Vec<Group>) -> HashMap<GroupKey, Totals> {
    groups.into_iter().map(|group| (group.key, group.totals)).collect()
}

fn named(by: &[Dimension], key: GroupKey) -> IndexMap<&'static str, Option<String>> {
    by.iter().map(|dimension| dimension.as_str()).zip(key).collect()
}

/// Method calls over time.
pub fn timeseries(
    store: &dyn Store,
    query: &Query,
    interval: Interval,
    by: &[Dimension],
) -> Answer<TimeSeries> {
    let points = store
        .series(query, interval, by)?
        .into_iter()
        .map(|point| TimePoint {
            at: point.start,
            measures: Measures::from(&point.totals),
            key: named(by, point.key),
        })
        .collect();
    let name = match interval {
        Interval::Hour => "hour",
        Interval::Day => "day",
    };
    Ok(TimeSeries { period: period(query.range), interval: name, points })
}

/// A page of runs.
pub fn runs(
    store: &dyn Store,
    query: &Query,
    after: Option<&RunCursor>,
    limit: usize,
) -> Answer<Runs> {
    let mut runs = store.runs(query, after, limit + 1)?;
    let more = runs.len() > limit;
    runs.truncate(limit);
    let next = runs.last().filter(|_| more).map(|run| write_cursor(run.started_at, &run.id));
    Ok(Runs { runs, next })
}

fn write_cursor(started_at: Timestamp, id: &str) -> String {
    format!("{}~{id}", started_at.as_millis())
}

/// Reads what [`runs`] gave as `next`.
pub fn read_cursor(text: &str) -> Option<RunCursor> {
    let (millis, id) = text.split_once('~').filter(|(_, id)| !id.is_empty())?;
    let is_time = (1..=15).contains(&millis.len()) && millis.bytes().all(|b| b.is_ascii_digit());
    let started_at = Timestamp::from_millis(is_time.then(|| millis.parse().ok()).flatten()?);
    Some(RunCursor { started_at, id: id.to_owned() })
}

/// One run with everything that happened in it.
pub fn run(store: &dyn Store, query: &Query, id: &str) -> Answer<Run> {
    let found = store.run(query.project, id)?.ok_or_else(|| CollectorError::NotFound {
        what: "Run",
        name: id.chars().take(200).collect(),
        hint: "",
    })?;
    let (parent, children) = tree::build(&found.events, found.summary.started_at);
    Ok(Run { summary: found.summary, parent, children })
}

/// Failures by category and message.
pub fn errors(store: &dyn Store, query: &Query, limit: usize) -> Answer<Errors> {
    let groups = store.groups(query, &[Dimension::ErrorCategory, Dimension::ErrorMessage])?;
    let mut categories = BTreeMap::new();
    let mut rows = Vec::new();
    for group in groups.into_iter().filter(|group| group.totals.errors > 0) {
        let mut key = group.key.into_iter();
        let (error_category, error_message) = (key.next().flatten(), key.next().flatten());
        let name = error_category.clone().unwrap_or_else(|| "unknown".to_owned());
        *categories.entry(name).or_default() += group.totals.errors;
        let (count, last_at) = (group.totals.errors, group.totals.last_at);
        rows.push(ErrorRow { error_category, error_message, count, last_at });
    }
    rows.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.error_message.cmp(&b.error_message)));
    rows.truncate(limit);
    Ok(Errors { period: period(query.range), rows, categories })
}

/// The slowest calls.
pub fn slowest(store: &dyn Store, query: &Query, limit: usize) -> Answer<Slowest> {
    Ok(Slowest { period: period(query.range), rows: store.slowest(query, limit)? })
}

/// Calls that a method needs, now and before, for a comparison to mean anything.
const ENOUGH: u64 = 20;

/// By how much a quantile must grow: more than the 0.8 % a sketch is off, twice, and noise.
const SLOWER: f64 = 1.2;

/// Standard errors by which a failure rate must grow.
const SURE: f64 = 3.0;

/// Which method on which driver does worse than it did.
///
/// Durations are compared by their distributions: a method is slower if its median or its 95th
/// percentile grew by a fifth, or by more than 1 ms if it is that quick. Failure rates are compared
/// by the usual test of two proportions. What was lost is the difference of the means, for all
/// calls.
pub fn regressions(
    store: &dyn Store,
    query: &Query,
    baseline: TimeRange,
    limit: usize,
) -> Answer<Regressions> {
    let by = [Dimension::ModelType, Dimension::Method, Dimension::Driver];
    // Grouping by the status as well keeps apart what failures do to durations.
    let succeeded = |query: &Query| -> Answer<HashMap<GroupKey, Totals>> {
        let mut query = query.clone();
        let filtered = query.filters.iter().any(|filter| filter.dimension == Dimension::Status);
        if !filtered {
            let values = vec!["success".to_owned()];
            query.filters.push(Filter { dimension: Dimension::Status, values });
        }
        Ok(by_key(store.groups(&query, &by)?))
    };
    let past = query.during(baseline);
    let (now, before) = (store.groups(query, &by)?, by_key(store.groups(&past, &by)?));
    let (good_now, good_before) = (succeeded(query)?, succeeded(&past)?);
    let mut rows = Vec::new();
    for group in now {
        let Some(old) = before.get(&group.key) else { continue };
        let new = &group.totals;
        if new.count < ENOUGH || old.count < ENOUGH {
            continue;
        }
        let (slower, lost_ms) = match (good_now.get(&group.key), good_before.get(&group.key)) {
            (Some(new), Some(old)) => (is_slower(new, old), lost(new, old)),
            _ => (false, 0),
        };
        let fails_more = fails_more(new, old);
        if !slower && !fails_more {
            continue;
        }
        let mut key = group.key.into_iter();
        rows.push(Regression {
            model_type: key.next().flatten(),
            method: key.next().flatten(),
            driver: key.next().flatten(),
            slower,
            fails_more,
            lost_ms: if slower { lost_ms } else { 0 },
            now: Measures::from(new),
            before: Measures::from(old),
        });
    }
    rows.sort_by(|a, b| {
        let weight = |row: &Regression| (row.lost_ms, row.now.errors);
        weight(b).cmp(&weight(a))
    });
    rows.truncate(limit);
    Ok(Regressions { period: period(query.range), baseline: period(baseline), rows })
}

#[expect(clippy::cast_precision_loss, reason = "durations are far below 2^52")]
fn is_slower(new: &Totals, old: &Totals) -> bool {
    new.durations.total() >= ENOUGH
        && old.durations.total() >= ENOUGH
        && [50, 95].into_iter().any(|percent| {
            match (new.durations.percentile(percent), old.durations.percentile(percent)) {
                (Some(new), Some(old)) => new as f64 > old as f64 * SLOWER && new > old + 1,
                _ => false,
            }
        })
}

/// The time all calls took beyond what they would have taken at the old mean.
fn lost(new: &Totals, old: &Totals) -> u64 {
    let expected = u128::from(old.total_ms) * u128::from(new.count) / u128::from(old.count.max(1));
    u64::try_from(u128::from(new.total_ms).saturating_sub(expected)).unwrap_or(u64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn fails_more(new: &Totals, old: &Totals) -> bool {
    let (rate, past) = (ratio(new.errors, new.count), ratio(old.errors, old.count));
    let pooled = ratio(new.errors + old.errors, new.count + old.count);
    let spread =
        (pooled * (1.0 - pooled) * (1.0 / new.count as f64 + 1.0 / old.count as f64)).sqrt();
    rate > past && rate - past > SURE * spread
}
