//! What becomes of events, one by one and together.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;

use crate::client::{Collector, event, events};

#[test]
fn each_event_gets_its_own_answer() {
    let collector = Collector::start();
    let mut other = event("other", 1);
    other["event"] = json!("page_view");
    let mut bad = event("bad", 1);
    bad["properties"]["startedAt"] = json!("yesterday");
    let mut newer = event("newer", 2);
    newer["properties"]["somethingNew"] = json!({"a": [1]});
    let older = json!({
        "event": "cli_invocation",
        "properties": {
            "id": "older", "invocation": {"command": "version", "args": []},
            "result": {"status": "success"}, "startedAt": "2026-01-01T00:00:00.000Z",
            "durationMs": 3,
        },
    });
    let mut items: Vec<String> = [&event("a", 1), &event("a", 1), &other, &bad, &newer, &older]
        .map(ToString::to_string)
        .into();
    items.extend(["5".to_owned(), "{\"broken\":}".to_owned(), event("z", 1).to_string()]);
    let answer = collector.post(format!("{{\"events\":[{}]}}", items.join(",")).as_bytes(), &[]);
    assert_eq!(
        answer.results(),
        ["ok", "duplicate", "dropped", "invalid", "ok", "ok", "invalid", "invalid", "ok"]
    );
    let body = answer.json(202);
    assert_eq!(body["accepted"], 5);
    for (place, id) in [(0, json!("a")), (3, json!("bad")), (5, json!("older"))] {
        assert_eq!(body["results"][place]["id"], id);
    }
    for place in [2, 3, 6, 7] {
        assert!(body["results"][place]["reason"].as_str().unwrap().len() > 10, "{body}");
    }
    assert_eq!(collector.methods(), (3, 4));
    // One event without a list; it is there already.
    assert_eq!(collector.post(event("z", 1).to_string().as_bytes(), &[]).results(), ["duplicate"]);
    assert_eq!(collector.post(br#"{"events":[]}"#, &[]).results(), [""; 0]);
    assert_eq!(collector.methods(), (3, 4));
}

#[test]
fn an_event_may_have_a_key_that_bodies_have() {
    let collector = Collector::start();
    let mut own = event("own", 1);
    own["events"] = json!([1, 2]);
    assert_eq!(collector.post(&events(&[own]), &[]).results(), ["ok"]);
    for path in ["/api/v1/export?driver=raw", "/api/v1/export?format=csv"] {
        let answer = collector.get(path, &[("connection", "close")]);
        assert!(answer.body.contains("run-of-own"), "{path}: {answer:?}");
    }
}

#[test]
fn what_is_acknowledged_is_in_every_answer_from_then_on() {
    let collector = Collector::start();
    let acknowledged = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let (collector, acknowledged) = (&collector, &acknowledged);
            scope.spawn(move || {
                for batch in 0..60 {
                    let ids: Vec<String> =
                        (0..5).map(|n| format!("{writer}-{batch}-{n}")).collect();
                    let batch: Vec<_> = ids.iter().map(|id| event(id, 7)).collect();
                    assert_eq!(collector.post(&events(&batch), &[]).results(), ["ok"; 5]);
                    let promised = acknowledged.fetch_add(5, Ordering::SeqCst) + 5;
                    let (count, sum) = collector.methods();
                    assert!(count >= promised, "{promised} were acknowledged, {count} are counted");
                    assert_eq!(sum, count * 7);
                    let run = format!("/api/v1/runs/run-of-{}", ids[0]);
                    collector.get(&run, &[]).json(200);
                }
            });
        }
    });
    assert_eq!(collector.methods(), (1200, 8400));
}

#[test]
fn events_are_taken_while_somebody_else_writes_the_database() {
    let collector = Collector::start();
    let file = collector.data.path().join("collector.db");
    let other = rusqlite::Connection::open(file).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(collector.post(&events(&[event("a", 5)]), &[]).results(), ["ok"]);
    assert_eq!(collector.methods(), (1, 5));
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(collector.post(&events(&[event("a", 5)]), &[]).results(), ["duplicate"]);
    assert_eq!(collector.methods(), (1, 5));
}
