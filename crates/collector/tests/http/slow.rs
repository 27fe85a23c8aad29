//! Clients that take their time.

use std::io::Write;
use std::time::{Duration, Instant};

use crate::client::{Collector, event, events, read_answer};

const HEAD: &str = "POST /ingest HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";

#[test]
fn slow_clients_are_ended_and_keep_nobody_waiting() {
    let collector = Collector::start();
    let begun = Instant::now();
    // Half a head, and a head that promises as much as is allowed.
    let mut half_heads: Vec<_> = (0..64).map(|_| collector.connect()).collect();
    let mut bodies: Vec<_> = (0..64).map(|_| collector.connect()).collect();
    for client in &mut half_heads {
        client.0.write_all(&HEAD.as_bytes()[..40]).unwrap();
    }
    for client in &mut bodies {
        client.0.write_all(format!("{HEAD}content-length: 8388608\r\n\r\n{{").as_bytes()).unwrap();
    }
    let mut served = 0;
    let mut drips = half_heads.len() + bodies.len();
    while begun.elapsed() < Duration::from_secs(32) {
        let asked = Instant::now();
        let id = format!("good-{served}");
        assert_eq!(collector.post(&events(&[event(&id, 1)]), &[]).results(), ["ok"]);
        assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
        served += 1;
        // One byte at a time does not keep a connection alive.
        let is_alive = |client: &mut crate::client::Connection| client.0.write_all(b" ").is_ok();
        drips =
            half_heads.iter_mut().chain(&mut bodies).map(is_alive).filter(|alive| *alive).count();
        std::thread::sleep(Duration::from_millis(500));
    }
    assert!(drips < 128, "nobody was ended");
    assert!(half_heads.iter_mut().all(crate::client::Connection::ends));
    for client in &mut bodies {
        // Said why, and ended within the time for what is thrown away.
        if let Ok(answer) = read_answer(&mut client.0) {
            answer.refuses(408, "timeout");
        }
    }
    assert!(begun.elapsed() < Duration::from_secs(50), "{:?}", begun.elapsed());
    assert_eq!(collector.methods().0, served);
}

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
