//! What is particular to a store in a ClickHouse: how long it knows repeats, what it makes of older
//! formats, and of statistics that lack something.

use std::ops::ControlFlow;
use std::time::Duration;

use swamp_collector::keys::DEFAULT_PROJECT;
use swamp_collector::store::Retention;
use swamp_collector::{DAY, Dimension, Event, Outcome, ProjectId, Query, Store};
use swamp_ident::Timestamp;

use crate::engines::sql;
use crate::events::{call, read_at, run};
use crate::oracle::check_groups;
use crate::{Case, Place};

pub(crate) const ALL: &[Case] = &[
    ("keys_are_forgotten_after_their_time", keys_are_forgotten),
    ("events_are_known_beyond_their_keys", events_are_known_beyond_their_keys),
    ("a_clock_that_is_ahead_does_not_hide_a_repeat", clock_ahead),
    ("a_repeat_takes_out_what_is_surplus", a_repeat_takes_out_what_is_surplus),
    ("the_first_format_is_brought_up_to_date", the_first_format),
    ("merges_change_no_answer", merges_change_no_answer),
    ("what_is_too_old_leaves_every_table", retention),
    ("statistics_that_lack_a_block_are_put_right", put_right),
];

/// The clock of this machine, which is the server's.
pub(crate) fn real_now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap())
}

fn project_of(store: &dyn Store) -> ProjectId {
    store.project(DEFAULT_PROJECT).unwrap().number
}

fn count(store: &dyn Store) -> u64 {
    let groups = store.groups(&Query::all(project_of(store)), &[]).unwrap();
    groups.first().map_or(0, |group| group.totals.count)
}

/// Calls that began and arrive now, by the clock of this machine.
pub(crate) fn calls(store: &dyn Store, name: &str, number: usize) -> Vec<Event> {
    let now = real_now();
    let sent: Vec<String> = (0..number)
        .map(|place| {
            call(&format!("{name}-{place}"), &now.to_string(), 1 + place as u64)
                .of(&format!("cmd-{}", place % 7), &format!("run-{name}"))
                .context("driver", ["raw", "docker", "ssh"][place % 3])
                .text()
        })
        .chain([run(&format!("cmd-{name}"), &now.to_string(), 9, &format!("run-{name}")).text()])
        .collect();
    read_at(project_of(store), now, &sent)
}

fn all_are(outcomes: &[Outcome], wanted: &Outcome) -> bool {
    outcomes.iter().all(|outcome| outcome == wanted)
}

fn keys_are_forgotten(place: &Place) {
    let store = place.open();
    let events = calls(&*store, "a", 20);
    assert!(all_are(&store.append(&events).unwrap(), &Outcome::Stored));
    let later = |days: i64| real_now().plus_millis(days * DAY);
    store.retain(Retention::default(), later(44)).unwrap();
    assert!(all_are(&store.append(&events).unwrap(), &Outcome::Duplicate));
    let keys = || sql(place.address(), "SELECT count() FROM keys").trim().to_owned();
    assert_ne!(keys(), "0");
    store.retain(Retention::default(), later(47)).unwrap();
    assert_eq!(keys(), "0");
    assert_eq!(count(&*store), 20);
}

fn events_are_known_beyond_their_keys(place: &Place) {
    let store = place.open();
    let project = project_of(&*store);
    let began = real_now().plus_millis(-60 * DAY).to_string();
    let sent: Vec<String> =
        ["a", "b"].iter().map(|id| call(id, &began, 5).of("cmd", "r").text()).collect();
    let events = read_at(project, real_now(), &sent);
    assert!(all_are(&store.append(&events).unwrap(), &Outcome::Stored));
    store.retain(Retention::default(), real_now().plus_millis(20 * DAY)).unwrap();
    sql(place.address(), &format!("ALTER TABLE keys DROP PARTITION {}", today()));
    assert_eq!(sql(place.address(), "SELECT count() FROM keys").trim(), "0");
    // A file is imported a second time, months later.
    assert!(all_are(&store.append(&events).unwrap(), &Outcome::Duplicate));
    assert_eq!(count(&*store), 2);
}

fn today() -> i64 {
    real_now().as_millis().div_euclid(DAY)
}

fn clock_ahead(place: &Place) {
    let store = place.open();
    let project = project_of(&*store);
    // 20 hours ahead, which is believed, and 20 days, which is not.
    for (id, hours) in [("ahead", 20), ("far", 480)] {
        let began = real_now().plus_millis(hours * 3_600_000).to_string();
        let sent = [call(id, &began, 5).text()];
        let first = read_at(project, real_now(), &sent);
        assert_eq!(
            (first[0].skewed, store.append(&first).unwrap()),
            (hours > 24, vec![Outcome::Stored])
        );
        for days in [0, 2, 19, 40] {
            let again = read_at(project, real_now().plus_millis(days * DAY), &sent);
            assert_eq!(store.append(&again).unwrap(), [Outcome::Duplicate], "{id} after {days}");
        }
    }
    assert_eq!(count(&*store), 2);
    // Kept by the day on which it says it began.
    let last = sql(place.address(), "SELECT max(day) FROM keys");
    let ahead = real_now().plus_millis(20 * 3_600_000).as_millis().div_euclid(DAY);
    assert!((ahead - 1..=ahead).contains(&last.trim().parse().unwrap()), "{last}");
}

/// The columns of `events`, in order.
fn columns(address: &str) -> Vec<String> {
    let statement =
        "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = 'events'";
    sql(address, statement).lines().map(str::to_owned).collect()
}

/// Writes all events a second time, like another collector that was killed before it looked.
fn write_again(address: &str) {
    let columns = columns(address);
    let values: Vec<String> =
        columns
            .iter()
            .map(|name| {
                if name == "block" { "bitXor(block, toUInt64(5))".to_owned() } else { name.clone() }
            })
            .collect();
    let (columns, values) = (columns.join(", "), values.join(", "));
    sql(address, &format!("INSERT INTO events ({columns}) SELECT {values} FROM events"));
}

fn a_repeat_takes_out_what_is_surplus(place: &Place) {
    let store = place.open();
    let events = calls(&*store, "a", 30);
    store.append(&events).unwrap();
    write_again(place.address());
    assert_eq!(count(&*store), 60);
    assert!(all_are(&store.append(&events).unwrap(), &Outcome::Duplicate));
    check(&*store, &events);
    assert!(all_are(&store.append(&events).unwrap(), &Outcome::Duplicate));
    check(&*store, &events);
}

/// All answers are those of these events.
pub(crate) fn check(store: &dyn Store, events: &[Event]) {
    let project = project_of(store);
    let query = Query::all(project);
    check_groups(store, events, &query, &[]);
    check_groups(store, events, &query, &[Dimension::Driver, Dimension::Step, Dimension::Status]);
    let mut exported = 0;
    store
        .export(&query, &mut |_| {
            exported += 1;
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(exported, events.len());
    let runs = store.runs(&query, None, 100_000).unwrap();
    for run in &runs {
        let of: Vec<_> = events.iter().filter(|e| e.group_id() == Some(&run.id)).collect();
        let calls = of.iter().filter(|event| event.kind == swamp_collector::Kind::Method);
        let (methods, total) = calls.fold((0, 0), |(n, t), event| (n + 1, t + event.duration_ms));
        assert_eq!((run.methods, run.total_ms), (methods, total), "{}", run.id);
        let whole = store.run(project, &run.id).unwrap().unwrap();
        assert_eq!(whole.events.len(), of.len(), "{}", run.id);
        if let Some(id) = &run.run_id {
            assert!(store.run(project, id).unwrap().is_some(), "{id}");
        }
    }
    let ids: std::collections::HashSet<_> = events.iter().filter_map(Event::group_id).collect();
    assert_eq!(runs.len(), ids.len());
}

/// Makes a store one of the first format again, in which `ids` had the keys.
fn the_first_format(place: &Place) {
    let store = place.open();
    let mut events = calls(&*store, "a", 40);
    store.append(&events).unwrap();
    drop(store);
    for statement in [
        "DROP TABLE keys_view",
        "DROP TABLE keys",
        "CREATE TABLE ids (key UUID, block UInt64, project UInt32, hour Int32, received Int64) \
         ENGINE = MergeTree() PARTITION BY intDiv(received, 2592000000) ORDER BY key \
         SETTINGS index_granularity = 256",
        "CREATE MATERIALIZED VIEW ids_view TO ids AS SELECT key, block, project, hour, received \
         FROM events",
        "INSERT INTO ids SELECT key, block, project, hour, received FROM events",
        "INSERT INTO ids SELECT key, block, project, hour, received - 86400000 * 3 FROM events",
        "DROP TABLE migrations",
        "CREATE TABLE migrations (version UInt32, applied_at Int64) ENGINE = ReplacingMergeTree() \
         ORDER BY version",
        "INSERT INTO migrations VALUES (1, 0)",
    ] {
        sql(place.address(), statement);
    }
    let store = place.open();
    assert!(all_are(&store.append(&events).unwrap(), &Outcome::Duplicate));
    let more = calls(&*store, "b", 10);
    assert!(all_are(&store.append(&more).unwrap(), &Outcome::Stored));
    events.extend(more);
    check(&*store, &events);
    let tables =
        sql(place.address(), "SELECT name FROM system.tables WHERE database = currentDatabase()");
    assert!(!tables.contains("ids") && tables.contains("keys_view"), "{tables}");
    let versions = sql(place.address(), "SELECT max(version) FROM migrations");
    assert_eq!(versions.trim(), "3");
}

fn retention(place: &Place) {
    let store = place.open();
    let events = calls(&*store, "a", 30);
    store.append(&events).unwrap();
    write_again(place.address());
    store.append(&events).unwrap();
    let tables = ["events", "keys", "rollup", "spans", "aliases", "corrections"];
    let is_empty =
        |table: &str| sql(place.address(), &format!("SELECT count() FROM {table}")).trim() == "0";
    let now = real_now();
    for (days, gone) in [
        (30, &[][..]),
        (60, &["keys"]),
        // Whole weeks go, when their last day is too old.
        (100, &["events", "keys"]),
        (410, &tables),
    ] {
        store.retain(Retention::default(), now.plus_millis(days * DAY)).unwrap();
        let empty: Vec<&str> = tables.into_iter().filter(|table| is_empty(table)).collect();
        assert_eq!(empty, gone, "after {days} days");
    }
}

fn merges_change_no_answer(place: &Place) {
    let store = place.open();
    let mut events = Vec::new();
    for round in 0..4 {
        // In this order a later block has neither the longest call nor, the other way round, the
        // last one.
        let sent = calls(&*store, &format!("round-{round}"), 40 - 10 * round);
        store.append(&sent).unwrap();
        events.extend(sent);
    }
    check(&*store, &events);
    for table in ["events", "keys", "rollup", "spans", "aliases", "corrections"] {
        sql(place.address(), &format!("OPTIMIZE TABLE {table} FINAL"));
    }
    check(&*store, &events);
}

fn put_right(place: &Place) {
    let store = place.open();
    let mut events = calls(&*store, "whole", 50);
    store.append(&events).unwrap();
    let repair = || store.repair(9, Duration::ZERO, real_now().plus_millis(1)).unwrap();
    assert_eq!(repair(), 0);
    for (number, views) in [
        &["rollup_view"][..],
        &["keys_view"],
        &["spans_view"],
        &["aliases_view"],
        &["rollup_view", "spans_view"],
        &["aliases_view", "keys_view", "rollup_view", "spans_view"],
    ]
    .into_iter()
    .enumerate()
    {
        for view in views {
            sql(place.address(), &format!("DETACH TABLE {view}"));
        }
        let sent = calls(&*store, &format!("torn-{number}"), 20);
        store.append(&sent).unwrap();
        for view in views {
            sql(place.address(), &format!("ATTACH TABLE {view}"));
        }
        if views.contains(&"keys_view") {
            // Nobody knows them, so the repeat is kept too; the statistics have it once.
            assert!(all_are(&store.append(&sent).unwrap(), &Outcome::Stored));
        }
        events.extend(sent);
        // Something may arrive for this hour at any moment.
        assert_eq!(store.repair(9, Duration::from_mins(15), real_now()).unwrap(), 0);
        assert!(repair() > 0, "{views:?}");
        check(&*store, &events);
        assert!(all_are(&store.append(&events).unwrap(), &Outcome::Duplicate));
        assert_eq!(repair(), 0, "{views:?}");
    }
    check(&*store, &events);
    // What is too much goes too.
    let rollup = "INSERT INTO rollup SELECT * FROM rollup WHERE driver = 'raw'";
    sql(place.address(), rollup);
    assert!(repair() > 0);
    check(&*store, &events);
}
