//! What a server may say, and what becomes of the entries.

use std::time::Duration;

use serde_json::json;
use swamp_ident::Clock as _;
use swamp_telemetry::flush::{BatchLimits, FlushResult};

use crate::server::{Reply, Server};
use crate::spool::{Spool, each_once};

/// Weakness 42: failures to send are never told.
#[test]
fn only_202_means_that_entries_arrived() {
    for (status, want) in [
        (200, FlushResult::Misconfigured { status: 200 }),
        (204, FlushResult::Misconfigured { status: 204 }),
        (401, FlushResult::Misconfigured { status: 401 }),
        (403, FlushResult::Misconfigured { status: 403 }),
        (404, FlushResult::Misconfigured { status: 404 }),
        (429, FlushResult::Paused { status: 429 }),
        (500, FlushResult::Failed { status: 500 }),
        (503, FlushResult::Paused { status: 503 }),
    ] {
        let (spool, server) = (Spool::with(3), Server::always(Reply::Status(status)));
        let report = spool.flush(&server);
        assert_eq!((report.result, report.left), (want, 3), "{status}");
        assert_eq!(server.requests().len(), 1, "{status}: one attempt is enough");
        assert!(report.next_try.is_some(), "{status}");
        let known = spool.status();
        assert_eq!((known.failures, known.set_aside), (1, 0), "{status}");
        let last = known.last_flush.unwrap();
        assert!(!last.ok && last.result.contains(&status.to_string()), "{}", last.result);
    }
}

#[test]
fn whoever_comes_too_early_asks_nobody() {
    let (mut spool, server) = (Spool::with(1), Server::always(Reply::Status(500)));
    spool.flush(&server);
    spool.is_impatient = false;
    assert_eq!(spool.flush(&server).result, FlushResult::TooEarly);
    assert_eq!(server.requests().len(), 1);
    // A new address is tried at once.
    let other = Server::always(Reply::Take);
    assert_eq!(spool.flush(&other).sent, 1);
}

/// Weakness 26: what 429 and 503 ask for is not understood.
#[test]
fn the_server_says_how_long_to_wait() {
    let now = || swamp_ident::SystemClock::new().now().wall.as_millis();
    let asks = |header: &'static str| {
        let (spool, server) = (Spool::with(1), Server::always(Reply::With(429, header)));
        let before = now();
        let next = spool.flush(&server).next_try.unwrap().as_millis();
        // Even somebody who is in a hurry keeps to it.
        assert_eq!(spool.flush(&server).result, FlushResult::TooEarly, "{header}");
        assert_eq!(server.requests().len(), 1, "{header}");
        (next - before) / 1000
    };
    assert!((100..130).contains(&asks("retry-after: 120\r\n")));
    assert!((80_000..=86_400).contains(&asks("retry-after: Fri, 31 Dec 2100 00:00:00 GMT\r\n")));
    // A date that has passed is as good as at once, and at once is not right away.
    let (spool, server) = (Spool::with(1), Server::always(Reply::With(503, "retry-after: 0\r\n")));
    assert!(spool.flush(&server).next_try.is_some());
}

/// Weakness 26: nothing waits longer after a failure.
#[test]
fn failures_make_waits_longer() {
    let (spool, server) = (Spool::with(1), Server::always(Reply::Status(502)));
    let mut waits = Vec::new();
    for _ in 0..5 {
        let before = swamp_ident::SystemClock::new().now().wall.as_millis();
        waits.push((spool.flush(&server).next_try.unwrap().as_millis() - before) / 1000);
    }
    for (wait, limit) in waits.iter().zip([60, 120, 240, 480, 960]) {
        assert!((limit / 2 - 2..=limit + 2).contains(wait), "{waits:?}");
    }
    assert_eq!(spool.status().failures, 5);
    assert_eq!(spool.flush(&Server::always(Reply::Take)).sent, 1);
    assert_eq!((spool.status().failures, spool.status().next_try), (0, None));
}

#[test]
fn each_event_has_its_own_fate() {
    let server = Server::always(Reply::Results(|id| match id {
        "id-1" => ("duplicate", None),
        "id-2" => ("invalid", Some("platform is missing")),
        "id-3" => ("dropped", None),
        "id-4" => ("later", None),
        "id-5" => ("", None),
        _ => ("ok", None),
    }));
    let spool = Spool::with(7);
    let report = spool.flush(&server);
    assert_eq!((report.sent, report.set_aside, report.dropped, report.left), (3, 1, 1, 2));
    assert_eq!(spool.waiting(), ["id-4", "id-5"]);
    assert_eq!(spool.reason("id-2"), "the endpoint refused it: platform is missing\n");
    assert_eq!(spool.status().dropped.by_server, 1);
    // What nobody speaks of is not sent for ever.
    spool.flush(&server);
    let report = spool.flush(&server);
    assert_eq!((report.set_aside, report.left), (2, 0));
    assert_eq!(spool.reason("id-5"), "the endpoint did not say what became of it\n");
}

/// Weakness 26: what is too large is sent again as it is, for ever.
#[test]
fn too_much_at_once_is_sent_in_parts() {
    let server = Server::always(Reply::AtMost(3, 2500));
    let spool = Spool::with(40);
    spool.add("giant", json!({"text": "x".repeat(4000)}));
    let report = spool.flush(&server);
    assert_eq!((report.result, report.sent, report.set_aside), (FlushResult::Done, 40, 1));
    assert_eq!(server.taken(), each_once(40));
    assert!(spool.reason("giant").contains("too large"), "{}", spool.reason("giant"));
    // Once it is known how much is too much, the rest goes through.
    assert!(server.requests().len() < 40, "{}", server.requests().len());
}

/// Weakness 26: what is refused is sent for ever.
#[test]
fn an_event_that_is_refused_by_itself_is_set_aside_and_no_other() {
    for status in [400, 422] {
        let (spool, server) = (Spool::with(20), Server::always(Reply::Stumble(status, "poison")));
        for id in ["poison-a", "poison-b"] {
            spool.add(id, json!({}));
        }
        for n in 20..40 {
            spool.add(&format!("id-{n}"), json!({}));
        }
        let report = spool.flush(&server);
        assert_eq!((report.result, report.sent, report.set_aside), (FlushResult::Done, 40, 2));
        assert_eq!(server.taken(), each_once(40));
        let reason = format!("the endpoint refused it with HTTP {status}\n");
        assert_eq!((spool.reason("poison-a"), spool.reason("poison-b")), (reason.clone(), reason));
        assert!(server.requests().len() < 40, "{}", server.requests().len());
    }
}

#[test]
fn an_event_a_server_stumbles_over_is_found_after_three_failures() {
    let (spool, server) = (Spool::with(0), Server::always(Reply::Stumble(500, "poison")));
    // At the head of the queue, where it would block all others.
    spool.add("poison", json!({}));
    for n in 0..30 {
        spool.add(&format!("id-{n}"), json!({}));
    }
    assert_eq!(spool.flush(&server).result, FlushResult::Failed { status: 500 });
    assert_eq!(spool.flush(&server).result, FlushResult::Failed { status: 500 });
    assert_eq!(server.requests().len(), 2, "the server may just be unwell");
    let report = spool.flush(&server);
    assert_eq!((report.result, report.sent, report.set_aside), (FlushResult::Done, 30, 1));
    assert_eq!(server.taken(), each_once(30));
}

#[test]
fn a_server_that_refuses_everything_costs_no_entry() {
    for status in [400, 500] {
        let (spool, server) = (Spool::with(300), Server::always(Reply::Status(status)));
        for _ in 0..6 {
            let report = spool.flush(&server);
            assert_eq!(report.result, FlushResult::Failed { status }, "{status}");
            assert_eq!((report.set_aside, report.left), (0, 300), "{status}");
        }
        assert!(server.requests().len() <= 6 * 26, "{}", server.requests().len());
        let well = Server::always(Reply::Take);
        assert_eq!(spool.flush(&well).sent, 300);
    }
}

#[test]
fn a_lone_event_is_set_aside_only_where_others_were_taken_before() {
    let server = Server::always(Reply::Stumble(400, "poison"));
    let spool = Spool::with(0);
    spool.add("poison", json!({}));
    for _ in 0..5 {
        assert_eq!(spool.flush(&server).left, 1);
    }
    let spool = Spool::with(1);
    spool.flush(&server);
    spool.add("poison", json!({}));
    assert_eq!(spool.flush(&server).left, 1);
    assert_eq!(spool.flush(&server).left, 1);
    assert_eq!((spool.flush(&server).set_aside, spool.status().waiting), (1, 0));
}

#[test]
fn late_answers_count_if_they_come_in_time() {
    let late = Server::always(Reply::Late(Duration::from_millis(300)));
    assert_eq!(Spool::with(2).flush(&late).sent, 2);
    let mut spool = Spool::with(2);
    spool.request_timeout = Duration::from_millis(50);
    let report = spool.flush(&late);
    assert_eq!(report.result, FlushResult::Unreachable("no answer in time".to_owned()));
    assert_eq!(report.left, 2);
    spool.request_timeout = Duration::from_secs(20);
    assert_eq!(spool.flush(&late).left, 0);
}

#[test]
fn answers_that_never_come_end_with_the_deadline() {
    let server = Server::always(Reply::Hang);
    let mut spool = Spool::with(2);
    spool.deadline = Duration::from_millis(200);
    let start = std::time::Instant::now();
    assert_eq!(spool.flush(&server).result, FlushResult::OutOfTime);
    assert!(start.elapsed() < Duration::from_secs(5));
    spool.deadline = Duration::from_secs(20);
    spool.request_timeout = Duration::from_millis(200);
    assert!(matches!(spool.flush(&server).result, FlushResult::Unreachable(_)));
    assert_eq!(spool.status().failures, 1);
}

/// Weakness 31: a lost answer makes duplicates.
#[test]
fn a_lost_answer_means_sending_again_under_the_same_id() {
    let server = Server::script(vec![Reply::TakeAndDrop, Reply::Drop, Reply::Garbage, Reply::Take]);
    let spool = Spool::with(3);
    for _ in 0..3 {
        let report = spool.flush(&server);
        assert!(matches!(report.result, FlushResult::Unreachable(_)), "{:?}", report.result);
        assert_eq!(report.left, 3);
    }
    assert_eq!(spool.flush(&server).sent, 3);
    let taken = server.taken();
    assert_eq!(taken.keys().collect::<Vec<_>>(), ["id-0", "id-1", "id-2"]);
    assert!(taken.values().all(|times| *times == 2), "{taken:?}");
}

#[test]
fn the_rest_of_a_backlog_waits_for_a_better_time() {
    let server = Server::script(vec![Reply::Take, Reply::Take, Reply::Status(502)]);
    let mut spool = Spool::with(10);
    spool.batch = BatchLimits { events: 3, ..BatchLimits::default() };
    let report = spool.flush(&server);
    assert_eq!((report.sent, report.left), (6, 4));
    assert_eq!(server.taken().len(), 6);
    assert_eq!(spool.waiting(), ["id-6", "id-7", "id-8", "id-9"]);
}

#[test]
fn switching_off_stops_a_flush_that_is_under_way() {
    let server = Server::always(Reply::Take);
    let mut spool = Spool::with(10);
    spool.batch = BatchLimits { events: 3, ..BatchLimits::default() };
    let asked = std::cell::Cell::new(0);
    let is_on = || {
        asked.set(asked.get() + 1);
        asked.get() <= 2
    };
    let report = spool.job(&server.url(), |job| {
        swamp_telemetry::flush::FlushJob { is_on: &is_on, ..job }.run().unwrap()
    });
    assert_eq!((report.result, report.sent, report.left), (FlushResult::SwitchedOff, 6, 4));
}
