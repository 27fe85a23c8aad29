//! The stores, each put through the same suite; and what only one of them can do.

use std::path::Path;

use swamp_collector::{CollectorError, SqliteStore, Store};

use crate::store_conformance::conformance;

fn sqlite(directory: &Path) -> Box<dyn Store> {
    Box::new(SqliteStore::open(directory).unwrap())
}

conformance!(sqlite, super::sqlite);

/// What opening the store says after its file was changed.
fn after(change: impl FnOnce(&Path)) -> (String, Vec<u8>, Vec<u8>) {
    let directory = tempfile::tempdir().unwrap();
    SqliteStore::open(directory.path()).unwrap().close().unwrap();
    let file = directory.path().join("collector.db");
    change(&file);
    let before = std::fs::read(&file).unwrap_or_default();
    let Err(error) = SqliteStore::open(directory.path()) else { panic!("it opens") };
    assert!(matches!(error, CollectorError::Damaged { .. }), "{error:?}");
    (error.to_string(), before, std::fs::read(&file).unwrap_or_default())
}

#[test]
fn a_damaged_file_is_refused_with_the_remedy_and_left_alone() {
    let truncated = |length: u64| {
        move |file: &Path| {
            std::fs::OpenOptions::new().write(true).open(file).unwrap().set_len(length).unwrap();
        }
    };
    let overwritten = |file: &Path| std::fs::write(file, "no database at all".repeat(100)).unwrap();
    let replaced = |file: &Path| {
        std::fs::remove_file(file).unwrap();
        let other = rusqlite::Connection::open(file).unwrap();
        other.execute_batch("CREATE TABLE t (x)").unwrap();
    };
    let lost = |file: &Path| {
        std::fs::remove_file(file).unwrap();
        std::fs::write(file.with_extension("db-wal"), "log").unwrap();
    };
    let lost_beside_its_journal = |file: &Path| {
        std::fs::remove_file(file).unwrap();
        std::fs::write(file.with_file_name("incoming-0000000000000001"), "records").unwrap();
    };
    for (message, before, now) in [
        after(truncated(0)),
        after(truncated(50)),
        after(truncated(8192)),
        after(truncated(40_000)),
        after(overwritten),
        after(replaced),
        after(lost),
        after(lost_beside_its_journal),
    ] {
        assert!(message.contains("swamp collector backup"), "{message}");
        assert_eq!(before, now, "{message}");
    }
}

#[test]
fn a_file_of_a_later_version_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    SqliteStore::open(directory.path()).unwrap().close().unwrap();
    let connection = rusqlite::Connection::open(directory.path().join("collector.db")).unwrap();
    connection.pragma_update(None, "user_version", 1_000).unwrap();
    drop(connection);
    let Err(error) = SqliteStore::open(directory.path()) else { panic!("it opens") };
    assert!(matches!(error, CollectorError::TooNew { found: 1_000, .. }), "{error:?}");
}

#[test]
fn one_collector_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let first = SqliteStore::open(directory.path()).unwrap();
    let Err(error) = SqliteStore::open(directory.path()) else { panic!("it opens twice") };
    let own = std::process::id().to_string();
    assert!(matches!(&error, CollectorError::InUse { holder, .. } if *holder == own), "{error:?}");
    drop(first);
    SqliteStore::open(directory.path()).unwrap();
}
