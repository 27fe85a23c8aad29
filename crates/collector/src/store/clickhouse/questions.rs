//! Questions about statistics.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use swamp_ident::Timestamp;

use super::ClickHouse;
use super::schema::{UNTIMED, column};
use super::text::{literals, unescaped};
use crate::dimension::Dimension;
use crate::error::CollectorError;
use crate::query::{HOUR, Interval, Query, TimeRange};
use crate::store::{Group, GroupKey, Point, SlowCall, Totals};

/// The values of one row of an answer.
pub(super) struct Values<'a> {
    line: &'a str,
    rest: std::str::Split<'a, char>,
    clickhouse: &'a ClickHouse,
}

impl Values<'_> {
    pub(super) fn text(&mut self) -> Result<String, CollectorError> {
        self.rest.next().map(unescaped).ok_or_else(|| self.clickhouse.senseless(self.line))
    }

    /// A text; empty stands for none.
    pub(super) fn optional(&mut self) -> Result<Option<String>, CollectorError> {
        self.text().map(|text| (!text.is_empty()).then_some(text))
    }

    pub(super) fn number<T: std::str::FromStr>(&mut self) -> Result<T, CollectorError> {
        let value = self.rest.next().and_then(|value| value.parse().ok());
        value.ok_or_else(|| self.clickhouse.senseless(self.line))
    }

    /// A sum, which is never below 0 once all corrections are in.
    pub(super) fn sum(&mut self) -> Result<u64, CollectorError> {
        self.number::<i64>().map(|sum| u64::try_from(sum).unwrap_or(0))
    }

    pub(super) fn time(&mut self) -> Result<Timestamp, CollectorError> {
        self.number().map(Timestamp::from_millis)
    }
}

/// The conditions that a project and a range of hours make.
pub(super) fn hours(query: &Query) -> Vec<String> {
    let TimeRange { since, until } = query.range.to_hours();
    let hour = |time: Timestamp| time.as_millis().div_euclid(HOUR);
    let mut conditions = vec![format!("project = {}", query.project.0)];
    conditions.extend(since.map(|since| format!("hour >= {}", hour(since))));
    conditions.extend(until.map(|until| format!("hour < {}", hour(until))));
    conditions
}

fn condition(query: &Query) -> String {
    let mut conditions = hours(query);
    conditions.extend(query.filters.iter().map(|filter| {
        let values = literals(filter.values.iter().map(String::as_str));
        // An empty list is no list to 18.16.
        if filter.values.is_empty() {
            "0".to_owned()
        } else {
            format!("{} IN {values}", column(filter.dimension))
        }
    }));
    conditions.join(" AND ")
}

impl ClickHouse {
    /// The rows of an answer, taken apart.
    pub(super) fn row<'a>(&'a self, line: &'a str) -> Values<'a> {
        Values { line, rest: line.split('\t'), clickhouse: self }
    }

    /// Sums of statistics, one row for each slot of time, group and bucket: what the roll-up has,
    /// less the corrections.
    fn sums(
        &self,
        query: &Query,
        slot: &str,
        by: &[Dimension],
    ) -> Result<Vec<(i64, GroupKey, Totals)>, CollectorError> {
        let condition = condition(query);
        let columns: String = by.iter().flat_map(|dimension| [column(*dimension), ", "]).collect();
        let answer = self.client.rows(&format!(
            "SELECT slot, {columns}bucket, sum(n), sum(e), sum(t), max(m), max(l) FROM (\
             SELECT {slot} AS slot, {columns}bucket, sum(count) AS n, sum(errors) AS e, \
             sum(total_ms) AS t, maxMerge(max_ms) AS m, maxMerge(last_at) AS l \
             FROM rollup WHERE {condition} GROUP BY slot, {columns}bucket \
             UNION ALL \
             SELECT {slot} AS slot, {columns}bucket, count AS n, errors AS e, total_ms AS t, \
             toUInt64(0) AS m, toInt64(0) AS l \
             FROM corrections FINAL WHERE {condition}) \
             GROUP BY slot, {columns}bucket"
        ))?;
        let mut places: HashMap<(i64, GroupKey), usize> = HashMap::new();
        let mut sums: Vec<(i64, GroupKey, Totals)> = Vec::new();
        for line in answer.lines() {
            let mut values = self.row(line);
            let slot: i64 = values.number()?;
            let key: GroupKey = by.iter().map(|_| values.optional()).collect::<Result<_, _>>()?;
            let bucket: u16 = values.number()?;
            let count = values.sum()?;
            if count == 0 {
                continue;
            }
            let place = match places.entry((slot, key)) {
                Entry::Occupied(entry) => *entry.get(),
                Entry::Vacant(entry) => {
                    let (slot, key) = entry.key().clone();
                    sums.push((slot, key, Totals::default()));
                    *entry.insert(sums.len() - 1)
                }
            };
            let totals = &mut sums[place].2;
            totals.count += count;
            totals.errors += values.sum()?;
            totals.total_ms += values.sum()?;
            totals.max_ms = totals.max_ms.max(values.number()?);
            totals.last_at = totals.last_at.max(Some(values.time()?));
            if bucket != UNTIMED {
                totals.durations.add_bin(bucket, count);
            }
        }
        Ok(sums)
    }

    pub(super) fn grouped(
        &self,
        query: &Query,
        by: &[Dimension],
    ) -> Result<Vec<Group>, CollectorError> {
        // Shards do not take a constant for a column.
        let sums = self.sums(query, "hour * 0", by)?;
        Ok(sums.into_iter().map(|(_, key, totals)| Group { key, totals }).collect())
    }

    pub(super) fn over_time(
        &self,
        query: &Query,
        interval: Interval,
        by: &[Dimension],
    ) -> Result<Vec<Point>, CollectorError> {
        let length = interval.millis() / HOUR;
        let sums = self.sums(query, &format!("intDiv(hour, {length})"), by)?;
        let mut points: Vec<Point> = sums
            .into_iter()
            .map(|(slot, key, totals)| Point {
                start: Timestamp::from_millis(slot * interval.millis()),
                key,
                totals,
            })
            .collect();
        points.sort_by(|a, b| (a.start, &a.key).cmp(&(b.start, &b.key)));
        Ok(points)
    }

    pub(super) fn slow_calls(
        &self,
        query: &Query,
        limit: usize,
    ) -> Result<Vec<SlowCall>, CollectorError> {
        let condition = condition(query);
        let dimensions = super::schema::dimension_columns();
        let answer = self.client.rows(&format!(
            "SELECT driver, model_type, method, workflow, job, step, status, max(duration_ms) AS m, \
             argMax(at, duration_ms) AS a, argMax(run, duration_ms) AS r \
             FROM events WHERE {condition} AND kind = 2 \
             GROUP BY hour, {dimensions} ORDER BY m DESC, a DESC LIMIT {limit}"
        ))?;
        answer
            .lines()
            .map(|line| {
                let mut values = self.row(line);
                Ok(SlowCall {
                    driver: values.optional()?,
                    model_type: values.optional()?,
                    method: values.optional()?,
                    workflow: values.optional()?,
                    job: values.optional()?,
                    step: values.optional()?,
                    status: values.optional()?,
                    duration_ms: values.number()?,
                    started_at: values.time()?,
                    run: values.optional()?,
                })
            })
            .collect()
    }
}
