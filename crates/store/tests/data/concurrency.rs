//! Many writers of the same data at once.

use std::collections::BTreeSet;
use std::env;
use std::process::{Child, Command, Stdio};
use std::sync::Barrier;

use swamp_store::DataStore;

use crate::support::{Everything, Repo, key, put};

const REPO: &str = "SWAMP_TEST_DATA_WRITER";
const WRITES: usize = 60;

/// Every write got a version of its own, nothing is left over, and the newest is the highest.
fn check(repo: &Repo, writers: usize) {
    let total = writers * WRITES;
    let listing = repo.other().versions(&key("shared")).unwrap();
    assert!(listing.warnings.is_empty(), "{:?}", listing.warnings);
    let numbers: Vec<_> = listing.versions.iter().rev().map(|v| v.metadata.version).collect();
    assert_eq!(numbers, (1..=total as u64).collect::<Vec<_>>());
    let texts: BTreeSet<_> = listing.versions.iter().map(|v| v.text().unwrap()).collect();
    assert_eq!(texts.len(), total, "no content twice");
    assert_eq!(listing.latest, Some(total as u64));
    let mut want: Vec<_> = (1..=total).map(|number| number.to_string()).collect();
    want.push("latest".to_owned());
    want.sort();
    assert_eq!(repo.entries("shared"), want, "no temporary file stays");
}

fn write_many(store: &DataStore, writer: &str) {
    for number in 0..WRITES {
        let stored = put(store, "shared", &format!("{writer} {number}"));
        // What was written is there at once.
        let newest = store.latest(&key("shared")).unwrap().unwrap();
        assert!(newest.metadata.version >= 1);
        assert_eq!(stored.text().unwrap(), format!("{writer} {number}"));
    }
}

#[test]
fn threads_share_an_item() {
    let repo = Repo::new();
    let start = Barrier::new(8);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (repo, start) = (&repo, &start);
            scope.spawn(move || {
                start.wait();
                write_many(&repo.store, &format!("thread {thread}"));
            });
        }
    });
    repo.store.close();
    check(&repo, 8);
}

#[test]
fn stores_share_an_item() {
    // Each store knows as little of the others as if it were a process.
    let repo = Repo::new();
    let start = Barrier::new(4);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (repo, start) = (&repo, &start);
            scope.spawn(move || {
                let store = repo.other();
                start.wait();
                write_many(&store, &format!("store {thread}"));
                store.close();
            });
        }
    });
    check(&repo, 4);
}

#[test]
fn processes_share_an_item() {
    let repo = Repo::new();
    // With a catalog, so that the list of changes is shared too.
    assert!(repo.queried().is_empty());
    let children: Vec<Child> = (0..3)
        .map(|_| {
            Command::new(env::current_exe().unwrap())
                .args(["--exact", "concurrency::one_process_writes", "--test-threads=1"])
                .env(REPO, repo.directory.path())
                .stdout(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    // And with somebody who asks all the time.
    let mut seen = 0;
    for mut child in children {
        while child.try_wait().unwrap().is_none() {
            let found = repo.store.query(&Everything { latest_only: false }, None).unwrap();
            assert!(found.records.len() >= seen, "versions do not vanish");
            seen = found.records.len();
        }
        assert!(child.wait().unwrap().success());
    }
    check(&repo, 3);
    assert_eq!(repo.queried().len(), 3 * WRITES);
    assert_eq!(crate::support::queried(&repo.other(), true), [format!("shared {}*", 3 * WRITES)]);
}

/// What the processes of [`processes_share_an_item`] run; alone it writes to a repository of its
/// own.
#[test]
fn one_process_writes() {
    let repo = Repo::new();
    let root = env::var_os(REPO).map_or(repo.directory.path().to_owned(), Into::into);
    let store = Repo::store_at(root);
    write_many(&store, &format!("process {}", std::process::id()));
    store.close();
    assert!(store.version_numbers(&key("shared")).unwrap().len() >= WRITES);
}

#[test]
fn queries_see_what_this_process_has_just_written() {
    let repo = Repo::new();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let repo = &repo;
            scope.spawn(move || {
                let name = format!("own-{thread}");
                for number in 1..=20 {
                    put(&repo.store, &name, "x");
                    let found = crate::support::queried(&repo.store, true);
                    assert!(found.contains(&format!("{name} {number}*")), "{found:?}");
                }
            });
        }
    });
    repo.store.close();
    assert_eq!(repo.queried().len(), 80);
}
