//! Ten thousand bodies that somebody has damaged.

use crate::client::{Collector, event, events, request};

/// Numbers that are the same in every run (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % end as u64).unwrap()
    }
}

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

fn damage(body: &mut Vec<u8>, dice: &mut Dice) {
    for _ in 0..=dice.below(4) {
        let at = dice.below(body.len().max(1)).min(body.len());
        match dice.below(6) {
            0 => body.truncate(at),
            1 if at < body.len() => body[at] ^= 1 << dice.below(8),
            2 if at < body.len() => _ = body.remove(at),
            3 => {
                let end = (at + dice.below(200)).min(body.len());
                let copy = body[at..end].to_vec();
                body.splice(at..at, copy);
            }
            4 => {
                let end = (at + dice.below(40)).min(body.len());
                body.drain(at..end);
            }
            _ => _ = body.splice(at..at, PIECES[dice.below(PIECES.len())].iter().copied()),
        }
    }
}

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
        damage(&mut body, &mut dice);
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
