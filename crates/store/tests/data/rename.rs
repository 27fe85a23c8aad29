//! Renaming: a copy under the new name, and a forward under the old.

use std::fs;

use swamp_store::{ItemKey, Renamed, Result, StoredVersion};

use crate::support::{Repo, fresh_id, key, time};

fn rename(repo: &Repo, old: &str, new: &str) -> Result<Renamed> {
    repo.store.rename(&key(old), &new.into(), fresh_id(), time("2026-11-22T12:00:00.000Z"))
}

fn latest(repo: &Repo, name: &str) -> Option<StoredVersion> {
    repo.store.latest(&key(name)).unwrap()
}

#[test]
fn the_old_name_leads_to_the_new() {
    let repo = Repo::new();
    repo.write("log", "one");
    let second = repo.write("log", "two");
    let renamed = rename(&repo, "log", "journal").unwrap();
    assert_eq!(renamed, Renamed { copied_version: 2, new_version: 1 });

    let journal = latest(&repo, "journal").unwrap();
    assert_ne!(journal.metadata.id, second.metadata.id);
    assert_eq!(journal.metadata.created_at, time("2026-11-22T12:00:00.000Z"));
    assert_eq!(journal.text().unwrap(), "two");
    assert_eq!(latest(&repo, "log").unwrap(), journal);
    assert_eq!(repo.store.version(&key("log"), 1).unwrap().unwrap().text().unwrap(), "one");

    let mark = repo.store.version(&key("log"), 3).unwrap().unwrap();
    assert!(mark.metadata.deleted);
    assert_eq!(mark.metadata.renamed_to, Some("journal".into()));
    assert_eq!(mark.metadata.id, second.metadata.id);
    assert_eq!((mark.metadata.size, &mark.metadata.checksum), (None, &None));
    assert_eq!(mark.metadata.content_type, "application/json");
    assert_eq!(
        mark.text().unwrap(),
        r#"{"renamedTo":"journal","renamedAt":"2026-11-22T12:00:00.000Z"}"#
    );
    assert!(
        fs::read_to_string(repo.item("log/3/metadata.yaml"))
            .unwrap()
            .ends_with("lifecycle: deleted\nrenamedTo: journal\n")
    );

    assert_eq!(repo.listed(), ["journal"]);
    assert_eq!(repo.queried(), ["journal 1*"]);
    let versions = repo.store.versions(&key("log")).unwrap();
    assert_eq!((versions.versions.len(), versions.latest), (3, Some(3)));
}

#[test]
fn writing_under_the_old_name_ends_the_forward() {
    let repo = Repo::new();
    repo.write("log", "one");
    assert_eq!(repo.queried(), ["log 1*"]);
    rename(&repo, "log", "journal").unwrap();
    assert_eq!(repo.write("log", "again").metadata.version, 3);
    assert_eq!(latest(&repo, "log").unwrap().text().unwrap(), "again");
    assert_eq!(repo.listed(), ["journal", "log"]);
    // The versions from before the renaming are back, as if the catalog had been built now.
    assert_eq!(repo.queried(), ["journal 1*", "log 1", "log 3*"]);
}

#[test]
fn renaming_a_forward_copies_what_it_leads_to() {
    let repo = Repo::new();
    repo.write("log", "one");
    rename(&repo, "log", "journal").unwrap();
    let journal = latest(&repo, "journal").unwrap();
    let renamed = rename(&repo, "log", "other").unwrap();
    assert_eq!(renamed, Renamed { copied_version: 1, new_version: 1 });
    assert_eq!(latest(&repo, "log").unwrap().key, key("other"));
    let mark = repo.store.version(&key("log"), 3).unwrap().unwrap();
    assert_eq!(mark.metadata.id, journal.metadata.id);
    assert_eq!(mark.metadata.name, "journal", "the name of what was renamed");
    assert_eq!(mark.key, key("log"));
    assert_eq!(repo.listed(), ["journal", "other"]);
}

#[test]
fn there_and_back_again() {
    let repo = Repo::new();
    repo.write("a", "one");
    rename(&repo, "a", "b").unwrap();
    let renamed = rename(&repo, "b", "a").unwrap();
    assert_eq!(renamed, Renamed { copied_version: 1, new_version: 3 });
    assert_eq!(latest(&repo, "a").unwrap().key, key("a"));
    assert_eq!(latest(&repo, "b").unwrap().key, key("a"));
    assert_eq!(repo.listed(), ["a"]);
}

#[test]
fn five_renamings_are_followed() {
    let repo = Repo::new();
    repo.write("n0", "x");
    for number in 0..6 {
        rename(&repo, &format!("n{number}"), &format!("n{}", number + 1)).unwrap();
    }
    for (name, found) in [("n0", false), ("n1", true), ("n5", true), ("n6", true)] {
        assert_eq!(latest(&repo, name).is_some(), found, "{name}");
    }
    // A ring ends too.
    for (name, other) in [("x", "y"), ("y", "x")] {
        let text = fs::read_to_string(repo.item("n0/2/metadata.yaml")).unwrap();
        repo.plant(name, 1, &text.replace("renamedTo: n1", &format!("renamedTo: {other}")), "{}");
    }
    assert_eq!(latest(&repo, "x"), None);
    // And a forward out of the repository leads nowhere.
    let text = fs::read_to_string(repo.item("n0/2/metadata.yaml")).unwrap();
    repo.plant("z", 1, &text.replace("renamedTo: n1", "renamedTo: ../../x"), "{}");
    assert_eq!(latest(&repo, "z"), None);
}

#[test]
fn what_cannot_be_renamed() {
    let repo = Repo::new();
    repo.write("result", "x");
    repo.write("taken", "x");
    for (old, new, want) in [
        ("result", "taken", "Data \"taken\" already exists"),
        ("nope", "free", "Data \"nope\" not found"),
        ("result", "result", "Old name and new name must be different."),
        (
            "result",
            "a/b",
            "Invalid new name \"a/b\": Data name must not contain '..', '/', '\\', or null bytes \
             (path traversal)",
        ),
        (
            "result",
            "latest",
            "Data name 'latest' is reserved for internal use. Use a different name.",
        ),
    ] {
        assert_eq!(rename(&repo, old, new).unwrap_err().to_string(), want);
    }
    assert_eq!(repo.entries("result"), ["1", "latest"]);
    // A deleted item's name is free.
    repo.store
        .mark_deleted(&key("taken"), &"destroy".into(), time("2026-11-22T12:00:00.000Z"))
        .unwrap();
    rename(&repo, "result", "taken").unwrap();
    assert_eq!(repo.listed(), ["taken"]);
}

#[test]
fn models_do_not_mix() {
    let repo = Repo::new();
    repo.write("log", "one");
    let other = ItemKey { model: crate::support::model("other"), name: "log".into() };
    assert_eq!(repo.store.latest(&other).unwrap(), None);
}
