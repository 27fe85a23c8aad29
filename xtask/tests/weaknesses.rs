//! The page of known weaknesses cannot rot: it knows all of them, and its tests exist.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// How many there are.
const WEAKNESSES: usize = 47;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The names of all test functions below a directory.
fn tests_below(directory: &Path, names: &mut BTreeSet<String>) {
    for item in std::fs::read_dir(directory).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() {
            tests_below(&path, names);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            for test in text.split("#[test]").skip(1) {
                // Attributes may stand in between, and so may comments.
                let name = test.split("fn ").nth(1).and_then(|rest| rest.split('(').next());
                names.extend(name.map(str::to_owned));
            }
        }
    }
}

#[test]
fn every_weakness_names_tests_that_exist() {
    let page = std::fs::read_to_string(root().join("docs/telemetry-weaknesses.md")).unwrap();
    let mut tests = BTreeSet::new();
    tests_below(&root().join("crates"), &mut tests);
    let mut number = 0;
    for row in page.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let Ok(found) = cells[0].parse::<usize>() else { continue };
        number += 1;
        assert_eq!(found, number, "{row}");
        let [_, weakness, instead, proof] = cells[..] else { panic!("not four cells: {row}") };
        assert!(!weakness.is_empty() && !instead.is_empty(), "{row}");
        if let Some(reason) = proof.strip_prefix("does not apply: ") {
            assert!(!reason.is_empty(), "{row}");
            continue;
        }
        let named: Vec<&str> = proof.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "no test is named: {row}");
        for name in named {
            assert!(tests.contains(name), "weakness {number}: there is no test {name}");
        }
    }
    assert_eq!(number, WEAKNESSES);
}
