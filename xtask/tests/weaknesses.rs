//! The page of known weaknesses cannot rot: it knows all of them, and page and tests name each other.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// How many there are.
const WEAKNESSES: usize = 47;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Which weaknesses each test function below a directory says it is about.
fn tests_below(directory: &Path, found: &mut BTreeMap<String, BTreeSet<usize>>) {
    for item in std::fs::read_dir(directory).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() {
            tests_below(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            tests_in(&std::fs::read_to_string(&path).unwrap(), found);
        }
    }
}

/// The same for a text. Comments and attributes stand above the function; whatever else does ends
/// what is said about it.
fn tests_in(text: &str, found: &mut BTreeMap<String, BTreeSet<usize>>) {
    let (mut weaknesses, mut is_test) = (BTreeSet::new(), false);
    for line in text.lines().map(str::trim) {
        if let Some(comment) = line.strip_prefix("///") {
            weaknesses.extend(numbers(comment));
        } else if line == "#[test]" {
            is_test = true;
        } else if let Some(rest) = line.strip_prefix("fn ") {
            let name = rest.split('(').next().unwrap();
            let said = std::mem::take(&mut weaknesses);
            if std::mem::take(&mut is_test) {
                found.entry(name.to_owned()).or_default().extend(said);
            } else {
                assert!(said.is_empty(), "{name} is about {said:?} and no test");
            }
        } else if !line.starts_with("#[") && !line.starts_with("//") {
            assert!(weaknesses.is_empty(), "nobody is about {weaknesses:?}, above: {line}");
        }
    }
}

/// The numbers in a comment such as ` Weaknesses 6, 16: names are taken for words.`
fn numbers(comment: &str) -> Vec<usize> {
    let comment = comment.trim();
    let (one, many) = (comment.strip_prefix("Weakness "), comment.strip_prefix("Weaknesses "));
    let Some(rest) = one.or(many) else { return Vec::new() };
    let (numbers, about) = rest.split_once(": ").unwrap();
    let numbers: Vec<usize> = numbers.split(", ").map(|number| number.parse().unwrap()).collect();
    assert!(!about.is_empty() && one.is_some() == (numbers.len() == 1), "{comment}");
    numbers
}

#[test]
fn every_weakness_and_its_tests_name_each_other() {
    let page = std::fs::read_to_string(root().join("docs/telemetry-weaknesses.md")).unwrap();
    let mut tests = BTreeMap::new();
    tests_below(&root().join("crates"), &mut tests);
    // What the tests say and the page does not.
    let mut untold: BTreeSet<(usize, &str)> = tests
        .iter()
        .flat_map(|(name, about)| about.iter().map(move |number| (*number, name.as_str())))
        .collect();
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
            let about = tests.get(name);
            let about = about.unwrap_or_else(|| panic!("weakness {number}: no test {name}"));
            assert!(about.contains(&number), "{name} does not say that it is about {number}");
            untold.remove(&(number, name));
        }
    }
    assert_eq!(number, WEAKNESSES);
    assert!(untold.is_empty(), "tests say so, and the page does not: {untold:?}");
}

#[test]
fn comments_above_tests_are_read() {
    let mut found = BTreeMap::new();
    let text = "/// Weaknesses 3, 12: x\n#[test]\n#[expect(y)]\nfn one() {\n}\n#[test]\nfn two() {";
    tests_in(text, &mut found);
    let told: Vec<_> = found.into_iter().collect();
    assert_eq!(told, [("one".to_owned(), [3, 12].into()), ("two".to_owned(), [].into())]);
}
