//! Which questions each page asks.

use swamp_dashboard::page::{
    Breakdown, CategoryCount, Column, Errors, Failures, Overview, Run, Runs, Slowest, Subject,
    SubjectKind,
};
use swamp_dashboard::{Calls, Outcome};
use swamp_ident::Timestamp;

use super::{Request, fill};
use crate::answer;
use crate::api::questions;
use crate::dimension::Dimension;
use crate::error::CollectorError;
use crate::query::{DAY, Filter, Query, TimeRange};
use crate::store::{RunCursor, Store, Totals};

type Made = Result<String, CollectorError>;

/// Rows of a table on a page that has several.
const FEW: usize = 8;

/// Rows of a table that is what its page is about.
const MANY: usize = 100;

/// Groups of a breakdown that are looked at.
const GROUPS: usize = 5_000;

/// What regressions are compared with, at least, in milliseconds: a week has every kind of day.
const PAST: i64 = 7 * DAY;

pub(super) fn overview(store: &dyn Store, request: &Request) -> Made {
    let (query, now) = (&request.query, request.shell.now);
    let (summary, before) = fill::summary(&questions::summary(store, query, true, now)?);
    let groups = |by: &[Dimension]| -> Result<_, CollectorError> {
        Ok(fill::groups(questions::breakdown(store, query, by, FEW, true, now)?))
    };
    let regressions = questions::regressions(store, query, baseline(query, now), FEW)?;
    let page = Overview {
        summary,
        before,
        series: fill::series(store, query, now)?,
        regressions: regressions.rows.into_iter().map(fill::regression).collect(),
        failures: failures(store, query, FEW)?.0,
        failed_runs: runs_of(store, &failed(query), FEW)?,
        by_driver: groups(&[Dimension::Driver])?,
        by_method: groups(&[Dimension::ModelType, Dimension::Method])?,
        by_workflow: groups(&[Dimension::Workflow])?,
    };
    Ok(page.render(&request.shell))
}

pub(super) fn breakdown(store: &dyn Store, request: &Request) -> Made {
    let (query, now) = (&request.query, request.shell.now);
    let mut by = Vec::new();
    for name in request.params.all("by").flat_map(|list| list.split(',')) {
        if let Some(dimension) = Dimension::parse(name)
            && !by.contains(&dimension)
        {
            by.push(dimension);
        }
    }
    if by.is_empty() {
        by = vec![Dimension::Driver, Dimension::ModelType, Dimension::Method];
    }
    let page = Breakdown {
        sort: request.params.get("sort").and_then(Column::parse).unwrap_or(Column::Time),
        calls: calls(store, query)?,
        series: fill::series(store, query, now)?,
        groups: fill::groups(questions::breakdown(store, query, &by, GROUPS, true, now)?),
        by,
    };
    Ok(page.render(&request.shell))
}

pub(super) fn methods(store: &dyn Store, request: &Request) -> Made {
    subject(store, request, SubjectKind::Method, Dimension::Method)
}

pub(super) fn workflows(store: &dyn Store, request: &Request) -> Made {
    subject(store, request, SubjectKind::Workflow, Dimension::Workflow)
}

/// The page of one, if the view names one, else the list of all.
fn subject(store: &dyn Store, request: &Request, kind: SubjectKind, named: Dimension) -> Made {
    let (query, now) = (&request.query, request.shell.now);
    let groups = |by: &[Dimension]| -> Result<_, CollectorError> {
        Ok(fill::groups(questions::breakdown(store, query, by, MANY, true, now)?))
    };
    let (summary, before) = fill::summary(&questions::summary(store, query, true, now)?);
    let series = fill::series(store, query, now)?;
    let one = request.shell.view.only(named).is_some();
    let mut page = Subject {
        kind,
        summary,
        before,
        series,
        parts: groups(if one { kind.parts_by() } else { kind.list_by() })?,
        uses: Vec::new(),
        failures: Vec::new(),
        slowest: Vec::new(),
        runs: Vec::new(),
    };
    if !one {
        return Ok(page.render_list(&request.shell));
    }
    page.uses = groups(kind.uses_by())?;
    page.failures = failures(store, query, FEW)?.0;
    page.slowest = store.slowest(query, FEW)?.into_iter().map(fill::slow_call).collect();
    if kind == SubjectKind::Workflow {
        page.runs = runs_of(store, query, FEW)?;
    }
    Ok(page.render(&request.shell))
}

pub(super) fn runs(store: &dyn Store, request: &Request) -> Made {
    let query = &request.query;
    let after = match request.params.get("after") {
        None | Some("") => None,
        Some(text) => Some(questions::read_cursor(text).ok_or_else(|| {
            CollectorError::Invalid("The link to older runs is damaged".to_owned())
        })?),
    };
    let answer = questions::runs(store, query, after.as_ref(), MANY)?;
    let of_runs = |filter: &Filter| {
        matches!(
            filter.dimension,
            Dimension::Workflow | Dimension::Status | Dimension::Platform | Dimension::Agent
        )
    };
    let page = Runs {
        runs: answer.runs.into_iter().map(fill::run_line).collect(),
        next: answer.next,
        first: after.is_none(),
        ignores_filters: !query.filters.iter().all(of_runs),
    };
    Ok(page.render(&request.shell))
}

pub(super) fn run(store: &dyn Store, request: &Request, id: &str) -> Made {
    let answer = questions::run(store, &request.query, id)?;
    let (summary, parent) = (answer.summary, answer.parent.unwrap_or_default());
    let text = |pointer: &str| parent.pointer(pointer).and_then(|value| value.as_str());
    let mut facts = Vec::new();
    for (label, value) in [
        ("Platform", summary.platform.as_deref()),
        ("Agent", summary.agent.as_deref()),
        ("CI", text("/invocationContext/ciSystem")),
        ("Version", text("/swampVersion")),
        ("Trace", text("/traceId")),
    ] {
        if let Some(value) = value {
            facts.push((label, value.to_owned()));
        }
    }
    let message = text("/result/errorMessage").map(str::to_owned);
    let line = fill::run_line(summary);
    let page = Run {
        message: message.filter(|_| line.outcome != Outcome::Succeeded),
        id: line.id,
        workflow: line.workflow,
        outcome: line.outcome,
        category: line.category,
        started: line.started,
        duration_ms: line.duration_ms,
        calls: line.calls,
        failed: line.failed,
        facts,
        runs: answer.children.into_iter().map(fill::nested_run).collect(),
        only_failures: request.params.get("show") == Some("failures"),
    };
    Ok(page.render(&request.shell))
}

pub(super) fn errors(store: &dyn Store, request: &Request) -> Made {
    let (query, now) = (&request.query, request.shell.now);
    let (rows, categories) = failures(store, query, MANY)?;
    let before = match query.range.to_hours().before(now) {
        Some(before) => Some(questions::errors(store, &query.during(before), 1)?.categories),
        None => None,
    };
    let mut categories: Vec<CategoryCount> = categories
        .into_iter()
        .map(|(category, count)| CategoryCount {
            before: before.as_ref().map(|before| before.get(&category).copied().unwrap_or(0)),
            category: Some(category).filter(|category| category != "unknown"),
            count,
        })
        .collect();
    categories.sort_by_key(|row| std::cmp::Reverse(row.count));
    let page = Errors {
        calls: calls(store, query)?,
        series: fill::series(store, query, now)?,
        categories,
        failures: rows,
    };
    Ok(page.render(&request.shell))
}

pub(super) fn slowest(store: &dyn Store, request: &Request) -> Made {
    let calls = store.slowest(&request.query, MANY)?.into_iter().map(fill::slow_call).collect();
    Ok(Slowest { calls }.render(&request.shell))
}

fn calls(store: &dyn Store, query: &Query) -> Result<Calls, CollectorError> {
    let mut totals = Totals::default();
    for group in store.groups(query, &[])? {
        totals.merge(&group.totals);
    }
    Ok(fill::calls(&totals))
}

fn failures(
    store: &dyn Store,
    query: &Query,
    limit: usize,
) -> Result<(Vec<Failures>, std::collections::BTreeMap<String, u64>), CollectorError> {
    let answer = questions::errors(store, query, limit)?;
    let row = |row: answer::ErrorRow| Failures {
        category: row.error_category,
        message: row.error_message,
        count: row.count,
        last: row.last_at,
    };
    Ok((answer.rows.into_iter().map(row).collect(), answer.categories))
}

fn runs_of(
    store: &dyn Store,
    query: &Query,
    limit: usize,
) -> Result<Vec<swamp_dashboard::page::RunLine>, CollectorError> {
    let none: Option<&RunCursor> = None;
    Ok(store.runs(query, none, limit)?.into_iter().map(fill::run_line).collect())
}

/// The same question about what failed.
fn failed(query: &Query) -> Query {
    let mut query = query.clone();
    query.filters.retain(|filter| filter.dimension != Dimension::Status);
    let values = vec!["error".to_owned(), "user_error".to_owned()];
    query.filters.push(Filter { dimension: Dimension::Status, values });
    query
}

/// What the period is compared with to find what got worse: as long a time before it, and at least
/// a week.
fn baseline(query: &Query, now: Timestamp) -> TimeRange {
    let range = query.range.to_hours();
    let until = range.until.unwrap_or(now).as_millis();
    let since = range.since.unwrap_or(now);
    let length = (until - since.as_millis()).max(PAST);
    TimeRange { since: Some(since.plus_millis(-length)), until: Some(since) }
}
