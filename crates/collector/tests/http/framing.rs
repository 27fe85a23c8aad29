//! Requests whose head does not add up.

use std::io::Write;

use crate::client::{Collector, event, events, read_answer};

const HEAD: &str = "POST /ingest HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";

#[test]
fn lengths_that_contradict_each_other_are_refused() {
    let collector = Collector::start();
    for headers in [
        "content-length: 2\r\ncontent-length: 3\r\n",
        "content-length: 2, 3\r\n",
        "content-length: -1\r\n",
        "content-length: +2\r\n",
        "content-length: 99999999999999999999999\r\n",
        "content-length: two\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "transfer-encoding: gzip\r\n",
        "transfer-encoding : chunked\r\n",
        "x: \0\r\n",
        " folded: yes\r\n",
    ] {
        let mut connection = collector.connect();
        let answer = connection.exchange(format!("{HEAD}{headers}\r\n{{}}").as_bytes());
        assert_eq!(answer.status, 400, "{headers:?}: {answer:?}");
        assert!(connection.ends(), "{headers:?}");
    }
    assert_eq!(collector.methods(), (0, 0));
}

#[test]
fn a_second_request_is_not_smuggled_in_a_body() {
    let collector = Collector::start();
    let body = String::from_utf8(events(&[event("smuggled", 1)])).unwrap();
    let inner = format!("{HEAD}content-length: {}\r\n\r\n{body}", body.len());
    for framing in [
        format!("content-length: {}\r\ntransfer-encoding: chunked\r\n", inner.len() + 5),
        format!("transfer-encoding: chunked\r\ncontent-length: {}\r\n", inner.len() + 5),
    ] {
        let mut connection = collector.connect();
        let answer = connection.exchange(format!("{HEAD}{framing}\r\n0\r\n\r\n{inner}").as_bytes());
        answer.refuses(400, "bad_request");
        assert_eq!(answer.header("connection"), Some("close"));
        assert!(connection.ends());
    }
    assert_eq!(collector.methods(), (0, 0));
}

#[test]
fn bodies_in_chunks_are_taken_and_end_the_connection() {
    let collector = Collector::start();
    let body = String::from_utf8(events(&[event("a", 1)])).unwrap();
    let (first, second) = body.split_at(20);
    let mut connection = collector.connect();
    let answer = connection.exchange(
        format!(
            "{HEAD}transfer-encoding: chunked\r\n\r\n{:x}\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\n\r\n",
            first.len(),
            second.len()
        )
        .as_bytes(),
    );
    assert_eq!(answer.results(), ["ok"]);
    assert!(connection.ends());
    // The same in chunks that are too large together.
    let mut connection = collector.connect();
    connection.0.write_all(format!("{HEAD}transfer-encoding: chunked\r\n\r\n").as_bytes()).unwrap();
    let chunk = [b"100000\r\n", vec![b' '; 1 << 20].as_slice(), b"\r\n"].concat();
    for _ in 0..9 {
        connection.0.write_all(&chunk).unwrap();
    }
    connection.0.write_all(b"0\r\n\r\n").unwrap();
    read_answer(&mut connection.0).unwrap().refuses(413, "too_large");
}

#[test]
fn heads_that_are_too_large_are_refused_with_a_reason() {
    let collector = Collector::start();
    for (head, status, code) in [
        (format!("{HEAD}{}\r\n", "x: y\r\n".repeat(70)), 431, "head_too_large"),
        (format!("{HEAD}cookie: {}\r\n\r\n", "x".repeat(40_000)), 431, "head_too_large"),
        (format!("GET /?step={} HTTP/1.1\r\n\r\n", "x".repeat(40_000)), 414, "address_too_long"),
    ] {
        let answer = collector.connect().exchange(head.as_bytes());
        answer.refuses(status, code);
    }
    // What is within the limits is not.
    let address = format!("/?step={}", "x".repeat(30_000));
    let long = "x".repeat(30_000);
    assert_eq!(collector.get(&address, &[("cookie", &long)]).status, 200);
}

/// Heads that are no HTTP, or larger than what is read of one, never get to where documents are made.
#[test]
fn heads_have_an_end() {
    let collector = Collector::start();
    for head in [
        format!("{HEAD}x-long: {}\r\n\r\n", "x".repeat(1 << 20)),
        format!("{HEAD}{}\r\n", "x: y\r\n".repeat(500)),
        format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(1 << 20)),
    ] {
        let mut connection = collector.connect();
        // The answer may come before everything is sent.
        let _ = connection.0.write_all(head.as_bytes());
        if let Ok(answer) = read_answer(&mut connection.0) {
            assert!([400, 414, 431].contains(&answer.status), "{answer:?}");
            assert_eq!(answer.header("connection"), Some("close"));
        }
        assert!(connection.ends());
    }
    assert_eq!(collector.post(&events(&[event("a", 1)]), &[]).results(), ["ok"]);
}

#[test]
fn whoever_waits_to_be_told_to_go_on_is_told_or_refused() {
    let collector = Collector::start();
    let body = events(&[event("a", 1)]);
    let mut connection = collector.connect();
    let head = format!("{HEAD}expect: 100-continue\r\ncontent-length: {}\r\n\r\n", body.len());
    assert_eq!(connection.exchange_head(head.as_bytes()), 100);
    assert_eq!(connection.exchange(&body).results(), ["ok"]);
    let mut connection = collector.connect();
    let head = format!("{HEAD}expect: 100-continue\r\ncontent-length: 900000000\r\n\r\n");
    connection.exchange(head.as_bytes()).refuses(413, "too_large");
}
