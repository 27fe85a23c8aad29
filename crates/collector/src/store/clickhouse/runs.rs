//! Questions about runs.
//!
//! A run is put together from the rows of `spans`, one for each hour it touches. When it began is the
//! least of them, so rows from before the range that is asked for are looked at too: those of
//! [`LOOK_BACK`] hours. A run that was silent for longer than that is taken for two.

use swamp_ident::Timestamp;

use super::ClickHouse;
use super::questions::Values;
use super::text::{list, literal, literals};
use crate::dimension::Dimension;
use crate::error::CollectorError;
use crate::event::ProjectId;
use crate::query::{Filter, HOUR, Query, TimeRange};
use crate::store::{RunCounts, RunCursor, RunEvents, RunSummary};

/// Hours before a range in which runs may have begun that have calls in it.
const LOOK_BACK: i64 = 72;

/// Hours that are looked at for a page of runs; more if these have too few.
const WINDOWS: [i64; 3] = [24, 24 * 30, i64::MAX];

/// What is known of a run, as columns.
const FIELDS: &str = "run, minMerge(first_state) AS began, maxMerge(reported_state) AS told, \
    maxMerge(failed_state) AS bad, maxMerge(duration_ms_state) AS took, maxMerge(root_run_state) AS root, \
    maxMerge(workflow_state) AS flow, maxMerge(status_state) AS ended, maxMerge(error_category_state) AS why, \
    maxMerge(platform_state) AS system, maxMerge(agent_state) AS driven, sumMerge(methods_state) AS calls, \
    sumMerge(errors_state) AS bad_calls, sumMerge(total_ms_state) AS busy";

/// What filters ask of a run; `None` if one of them cannot be asked.
fn asked(query: &Query) -> Option<Vec<String>> {
    query.filters.iter().map(asked_by).collect()
}

fn asked_by(filter: &Filter) -> Option<String> {
    let column = match filter.dimension {
        Dimension::Workflow => "flow",
        Dimension::Status => "ended",
        Dimension::Platform => "system",
        Dimension::Agent => "driven",
        _ => return None,
    };
    if filter.values.is_empty() {
        return Some("0".to_owned());
    }
    Some(format!("{column} IN {}", literals(filter.values.iter().map(String::as_str))))
}

/// The conditions of when a run began.
fn began_in(range: TimeRange) -> Vec<String> {
    let since = range.since.map(|since| format!("began >= {}", since.as_millis()));
    let until = range.until.map(|until| format!("began < {}", until.as_millis()));
    since.into_iter().chain(until).collect()
}

fn all_of(conditions: &[String]) -> String {
    if conditions.is_empty() { "1".to_owned() } else { conditions.join(" AND ") }
}

fn hour(time: Timestamp) -> i64 {
    time.as_millis().div_euclid(HOUR)
}

impl ClickHouse {
    pub(super) fn counts(&self, query: &Query) -> Result<Option<RunCounts>, CollectorError> {
        let Some(mut having) = asked(query) else { return Ok(None) };
        let range = query.range.to_hours();
        having.extend(began_in(range));
        let having = all_of(&having);
        let mut place = vec![format!("project = {}", query.project.0)];
        place.extend(range.since.map(|since| format!("hour >= {}", hour(since) - LOOK_BACK)));
        place.extend(range.until.map(|until| format!("hour < {}", hour(until))));
        let place = place.join(" AND ");
        let answer = self.client.rows(&format!(
            "SELECT count(), sum(if(told = 1, bad = 1, bad_calls > 0)), sum(took) FROM (\
             SELECT {FIELDS} FROM spans WHERE {place} GROUP BY run HAVING {having})"
        ))?;
        let mut values = self.row(answer.trim_end());
        Ok(Some(RunCounts {
            runs: values.number()?,
            failed: values.number()?,
            total_ms: values.number()?,
        }))
    }

    pub(super) fn page(
        &self,
        query: &Query,
        after: Option<&RunCursor>,
        limit: usize,
    ) -> Result<Vec<RunSummary>, CollectorError> {
        let project = query.project.0;
        let answer = self.client.rows(&format!(
            "SELECT count(), min(hour), max(hour) FROM spans WHERE project = {project}"
        ))?;
        let mut values = self.row(answer.trim_end());
        let (count, first, last): (u64, i64, i64) =
            (values.number()?, values.number()?, values.number()?);
        if count == 0 || limit == 0 {
            return Ok(Vec::new());
        }
        let mut end = last;
        let ends = [query.range.until, after.map(|after| after.started_at)];
        for time in ends.into_iter().flatten() {
            end = end.min(hour(time));
        }
        let first = query.range.since.map_or(first, |since| first.max(hour(since)));
        let mut having = began_in(query.range);
        having.extend(query.filters.iter().filter_map(asked_by));
        having.extend(after.map(|RunCursor { started_at, id }| {
            let (at, id) = (started_at.as_millis(), literal(id));
            format!("(began < {at} OR (began = {at} AND run < {id}))")
        }));
        let having = all_of(&having);
        let mut runs = Vec::new();
        for window in WINDOWS {
            let from = end.saturating_sub(window).max(first);
            let answer = self.client.rows(&format!(
                "SELECT {FIELDS} FROM spans WHERE project = {project} AND hour >= {} \
                 AND hour <= {} GROUP BY run HAVING {having} AND began >= {} \
                 ORDER BY began DESC, run DESC LIMIT {limit}",
                from - LOOK_BACK,
                // Calls of a run that began before the end may come after it.
                end.saturating_add(LOOK_BACK),
                from.saturating_mul(HOUR),
            ))?;
            runs = self.summaries(query.project, &answer)?;
            if runs.len() >= limit || from == first {
                break;
            }
        }
        Ok(runs)
    }

    pub(super) fn one(
        &self,
        project: ProjectId,
        id: &str,
    ) -> Result<Option<RunEvents>, CollectorError> {
        let number = project.0;
        let answer = self.client.rows(&format!(
            "SELECT DISTINCT run, hour FROM aliases WHERE project = {number} AND alias = {} \
             ORDER BY run, hour",
            literal(id)
        ))?;
        let mut found: Vec<(String, i64)> = Vec::new();
        for line in answer.lines() {
            let mut values = self.row(line);
            found.push((values.text()?, values.number()?));
        }
        // The id of a command goes before that of a run.
        let Some(run) = found
            .iter()
            .find(|(run, _)| run == id)
            .or_else(|| found.iter().max_by_key(|(_, hour)| *hour))
            .map(|(run, _)| run.clone())
        else {
            return Ok(None);
        };
        let answer = self.client.rows(&format!(
            "SELECT DISTINCT hour FROM aliases WHERE project = {number} AND alias = {}",
            literal(&run)
        ))?;
        let hours = list(answer.lines());
        let run = literal(&run);
        let answer = self.client.rows(&format!(
            "SELECT {FIELDS} FROM spans WHERE project = {number} AND hour IN {hours} \
             AND run = {run} GROUP BY run"
        ))?;
        let Some(summary) = self.summaries(project, &answer)?.pop() else { return Ok(None) };
        let answer = self.client.rows(&format!(
            "SELECT DISTINCT key, raw FROM events WHERE project = {number} AND hour IN {hours} \
             AND run = {run} AND {}",
            self.counting(project)
        ))?;
        let raw = |line: &str| line.split_once('\t').map(|(_, raw)| super::text::unescaped(raw));
        let events = answer.lines().filter_map(raw).collect();
        Ok(Some(RunEvents { summary, events }))
    }

    /// The condition that an event is not a surplus copy.
    pub(super) fn counting(&self, project: ProjectId) -> String {
        format!(
            "(key, block) {} (SELECT key, block FROM corrections WHERE project = {})",
            self.schema.not_in(),
            project.0
        )
    }

    /// Runs from rows of [`FIELDS`], less what does not count.
    fn summaries(
        &self,
        project: ProjectId,
        answer: &str,
    ) -> Result<Vec<RunSummary>, CollectorError> {
        let mut runs =
            answer.lines().map(|line| summary(self.row(line))).collect::<Result<Vec<_>, _>>()?;
        if runs.is_empty() {
            return Ok(runs);
        }
        let ids = literals(runs.iter().map(|run| run.id.as_str()));
        let corrections = self.client.rows(&format!(
            "SELECT run, -sum(count), -sum(errors), -sum(total_ms) FROM corrections FINAL \
             WHERE project = {} AND run IN {ids} GROUP BY run",
            project.0
        ))?;
        for line in corrections.lines() {
            let mut values = self.row(line);
            let id = values.text()?;
            let (count, errors, total) = (values.sum()?, values.sum()?, values.sum()?);
            for run in runs.iter_mut().filter(|run| run.id == id) {
                run.methods = run.methods.saturating_sub(count);
                run.errors = run.errors.saturating_sub(errors);
                run.total_ms = run.total_ms.saturating_sub(total);
            }
        }
        Ok(runs)
    }
}

fn summary(mut values: Values<'_>) -> Result<RunSummary, CollectorError> {
    let id = values.text()?;
    let started_at = values.time()?;
    let reported = values.number::<u8>()? == 1;
    let _failed: u8 = values.number()?;
    let duration: u64 = values.number()?;
    Ok(RunSummary {
        id,
        started_at,
        duration_ms: reported.then_some(duration),
        run_id: values.optional()?,
        workflow: values.optional()?,
        status: values.optional()?,
        error_category: values.optional()?,
        platform: values.optional()?,
        agent: values.optional()?,
        methods: values.sum()?,
        errors: values.sum()?,
        total_ms: values.sum()?,
    })
}
