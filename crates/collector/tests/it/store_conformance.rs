//! What every store must do, as one suite that is run for each of them.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use serde_json::{Value, json};
use swamp_collector::store::{Retention, RunCursor};
use swamp_collector::{
    Dimension, Filter, Interval, OTHER, Outcome, ProjectId, Query, Store, TimeRange,
};
use swamp_ident::Timestamp;

use crate::events::{child, failed, now, parent, read, with};

/// Makes the suite for a store: a module of tests, each with a fresh directory. `$open` opens the
/// store that is kept there, or makes it.
macro_rules! conformance {
    ($name:ident, $open:path) => {
        mod $name {
            $crate::store_conformance::conformance!(@tests $open:
                events_are_in_every_answer_and_count_once,
                repeats_are_told_across_restarts_and_projects,
                groups_and_filters_agree_with_counting_by_hand,
                time_ranges_are_hours,
                runs_come_together_whatever_comes_first,
                a_run_has_its_events_as_they_were_sent,
                too_many_values_become_other,
                retention_removes_events_and_keeps_statistics,
                projects_and_keys_last,
                a_backup_is_a_store,
            );
        }
    };
    (@tests $open:path: $($test:ident,)*) => {
        $(#[test]
        fn $test() {
            let directory = tempfile::tempdir().unwrap();
            let open = |path: &std::path::Path| $open(path);
            $crate::store_conformance::$test(directory.path(), &open);
        })*
    };
}
pub(crate) use conformance;

type Open<'a> = &'a dyn Fn(&std::path::Path) -> Box<dyn Store>;

fn project(store: &dyn Store) -> ProjectId {
    store.project("default").unwrap().number
}

fn append(store: &dyn Store, events: &[Value]) -> Vec<Outcome> {
    store.append(&read(project(store), events)).unwrap()
}

fn time(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn filter(dimension: Dimension, values: &[&str]) -> Filter {
    Filter { dimension, values: values.iter().map(|value| (*value).to_owned()).collect() }
}

/// Key → (count, errors, total).
fn groups(store: &dyn Store, query: &Query, by: &[Dimension]) -> BTreeMap<String, (u64, u64, u64)> {
    let key = |key: &[Option<String>]| {
        let texts: Vec<&str> = key.iter().map(|text| text.as_deref().unwrap_or("-")).collect();
        texts.join(" ")
    };
    store
        .groups(query, by)
        .unwrap()
        .into_iter()
        .map(|group| {
            let totals = &group.totals;
            (key(&group.key), (totals.count, totals.errors, totals.total_ms))
        })
        .collect()
}

const AT: &str = "2026-11-22T09:58:10.514Z";

pub fn events_are_in_every_answer_and_count_once(path: &std::path::Path, open: Open<'_>) {
    let check = |store: &dyn Store| {
        let query = Query::all(project(store));
        let total = &store.groups(&query, &[]).unwrap()[0].totals;
        assert_eq!((total.count, total.errors, total.total_ms, total.max_ms), (3, 1, 100, 60));
        assert_eq!(total.durations.percentile(50), Some(30));
        assert_eq!(total.last_at, Some(time("2026-11-22T09:58:12.000Z")));
        let counts = store.run_counts(&query).unwrap().unwrap();
        assert_eq!((counts.runs, counts.failed, counts.total_ms), (1, 1, 150));
        assert_eq!(store.series(&query, Interval::Hour, &[]).unwrap()[0].totals, *total);
        assert_eq!(store.runs(&query, None, 10).unwrap()[0].methods, 3);
        assert_eq!(store.slowest(&query, 1).unwrap()[0].duration_ms, 60);
        assert_eq!(store.slowest(&query, 1).unwrap()[0].run.as_deref(), Some("p"));
    };
    let store = open(path);
    assert_eq!(store.groups(&Query::all(project(&*store)), &[]).unwrap(), []);
    let events = [
        child("a", "p", AT, 30),
        failed(child("b", "p", "2026-11-22T09:58:12.000Z", 10), "method", "it broke"),
        child("c", "p", AT, 60),
        parent("p", "2026-11-22T09:58:10.000Z", 150, "error"),
    ];
    assert_eq!(append(&*store, &events), vec![Outcome::Stored; 4]);
    check(&*store);
    // As after a crash: nothing was closed.
    drop(store);
    let store = open(path);
    check(&*store);
    store.close().unwrap();
    drop(store);
    check(&*open(path));
}

pub fn repeats_are_told_across_restarts_and_projects(path: &std::path::Path, open: Open<'_>) {
    let store = open(path);
    let other = store.create_project("other", now()).unwrap().number;
    let two = [child("a", "p", AT, 1), child("a", "p", AT, 999)];
    assert_eq!(append(&*store, &two), [Outcome::Stored, Outcome::Duplicate]);
    drop(store);
    let store = open(path);
    assert_eq!(append(&*store, &two), [Outcome::Duplicate, Outcome::Duplicate]);
    let mut old = child("a", "p", AT, 5);
    old.as_object_mut().unwrap().remove("insert_id");
    assert_eq!(append(&*store, &[old]), [Outcome::Duplicate]);
    assert_eq!(store.append(&read(other, &two[..1])).unwrap(), [Outcome::Stored]);
    for project in [project(&*store), other] {
        let groups = groups(&*store, &Query::all(project), &[]);
        assert_eq!(groups[""], (1, 0, 1));
        assert_eq!(store.runs(&Query::all(project), None, 10).unwrap().len(), 1);
    }
}

pub fn groups_and_filters_agree_with_counting_by_hand(path: &std::path::Path, open: Open<'_>) {
    let store = open(path);
    let mut events = Vec::new();
    for (at, number) in (0..60_u64).enumerate() {
        let driver = ["raw", "docker", "ssh"][at % 3];
        let model = ["command/shell", "@acme/db"][at % 2];
        let event = child(&format!("e{number}"), &format!("p{}", number / 10), AT, number);
        let event = with(
            event,
            &[
                ("workflowContext.driver", json!(driver)),
                ("workflowContext.modelType", json!(model)),
            ],
        );
        events.push(if number % 5 == 0 { failed(event, "timeout", "late") } else { event });
    }
    append(&*store, &events);
    let query = Query::all(project(&*store));
    let by = [Dimension::Driver, Dimension::ModelType];
    let mut want: BTreeMap<String, (u64, u64, u64)> = BTreeMap::new();
    for (at, number) in (0..60_u64).enumerate() {
        let key = format!(
            "{} {}",
            ["raw", "docker", "ssh"][at % 3],
            ["command/shell", "@acme/db"][at % 2]
        );
        let entry = want.entry(key).or_default();
        *entry = (entry.0 + 1, entry.1 + u64::from(number % 5 == 0), entry.2 + number);
    }
    assert_eq!(groups(&*store, &query, &by), want);

    let only = |filters: Vec<Filter>| {
        let query = Query { filters, ..query.clone() };
        groups(&*store, &query, &[]).get("").copied().unwrap_or_default().0
    };
    assert_eq!(only(vec![filter(Dimension::Driver, &["raw"])]), 20);
    assert_eq!(only(vec![filter(Dimension::Driver, &["raw", "ssh"])]), 40);
    assert_eq!(only(vec![filter(Dimension::ErrorCategory, &["timeout"])]), 12);
    assert_eq!(only(vec![filter(Dimension::ErrorCategory, &[""])]), 48);
    assert_eq!(only(vec![filter(Dimension::Driver, &["nothing like it"])]), 0);
    assert_eq!(
        only(vec![
            filter(Dimension::Driver, &["raw"]),
            filter(Dimension::ModelType, &["@acme/db"]),
            filter(Dimension::Status, &["error"]),
        ]),
        (0..60).filter(|n| n % 3 == 0 && n % 2 == 1 && n % 5 == 0).count() as u64
    );
    assert_eq!(store.values(query.project, Dimension::Driver).unwrap(), ["docker", "raw", "ssh"]);
}

pub fn time_ranges_are_hours(path: &std::path::Path, open: Open<'_>) {
    let store = open(path);
    let at = [
        "2026-11-20T23:59:59.999Z",
        "2026-11-21T00:00:00.000Z",
        "2026-11-21T10:30:00.000Z",
        "2026-11-22T10:59:59.999Z",
        "2026-11-22T11:00:00.000Z",
    ];
    let events: Vec<Value> =
        at.iter().enumerate().map(|(n, at)| child(&format!("e{n}"), "p", at, 1 << n)).collect();
    append(&*store, &events);
    let all = Query::all(project(&*store));
    let total = |since: Option<&str>, until: Option<&str>| {
        let query = all.during(TimeRange { since: since.map(time), until: until.map(time) });
        let groups = groups(&*store, &query, &[]).get("").map_or(0, |group| group.2);
        let series = store.series(&query, Interval::Day, &[]).unwrap();
        assert_eq!(series.iter().map(|point| point.totals.total_ms).sum::<u64>(), groups);
        groups
    };
    assert_eq!(total(None, None), 31);
    assert_eq!(total(Some("2026-11-21T00:00:00.000Z"), None), 30);
    assert_eq!(total(Some("2026-11-21T00:59:00.000Z"), None), 30);
    assert_eq!(total(Some("2026-11-21T01:00:00.000Z"), None), 28);
    assert_eq!(total(None, Some("2026-11-21T00:00:00.000Z")), 1);
    assert_eq!(total(None, Some("2026-11-22T10:00:00.001Z")), 15);
    assert_eq!(total(Some("2026-11-21T00:00:00.000Z"), Some("2026-11-22T00:00:00.000Z")), 6);
    let days: Vec<String> = store
        .series(&all, Interval::Day, &[])
        .unwrap()
        .iter()
        .map(|point| format!("{} {}", point.start.date(), point.totals.count))
        .collect();
    assert_eq!(days, ["2026-11-20 1", "2026-11-21 2", "2026-11-22 2"]);
}

pub fn runs_come_together_whatever_comes_first(path: &std::path::Path, open: Open<'_>) {
    let store = open(path);
    append(&*store, &[child("a1", "a", "2026-11-22T09:00:01.000Z", 5)]);
    append(&*store, &[parent("b", "2026-11-22T10:00:00.000Z", 70, "success")]);
    append(
        &*store,
        &[
            failed(child("a2", "a", "2026-11-22T09:00:02.000Z", 6), "method", "x"),
            parent("a", "2026-11-22T08:59:59.000Z", 90, "user_error"),
            child("b1", "b", "2026-11-22T10:00:01.000Z", 7),
            child("c1", "c", "2026-11-22T11:00:00.000Z", 8),
        ],
    );
    let query = Query::all(project(&*store));
    let list = |query: &Query| -> Vec<String> {
        let runs = store.runs(query, None, 10).unwrap();
        runs.iter()
            .map(|run| {
                format!(
                    "{} {} {} {:?} {}/{} {}",
                    run.id,
                    run.status.as_deref().unwrap_or("-"),
                    run.workflow.as_deref().unwrap_or("-"),
                    run.duration_ms,
                    run.errors,
                    run.methods,
                    run.started_at
                )
            })
            .collect()
    };
    assert_eq!(
        list(&query),
        [
            "c - deploy None 0/1 2026-11-22T11:00:00.000Z",
            "b success deploy Some(70) 0/1 2026-11-22T10:00:00.000Z",
            "a user_error deploy Some(90) 1/2 2026-11-22T08:59:59.000Z",
        ]
    );
    let counts = store.run_counts(&query).unwrap().unwrap();
    assert_eq!((counts.runs, counts.failed, counts.total_ms), (3, 1, 160));
    let late =
        query.during(TimeRange { since: Some(time("2026-11-22T10:00:00.000Z")), until: None });
    assert_eq!(store.run_counts(&late).unwrap().unwrap().runs, 2);
    let by_status =
        Query { filters: vec![filter(Dimension::Status, &["success"])], ..query.clone() };
    assert_eq!(list(&by_status).len(), 1);
    assert_eq!(store.run_counts(&by_status).unwrap().unwrap().runs, 1);
    let by_driver = Query { filters: vec![filter(Dimension::Driver, &["raw"])], ..query.clone() };
    assert_eq!(store.run_counts(&by_driver).unwrap(), None);

    let mut after = None;
    let mut pages = Vec::new();
    loop {
        let page = store.runs(&query, after.as_ref(), 1).unwrap();
        let Some(run) = page.first() else { break };
        pages.push(run.id.clone());
        after = Some(RunCursor { started_at: run.started_at, id: run.id.clone() });
    }
    assert_eq!(pages, ["c", "b", "a"]);
}

pub fn a_run_has_its_events_as_they_were_sent(path: &std::path::Path, open: Open<'_>) {
    let store = open(path);
    let odd = with(child("a1", "a", AT, 5), &[("later", json!({"x": [1, null, "ü\"\n"]}))]);
    let events = [odd, parent("a", AT, 9, "success"), child("b1", "b", AT, 1)];
    append(&*store, &events);
    append(&*store, &[child("a2", "a", AT, 5)]);
    drop(store);
    let store = open(path);
    let project = project(&*store);
    for id in ["a", "run-a"] {
        let run = store.run(project, id).unwrap().unwrap();
        assert_eq!((run.summary.id.as_str(), run.summary.run_id.as_deref()), ("a", Some("run-a")));
        let mut found = run.events;
        found.sort_unstable();
        let mut want =
            [events[0].to_string(), events[1].to_string(), child("a2", "a", AT, 5).to_string()];
        want.sort_unstable();
        assert_eq!(found, want);
    }
    assert_eq!(store.run(project, "nothing").unwrap(), None);
    let mut exported = 0;
    store
        .export(&Query::all(project), &mut |_| {
            exported += 1;
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(exported, 4);
}

pub fn too_many_values_become_other(path: &std::path::Path, open: Open<'_>) {
    let store = open(path);
    let limit = swamp_collector::most_values(Dimension::Driver);
    let events: Vec<Value> = (0..limit + 50)
        .map(|number| {
            let event = child(&format!("e{number}"), "p", AT, 1);
            with(event, &[("workflowContext.driver", json!(format!("driver-{number}")))])
        })
        .collect();
    append(&*store, &events);
    drop(store);
    let store = open(path);
    append(
        &*store,
        &[with(child("more", "p", AT, 1), &[("workflowContext.driver", json!("new"))])],
    );
    let query = Query::all(project(&*store));
    let groups = groups(&*store, &query, &[Dimension::Driver]);
    assert_eq!(groups.len(), limit + 1);
    assert_eq!(groups[OTHER].0, 51);
    let cardinality = store.cardinality(query.project).unwrap();
    let driver = cardinality.iter().find(|found| found.dimension == "driver").unwrap();
    assert_eq!((driver.values, driver.limit, driver.other), (limit as u64, limit as u64, 51));
}

pub fn retention_removes_events_and_keeps_statistics(path: &std::path::Path, open: Open<'_>) {
    let store = open(path);
    append(&*store, &[child("a1", "a", AT, 5), parent("a", AT, 9, "success")]);
    let retention = |raw, rollup| Retention { raw_days: raw, raw_bytes: None, rollup_days: rollup };
    let wall = Timestamp::from_millis(jiff::Timestamp::now().as_millisecond());
    let later = wall.max(now()).plus_millis(40 * 24 * 3_600_000);
    let query = Query::all(project(&*store));
    assert_eq!(store.retain(retention(Some(90), Some(90)), later).unwrap(), 0);
    assert_eq!(store.run(query.project, "a").unwrap().unwrap().events.len(), 2);
    assert_eq!(store.retain(retention(Some(30), Some(90)), later).unwrap(), 2);
    assert_eq!(store.run(query.project, "a").unwrap().unwrap().events, Vec::<String>::new());
    assert_eq!(groups(&*store, &query, &[])[""].0, 1);
    store.retain(retention(Some(30), Some(30)), later).unwrap();
    assert_eq!(groups(&*store, &query, &[]).len(), 0);
    assert_eq!(store.runs(&query, None, 10).unwrap(), []);
    assert_eq!(store.run_counts(&query).unwrap().unwrap().runs, 0);
}

pub fn projects_and_keys_last(path: &std::path::Path, open: Open<'_>) {
    use swamp_collector::keys::{Scope, create};
    let store = open(path);
    let project = store.create_project("team-1", now()).unwrap();
    assert!(store.create_project("team-1", now()).is_err());
    assert!(store.create_project("Team 1", now()).is_err());
    let (secret, key) = create(project.number, Scope::Ingest, "ci", now()).unwrap();
    store.insert_key(&key).unwrap();
    drop(store);
    let store = open(path);
    assert_eq!(store.project("team-1").unwrap(), project);
    let found = store.find_key(&key.id).unwrap().unwrap();
    assert_eq!(found, key);
    assert!(found.opens(secret.reveal()));
    store.revoke_key(&key.id, now()).unwrap();
    assert!(!store.find_key(&key.id).unwrap().unwrap().opens(secret.reveal()));
    assert_eq!(store.keys().unwrap().len(), 1);
}

pub fn a_backup_is_a_store(path: &std::path::Path, open: Open<'_>) {
    let store = open(&path.join("one"));
    append(&*store, &[child("a1", "a", AT, 5), parent("a", AT, 9, "success")]);
    let copy = path.join("two");
    std::fs::create_dir(&copy).unwrap();
    store.backup(&copy.join("collector.db")).unwrap();
    append(&*store, &[child("a2", "a", AT, 5)]);
    let copy = open(&copy);
    assert_eq!(groups(&*copy, &Query::all(project(&*copy)), &[])[""].0, 1);
    assert_eq!(append(&*copy, &[child("a1", "a", AT, 5)]), [Outcome::Duplicate]);
}
