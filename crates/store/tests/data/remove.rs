//! Deleting versions and items.

use std::fs;

use crate::support::{Repo, key, put};

#[test]
fn deleting_one_version_leaves_the_others() {
    let repo = Repo::new();
    for text in ["one", "two", "three"] {
        repo.write("log", text);
    }
    assert!(repo.store.delete_version(&key("log"), 2).unwrap());
    assert!(!repo.store.delete_version(&key("log"), 2).unwrap());
    assert!(!repo.store.delete_version(&key("log"), 9).unwrap());
    assert_eq!(repo.store.version_numbers(&key("log")).unwrap(), [1, 3]);
    assert_eq!(repo.latest_text("log"), "three");

    assert!(repo.store.delete_version(&key("log"), 3).unwrap());
    assert_eq!(repo.latest_text("log"), "one");
    assert_eq!(fs::read_to_string(repo.item("log/latest")).unwrap(), "1");
    // In this process numbers go on; the pointer follows although it had been higher.
    let next = repo.write("log", "next").metadata.version;
    assert_eq!(repo.latest_text("log"), "next");

    for version in [next, 1] {
        assert!(repo.store.delete_version(&key("log"), version).unwrap());
    }
    assert!(!repo.item("log").exists(), "without versions there is no item");
    assert!(repo.listed().is_empty());
    assert_eq!(repo.write("log", "anew").metadata.version, 1);
}

#[test]
fn another_process_takes_the_number_after_the_highest() {
    let repo = Repo::new();
    for text in ["one", "two", "three"] {
        repo.write("log", text);
    }
    repo.store.delete_version(&key("log"), 3).unwrap();
    assert_eq!(put(&repo.other(), "log", "x").metadata.version, 3);
    repo.store.delete_version(&key("log"), 1).unwrap();
    assert_eq!(put(&repo.other(), "log", "x").metadata.version, 4);
}

#[test]
fn a_number_that_became_free_is_not_taken_below_the_newest() {
    let repo = Repo::new();
    repo.write("log", "one");
    let other = repo.other();
    for text in ["two", "three"] {
        put(&other, "log", text);
    }
    other.delete_version(&key("log"), 2).unwrap();
    // Here, 2 is the next number, and it is free.
    assert_eq!(repo.write("log", "four").metadata.version, 4);
    assert_eq!(repo.latest_text("log"), "four");
}

#[test]
fn deleting_an_item_starts_it_anew() {
    let repo = Repo::new();
    for text in ["one", "two"] {
        repo.write("log", text);
        repo.write("result", text);
    }
    assert_eq!(repo.store.delete(&key("log")).unwrap(), 2);
    assert_eq!(repo.store.delete(&key("log")).unwrap(), 0);
    assert_eq!(repo.listed(), ["result"]);
    assert_eq!(repo.store.latest(&key("log")).unwrap(), None);
    assert_eq!(repo.write("log", "x").metadata.version, 1);
    assert_eq!(repo.latest_text("log"), "x");
}

#[test]
fn what_another_process_deletes_is_noticed_by_the_next_write() {
    let repo = Repo::new();
    for text in ["one", "two"] {
        repo.write("log", text);
    }
    assert_eq!(repo.other().delete(&key("log")).unwrap(), 2);
    assert_eq!(repo.write("log", "x").metadata.version, 1);
    assert_eq!(fs::read_to_string(repo.item("log/latest")).unwrap(), "1");
    // A deleted item has no owner either.
    repo.other().delete(&key("log")).unwrap();
    let mut version = crate::support::new_version(key("log"));
    version.owner.reference = "another".to_owned();
    repo.store.write(&version, swamp_store::Content::Bytes(b"")).unwrap();
}
