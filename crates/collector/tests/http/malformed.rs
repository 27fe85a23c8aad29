//! Ten thousand bodies that somebody has damaged.

use crate::client::{Collector, event, events, request};
use crate::dice::Dice;

const PIECES: [&[u8]; 16] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"\\",
    b",",
    b":",
    b"null",
    b"-1e999",
    b"1e400",
    b"\xff",
    b"\\ud800",
    b"\0",
    b"18446744073709551616",
    b"\"events\":[",
];

#[test]
fn no_body_is_a_fault_of_the_collector() {
    let collector = Collector::start();
    let good = events(&[event("a", 1), event("b", 2), event("c", 3)]);
    let packed = zstd::encode_all(good.as_slice(), 1).unwrap();
    let mut dice = Dice(5);
    let mut statuses = std::collections::BTreeMap::new();
    let mut connection = collector.connect();
    for number in 0..10_000 {
        let is_packed = number % 10 == 0;
        let mut body = if is_packed { packed.clone() } else { good.clone() };
        dice.damage(&mut body, &PIECES);
        let mut headers = vec![("content-type", "application/json")];
        if is_packed {
            headers.push(("content-encoding", "zstd"));
        }
        let answer = connection.exchange(&request("POST", "/ingest", &headers, &body));
        let text = String::from_utf8_lossy(&body);
        assert!([202, 400, 413].contains(&answer.status), "{number}: {answer:?}\n{text}");
        let _ = answer.json(answer.status);
        *statuses.entry(answer.status).or_insert(0_u32) += 1;
        if answer.header("connection") == Some("close") {
            connection = collector.connect();
        }
    }
    // Both ways were gone: bodies that still had events, and bodies that had none.
    assert!(statuses[&202] > 1000 && statuses[&400] > 1000, "{statuses:?}");
    // Good ones are taken as before, and what was counted can be asked for.
    let answer = collector.post(&events(&[event("afterwards", 1)]), &[]);
    assert_eq!(answer.results(), ["ok"]);
    for path in ["/api/v1/summary", "/api/v1/runs", "/api/v1/errors", "/api/v1/breakdown?by=driver"]
    {
        collector.get(path, &[]).json(200);
    }
}
