//! The seeds of the fuzz target, and a hundred thousand bodies made of them, the same in every run.
//!
//! `fuzz/` looks for more with libFuzzer; what it finds becomes a seed. CONTRIBUTING.md says how.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]
#![expect(unreachable_pub, reason = "there is nobody outside of a test binary to reach anything")]

#[path = "../http/dice.rs"]
mod dice;
mod door;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use dice::Dice;
use door::{Door, Fate};

/// Bodies made of the seeds by each of the threads.
const BODIES: usize = 25_000;

/// What is put into bodies besides pieces of other seeds.
const PIECES: [&[u8]; 30] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"\\",
    b",",
    b":",
    b" ",
    b"\n",
    b"null",
    b"true",
    b"-1e999",
    b"1e400",
    b"0.5",
    b"\xff",
    b"\xc3\xa9",
    b"\\ud800",
    b"\\u0000",
    b"\\u0065vents",
    b"\0",
    b"18446744073709551616",
    b"\"events\":[",
    b"\"insert_id\":\"\",",
    b"\"id\":null,",
    b"\"depth\":4294967296,",
    b"\"event\":\"cli_invocation\",",
    b"\"workflowContext\":{},",
    b"{\"event\":\"page_view\",\"properties\":{}},",
    b"[[[[[[[[[]]]]]]]]],",
];

fn seeds() -> Vec<(PathBuf, Vec<u8>)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/ingest_body");
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

#[test]
fn every_seed_is_answered_as_promised() {
    let door = Door::open();
    let mut fates = BTreeMap::new();
    for (path, seed) in seeds() {
        let fate = door.push(&seed);
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        // The name of a seed says what becomes of it, unless it was found by a machine.
        let want = match name.split_once('-').map_or("", |(first, _)| first) {
            "all" => Some(Fate::AllKept),
            "some" => Some(Fate::SomeKept),
            "none" => Some(Fate::NothingKept),
            "bad" => Some(Fate::Refused(400)),
            "large" => Some(Fate::Refused(413)),
            _ => None,
        };
        assert!(want.is_none_or(|want| want == fate), "{name}: {fate:?}");
        *fates.entry(fate).or_insert(0) += 1;
    }
    assert!(fates.len() == 5 && fates.values().all(|&seeds| seeds >= 2), "{fates:?}");
}

#[test]
fn bodies_made_of_seeds_are_answered_as_promised() {
    let seeds: Vec<Vec<u8>> = seeds().into_iter().map(|(_, seed)| seed).collect();
    let mut fates = BTreeMap::new();
    std::thread::scope(|scope| {
        let mutate = |start: u64| {
            let (door, mut dice) = (Door::open(), Dice(start));
            let mut fates = BTreeMap::new();
            for _ in 0..BODIES {
                let body = body(&seeds, &mut dice);
                *fates.entry(door.push(&body)).or_insert(0_usize) += 1;
            }
            fates
        };
        let threads: Vec<_> = (0..4).map(|start| scope.spawn(move || mutate(start))).collect();
        for thread in threads {
            for (fate, bodies) in thread.join().unwrap() {
                *fates.entry(fate).or_insert(0) += bodies;
            }
        }
    });
    assert_eq!(fates.values().sum::<usize>(), 4 * BODIES);
    // Every way was gone often.
    for fate in [Fate::AllKept, Fate::SomeKept, Fate::NothingKept, Fate::Refused(400)] {
        assert!(fates.get(&fate) > Some(&1_000), "{fates:?}");
    }
    assert!(fates.get(&Fate::Refused(413)) > Some(&50), "{fates:?}");
}

/// A seed, often with a piece of another one, damaged.
fn body(seeds: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut body = dice.one(seeds).clone();
    if dice.below(3) == 0 {
        let other = dice.one(seeds);
        let start = dice.below(other.len().max(1)).min(other.len());
        let end = (start + dice.below(400)).min(other.len());
        let at = dice.below(body.len().max(1)).min(body.len());
        body.splice(at..at, other[start..end].iter().copied());
    }
    if dice.below(8) != 0 {
        dice.damage(&mut body, &PIECES);
    }
    body
}
