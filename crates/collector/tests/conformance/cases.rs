//! The cases that every store must pass.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::SystemTime;

use serde_json::{Value, json};
use swamp_collector::api::questions;
use swamp_collector::keys::{self, DEFAULT_PROJECT, KeyId, Scope};
use swamp_collector::store::{Retention, RunCursor};
use swamp_collector::{
    CollectorError, Dimension, Event, Filter, Interval, OTHER, Outcome, ProjectId, Query, Store,
    TimeRange,
};
use swamp_ident::Timestamp;

use crate::events::{Dice, Sent, call, many, read, read_at, run};
use crate::oracle::{check_groups, check_series, once};
use crate::{Case, Place, now};

pub(crate) const ALL: &[Case] = &[
    ("an_empty_store_answers", an_empty_store_answers),
    ("each_event_counts_once", each_event_counts_once),
    ("one_event_sent_by_many_at_once_counts_once", sent_by_many_at_once),
    ("what_is_acknowledged_is_in_the_next_answer", read_after_ack),
    ("projects_never_meet", projects_never_meet),
    ("events_come_back_as_sent", events_come_back_as_sent),
    ("older_and_newer_events_are_kept", older_and_newer_events),
    ("a_wrong_clock_does_not_count_twice", wrong_clock),
    ("groups_are_those_of_the_events", groups_of_many),
    ("every_dimension_filters", every_dimension_filters),
    ("hostile_texts_are_texts", hostile_texts),
    ("ranges_are_whole_hours", ranges_are_whole_hours),
    ("series_are_those_of_the_events", series_of_many),
    ("periods_are_compared", periods_are_compared),
    ("runs_are_paged", runs_are_paged),
    ("runs_are_filtered_and_counted", runs_are_counted),
    ("a_run_has_its_events", a_run_has_its_events),
    ("calls_without_a_command_are_a_run", orphans),
    ("the_slowest_are_the_slowest", the_slowest),
    ("failures_are_grouped", failures_are_grouped),
    ("regressions_are_found", regressions_are_found),
    ("exports_are_exact", exports_are_exact),
    ("too_many_values_are_other_ones", too_many_values),
    ("old_events_go_and_statistics_stay", retention),
    ("a_large_batch_is_one", a_large_batch),
    ("projects_and_keys_are_kept", directory),
];

fn default_project(store: &dyn Store) -> ProjectId {
    store.project(DEFAULT_PROJECT).unwrap().number
}

fn append(store: &dyn Store, events: &[Event]) {
    let outcomes = store.append(events).unwrap();
    assert_eq!(outcomes.len(), events.len());
    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Stored), "{outcomes:?}");
}

fn count(store: &dyn Store, project: ProjectId) -> (u64, u64) {
    let groups = store.groups(&Query::all(project), &[]).unwrap();
    groups.first().map_or((0, 0), |group| (group.totals.count, group.totals.total_ms))
}

fn filtered(query: &Query, dimension: Dimension, values: &[&str]) -> Query {
    let mut query = query.clone();
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    query.filters.push(Filter { dimension, values });
    query
}

fn hours_ago(hours: i64) -> Timestamp {
    now().plus_millis(-hours * 3_600_000)
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

const T: &str = "2026-11-22T09:58:10.514Z";

fn an_empty_store_answers(place: &Place) {
    let store = place.open();
    store.ready().unwrap();
    let project = default_project(&*store);
    let query = Query::all(project);
    assert!(store.groups(&query, &[]).unwrap().is_empty());
    assert!(store.groups(&query, &Dimension::ALL).unwrap().is_empty());
    assert!(store.series(&query, Interval::Hour, &[]).unwrap().is_empty());
    assert!(store.runs(&query, None, 10).unwrap().is_empty());
    assert_eq!(store.run_counts(&query).unwrap().unwrap_or_default().runs, 0);
    assert!(store.run(project, "nothing").unwrap().is_none());
    assert!(store.slowest(&query, 10).unwrap().is_empty());
    assert!(store.values(project, Dimension::Driver).unwrap().is_empty());
    assert_eq!(store.cardinality(project).unwrap().len(), Dimension::COUNT);
    assert_eq!(store.size().unwrap().events, 0);
    assert!(store.append(&[]).unwrap().is_empty());
    assert_eq!(store.retain(Retention::default(), now()).unwrap(), 0);
    store.close().unwrap();
}

fn each_event_counts_once(place: &Place) {
    use Outcome::{Duplicate, Stored};

    let store = place.open();
    let project = default_project(&*store);
    let events = read(
        project,
        &[call("a", T, 10), call("b", T, 20), call("a", T, 10), call("c", T, 30), call("a", T, 99)],
    );
    let outcomes = store.append(&events).unwrap();
    assert_eq!(outcomes, [Stored, Stored, Duplicate, Stored, Duplicate]);
    assert_eq!(count(&*store, project), (3, 60));
    // Again, with something new between, and in another order.
    let again = read(project, &[call("c", T, 30), call("d", T, 40), call("b", T, 20)]);
    assert_eq!(store.append(&again).unwrap(), [Duplicate, Stored, Duplicate]);
    assert_eq!(count(&*store, project), (4, 100));
    store.close().unwrap();
    drop(store);
    let store = place.open();
    assert_eq!(store.append(&events).unwrap(), [const { Duplicate }; 5]);
    // A duplicate is one whatever else it says: an id is an id.
    let moved = read(project, &[call("d", "2026-10-01T00:00:00.000Z", 7)]);
    assert_eq!(store.append(&moved).unwrap(), [Duplicate]);
    assert_eq!(count(&*store, project), (4, 100));
    // `insert_id` goes before `properties.id`.
    let same = call("e", T, 1).with("/insert_id", "a");
    let other = call("a", T, 1).with("/insert_id", "f");
    assert_eq!(store.append(&read(project, &[same, other])).unwrap(), [Duplicate, Stored]);
    assert_eq!(count(&*store, project), (5, 101));
}

fn sent_by_many_at_once(place: &Place) {
    let store: Arc<dyn Store> = Arc::from(place.open());
    let stores: Vec<Arc<dyn Store>> = (0..4).map(|_| place.beside(&store)).collect();
    let project = default_project(&*store);
    for round in 0..6 {
        let sent: Vec<Sent> = (0..200)
            .map(|number| call(&format!("r{round}-{number}"), T, 1 + number).of("cmd", "run-1"))
            .collect();
        let events = read(project, &sent);
        let first: usize = std::thread::scope(|threads| {
            let all: Vec<_> = stores
                .iter()
                .map(|store| {
                    threads.spawn(|| {
                        let outcomes = store.append(&events).unwrap();
                        outcomes.iter().filter(|outcome| **outcome == Outcome::Stored).count()
                    })
                })
                .collect();
            all.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        let so_far = (round + 1) * 200;
        assert_eq!(count(&*store, project), (so_far, (round + 1) * 20_100), "round {round}");
        // More than one may have been told that it was the first; nobody counts it twice.
        assert!(first >= 200);
        let run = store.run(project, "cmd").unwrap().unwrap();
        assert_eq!((run.summary.methods, run.events.len() as u64), (so_far, so_far));
        let mut exported = 0;
        store
            .export(&Query::all(project), &mut |_| {
                exported += 1;
                ControlFlow::Continue(())
            })
            .unwrap();
        assert_eq!(exported, so_far);
    }
}

fn read_after_ack(place: &Place) {
    let store = place.open();
    let project = default_project(&*store);
    let query = Query::all(project);
    for number in 1..=20 {
        let id = format!("e{number}");
        append(&*store, &read(project, &[call(&id, T, 1).of("cmd", "r")]));
        assert_eq!(count(&*store, project), (number, number));
        let by_step = store.groups(&query, &[Dimension::Step]).unwrap();
        assert_eq!(by_step[0].totals.count, number);
        assert_eq!(store.run(project, "cmd").unwrap().unwrap().summary.methods, number);
        assert_eq!(store.runs(&query, None, 1).unwrap()[0].methods, number);
    }
}

fn projects_never_meet(place: &Place) {
    let store = place.open();
    let one = default_project(&*store);
    let two = store.create_project("other", now()).unwrap().number;
    let sent = |driver: &str, millis| {
        vec![call("same", T, millis).of("cmd", "run").context("driver", driver)]
    };
    append(&*store, &read(one, &sent("raw", 10)));
    append(&*store, &read(two, &sent("docker", 20)));
    // Both in one batch, one known.
    let mut both = read(one, &sent("raw", 10));
    both.extend(read(two, &[call("more", T, 5).of("cmd", "run")]));
    assert_eq!(store.append(&both).unwrap(), [Outcome::Duplicate, Outcome::Stored]);
    assert_eq!((count(&*store, one), count(&*store, two)), ((1, 10), (2, 25)));
    assert_eq!(store.values(one, Dimension::Driver).unwrap(), ["raw"]);
    assert_eq!(store.values(two, Dimension::Driver).unwrap(), ["docker", "raw"]);
    assert_eq!(store.run(one, "cmd").unwrap().unwrap().events.len(), 1);
    assert_eq!(store.run(two, "run").unwrap().unwrap().events.len(), 2);
    assert_eq!(store.runs(&Query::all(two), None, 9).unwrap()[0].methods, 2);
    assert_eq!(store.slowest(&Query::all(one), 9).unwrap().len(), 1);
    let nobody = ProjectId(4_000_000_000);
    assert_eq!(count(&*store, nobody), (0, 0));
    assert!(store.run(nobody, "cmd").unwrap().is_none());
}

fn events_come_back_as_sent(place: &Place) {
    let store = place.open();
    let project = default_project(&*store);
    let mut texts = vec![
        call("plain", T, 1).of("cmd", "r").text(),
        call("more", T, 1)
            .of("cmd", "r")
            .with("/properties/later", json!({"a": [1, 2.50, "x", null], "b\t\"": "\\ \u{7f}"}))
            .with("/properties/$repo_id", "repo")
            .with("/sent_at", "whenever")
            .text(),
        format!("{:#}", call("spaced", T, 1).of("cmd", "r").0),
    ];
    let strange = r#""zero \u0000 tab \t line \n slash \\ quote \" \u00e4 \ud83d\ude00 é 😀""#;
    let base = call("strange", T, 1).of("cmd", "r").with("/properties/odd", "HERE").text();
    texts.push(
        base.replace("\"HERE\"", strange).replace("\"durationMs\":1", "\"durationMs\": 1.0e0"),
    );
    append(&*store, &read_at(project, now(), &texts));
    let mut back = store.run(project, "cmd").unwrap().unwrap().events;
    back.sort();
    let mut exported = Vec::new();
    store
        .export(&Query::all(project), &mut |text| {
            exported.push(text.to_owned());
            ControlFlow::Continue(())
        })
        .unwrap();
    // Arrival in one batch is in its order.
    let lines = |texts: &[String]| -> Vec<Value> {
        texts.iter().map(|text| serde_json::from_str(text).unwrap()).collect()
    };
    assert_eq!(lines(&exported), lines(&texts));
    texts.sort();
    assert_eq!(back, texts);
}

fn older_and_newer_events(place: &Place) {
    let store = place.open();
    let project = default_project(&*store);
    let old = call("old", T, 5)
        .with("/insert_id", Value::Null)
        .with("/properties/workflowContext", Value::Null)
        .with("/properties/platform", Value::Null);
    let renamed = call("renamed", T, 6).context("driver", Value::Null).context("executor", "raw");
    let new = call("new", T, 7)
        .context("later", json!({"deep": [[[1]]]}))
        .with("/properties/result/verdict", 1)
        .with("/properties/traceId", "0af7651916cd43dd8448eb211c80319c");
    let command = call("command", T, 9)
        .with("/properties/workflowContext", Value::Null)
        .with("/properties/invocation", json!({"command": "version"}));
    let events = read(project, &[old, renamed, new, command]);
    append(&*store, &events);
    check_groups(&*store, &events, &Query::all(project), &[]);
    check_groups(&*store, &events, &Query::all(project), &Dimension::ALL);
    assert_eq!(count(&*store, project), (3, 18));
}

fn wrong_clock(place: &Place) {
    let store = place.open();
    let project = default_project(&*store);
    let sent = [call("skewed", "1999-01-01T00:00:00.000Z", 5).text()];
    append(&*store, &read_at(project, now(), &sent));
    // The sender did not hear the answer, and tries again much later: another time of arrival.
    for later in [1, 3_600_000, 30 * 24 * 3_600_000] {
        let again = read_at(project, now().plus_millis(later), &sent);
        assert_eq!(store.append(&again).unwrap(), [Outcome::Duplicate]);
    }
    assert_eq!(count(&*store, project), (1, 5));
    let hour = TimeRange { since: Some(now()), until: Some(now().plus_millis(1)) };
    let groups = store.groups(&Query::all(project).during(hour), &[]).unwrap();
    assert_eq!(groups[0].totals.count, 1);
}

/// A store with many events, that came in several batches with many duplicates.
fn filled(place: &Place) -> (Box<dyn Store>, ProjectId, Vec<Event>) {
    let store = place.open();
    let project = default_project(&*store);
    let events = read(project, &many(1_500, 7));
    let mut dice = Dice(3);
    for batch in events.chunks(400) {
        let mut batch = batch.to_vec();
        for _ in 0..50 {
            let known = usize::try_from(dice.below(events.len() as u64)).unwrap();
            batch.push(events[known].clone());
        }
        store.append(&batch).unwrap();
    }
    store.append(&events).unwrap();
    (store, project, events)
}

fn groups_of_many(place: &Place) {
    use Dimension::{Driver, Job, Method, ModelType, Status, Step, Workflow};
    let (store, project, events) = filled(place);
    let query = Query::all(project);
    check_groups(&*store, &events, &query, &[]);
    for dimension in Dimension::ALL {
        check_groups(&*store, &events, &query, &[dimension]);
    }
    check_groups(&*store, &events, &query, &[Driver, ModelType]);
    check_groups(&*store, &events, &query, &[Workflow, Job, Step, Method, Status]);
    check_groups(&*store, &events, &query, &Dimension::ALL);
    // The same after everything was closed.
    store.close().unwrap();
    drop(store);
    let store = place.open();
    check_groups(&*store, &events, &query, &[Driver, ModelType]);
    for dimension in Dimension::ALL {
        let mut values: Vec<&str> = once(&events)
            .iter()
            .filter(|event| event.kind == swamp_collector::Kind::Method)
            .filter_map(|event| event.text(dimension))
            .collect();
        values.sort_unstable();
        values.dedup();
        assert_eq!(store.values(project, dimension).unwrap(), values, "{dimension}");
        let cardinality = store.cardinality(project).unwrap();
        let told = cardinality.iter().find(|one| one.dimension == dimension.as_str()).unwrap();
        assert_eq!((told.values, told.other), (values.len() as u64, 0), "{dimension}");
    }
}

fn every_dimension_filters(place: &Place) {
    let (store, project, events) = filled(place);
    let query = Query::all(project);
    for dimension in Dimension::ALL {
        let values = store.values(project, dimension).unwrap();
        assert!(!values.is_empty(), "{dimension}");
        for value in &values {
            let query = filtered(&query, dimension, &[value]);
            check_groups(&*store, &events, &query, &[Dimension::Driver]);
        }
        let all: Vec<&str> = values.iter().map(String::as_str).chain([""]).collect();
        check_groups(&*store, &events, &filtered(&query, dimension, &all), &[dimension]);
        check_groups(&*store, &events, &filtered(&query, dimension, &[""]), &[Dimension::Job]);
        check_groups(&*store, &events, &filtered(&query, dimension, &["no such"]), &[]);
        check_groups(&*store, &events, &filtered(&query, dimension, &[]), &[]);
    }
    let narrow = filtered(&query, Dimension::Driver, &["raw", "docker"]);
    let narrow = filtered(&narrow, Dimension::Status, &["error"]);
    let range = TimeRange { since: Some(hours_ago(30)), until: Some(hours_ago(5)) };
    check_groups(&*store, &events, &narrow.during(range), &[Dimension::Method, Dimension::Step]);
}

fn hostile_texts(place: &Place) {
    let store = place.open();
    let project = default_project(&*store);
    let texts = [
        "it's",
        "\\",
        "\\'",
        "' OR 1=1 --",
        "'); DROP TABLE events; --",
        "tab\there",
        "line\nbreak\r\n",
        "\\N",
        "null",
        "ünïcödé 😀 \u{202e}",
        "%00 {x} ${y} $1 ?",
        "<img src=x onerror=alert(1)>",
        "\u{0}zero",
        "__other",
        " ",
        "a\u{1}b",
    ];
    let sent: Vec<Sent> = (0_u64..)
        .zip(texts)
        .map(|(number, text)| {
            let id = format!("{text}#{number}");
            call(&id, T, number)
                .of(&format!("p{text}"), &format!("r{text}"))
                .context("stepName", text)
        })
        .collect();
    let events = read(project, &sent);
    append(&*store, &events);
    check_groups(&*store, &events, &Query::all(project), &[Dimension::Step]);
    for text in texts {
        let query = filtered(&Query::all(project), Dimension::Step, &[text]);
        check_groups(&*store, &events, &query, &[Dimension::Step]);
        assert_eq!(store.groups(&query, &[]).unwrap()[0].totals.count, 1, "{text:?}");
        for id in [format!("p{text}"), format!("r{text}")] {
            let run = store.run(project, &id).unwrap().unwrap_or_else(|| panic!("{id:?}"));
            assert_eq!((run.summary.id, run.events.len()), (format!("p{text}"), 1));
        }
    }
    assert_eq!(store.append(&events).unwrap(), vec![Outcome::Duplicate; texts.len()]);
}

fn ranges_are_whole_hours(place: &Place) {
    let store = place.open();
    let project = default_project(&*store);
    let times = [
        "2026-11-21T22:59:59.999Z",
        "2026-11-21T23:00:00.000Z",
        "2026-11-21T23:59:59.999Z",
        "2026-11-22T00:00:00.000Z",
        "2026-11-22T00:59:59.999Z",
        "2026-11-22T01:00:00.000Z",
    ];
    let sent: Vec<Sent> =
        (1..).zip(times).map(|(n, time)| call(&format!("t{n}"), time, 1 << n)).collect();
    let events = read(project, &sent);
    append(&*store, &events);
    let mut ends: Vec<Option<Timestamp>> = times.iter().map(|time| Some(at(time))).collect();
    ends.push(None);
    for since in &ends {
        for until in &ends {
            let range = TimeRange { since: *since, until: *until };
            check_groups(&*store, &events, &Query::all(project).during(range), &[]);
        }
    }
}

fn series_of_many(place: &Place) {
    let (store, project, events) = filled(place);
    let query = Query::all(project);
    for interval in [Interval::Hour, Interval::Day] {
        check_series(&*store, &events, &query, interval, &[]);
        check_series(&*store, &events, &query, interval, &[Dimension::Driver, Dimension::Status]);
        let range = TimeRange { since: Some(hours_ago(40)), until: Some(hours_ago(3)) };
        let narrow = filtered(&query, Dimension::Platform, &["linux"]).during(range);
        if interval == Interval::Hour {
            check_series(&*store, &events, &narrow, interval, &[Dimension::Job]);
        }
    }
}

fn periods_are_compared(place: &Place) {
    let (store, project, events) = filled(place);
    let range = TimeRange { since: Some(hours_ago(24)), until: Some(now()) };
    let query = Query::all(project).during(range);
    let methods = |range: TimeRange| {
        let is_in = |event: &&&Event| {
            event.kind == swamp_collector::Kind::Method && range.contains(event.at)
        };
        once(&events).iter().filter(is_in).count() as u64
    };
    let before = TimeRange { since: Some(hours_ago(48)), until: Some(hours_ago(24)) };
    let summary = questions::summary(&*store, &query, true, now()).unwrap();
    assert_eq!(summary.numbers.methods, methods(range));
    assert_eq!(summary.previous.unwrap().methods, methods(before));
    let by = [Dimension::Driver];
    let breakdown = questions::breakdown(&*store, &query, &by, 50, true, now()).unwrap();
    let sum = |pick: &dyn Fn(&swamp_collector::answer::BreakdownRow) -> u64| -> u64 {
        breakdown.rows.iter().map(pick).sum()
    };
    assert_eq!(sum(&|row| row.measures.count), methods(range));
    assert_eq!(sum(&|row| row.previous.as_ref().unwrap().count), methods(before));
}

fn runs_are_paged(place: &Place) {
    let store = place.open();
    let project = default_project(&*store);
    let mut sent = Vec::new();
    // Some begin at the same moment; some lie far back; some last for hours.
    for number in 0..40_i64 {
        let began = hours_ago((number / 3) * if number > 30 { 60 } else { 1 });
        let (id, run_id) = (format!("cmd-{number:02}"), format!("run-{number}"));
        sent.push(run(&id, &began.to_string(), 7_200_000, &run_id));
        for child in 0..3 {
            let time = began.plus_millis(child * 3_600_000);
            let child_id = format!("{id}/{child}");
            sent.push(call(&child_id, &time.to_string(), 5).of(&id, &run_id));
        }
    }
    for batch in read(project, &sent).chunks(50) {
        append(&*store, batch);
    }
    let walk = |query: &Query, limit: usize| {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = store.runs(query, after.as_ref(), limit).unwrap();
            assert!(page.len() <= limit);
            let Some(last) = page.last() else { return found };
            after = Some(RunCursor { started_at: last.started_at, id: last.id.clone() });
            found.extend(page);
        }
    };
    let query = Query::all(project);
    let all = store.runs(&query, None, 1_000).unwrap();
    assert_eq!(all.len(), 40);
    assert!(all.windows(2).all(|two| two[0].started_at >= two[1].started_at));
    let ids: HashSet<&str> = all.iter().map(|run| run.id.as_str()).collect();
    assert_eq!(ids.len(), 40);
    assert!(all.iter().all(|run| run.methods == 3 && run.duration_ms == Some(7_200_000)));
    for limit in [1, 3, 7, 40] {
        assert_eq!(walk(&query, limit), all, "pages of {limit}");
    }
    let range = TimeRange { since: Some(hours_ago(5)), until: Some(hours_ago(2)) };
    let expected: Vec<_> =
        all.iter().filter(|run| range.contains(run.started_at)).cloned().collect();
    assert!(!expected.is_empty());
    assert_eq!(walk(&query.during(range), 2), expected);
}

fn runs_are_counted(place: &Place) {
    let store = place.open();
    let project = default_project(&*store);
    let mut sent = Vec::new();
    for number in 0..10_u64 {
        let (id, run_id) = (format!("cmd-{number}"), format!("run-{number}"));
        let platform = if number < 4 { "linux" } else { "darwin" };
        let command = run(&id, T, 100, &run_id).with("/properties/platform", platform);
        sent.push(if number % 5 == 0 { command.failed("method", "x") } else { command });
        let workflow = if number < 7 { "deploy" } else { "test" };
        sent.push(
            call(&format!("{id}/c"), T, 50)
                .of(&id, &run_id)
                .context("workflowName", workflow)
                .with("/properties/platform", platform),
        );
    }
    // Twice, and in pieces: nothing of it changes.
    let events = read(project, &sent);
    for batch in events.chunks(3) {
        append(&*store, batch);
    }
    store.append(&events).unwrap();
    let query = Query::all(project);
    let counts = |query: &Query| {
        let counts = store.run_counts(query).unwrap().unwrap();
        (counts.runs, counts.failed, counts.total_ms)
    };
    assert_eq!(counts(&query), (10, 2, 1000));
    assert_eq!(counts(&filtered(&query, Dimension::Platform, &["linux"])), (4, 1, 400));
    assert_eq!(counts(&filtered(&query, Dimension::Workflow, &["test"])), (3, 0, 300));
    assert_eq!(counts(&filtered(&query, Dimension::Status, &["error"])), (2, 2, 200));
    assert_eq!(store.run_counts(&filtered(&query, Dimension::Driver, &["raw"])).unwrap(), None);
    let later = TimeRange { since: Some(hours_ago(1)), until: None };
    assert_eq!(counts(&query.during(later)), (0, 0, 0));
    let listed = |dimension, value| {
        store.runs(&filtered(&query, dimension, &[value]), None, 100).unwrap().len()
    };
    assert_eq!(listed(Dimension::Workflow, "test"), 3);
    assert_eq!(listed(Dimension::Status, "error"), 2);
    assert_eq!(listed(Dimension::Platform, "darwin"), 6);
}

fn a_run_has_its_events(place: &Place) {
    let store = place.open();
    let project = default_project(&*store);
    let nested = call("n", "2026-11-22T10:30:00.000Z", 7)
        .of("cmd", "inner")
        .context("rootRunId", "outer")
        .context("rootWorkflowName", "deploy")
        .context("workflowName", "inner-workflow")
        .context("depth", 1)
        .failed("method", "boom");
    let sent = [
        call("a", "2026-11-22T09:59:00.000Z", 5).of("cmd", "outer"),
        nested,
        call("other", T, 1).of("cmd-2", "outer-2"),
        run("cmd", "2026-11-22T09:58:59.000Z", 1000, "outer").failed("method", "boom"),
    ];
    // The command reports last, in a batch of its own.
    let events = read(project, &sent);
    for event in &events {
        append(&*store, std::slice::from_ref(event));
    }
    for id in ["cmd", "outer"] {
        let run = store.run(project, id).unwrap().unwrap();
        let mut found = run.events;
        found.sort();
        let mut expected = [sent[0].text(), sent[1].text(), sent[3].text()];
        expected.sort();
        assert_eq!(found, expected);
        let summary = run.summary;
        assert_eq!(
            (summary.id.as_str(), summary.run_id.as_deref(), summary.workflow.as_deref()),
            ("cmd", Some("outer"), Some("deploy"))
        );
        assert_eq!(
            (summary.status.as_deref(), summary.error_category.as_deref(), summary.duration_ms),
            (Some("error"), Some("method"), Some(1000))
        );
        assert_eq!((summary.methods, summary.errors, summary.total_ms), (2, 1, 12));
        assert_eq!(summary.started_at, at("2026-11-22T09:58:59.000Z"));
        assert_eq!(summary.platform.as_deref(), Some("linux"));
    }
    assert!(store.run(project, "a").unwrap().is_none());
    assert!(store.run(project, "").unwrap().is_none());
    let tree = questions::run(&*store, &Query::all(project), "cmd").unwrap();
    assert_eq!((tree.children.len(), tree.children[0].nested.len()), (1, 1));
}

fn orphans(place: &Place) {
    let store = place.open();
    let project = default_project(&*store);
    let sent = [
        call("a", T, 5).context("runId", "lonely"),
        call("b", T, 6).context("runId", "lonely").failed("timeout", "late"),
        call("c", T, 7).of("silent", "known"),
        call("alone", T, 8).with("/properties/workflowContext", Value::Null),
    ];
    append(&*store, &read(project, &sent));
    let runs = store.runs(&Query::all(project), None, 10).unwrap();
    let found: BTreeMap<&str, (Option<&str>, u64, u64)> = runs
        .iter()
        .map(|run| (run.id.as_str(), (run.run_id.as_deref(), run.methods, run.errors)))
        .collect();
    assert_eq!(
        found,
        [("lonely", (Some("lonely"), 2, 1)), ("silent", (Some("known"), 1, 0))].into()
    );
    assert!(runs.iter().all(|run| run.status.is_none() && run.duration_ms.is_none()));
    let counts = store.run_counts(&Query::all(project)).unwrap().unwrap();
    assert_eq!((counts.runs, counts.total_ms), (2, 0));
    // The command reports after all.
    append(&*store, &read(project, &[run("silent", T, 90, "known")]));
    let silent = store.run(project, "known").unwrap().unwrap().summary;
    assert_eq!((silent.id.as_str(), silent.duration_ms), ("silent", Some(90)));
    let counts = store.run_counts(&Query::all(project)).unwrap().unwrap();
    assert_eq!((counts.runs, counts.total_ms), (2, 90));
}

fn the_slowest(place: &Place) {
    let (store, project, events) = filled(place);
    let query = Query::all(project);
    let slowest = store.slowest(&query, 10).unwrap();
    assert_eq!(slowest.len(), 10);
    assert!(slowest.windows(2).all(|two| two[0].duration_ms >= two[1].duration_ms));
    let methods =
        || once(&events).into_iter().filter(|event| event.kind == swamp_collector::Kind::Method);
    let longest = methods().max_by_key(|event| event.duration_ms).unwrap();
    assert_eq!(slowest[0].duration_ms, longest.duration_ms);
    for call in &slowest {
        let same = methods().find(|event| {
            event.at == call.started_at
                && event.duration_ms == call.duration_ms
                && event.text(Dimension::Driver) == call.driver.as_deref()
                && event.text(Dimension::Step) == call.step.as_deref()
        });
        let same = same.unwrap_or_else(|| panic!("there is no {call:?}"));
        assert_eq!(call.run.as_deref(), same.group_id());
    }
    let narrow = filtered(&query, Dimension::Driver, &["ssh"]);
    let slowest = store.slowest(&narrow, 1000).unwrap();
    assert!(slowest.iter().all(|call| call.driver.as_deref() == Some("ssh")));
    assert!(!slowest.is_empty());
}

fn failures_are_grouped(place: &Place) {
    let (store, project, events) = filled(place);
    let errors = questions::errors(&*store, &Query::all(project), 1000).unwrap();
    let mut expected: HashMap<Option<&str>, u64> = HashMap::new();
    for event in once(&events) {
        if event.kind == swamp_collector::Kind::Method && event.failed {
            *expected.entry(event.text(Dimension::ErrorCategory)).or_default() += 1;
        }
    }
    for (category, count) in expected {
        assert_eq!(errors.categories[category.unwrap()], count);
    }
    assert_eq!(
        errors.rows.iter().map(|row| row.count).sum::<u64>(),
        errors.categories.values().sum::<u64>()
    );
}

fn regressions_are_found(place: &Place) {
    let store = place.open();
    let project = default_project(&*store);
    let mut sent = Vec::new();
    for number in 0..200_u64 {
        for (hours, driver, millis) in [
            (30, "raw", 100 + number % 10),
            (3, "raw", 100 + number % 10),
            (30, "docker", 100 + number % 10),
            (3, "docker", 400 + number % 10),
        ] {
            let id = format!("{driver}-{hours}-{number}");
            let time = hours_ago(hours).to_string();
            sent.push(call(&id, &time, millis).context("driver", driver));
        }
    }
    append(&*store, &read(project, &sent));
    let range = TimeRange { since: Some(hours_ago(12)), until: Some(now()) };
    let baseline = TimeRange { since: Some(hours_ago(48)), until: Some(hours_ago(12)) };
    let query = Query::all(project).during(range);
    let found = questions::regressions(&*store, &query, baseline, 10).unwrap();
    let drivers: Vec<_> = found.rows.iter().map(|row| row.driver.as_deref()).collect();
    assert_eq!(drivers, [Some("docker")]);
    assert!(found.rows[0].slower && !found.rows[0].fails_more);
    assert_eq!(found.rows[0].lost_ms, 200 * 300);
}

fn exports_are_exact(place: &Place) {
    let store = place.open();
    let project = default_project(&*store);
    let sent: Vec<Sent> = (0..20)
        .map(|minute| {
            call(&format!("m{minute:02}"), &format!("2026-11-22T10:{minute:02}:00.000Z"), 1)
        })
        .collect();
    for batch in read(project, &sent).chunks(6) {
        append(&*store, batch);
    }
    let export = |range: TimeRange, most: usize| {
        let mut found = Vec::new();
        store
            .export(&Query::all(project).during(range), &mut |text| {
                found.push(text.to_owned());
                if found.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })
            .unwrap();
        found
    };
    let texts: Vec<String> = sent.iter().map(Sent::text).collect();
    assert_eq!(export(TimeRange::ALL, 1000), texts);
    let range = TimeRange {
        since: Some(at("2026-11-22T10:05:00.000Z")),
        until: Some(at("2026-11-22T10:08:00.000Z")),
    };
    assert_eq!(export(range, 1000), texts[5..8]);
    assert_eq!(export(TimeRange::ALL, 4).len(), 4);
}

fn too_many_values(place: &Place) {
    let store = place.open();
    let project = default_project(&*store);
    let limit = swamp_collector::most_values(Dimension::Driver) as u64;
    let sent: Vec<Sent> = (0..limit + 50)
        .map(|number| call(&format!("e{number}"), T, 1).context("driver", format!("d{number}")))
        .collect();
    for batch in read(project, &sent).chunks(120) {
        append(&*store, batch);
    }
    let groups = store.groups(&Query::all(project), &[Dimension::Driver]).unwrap();
    assert_eq!(groups.len() as u64, limit + 1);
    let other = groups.iter().find(|group| group.key[0].as_deref() == Some(OTHER)).unwrap();
    assert_eq!(other.totals.count, 50);
    assert_eq!(count(&*store, project).0, limit + 50);
    let told = store.cardinality(project).unwrap();
    let told = told.iter().find(|one| one.dimension == "driver").unwrap();
    assert_eq!((told.values, told.limit, told.other), (limit, limit, 50));
    // What was told apart stays so after a restart, and no more.
    store.close().unwrap();
    drop(store);
    let store = place.open();
    let more =
        ["d0", "new one"].map(|driver| call(&format!("x{driver}"), T, 1).context("driver", driver));
    append(&*store, &read(project, &more));
    let groups = store.groups(&Query::all(project), &[Dimension::Driver]).unwrap();
    let of = |name: &str| {
        groups
            .iter()
            .find(|group| group.key[0].as_deref() == Some(name))
            .map(|group| group.totals.count)
    };
    assert_eq!((of("d0"), of("new one"), of(OTHER)), (Some(2), None, Some(51)));
    // The events themselves say what they said.
    let mut seen = false;
    store
        .export(&Query::all(project), &mut |text| {
            seen |= text.contains("new one");
            ControlFlow::Continue(())
        })
        .unwrap();
    assert!(seen);
}

fn retention(place: &Place) {
    let store = place.open();
    let project = default_project(&*store);
    // Age counts from the arrival, which is now by the clock of the machine.
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let today = Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap());
    let later = |days: i64| today.plus_millis(days * 24 * 3_600_000);
    let sent = ["a", "b"].map(|id| call(id, &today.to_string(), 3).of("cmd", "r").text());
    append(&*store, &read_at(project, today, &sent));
    let left = || {
        let mut left = 0;
        store
            .export(&Query::all(project), &mut |_| {
                left += 1;
                ControlFlow::Continue(())
            })
            .unwrap();
        left
    };
    assert_eq!(store.retain(Retention::default(), later(60)).unwrap(), 0);
    assert_eq!((left(), count(&*store, project)), (2, (2, 6)));
    assert_eq!(store.retain(Retention::default(), later(120)).unwrap(), 2);
    assert_eq!((left(), count(&*store, project)), (0, (2, 6)));
    let run = store.run(project, "cmd").unwrap().unwrap();
    assert_eq!((run.summary.methods, run.events.len()), (2, 0));
    assert_eq!(store.retain(Retention::default(), later(120)).unwrap(), 0);
    store.retain(Retention::default(), later(500)).unwrap();
    assert_eq!(count(&*store, project), (0, 0));
}

fn a_large_batch(place: &Place) {
    let store = place.open();
    let project = default_project(&*store);
    let sent: Vec<Sent> = (0..12_000).map(|n| call(&format!("n{n}"), T, n % 700)).collect();
    let events = read(project, &sent);
    append(&*store, &events);
    check_groups(&*store, &events, &Query::all(project), &[Dimension::Driver]);
    assert_eq!(store.size().unwrap().events, 12_000);
    assert!(store.size().unwrap().bytes > 0);
    let outcomes = store.append(&events).unwrap();
    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Duplicate));
    check_groups(&*store, &events, &Query::all(project), &[Dimension::Driver]);
}

fn directory(place: &Place) {
    let store = place.open();
    assert_eq!(store.projects().unwrap().len(), 1);
    let project = store.create_project("team-a", now()).unwrap();
    assert_eq!(store.project("team-a").unwrap(), project);
    assert!(matches!(store.create_project("team-a", now()), Err(CollectorError::Exists { .. })));
    assert!(store.create_project("Team A'; --", now()).is_err());
    assert!(matches!(store.project("team-b"), Err(CollectorError::NotFound { .. })));
    let note = "laptop of\tsomebody's \\ 'friend'\n";
    let (secret, key) = keys::create(project.number, Scope::Read, note, now()).unwrap();
    store.insert_key(&key).unwrap();
    assert_eq!(store.find_key(&key.id).unwrap().as_ref(), Some(&key));
    assert!(store.find_key(&key.id).unwrap().unwrap().opens(secret.reveal()));
    assert_eq!(store.find_key(&KeyId("' OR 1=1 --".to_owned())).unwrap(), None);
    drop(store);
    let store = place.open();
    assert_eq!(store.keys().unwrap(), std::slice::from_ref(&key));
    let later = now().plus_millis(5);
    store.revoke_key(&key.id, later).unwrap();
    let revoked = store.find_key(&key.id).unwrap().unwrap();
    assert_eq!(revoked.revoked_at, Some(later));
    assert!(!revoked.opens(secret.reveal()));
    assert!(matches!(
        store.revoke_key(&KeyId("0011223344556677".to_owned()), later),
        Err(CollectorError::NotFound { .. })
    ));
    let names: Vec<String> = store.projects().unwrap().into_iter().map(|one| one.name).collect();
    assert_eq!(names, [DEFAULT_PROJECT, "team-a"]);
}
