//! Random sequences of operations against a small model of what the store promises.

use std::collections::BTreeMap;

use proptest::prelude::*;
use swamp_store::{Content, DataStore, Retention};

use crate::support::{Repo, fresh_id, key, listed, new_version, queried, time};

const NAMES: [&str; 4] = ["a", "b", "c", "d"];
const KEPT: usize = 3;

#[derive(Clone, Debug)]
enum Op {
    Write { process: usize, name: usize },
    Rename { process: usize, old: usize, new: usize },
    Delete { process: usize, name: usize },
    DeleteVersion { process: usize, name: usize, which: usize },
    Mark { process: usize, name: usize },
    Collect { process: usize },
    Query { process: usize },
    Restart { process: usize },
}

fn op() -> impl Strategy<Value = Op> {
    let process = 0..2_usize;
    let name = 0..NAMES.len();
    prop_oneof![
        6 => (process.clone(), name.clone()).prop_map(|(process, name)| Op::Write { process, name }),
        2 => (process.clone(), name.clone(), name.clone())
            .prop_map(|(process, old, new)| Op::Rename { process, old, new }),
        1 => (process.clone(), name.clone())
            .prop_map(|(process, name)| Op::Delete { process, name }),
        2 => (process.clone(), name.clone(), 0..5_usize)
            .prop_map(|(process, name, which)| Op::DeleteVersion { process, name, which }),
        1 => (process.clone(), name).prop_map(|(process, name)| Op::Mark { process, name }),
        1 => process.clone().prop_map(|process| Op::Collect { process }),
        2 => process.clone().prop_map(|process| Op::Query { process }),
        1 => process.prop_map(|process| Op::Restart { process }),
    ]
}

#[derive(Clone, Debug, PartialEq)]
enum Version {
    Data(String),
    Deleted,
    Renamed(usize),
}

/// Versions by number. The highest is the newest.
type Item = BTreeMap<u64, Version>;

#[derive(Debug, Default)]
struct Model {
    items: [Item; NAMES.len()],
}

impl Model {
    fn newest(&self, name: usize) -> Option<(u64, &Version)> {
        self.items[name].last_key_value().map(|(number, version)| (*number, version))
    }

    fn latest(&self, mut name: usize) -> Option<&str> {
        for _ in 0..=5 {
            match self.newest(name)?.1 {
                Version::Data(text) => return Some(text),
                Version::Deleted => return None,
                Version::Renamed(to) => name = *to,
            }
        }
        None
    }

    fn is_shown(&self, name: usize) -> bool {
        matches!(self.newest(name), Some((_, Version::Data(_))))
    }

    fn listed(&self) -> Vec<String> {
        (0..NAMES.len())
            .filter(|name| self.is_shown(*name))
            .map(|name| NAMES[name].to_owned())
            .collect()
    }

    fn queried(&self) -> Vec<String> {
        let mut rows = Vec::new();
        for name in (0..NAMES.len()).filter(|name| self.is_shown(*name)) {
            for (number, version) in &self.items[name] {
                if matches!(version, Version::Data(_)) {
                    let mark = if self.newest(name).unwrap().0 == *number { "*" } else { "" };
                    rows.push(format!("{} {number}{mark}", NAMES[name]));
                }
            }
        }
        rows.sort();
        rows
    }
}

fn write(store: &DataStore, name: usize, text: &str) -> u64 {
    let mut version = new_version(key(NAMES[name]));
    version.garbage_collection = Retention::Newest(KEPT as u64);
    "text/plain".clone_into(&mut version.content_type);
    store.write(&version, Content::Bytes(text.as_bytes())).unwrap().metadata.version
}

fn run(ops: &[Op]) {
    let repo = Repo::new();
    let mut stores = [repo.other(), repo.other()];
    let mut model = Model::default();
    let now = time("2026-11-22T12:00:00.000Z");
    for (step, op) in ops.iter().enumerate() {
        match *op {
            Op::Write { process, name } => {
                let text = format!("text {step}");
                let number = write(&stores[process], name, &text);
                // A process may skip numbers that were taken when it last looked.
                let highest = model.newest(name).map_or(0, |(number, _)| number);
                assert!(number > highest, "step {step}: {number} after {highest}");
                model.items[name].insert(number, Version::Data(text));
            }
            Op::Rename { process, old, new } => {
                let result =
                    stores[process].rename(&key(NAMES[old]), &NAMES[new].into(), fresh_id(), now);
                let text = model.latest(old).map(str::to_owned);
                let possible = old != new && !model.is_shown(new) && text.is_some();
                assert_eq!(result.is_ok(), possible, "step {step}: {result:?}");
                if let (Ok(renamed), Some(text)) = (result, text) {
                    model.items[new].insert(renamed.new_version, Version::Data(text));
                    let marks = stores[process].version_numbers(&key(NAMES[old])).unwrap();
                    model.items[old].insert(*marks.last().unwrap(), Version::Renamed(new));
                }
            }
            Op::Delete { process, name } => {
                let count = stores[process].delete(&key(NAMES[name])).unwrap();
                assert_eq!(count, model.items[name].len() as u64);
                model.items[name].clear();
            }
            Op::DeleteVersion { process, name, which } => {
                let number = model.items[name].keys().nth(which).copied().unwrap_or(999);
                let deleted = stores[process].delete_version(&key(NAMES[name]), number).unwrap();
                assert_eq!(deleted, model.items[name].remove(&number).is_some());
            }
            Op::Mark { process, name } => {
                let mark = stores[process].mark_deleted(&key(NAMES[name]), &"m".into(), now);
                let mark = mark.unwrap();
                assert_eq!(mark.is_some(), model.is_shown(name));
                if let Some(mark) = mark {
                    model.items[name].insert(mark.metadata.version, Version::Deleted);
                }
            }
            Op::Collect { process } => {
                let plan = stores[process].plan_collection(now).unwrap();
                let report = stores[process].collect(&plan).unwrap();
                let mut removed = 0;
                for item in &mut model.items {
                    while item.len() > KEPT {
                        item.pop_first();
                        removed += 1;
                    }
                }
                assert_eq!((report.items, report.versions), (0, removed));
            }
            Op::Query { process } => {
                assert_eq!(queried(&stores[process], false), model.queried(), "step {step}");
            }
            Op::Restart { process } => {
                stores[process].close();
                stores[process] = repo.other();
            }
        }
        for store in &stores {
            for (name, text) in NAMES.into_iter().enumerate() {
                let key = key(text);
                let found = store.latest(&key).unwrap().map(|found| found.text().unwrap());
                assert_eq!(found.as_deref(), model.latest(name), "step {step}, {text}");
                assert_eq!(
                    store.version_numbers(&key).unwrap(),
                    model.items[name].keys().copied().collect::<Vec<_>>()
                );
            }
            assert_eq!(listed(store), model.listed(), "step {step}");
        }
    }
    for store in &stores {
        assert_eq!(queried(store, false), model.queried());
        store.close();
    }
    // What the catalog learnt bit by bit is what it would learn from the files.
    let _ = std::fs::remove_file(repo.catalog());
    assert_eq!(queried(&repo.other(), false), model.queried());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_store_does_what_the_model_says(ops in prop::collection::vec(op(), 1..40)) {
        run(&ops);
    }
}
