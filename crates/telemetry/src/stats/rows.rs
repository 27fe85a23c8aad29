//! Rows of a table: what is counted together, its numbers, and the same in the period before.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use super::tally::{Cell, Numbers, Tally, ratio};
use crate::facts::{Dimension, Key, NameId, Names};

/// Which rows, and in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// What calls of one row have in common.
    pub by: Vec<Dimension>,
    /// Only calls by steps in the file of this workflow.
    pub workflow: Option<String>,
    /// Only rows with failures, those with most of them first.
    pub failing: bool,
    /// Only so many rows, those with the longest 95th percentile first.
    pub slowest: Option<usize>,
}

/// A row.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What these have in common: a name for each of the dimensions asked for, absent where entries
    /// do not have one.
    pub key: Vec<(&'static str, Option<Arc<str>>)>,
    /// Their numbers.
    pub numbers: Numbers,
    /// Their time as a part of the time of all rows, 0 to 1.
    pub share: f64,
    /// The same in the period before; absent if there was nothing then.
    pub before: Option<Before>,
}

/// What a row was in the period before.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Before {
    /// How many.
    pub calls: u64,
    /// Those that failed.
    pub failed: u64,
    /// `failed` as a part of `calls`, 0 to 1.
    pub failure_rate: f64,
    /// Half of them took at most this, in milliseconds.
    pub p50_ms: Option<u64>,
    /// 95 per cent took at most this, in milliseconds.
    pub p95_ms: Option<u64>,
    /// All together, in milliseconds.
    pub total_ms: u64,
}

/// How much more (or, if negative, less) than in the period before.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// How many more.
    pub calls: i64,
    /// By how much the failure rate rose, -1 to 1.
    pub failure_rate: f64,
    /// By how much the median rose, in milliseconds.
    pub p50_ms: Option<i64>,
    /// By how much the 95th percentile rose, in milliseconds.
    pub p95_ms: Option<i64>,
    /// How much more time, in milliseconds.
    pub total_ms: i64,
}

impl Row {
    /// What is different from the period before, if there was anything then.
    pub fn change(&self) -> Option<Change> {
        let (now, before) = (&self.numbers, self.before.as_ref()?);
        let more = |now: Option<u64>, before: Option<u64>| Some(difference(now?, before?));
        Some(Change {
            calls: difference(now.calls, before.calls),
            failure_rate: now.failure_rate - before.failure_rate,
            p50_ms: more(now.p50_ms, before.p50_ms),
            p95_ms: more(now.p95_ms, before.p95_ms),
            total_ms: difference(now.total_ms, before.total_ms),
        })
    }
}

fn difference(now: u64, before: u64) -> i64 {
    let signed = |number| i64::try_from(number).unwrap_or(i64::MAX);
    signed(now) - signed(before)
}

impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Rest<'a> {
            #[serde(flatten)]
            numbers: &'a Numbers,
            share: f64,
            before: &'a Option<Before>,
            change: Option<Change>,
        }

        #[derive(Serialize)]
        struct Whole<'a> {
            #[serde(flatten)]
            key: Names<'a>,
            #[serde(flatten)]
            rest: Rest<'a>,
        }

        struct Names<'a>(&'a [(&'static str, Option<Arc<str>>)]);

        impl Serialize for Names<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut map = serializer.serialize_map(Some(self.0.len()))?;
                for (name, value) in self.0 {
                    map.serialize_entry(name, &value.as_deref())?;
                }
                map.end()
            }
        }

        let (numbers, share, before) = (&self.numbers, self.share, &self.before);
        let rest = Rest { numbers, share, before, change: self.change() };
        Whole { key: Names(&self.key), rest }.serialize(serializer)
    }
}

/// Entries by key, in a period and in the one before.
#[derive(Debug, Default)]
pub(super) struct Cells {
    pub(super) now: HashMap<Key, Cell>,
    pub(super) before: HashMap<Key, Cell>,
}

impl Cells {
    /// All that are wanted in one row without a name.
    pub(super) fn total(&self, names: &Names, wanted: impl Fn(&Key) -> bool) -> Row {
        let together = |cells: &HashMap<Key, Cell>| {
            let mut tally = Tally::default();
            for (key, cell) in cells.iter().filter(|(key, _)| wanted(key)) {
                tally.add(key, cell);
            }
            tally.finish(names)
        };
        let numbers = together(&self.now);
        let before = Some(together(&self.before)).filter(|before| before.calls > 0);
        let share = if numbers.total_ms == 0 { 0.0 } else { 1.0 };
        Row { key: Vec::new(), numbers, share, before: before.as_ref().map(Before::of) }
    }

    /// One row for each group of those that are wanted, most calls first. `group` is what a group has
    /// in common, `told` what is said about it.
    pub(super) fn rows(
        &self,
        names: &Names,
        wanted: impl Fn(&Key) -> bool,
        group: impl Fn(&Key) -> Key,
        told: impl Fn(&Key) -> Vec<(&'static str, NameId)>,
    ) -> Vec<Row> {
        let group_all = |cells: &HashMap<Key, Cell>| {
            let mut tallies: HashMap<Key, Tally> = HashMap::new();
            for (key, cell) in cells.iter().filter(|(key, _)| wanted(key)) {
                tallies.entry(group(key)).or_default().add(key, cell);
            }
            tallies
        };
        let before = group_all(&self.before);
        let mut rows: Vec<Row> = group_all(&self.now)
            .iter()
            .map(|(key, tally)| Row {
                key: told(key).iter().map(|(name, id)| (*name, names.get(*id).cloned())).collect(),
                numbers: tally.finish(names),
                share: 0.0,
                before: before.get(key).map(|tally| Before::of(&tally.finish(names))),
            })
            .collect();
        let total = rows.iter().fold(0, |sum: u64, row| sum.saturating_add(row.numbers.total_ms));
        for row in rows.iter_mut().filter(|_| total > 0) {
            row.share = ratio(row.numbers.total_ms, total);
        }
        rows.sort_by(|a, b| b.numbers.calls.cmp(&a.numbers.calls).then_with(|| a.key.cmp(&b.key)));
        rows
    }
}

impl Before {
    fn of(numbers: &Numbers) -> Self {
        let Numbers { calls, failed, failure_rate, p50_ms, p95_ms, total_ms, .. } = *numbers;
        Self { calls, failed, failure_rate, p50_ms, p95_ms, total_ms }
    }
}

impl Rows {
    /// Leaves out the rows that are not wanted, and puts the others in order.
    pub(super) fn choose(&self, rows: &mut Vec<Row>) {
        if self.failing {
            rows.retain(|row| row.numbers.failed > 0);
            rows.sort_by_key(|row| Reverse(row.numbers.failed));
        }
        if let Some(most) = self.slowest {
            rows.sort_by_key(|row| Reverse(row.numbers.p95_ms));
            rows.truncate(most);
        }
    }
}
