//! Replays the recorded sessions of the original tool against our binary.
//!
//! `tests/reference` holds the recordings; its README says how they are written and compared.
//! `tests/reference-differences.yaml` beside it says where we differ: per recording a list of `where`
//! (written like the `where` of a recording), `why`, and if possible `want`, the value that stands
//! there with us. A difference that is not listed fails the test, and so does a listed place that has
//! stopped to differ.
//!
//! Places that a recording itself marks as defective (`deviate`) need no entry; with one, `want` is
//! checked there. `follows: true` says that a difference follows from such a place: the same defect
//! seen somewhere else.
//!
//! `SWAMP_RECORDING=workflows/run cargo test -p swamp --test it conformance -- --nocapture` replays
//! only the recordings whose name contains the text and prints every difference in full.

mod compare;
mod place;
mod placeholder;
mod recording;
mod replay;
mod sandbox;
mod verdict;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use recording::{Known, Recording};
use verdict::Verdict;

/// The areas that are replayed.
const AREAS: [&str; 9] = [
    "repo",
    "cli",
    "models",
    "method-run",
    "data",
    "workflows",
    "expressions",
    "vaults",
    "telemetry",
];

#[test]
fn recordings() {
    let filter = std::env::var("SWAMP_RECORDING").unwrap_or_default();
    let known = Known::load();
    let names: Vec<String> = AREAS
        .iter()
        .flat_map(|area| Recording::names(area))
        .filter(|name| name.contains(&filter))
        .collect();
    let verdicts = Mutex::new(Vec::new());
    let next = AtomicUsize::new(0);
    // Recordings sleep more than they compute.
    let workers = std::thread::available_parallelism().map_or(2, usize::from) * 2;
    std::thread::scope(|threads| {
        for _ in 0..workers {
            threads.spawn(|| {
                while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let recording = Recording::load(name, &known);
                    let differences = replay::replay(&recording);
                    let verdict = Verdict::of(&recording, differences, &known);
                    verdicts.lock().unwrap().push(verdict);
                }
            });
        }
    });
    let mut verdicts = verdicts.into_inner().unwrap();
    verdicts.sort_by(|left, right| left.name.cmp(&right.name));
    println!("{}", verdict::table(&AREAS, &verdicts));
    let problems = verdict::problems(&verdicts, filter.is_empty().then_some(&known));
    assert!(problems.is_empty(), "{problems}");
}
