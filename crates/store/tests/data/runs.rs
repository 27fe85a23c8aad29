//! The run records of a repository.

use std::fs;

use swamp_ident::{RunId, Status, WorkflowId};
use swamp_store::{Lookup, RepoPaths, RunRecord, RunStore};
use tempfile::TempDir;

use crate::support::time;

fn store() -> (TempDir, RunStore) {
    let directory = tempfile::tempdir().unwrap();
    let store = RunStore::new(RepoPaths::new(directory.path()));
    (directory, store)
}

pub(crate) fn record(id: &str, workflow: &str, second: u32) -> RunRecord {
    RunRecord {
        id: RunId::new(id),
        workflow_id: WorkflowId::new(workflow),
        workflow_name: workflow.into(),
        status: Status::Running,
        started_at: Some(time(&format!("2026-11-22T10:00:{second:02}.000Z"))),
        completed_at: None,
        error: None,
        jobs: Vec::new(),
        tags: swamp_store::Tags::new(),
        log_file: None,
    }
}

#[test]
fn a_record_is_written_over_and_read_back() {
    let (directory, store) = store();
    let mut run = record("aaa1", "wf", 1);
    let path = store.save(&run).unwrap();
    assert_eq!(path, directory.path().join(".swamp/workflow-runs/wf/workflow-run-aaa1.yaml"));
    run.status = Status::Succeeded;
    run.tags.insert("team".to_owned(), "infra".to_owned());
    assert_eq!(store.save(&run).unwrap(), path);
    assert_eq!(store.load(&run.workflow_id, &run.id).unwrap(), Some(run.clone()));
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    for (workflow, id) in
        [("wf", "bbb"), ("other", "aaa1"), ("..", "aaa1"), ("wf", "../x"), ("", "")]
    {
        assert_eq!(store.load(&WorkflowId::new(workflow), &RunId::new(id)).unwrap(), None);
    }
    fs::write(&path, "id: [").unwrap();
    let error = store.load(&run.workflow_id, &run.id).unwrap_err().to_string();
    assert!(error.contains("workflow-run-aaa1.yaml:"), "{error}");
}

#[test]
fn runs_are_listed_newest_first() {
    let (directory, store) = store();
    for (id, workflow, second) in
        [("aaa1", "w1", 2), ("bbb2", "w1", 5), ("aaa3", "w2", 4), ("ccc4", "w2", 4)]
    {
        store.save(&record(id, workflow, second)).unwrap();
    }
    let mut unstarted = record("ddd5", "w1", 0);
    unstarted.started_at = None;
    store.save(&unstarted).unwrap();
    let runs = directory.path().join(".swamp/workflow-runs");
    fs::write(runs.join("w1/workflow-run-eee6.yaml"), "id: [").unwrap();
    fs::write(runs.join("w1/workflow-run-aaa1.log"), "").unwrap();
    fs::write(runs.join("w1/.x.tmp"), "").unwrap();
    fs::write(runs.join("stray"), "").unwrap();

    let ids = |listing: swamp_store::RunListing| {
        assert_eq!(listing.broken.len(), 1);
        listing.runs.iter().map(|run| run.id.as_str().to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(ids(store.list(&WorkflowId::new("w1")).unwrap()), "bbb2 aaa1 ddd5");
    assert_eq!(ids(store.list_all().unwrap()), "bbb2 aaa3 ccc4 aaa1 ddd5");
    assert_eq!(store.latest(&WorkflowId::new("w1")).unwrap().unwrap().id.as_str(), "bbb2");
    assert_eq!(store.latest(&WorkflowId::new("none")).unwrap(), None);

    let found = |prefix: &str| match store.find(prefix).unwrap() {
        Lookup::None => "none".to_owned(),
        Lookup::One(run) => format!("{} of {}", run.id, run.workflow_name),
        Lookup::Ambiguous(ids) => ids.join(" "),
    };
    assert_eq!(found("BBB"), "bbb2 of w1");
    assert_eq!(found("aaa-3"), "aaa3 of w2");
    assert_eq!(found("aaa"), "aaa1 aaa3");
    for prefix in ["aa", "fff", "w1"] {
        assert_eq!(found(prefix), "none");
    }
    assert!(store.find("eee").is_err(), "the file that is meant cannot be read");

    assert_eq!(store.delete_all(&WorkflowId::new("w1")).unwrap(), 4);
    for id in ["w1", "", "..", "../workflow-runs"] {
        assert_eq!(store.delete_all(&WorkflowId::new(id)).unwrap(), 0);
    }
    assert_eq!(store.list_all().unwrap().runs.len(), 2);
}
