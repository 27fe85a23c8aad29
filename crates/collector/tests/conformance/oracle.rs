//! What the answers must be, worked out from the events one by one.

use std::collections::{BTreeMap, HashMap, HashSet};

use swamp_collector::store::{GroupKey, Totals};
use swamp_collector::{Dimension, Event, Kind, Query, Store};
use swamp_ident::Timestamp;

/// A percentile may be off by its value divided by this, rounded down: below it, by nothing.
const STATED_ERROR: u64 = swamp_sketch::Sketch::ERROR;

/// What is expected of a group.
#[derive(Default)]
pub(crate) struct Expected {
    count: u64,
    errors: u64,
    total_ms: u64,
    max_ms: u64,
    last_at: Option<Timestamp>,
    durations: Vec<u64>,
}

impl Expected {
    fn add(&mut self, event: &Event) {
        self.count += 1;
        self.errors += u64::from(event.failed);
        self.total_ms += event.duration_ms;
        self.max_ms = self.max_ms.max(event.duration_ms);
        self.last_at = self.last_at.max(Some(event.at));
        if event.timed {
            self.durations.push(event.duration_ms);
        }
    }

    fn check(mut self, totals: &Totals, what: &str) {
        assert_eq!(
            (totals.count, totals.errors, totals.total_ms, totals.max_ms, totals.last_at),
            (self.count, self.errors, self.total_ms, self.max_ms, self.last_at),
            "{what}"
        );
        self.durations.sort_unstable();
        assert_eq!(totals.durations.total(), self.durations.len() as u64, "{what}");
        for percent in [50, 95, 99] {
            let got = totals.durations.percentile(percent);
            let rank = (self.durations.len() * percent as usize).div_ceil(100).max(1);
            let want = self.durations.get(rank - 1).copied();
            let fits = match (got, want) {
                (Some(got), Some(want)) => got.abs_diff(want) * STATED_ERROR <= want,
                (got, want) => got == want,
            };
            assert!(fits, "{what}: p{percent} is {got:?}, not {want:?}");
        }
    }
}

/// Events, each once.
pub(crate) fn once(events: &[Event]) -> Vec<&Event> {
    let mut seen = HashSet::new();
    events.iter().filter(|event| seen.insert(event.key)).collect()
}

fn asked<'a>(events: &'a [Event], query: &'a Query) -> impl Iterator<Item = &'a Event> {
    once(events).into_iter().filter(move |event| {
        event.project == query.project
            && event.kind == Kind::Method
            && query.range.to_hours().contains(event.at)
            && query.filters.iter().all(|filter| {
                let value = event.text(filter.dimension).unwrap_or_default();
                filter.values.iter().any(|wanted| wanted == value)
            })
    })
}

fn key(event: &Event, by: &[Dimension]) -> GroupKey {
    by.iter().map(|dimension| event.text(*dimension).map(str::to_owned)).collect()
}

/// Asks for groups and compares them.
pub(crate) fn check_groups(store: &dyn Store, events: &[Event], query: &Query, by: &[Dimension]) {
    let mut expected: HashMap<GroupKey, Expected> = HashMap::new();
    for event in asked(events, query) {
        expected.entry(key(event, by)).or_default().add(event);
    }
    let what = format!("{by:?} of {query:?}");
    for group in store.groups(query, by).unwrap() {
        let want = expected.remove(&group.key);
        let want = want.unwrap_or_else(|| panic!("{what}: {:?} is too much", group.key));
        want.check(&group.totals, &format!("{what}: {:?}", group.key));
    }
    assert!(expected.is_empty(), "{what}: missing {:?}", expected.keys());
}

/// Asks for a series and compares it.
pub(crate) fn check_series(
    store: &dyn Store,
    events: &[Event],
    query: &Query,
    interval: swamp_collector::Interval,
    by: &[Dimension],
) {
    let mut expected: BTreeMap<(Timestamp, GroupKey), Expected> = BTreeMap::new();
    for event in asked(events, query) {
        let slot = (interval.start(event.at), key(event, by));
        expected.entry(slot).or_default().add(event);
    }
    let points = store.series(query, interval, by).unwrap();
    assert!(points.windows(2).all(|two| two[0].start <= two[1].start));
    for point in points {
        let slot = (point.start, point.key);
        let want = expected.remove(&slot).unwrap_or_else(|| panic!("{slot:?} is too much"));
        want.check(&point.totals, &format!("{slot:?}"));
    }
    assert!(expected.is_empty(), "missing {:?}", expected.keys());
}
