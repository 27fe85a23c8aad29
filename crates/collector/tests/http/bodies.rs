//! Bodies that are packed, too large, too many, too deep, or something else altogether.

use std::io::Write;

use serde_json::json;
use swamp_collector::Limits;

use crate::client::{Collector, event, events, options};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

#[test]
fn bodies_may_be_packed() {
    let collector = Collector::start();
    let body = events(&[event("a", 1)]);
    for (encoding, body, want) in [
        ("gzip", gzip(&body), "ok"),
        ("zstd", zstd(&body), "duplicate"),
        ("identity", body.clone(), "duplicate"),
    ] {
        let answer = collector.post(&body, &[("content-encoding", encoding)]);
        assert_eq!(answer.results(), [want], "{encoding}");
    }
    for (encoding, status, code) in [
        ("br", 415, "unsupported_media_type"),
        ("gzip, zstd", 415, "unsupported_media_type"),
        ("gzip", 400, "bad_request"),
        ("zstd", 400, "bad_request"),
    ] {
        collector.post(&body, &[("content-encoding", encoding)]).refuses(status, code);
    }
    let answer = collector.post(&body, &[("content-encoding", "br")]);
    assert_eq!(answer.header("accept-encoding"), Some("zstd, gzip"));
}

#[test]
fn bombs_do_not_go_off() {
    let collector = Collector::start();
    let blanks = vec![b' '; 64 << 20];
    for (encoding, bomb) in [("gzip", gzip(&blanks)), ("zstd", zstd(&blanks))] {
        let answer = collector.post(&bomb, &[("content-encoding", encoding)]);
        answer.refuses(413, "too_large");
    }
    // Packed twice is once too often.
    let twice = gzip(&gzip(&events(&[event("a", 1)])));
    collector.post(&twice, &[("content-encoding", "gzip")]).refuses(400, "bad_request");
    assert_eq!(collector.post(&events(&[event("a", 1)]), &[]).results(), ["ok"]);
}

#[test]
fn what_is_too_large_is_refused_so_that_the_client_gets_to_read_it() {
    let collector = Collector::start();
    let large = vec![b' '; (8 << 20) + 1];
    for _ in 0..5 {
        let message = collector.post(&large, &[]).refuses(413, "too_large");
        assert!(message.contains("8388608"), "{message}");
    }
    let exact = Limits::default().body_bytes;
    let mut fits = events(&[event("fits", 1)]);
    fits.resize(exact, b' ');
    assert_eq!(collector.post(&fits, &[]).results(), ["ok"]);
    let many = vec![json!(1); Limits::default().events + 1];
    collector.post(&events(&many), &[]).refuses(413, "too_large");
    assert_eq!(collector.post(&events(&many[1..]), &[]).results().len(), many.len() - 1);
}

#[test]
fn one_event_beyond_the_limits_does_not_sink_the_others() {
    let limits = Limits { event_bytes: 4000, depth: 8, text_bytes: 1000, ..Limits::default() };
    let collector = Collector::with(&swamp_collector::serve::ServeOptions { limits, ..options() });
    let with = |id: &str, value| {
        let mut event = event(id, 1);
        event["properties"]["more"] = value;
        event
    };
    let deep = (0..9).fold(json!(1), |inner, _| json!([inner]));
    let items = [
        with("fits", json!(["x".repeat(1000)])),
        with("deep", deep),
        with("text", json!("x".repeat(1001))),
        with("large", json!(vec!["y".repeat(900); 5])),
        with("also fits", json!([[[1]]])),
    ];
    let answer = collector.post(&events(&items), &[]);
    assert_eq!(answer.results(), ["ok", "invalid", "invalid", "invalid", "ok"]);
    // The whole body nested deeper than any stack.
    let mut nested = b"{\"a\":".repeat(400_000);
    nested.extend(b"}".repeat(400_000));
    let answer = collector.post(&nested, &[]);
    assert!([202, 400].contains(&answer.status), "{answer:?}");
    assert_eq!(collector.methods(), (2, 2));
}

#[test]
fn what_is_no_json_is_refused() {
    let collector = Collector::start();
    for body in [&b""[..], b"[]", b"null", b"{", b"{\"events\":{}}", b"\xff\xfe", b"events=1"] {
        collector.post(body, &[]).refuses(400, "bad_request");
    }
    let mut connection = collector.connect();
    let plain = crate::client::request("POST", "/ingest", &[("content-type", "text/plain")], b"{}");
    connection.exchange(&plain).refuses(415, "unsupported_media_type");
    collector
        .connect()
        .exchange(&crate::client::request("PUT", "/ingest", &[], b"{}"))
        .refuses(405, "method_not_allowed");
    collector.get("/nothing", &[]).refuses(404, "not_found");
}
