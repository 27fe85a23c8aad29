//! The catalog follows the files, whatever happens to it.

use std::fs;

use rusqlite::Connection;
use serde_json::Value;
use swamp_store::{Body, Content, DataStore, RecordPredicate};

use crate::support::{Everything, MODEL, Repo, key, model, new_version, put, queried, short, time};

fn meta(repo: &Repo, key: &str) -> Option<String> {
    Connection::open(repo.catalog())
        .unwrap()
        .query_row("SELECT value FROM catalog_meta WHERE key = ?1", [key], |row| row.get(0))
        .ok()
}

/// What another program sees that knows the tables but not our list of changes: nothing, if it has
/// to build the catalog first.
fn seen_by_others(repo: &Repo) -> Option<Vec<String>> {
    meta(repo, "populated").filter(|value| value == "true")?;
    let connection = Connection::open(repo.catalog()).unwrap();
    let mut statement = connection
        .prepare("SELECT data_name || ' ' || version || iif(is_latest, '*', '') FROM catalog")
        .unwrap();
    let mut rows: Vec<String> =
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    rows.sort();
    Some(rows)
}

fn changes(repo: &Repo) -> String {
    fs::read_to_string(repo.path(".swamp/data/_catalog.db-changes")).unwrap_or_default()
}

#[test]
fn there_is_no_catalog_until_somebody_asks() {
    let repo = Repo::new();
    repo.write("result", "{}");
    repo.store.close();
    assert!(!repo.catalog().exists() && changes(&repo).is_empty());
    assert_eq!(repo.queried(), ["result 1*"]);
    assert_eq!(meta(&repo, "schema_version").as_deref(), Some("3"));
    assert_eq!(seen_by_others(&repo), Some(vec!["result 1*".to_owned()]));
}

#[test]
fn the_tables_are_those_of_the_shared_format() {
    let repo = Repo::new();
    let mut version = new_version(key("result"));
    version.owner.step_name = Some("one".into());
    version.owner.source = Some("step-output".to_owned());
    version.streaming = true;
    let id = repo.store.write(&version, Content::Bytes(b"{}")).unwrap().metadata.id;
    assert_eq!(repo.queried().len(), 1);
    let connection = Connection::open(repo.catalog()).unwrap();
    let row: String = connection
        .query_row(
            "SELECT json_array(type_normalized, model_id, data_name, id, version, is_latest,
                 model_name, spec_name, data_type, content_type, lifetime, owner_type, streaming,
                 size, created_at, json(tags), owner_ref, workflow_run_id, workflow_name, job_name,
                 step_name, source) FROM catalog",
            [],
            |row| row.get(0),
        )
        .unwrap();
    let want = format!(
        r#"["command/shell","{MODEL}","result","{id}",1,1,"probe","result","resource",
        "application/json","infinite","model-method",1,2,"2026-11-22T10:00:00.000Z",
        {{"type":"resource","specName":"result","modelName":"probe"}},"{MODEL}","","","","one",
        "step-output"]"#
    );
    assert_eq!(
        serde_json::from_str::<Value>(&row).unwrap(),
        serde_json::from_str::<Value>(&want).unwrap()
    );
    let mode: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
}

#[test]
fn every_kind_of_change_reaches_the_next_query() {
    let repo = Repo::new();
    repo.write("a", "1");
    assert_eq!(repo.queried(), ["a 1*"]);
    repo.write("a", "2");
    repo.write("b", "1");
    assert_eq!(repo.queried(), ["a 1", "a 2*", "b 1*"]);
    repo.store.delete_version(&key("a"), 2).unwrap();
    assert_eq!(repo.queried(), ["a 1*", "b 1*"]);
    repo.store
        .rename(&key("b"), &"c".into(), crate::support::fresh_id(), time("2026-11-22T12:00:00Z"))
        .unwrap();
    assert_eq!(repo.queried(), ["a 1*", "c 1*"]);
    repo.store.mark_deleted(&key("c"), &"x".into(), time("2026-11-22T12:00:00Z")).unwrap();
    assert_eq!(repo.queried(), ["a 1*"]);
    repo.store.delete(&key("a")).unwrap();
    assert!(repo.queried().is_empty());
    repo.write("a", "anew");
    assert_eq!(repo.queried(), ["a 1*"]);
    // Another process sees the same, before and after we end.
    assert_eq!(queried(&repo.other(), false), ["a 1*"]);
    repo.store.close();
    assert_eq!(queried(&repo.other(), false), ["a 1*"]);
}

#[test]
fn other_programs_are_never_promised_too_much() {
    let repo = Repo::new();
    repo.write("a", "1");
    assert_eq!(repo.queried(), ["a 1*"]);
    // A process writes, much and little, and ends in order or is killed.
    for (round, (writes, in_order)) in
        [(1, true), (3, false), (300, true), (2, false)].into_iter().enumerate()
    {
        let store = repo.other();
        for _ in 0..writes {
            put(&store, &format!("round-{round}"), "x");
        }
        if in_order {
            store.close();
        } else {
            // Long enough ago that the promise has been taken back.
            while meta(&repo, "populated").is_some() {
                std::thread::yield_now();
            }
            std::mem::forget(store);
        }
        if let Some(rows) = seen_by_others(&repo) {
            assert_eq!(rows, queried(&repo.other(), false), "round {round}");
        } else {
            assert!(!(writes == 1 && in_order), "little is told when the process ends");
        }
    }
}

#[test]
fn the_list_of_changes_does_not_grow_for_ever() {
    let repo = Repo::new();
    assert!(repo.queried().is_empty());
    for _ in 0..3 {
        let store = repo.other();
        for _ in 0..200 {
            put(&store, "a", "x");
        }
        store.close();
        assert!(!changes(&repo).is_empty(), "too much to tell in passing");
        assert!(seen_by_others(&repo).is_none());
        repo.queried();
        assert!(changes(&repo).is_empty(), "applied and emptied");
        assert_eq!(seen_by_others(&repo).unwrap(), repo.queried());
    }
    assert_eq!(repo.queried().len(), 600);
}

#[test]
fn a_list_with_half_a_line_is_not_trusted() {
    let repo = Repo::new();
    repo.write("a", "1");
    assert_eq!(repo.queried(), ["a 1*"]);
    repo.store.close();
    for damage in ["[\"command/shell\",\"", "nonsense\n", "[1,2,3,4]\n", "\u{0}\n"] {
        let version = put(&repo.other(), "a", "x").metadata.version;
        fs::write(repo.path(".swamp/data/_catalog.db-changes"), damage).unwrap();
        assert_eq!(repo.queried().len() as u64, version, "{damage:?}");
        assert!(changes(&repo).is_empty());
    }
}

#[test]
fn a_catalog_made_by_others_is_used_and_their_rebuilding_is_no_harm() {
    let repo = Repo::new();
    repo.write("a", "1");
    assert_eq!(repo.queried(), ["a 1*"]);
    let connection = Connection::open(repo.catalog()).unwrap();
    connection.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
    for round in 2..5_u64 {
        put(&repo.store, "a", "x");
        // Another program builds the catalog while we are at work.
        connection
            .execute_batch(
                "BEGIN IMMEDIATE; UPDATE catalog SET is_latest = 0;
                 INSERT OR REPLACE INTO catalog_meta VALUES ('populated', 'true'); COMMIT;",
            )
            .unwrap();
        put(&repo.store, "b", "x");
        assert_eq!(repo.queried().iter().filter(|row| row.starts_with('a')).count() as u64, round);
        assert!(repo.queried().contains(&format!("b {}*", round - 1)));
    }
}

#[test]
fn a_catalog_of_another_version_is_built_anew() {
    let repo = Repo::new();
    repo.write("a", "1");
    fs::create_dir_all(repo.path(".swamp/data")).unwrap();
    let connection = Connection::open(repo.catalog()).unwrap();
    connection
        .execute_batch(
            "CREATE TABLE catalog_meta (key TEXT PRIMARY KEY, value TEXT);
             INSERT INTO catalog_meta VALUES ('schema_version', '4'), ('populated', 'true');
             CREATE TABLE catalog (namespace TEXT, data_name TEXT);",
        )
        .unwrap();
    assert_eq!(repo.queried(), ["a 1*"]);
    assert_eq!(meta(&repo, "schema_version").as_deref(), Some("3"));
}

#[test]
fn tables_of_the_right_name_that_are_not_ours_are_replaced() {
    let repo = Repo::new();
    repo.write("a", "1");
    fs::create_dir_all(repo.path(".swamp/data")).unwrap();
    Connection::open(repo.catalog())
        .unwrap()
        .execute_batch(
            "CREATE TABLE catalog_meta (key TEXT PRIMARY KEY, value TEXT);
             INSERT INTO catalog_meta VALUES ('schema_version', '3'), ('populated', 'true');
             CREATE TABLE catalog (data_name TEXT);",
        )
        .unwrap();
    assert_eq!(repo.queried(), ["a 1*"]);
}

#[test]
fn a_damaged_catalog_is_replaced_and_writes_do_not_care() {
    for damage in [&b"not a database, but long enough to be taken for one".repeat(200)[..], b""] {
        let repo = Repo::new();
        repo.write("a", "1");
        assert_eq!(repo.queried(), ["a 1*"]);
        repo.store.close();
        let store = repo.other();
        fs::write(repo.catalog(), damage).unwrap();
        for suffix in ["-wal", "-shm"] {
            let _ = fs::remove_file(repo.path(&format!(".swamp/data/_catalog.db{suffix}")));
        }
        put(&store, "a", "2");
        store.close();
        assert_eq!(queried(&store, false), ["a 1", "a 2*"]);
        assert_eq!(queried(&repo.other(), false), ["a 1", "a 2*"]);
    }
}

#[test]
fn a_catalog_that_cannot_be_opened_is_made_in_memory() {
    let repo = Repo::new();
    fs::create_dir_all(repo.catalog()).unwrap();
    repo.write("a", "1");
    assert_eq!(repo.queried(), ["a 1*"]);
    repo.write("a", "2");
    assert_eq!(repo.queried(), ["a 1", "a 2*"]);
    repo.store.close();
    assert!(repo.catalog().is_dir());
}

#[test]
fn a_catalog_that_vanishes_is_made_again() {
    let repo = Repo::new();
    repo.write("a", "1");
    assert_eq!(repo.queried(), ["a 1*"]);
    for suffix in ["-wal", "-shm", ""] {
        let _ = fs::remove_file(repo.path(&format!(".swamp/data/_catalog.db{suffix}")));
    }
    repo.write("a", "2");
    assert_eq!(repo.queried(), ["a 1", "a 2*"]);
}

#[test]
fn removing_populated_makes_us_look_again() {
    let repo = Repo::new();
    repo.write("a", "1");
    assert_eq!(repo.queried(), ["a 1*"]);
    // A foreign tool writes data and keeps the rule for those that do not know the catalog.
    let metadata = fs::read_to_string(repo.item("a/1/metadata.yaml")).unwrap();
    repo.plant("foreign", 1, &metadata.replace("name: a", "name: foreign"), "{}");
    assert_eq!(repo.queried(), ["a 1*"], "nobody told us");
    Connection::open(repo.catalog())
        .unwrap()
        .execute("DELETE FROM catalog_meta WHERE key = 'populated'", [])
        .unwrap();
    assert_eq!(repo.queried(), ["a 1*", "foreign 1*"]);
}

struct Wanting {
    texts: Vec<(&'static str, &'static str)>,
    body: Body,
    matches_body: bool,
    wants: fn(&Value) -> bool,
}

impl RecordPredicate for Wanting {
    fn latest_only(&self) -> bool {
        false
    }
    fn required_texts(&self) -> Vec<(String, String)> {
        self.texts.iter().map(|(field, text)| ((*field).to_owned(), (*text).to_owned())).collect()
    }
    fn body(&self) -> Body {
        self.body
    }
    fn matches_body(&self) -> bool {
        self.matches_body
    }
    fn matches(&self, record: &Value) -> bool {
        (self.wants)(record)
    }
}

fn ask(store: &DataStore, predicate: &Wanting, limit: Option<usize>) -> (Vec<String>, bool) {
    let result = store.query(predicate, limit).unwrap();
    (result.records.iter().map(short).collect(), result.limited)
}

#[test]
fn predicates_get_what_they_ask_for() {
    let repo = Repo::new();
    repo.write("a", r#"{"n":1}"#);
    repo.write("b", r#"{"n":2}"#);
    repo.write("a", r#"{"n":3}"#);
    let all = || Wanting {
        texts: Vec::new(),
        body: Body::ATTRIBUTES,
        matches_body: true,
        wants: |_| true,
    };
    let store = &repo.store;
    assert_eq!(ask(store, &all(), None).0, ["a 1", "a 2*", "b 1*"]);
    assert_eq!(
        ask(store, &Wanting { wants: |r| r["attributes"]["n"] == 2, ..all() }, None).0,
        ["b 1*"]
    );
    let blind = Wanting {
        matches_body: false,
        wants: |r| r["attributes"] == serde_json::json!({}) && r["content"] == "",
        ..all()
    };
    let found = store.query(&blind, None).unwrap();
    assert_eq!(found.records.len(), 3);
    assert_eq!(found.records[1]["attributes"]["n"], 3, "read once it matched");
    for (texts, want) in [
        (vec![("name", "a")], 2),
        (vec![("name", "a"), ("modelName", "probe")], 2),
        (vec![("modelName", "other")], 0),
        (vec![("modelType", "command/shell"), ("dataType", "resource")], 3),
        (vec![("createdAt", "2026-11-22T10:00:00.000Z"), ("lifetime", "infinite")], 3),
        (vec![("contentType", "application/json"), ("ownerType", "model-method")], 3),
        (vec![("ownerRef", MODEL), ("specName", "result"), ("source", "")], 3),
        (vec![("stepName", "none")], 0),
        (vec![("jobName", ""), ("workflowName", ""), ("workflowRunId", "")], 3),
        (vec![("tags", "no column"), ("'; DROP TABLE catalog; --", "x")], 3),
        (vec![("name", "' OR 1=1 --")], 0),
    ] {
        let predicate = Wanting { texts: texts.clone(), ..all() };
        assert_eq!(ask(store, &predicate, None).0.len(), want, "{texts:?}");
    }
    for (limit, want, limited) in [(1, 1, true), (3, 3, true), (4, 3, false), (0, 1, true)] {
        let (found, was_limited) = ask(store, &all(), Some(limit));
        assert_eq!((found.len(), was_limited), (want, limited), "limit {limit}");
    }
}

#[test]
fn a_row_whose_content_is_gone_is_no_result() {
    let repo = Repo::new();
    repo.write("a", "1");
    repo.write("b", "1");
    assert_eq!(repo.queried(), ["a 1*", "b 1*"]);
    // By a program that does not keep the catalog.
    fs::remove_dir_all(repo.item("a")).unwrap();
    assert_eq!(repo.queried(), ["b 1*"]);
}

#[test]
fn finding_by_tag_spec_and_name() {
    let repo = Repo::new();
    let write = |id: &str, name: &str, team: &str, minute: u32| {
        let mut version = new_version(swamp_store::ItemKey { model: model(id), name: name.into() });
        version.tags.insert("team".to_owned(), team.to_owned());
        version.tags.insert("zone-name".to_owned(), "a\"b".to_owned());
        version.created_at = time(&format!("2026-11-22T10:{minute:02}:00.000Z"));
        repo.store.write(&version, Content::Bytes(br#"{"x":1}"#)).unwrap()
    };
    write("old", "result", "red", 1);
    write("new", "result", "red", 2);
    write("new", "result", "blue", 3);
    write("new", "other", "red", 4);
    let tags = |key: &str, value: &str| {
        let found = repo.store.find_by_tag(key, value, Body::ATTRIBUTES).unwrap().records;
        found
            .iter()
            .map(|record| {
                assert_eq!(record["attributes"]["x"], 1);
                format!("{} {}", record["ownerRef"].as_str().unwrap(), short(record))
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(tags("team", "red"), ["new other 1*", "old result 1*"]);
    assert_eq!(tags("team", "blue"), ["new result 2*"]);
    assert_eq!(tags("team", "none"), Vec::<String>::new());
    assert_eq!(tags("nothing", ""), Vec::<String>::new());
    // One per model name and data name, the one made last.
    assert_eq!(tags("zone-name", "a\"b"), ["new other 1*", "new result 2*"]);
    assert_eq!(tags("specName", "result"), ["new other 1*", "new result 2*"]);
    assert_eq!(tags("modelName", "probe").len(), 2);
    assert_eq!(tags("type", "file").len(), 0);

    let spec = repo.store.find_by_spec("probe", "result", Body::NONE).unwrap();
    assert_eq!(spec.records.len(), 3, "newest versions of all models of that name");
    assert!(repo.store.find_by_spec("probe", "none", Body::NONE).unwrap().records.is_empty());
    assert!(repo.store.find_by_spec("nobody", "result", Body::NONE).unwrap().records.is_empty());

    let ids = |model: &str, name: &str| {
        let found = repo.store.find_by_name(model, &name.into()).unwrap();
        found.iter().map(|key| key.model.id.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids("probe", "result"), ["new", "old"]);
    for (model, name) in [("probe", "none"), ("nobody", "result"), ("probe", "../result")] {
        assert_eq!(ids(model, name), Vec::<String>::new());
    }
    let key = swamp_store::ItemKey { model: model("new"), name: "result".into() };
    repo.store.mark_deleted(&key, &"x".into(), time("2026-11-22T12:00:00Z")).unwrap();
    assert_eq!(ids("probe", "result"), ["old"]);
}

#[test]
fn an_empty_repository_has_no_data() {
    let repo = Repo::new();
    let found = repo.store.query(&Everything { latest_only: true }, None).unwrap();
    assert!(found.records.is_empty() && found.warnings.is_empty() && !found.limited);
    assert!(repo.store.models().unwrap().is_empty() && repo.store.counts().unwrap().is_empty());
}
