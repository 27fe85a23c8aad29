//! Clients that take their time.

use std::io::Write;
use std::time::{Duration, Instant};

use crate::client::{Collector, event, events};

const HEAD: &str = "POST /ingest HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";

#[test]
fn bodies_together_have_a_limit_and_whoever_is_beyond_it_comes_again() {
    let collector = Collector::start();
    let head = format!("{HEAD}content-length: 8388608\r\n\r\n");
    let most = vec![b' '; (8 << 20) - 1];
    let mut clients = Vec::new();
    let answer = loop {
        // The last byte of these is never sent.
        let mut client = collector.connect();
        client.0.write_all(head.as_bytes()).unwrap();
        client.0.write_all(&most).unwrap();
        clients.push(client);
        let answer = collector.post(&most, &[]);
        if answer.status == 429 {
            break answer;
        }
        answer.refuses(400, "bad_request");
        assert!(clients.len() < 80, "there is no limit");
    };
    answer.refuses(429, "busy");
    assert!(answer.header("retry-after").unwrap().parse::<u32>().unwrap() > 0);
    drop(clients);
    // With them gone there is room again.
    let begun = Instant::now();
    while collector.post(&events(&[event("a", 1)]), &[]).status != 202 {
        assert!(begun.elapsed() < Duration::from_secs(20));
    }
}
