//! Statistics that lack what their events say.
//!
//! A block is written in several steps by the server: its events, then from each view what goes into
//! `keys`, `rollup`, `spans` and `aliases`. A server that is killed between two of them, or has no
//! room for one, leaves events that are not counted. Which steps a block got to cannot be told
//! afterwards, as the tables of statistics are sums.
//!
//! So hours are compared with their events, and the *difference* is inserted, be it what lacks or
//! what is too much. Doing it twice changes nothing; two collectors that do it in the same moment may
//! overshoot, and the next comparison takes that back. Only hours are looked at for which nothing came
//! for a while (`settled`), since of a block that is just being written the events come first and the
//! statistics a moment later.

use std::time::Duration;

use swamp_ident::Timestamp;
use uuid::Uuid;

use super::ClickHouse;
use super::copies::Since;
use super::formats::{DAY_OF_AT, TODAY};
use super::schema::dimension_columns;
use crate::error::CollectorError;
use crate::query::{DAY, HOUR};

/// An hour of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    project: u32,
    hour: i64,
}

impl Place {
    /// The condition that a row belongs here.
    fn condition(self) -> String {
        format!("project = {} AND hour = {}", self.project, self.hour)
    }
}

impl ClickHouse {
    /// Brings statistics in line with events for hours of the last days in which nothing arrived for
    /// the time `settled`. Gives the number of hours that were touched.
    pub(super) fn put_right(
        &self,
        days: u32,
        settled: Duration,
        now: Timestamp,
    ) -> Result<u64, CollectorError> {
        // Keys of the first days are about to be dropped.
        let days = i64::from(days).min(i64::from(self.schema.location.key_days) - 2);
        let settled = i64::try_from(settled.as_millis()).unwrap_or(i64::MAX);
        let before = now.as_millis().saturating_sub(settled);
        let today = now.as_millis().div_euclid(DAY);
        let mut touched = 0;
        // Clocks that are ahead are believed for a day. One at a time: the comparison has to tell
        // the runs of a day apart.
        for day in (today - days..=today + 1).rev() {
            for place in self.differing(day, before)? {
                self.put_keys_right(place)?;
                self.put_rollup_right(place)?;
                self.put_spans_right(place)?;
                touched += 1;
            }
        }
        Ok(touched)
    }

    /// Hours of a day whose figures differ, and for which nothing arrived since `before`.
    fn differing(&self, day: i64, before: i64) -> Result<Vec<Place>, CollectorError> {
        let hours = DAY / HOUR;
        let within = format!("hour >= {} AND hour < {}", day * hours, (day + 1) * hours);
        // One row from each table for each hour; columns as the outermost SELECT names them.
        let answer = self.client.rows(&format!(
            "SELECT project, hour, sum(events_) AS e, sum(keys_) AS k, sum(calls_) AS c, \
             sum(counted_) AS n, sum(run_calls_) AS r, sum(run_counted_) AS s, \
             sum(reports_) AS t, sum(reported_) AS u, sum(spans_) AS v, sum(aliased_) AS w, \
             max(latest_) AS l FROM (\
             SELECT project, hour, count() AS events_, toUInt64(0) AS keys_, \
             toInt64(sum(kind = 2)) AS calls_, toInt64(0) AS counted_, \
             toInt64(sum(kind = 2 AND run != '')) AS run_calls_, toInt64(0) AS run_counted_, \
             uniqExactIf(run, kind = 1 AND run != '') AS reports_, toUInt64(0) AS reported_, \
             toUInt64(0) AS spans_, toUInt64(0) AS aliased_, max(received) AS latest_ \
             FROM events WHERE {within} GROUP BY project, hour \
             UNION ALL \
             SELECT project, hour, toUInt64(0), count(), toInt64(0), toInt64(0), toInt64(0), \
             toInt64(0), toUInt64(0), toUInt64(0), toUInt64(0), toUInt64(0), toInt64(0) \
             FROM keys WHERE {within} GROUP BY project, hour \
             UNION ALL \
             SELECT project, hour, toUInt64(0), toUInt64(0), toInt64(0), sum(count), toInt64(0), \
             toInt64(0), toUInt64(0), toUInt64(0), toUInt64(0), toUInt64(0), toInt64(0) \
             FROM rollup WHERE {within} GROUP BY project, hour \
             UNION ALL \
             SELECT project, hour, toUInt64(0), toUInt64(0), toInt64(0), toInt64(0), toInt64(0), \
             sum(calls), toUInt64(0), toUInt64(sum(told)), count(), toUInt64(0), toInt64(0) FROM (\
             SELECT project, hour, run, sumMerge(methods_state) AS calls, \
             maxMerge(reported_state) AS told \
             FROM spans WHERE {within} GROUP BY project, hour, run) GROUP BY project, hour \
             UNION ALL \
             SELECT project, hour, toUInt64(0), toUInt64(0), toInt64(0), toInt64(0), toInt64(0), \
             toInt64(0), toUInt64(0), toUInt64(0), toUInt64(0), uniqExact(run), toInt64(0) \
             FROM aliases WHERE {within} GROUP BY project, hour) \
             GROUP BY project, hour \
             HAVING e > 0 AND l < {before} \
             AND (e != k OR c != n OR r != s OR t != u OR v != w) ORDER BY project, hour"
        ))?;
        answer
            .lines()
            .map(|line| {
                let mut values = self.row(line);
                Ok(Place { project: values.number()?, hour: values.number()? })
            })
            .collect()
    }

    /// Keys and other names of events that have none; then what is surplus among the events is taken
    /// out, which nobody could see before.
    fn put_keys_right(&self, place: Place) -> Result<(), CollectorError> {
        let condition = place.condition();
        let not_in = self.schema.not_in();
        let unknown = format!(
            "FROM events WHERE {condition} \
             AND (key, block) {not_in} (SELECT key, block FROM keys WHERE {condition})"
        );
        let answer = self.client.rows(&format!("SELECT DISTINCT key {unknown}"))?;
        let keys: Vec<Uuid> =
            answer.lines().map(|line| self.row(line).number()).collect::<Result<_, _>>()?;
        if !keys.is_empty() {
            self.client.run_long(&format!(
                "INSERT INTO keys (key, day, block, project, hour) SELECT DISTINCT key, \
                 greatest({TODAY}, {DAY_OF_AT}) AS day, block, project, hour {unknown}"
            ))?;
            self.correct(&self.copies(&keys, Since::Ever)?)?;
        }
        self.client.run_long(&format!(
            "INSERT INTO aliases (project, alias, run, hour) \
             SELECT DISTINCT project, arrayJoin([run, root_run]) AS alias, run, hour \
             FROM events WHERE {condition} AND run != '' AND alias != ''"
        ))
    }

    fn put_rollup_right(&self, place: Place) -> Result<(), CollectorError> {
        let condition = place.condition();
        let dimensions = dimension_columns();
        // A row that an insert left twice, because it was repeated, is one.
        self.client.run_long(&format!(
            "INSERT INTO rollup (project, hour, {dimensions}, bucket, count, errors, total_ms, \
             max_ms, last_at) \
             SELECT project, hour, {dimensions}, bucket, sum(n) AS n_, sum(e) AS e_, sum(t) AS t_, \
             maxState(m), maxState(l) FROM (\
             SELECT project, hour, {dimensions}, bucket, toInt64(1) AS n, toInt64(failed) AS e, \
             toInt64(duration_ms) AS t, duration_ms AS m, at AS l FROM (\
             SELECT DISTINCT project, hour, key, block, {dimensions}, bucket, failed, duration_ms, at \
             FROM events WHERE {condition} AND kind = 2) \
             UNION ALL \
             SELECT project, hour, {dimensions}, bucket, -sum(count) AS n, -sum(errors) AS e, \
             -sum(total_ms) AS t, maxMerge(max_ms) AS m, maxMerge(last_at) AS l \
             FROM rollup WHERE {condition} GROUP BY project, hour, {dimensions}, bucket) \
             GROUP BY project, hour, {dimensions}, bucket HAVING n_ != 0 OR e_ != 0 OR t_ != 0"
        ))
    }

    fn put_spans_right(&self, place: Place) -> Result<(), CollectorError> {
        let condition = place.condition();
        self.client.run_long(&format!(
            "INSERT INTO spans (project, hour, run, first_state, reported_state, failed_state, \
             duration_ms_state, root_run_state, workflow_state, status_state, error_category_state, \
             platform_state, agent_state, methods_state, errors_state, total_ms_state) \
             SELECT project, hour, run, minState(first_), maxState(reported_), maxState(failed_), \
             maxState(duration_), maxState(root_), maxState(workflow_), maxState(status_), \
             maxState(category_), maxState(platform_), maxState(agent_), sumState(n), sumState(e), \
             sumState(t) FROM (\
             SELECT project, hour, run, min(at) AS first_, max(toUInt8(kind = 1)) AS reported_, \
             max(toUInt8(kind = 1 AND failed = 1)) AS failed_, \
             max(if(kind = 1, duration_ms, toUInt64(0))) AS duration_, max(root_run) AS root_, \
             max(toString(root_workflow)) AS workflow_, \
             max(if(kind = 1, toString(status), '')) AS status_, \
             max(if(kind = 1, toString(error_category), '')) AS category_, \
             max(toString(platform)) AS platform_, max(toString(agent)) AS agent_, \
             toInt64(sum(kind = 2)) AS n, toInt64(sum(kind = 2 AND failed = 1)) AS e, \
             toInt64(sum(if(kind = 2, duration_ms, toUInt64(0)))) AS t, \
             toInt64(max(kind = 1)) AS told FROM (\
             SELECT DISTINCT project, hour, run, key, block, kind, failed, duration_ms, at, root_run, \
             root_workflow, status, error_category, platform, agent \
             FROM events WHERE {condition} AND run != '') GROUP BY project, hour, run \
             UNION ALL \
             SELECT project, hour, run, minMerge(first_state) AS first_, \
             maxMerge(reported_state) AS reported_, maxMerge(failed_state) AS failed_, \
             maxMerge(duration_ms_state) AS duration_, maxMerge(root_run_state) AS root_, \
             maxMerge(workflow_state) AS workflow_, maxMerge(status_state) AS status_, \
             maxMerge(error_category_state) AS category_, maxMerge(platform_state) AS platform_, \
             maxMerge(agent_state) AS agent_, -sumMerge(methods_state) AS n, \
             -sumMerge(errors_state) AS e, -sumMerge(total_ms_state) AS t, \
             -toInt64(maxMerge(reported_state)) AS told \
             FROM spans WHERE {condition} GROUP BY project, hour, run) \
             GROUP BY project, hour, run \
             HAVING sum(n) != 0 OR sum(e) != 0 OR sum(t) != 0 OR sum(told) != 0"
        ))
    }
}
