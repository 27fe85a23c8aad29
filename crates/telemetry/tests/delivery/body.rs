//! What a request looks like.

use serde_json::json;
use swamp_telemetry::flush::{BatchLimits, FlushResult};

use crate::server::{Reply, Server};
use crate::spool::{Spool, each_once, entry};

#[test]
fn one_entry_is_a_bare_event() {
    let (spool, server) = (Spool::with(0), Server::always(Reply::Take));
    spool.add("id-0", json!({"future": {"z": 1, "a": [1.50, null]}}));
    let report = spool.flush(&server);
    assert_eq!((report.result, report.sent, report.left), (FlushResult::Done, 1, 0));
    let [request] = server.requests().try_into().unwrap();
    assert_eq!(request.line, "POST /ingest HTTP/1.1");
    assert_eq!(request.headers["content-type"], "application/json");
    assert_eq!(request.headers["user-agent"], "swamp-cli/1.2.3");
    assert_eq!(request.headers.get("x-api-key"), None);
    let identity = std::fs::read_to_string(spool.home.path().join("config/identity.json")).unwrap();
    let identity: serde_json::Value = serde_json::from_str(&identity).unwrap();
    let mut properties = entry("id-0", json!({"future": {"z": 1, "a": [1.50, null]}}));
    properties["$repo_id"] = json!("repo-1");
    let event = json!({
        "event": "cli_invocation",
        "distinct_id": identity["userId"],
        "insert_id": "id-0",
        "properties": properties,
    });
    // To the byte: nothing between the tokens, keys in their order.
    assert_eq!(String::from_utf8(request.body).unwrap(), event.to_string());
    assert_eq!(spool.waiting(), [""; 0]);
}

/// Weaknesses 27, 34: a command sends a few entries of the many, and in any order.
#[test]
fn more_entries_are_a_list_and_the_oldest_goes_first() {
    let (mut spool, server) = (Spool::with(7), Server::always(Reply::Take));
    spool.batch = BatchLimits { events: 3, ..BatchLimits::default() };
    spool.flush(&server);
    let sent: Vec<Vec<String>> = server
        .requests()
        .iter()
        .map(|request| {
            let ids = request.events();
            ids.iter().map(|event| event["insert_id"].as_str().unwrap().to_owned()).collect()
        })
        .collect();
    assert_eq!(sent, [vec!["id-0", "id-1", "id-2"], vec!["id-3", "id-4", "id-5"], vec!["id-6"]]);
    let first = String::from_utf8(server.requests()[0].body.clone()).unwrap();
    assert!(first.starts_with(r#"{"events":[{"event":"cli_invocation","#), "{first}");
}

/// Weakness 27: how much is sent is a number of entries, however many wait.
#[test]
fn batches_have_bounds_in_bytes_too() {
    let (mut spool, server) = (Spool::with(10), Server::always(Reply::Take));
    spool.batch = BatchLimits { events: 100, bytes: 1500 };
    spool.add("large", json!({"text": "x".repeat(5000)}));
    spool.flush(&server);
    let requests = server.requests();
    assert!(requests.len() >= 4, "{}", requests.len());
    for request in &requests {
        assert!(request.body.len() < 1600 || request.events().len() == 1);
    }
    assert_eq!(server.taken().len(), 11);
}

#[test]
fn a_server_that_reads_gzip_gets_gzip_from_the_second_request_on() {
    let says = Reply::With(202, "accept-encoding: gzip, br\r\n");
    let (mut spool, server) = (Spool::with(60), Server::always(says));
    spool.batch = BatchLimits { events: 20, ..BatchLimits::default() };
    spool.flush(&server);
    let packed = |server: &Server| -> Vec<bool> {
        let requests = server.requests();
        requests.iter().map(|request| request.headers.contains_key("content-encoding")).collect()
    };
    assert_eq!(packed(&server), [false, true, true]);
    assert_eq!(server.taken(), each_once(60));
    // The next flush remembers; a server that has changed its mind is believed.
    for n in 60..80 {
        spool.add(&format!("id-{n}"), json!({}));
    }
    let refuses = Server::start(|_, request| match request.headers.get("content-encoding") {
        Some(_) => Reply::Status(415),
        None => Reply::Take,
    });
    // The state is about an address.
    let state = spool.path.join("flush-state.json");
    let text = std::fs::read_to_string(&state).unwrap().replace(&server.url(), &refuses.url());
    std::fs::write(&state, text).unwrap();
    spool.flush(&refuses);
    assert_eq!(packed(&refuses), [true, false]);
    assert_eq!(refuses.taken().len(), 20);
}

#[test]
fn a_preview_is_what_is_sent_then() {
    let (spool, server) = (Spool::with(3), Server::always(Reply::Take));
    let nothing = Spool::with(0);
    assert_eq!(nothing.job("http://h", |job| job.preview("nobody").unwrap()), None);
    let before = spool.job(&server.url(), |job| job.preview("nobody").unwrap()).unwrap();
    assert_eq!((before.events, before.later), (3, 0));
    assert!(!spool.home.path().join("config").exists(), "looking makes nothing");
    assert!(String::from_utf8_lossy(&before.body).contains(r#""distinct_id":"nobody""#));
    // With an identity it is exact.
    spool.add("id-x", json!({}));
    spool.flush(&server);
    spool.add("id-y", json!({"workflowContext": {"workflowName": "w", "runId": "r", "jobName": "j", "stepName": "s", "modelType": "@acme/x"}}));
    let exact = spool.job(&server.url(), |job| job.preview("nobody").unwrap()).unwrap();
    spool.flush(&server);
    assert_eq!(server.requests().last().unwrap().body, exact.body);
    assert!(!String::from_utf8_lossy(&exact.body).contains("acme"));
}

#[test]
fn sent_entries_can_be_kept() {
    let (mut spool, server) = (Spool::with(2), Server::always(Reply::Take));
    spool.keep_sent = true;
    spool.flush(&server);
    assert_eq!(spool.waiting(), ["id-0.flushed", "id-1.flushed"]);
    assert_eq!((spool.status().waiting, spool.status().kept), (0, 2));
    spool.flush(&server);
    assert_eq!(server.taken(), each_once(2));
}
