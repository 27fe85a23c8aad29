//! Output records.

use std::fs;

use serde_json::json;
use swamp_ident::{OutputId, Status, TypeName};
use swamp_store::{
    DataArtifact, Lookup, OutputError, OutputRecord, OutputStore, Provenance, RepoPaths,
    StepProvenance,
};
use tempfile::TempDir;

use crate::support::{MODEL, time};

fn store() -> (TempDir, OutputStore) {
    let directory = tempfile::tempdir().unwrap();
    let store = OutputStore::new(RepoPaths::new(directory.path()));
    (directory, store)
}

fn shell() -> TypeName {
    TypeName::normalised("command/shell")
}

fn record(id: &str, definition: &str, second: u32) -> OutputRecord {
    OutputRecord {
        id: OutputId::new(id),
        definition_id: definition.to_owned().into(),
        method_name: "execute".into(),
        status: Status::Running,
        started_at: time(&format!("2026-11-22T09:59:{second:02}.462Z")),
        retry_count: 0,
        provenance: Provenance {
            definition_hash: "b2e6".to_owned(),
            model_version: "2026.02.09.1".to_owned(),
            workflow: None,
        },
        artifacts: Vec::new(),
        completed_at: None,
        duration_ms: None,
        error: None,
        log_file: None,
    }
}

const ID: &str = "d296368f-1326-4946-84f7-96b28c6661f1";

#[test]
fn a_record_lies_on_disk_as_the_format_wants_it() {
    let (directory, store) = store();
    let mut output = record(ID, MODEL, 20);
    let path = store.create(&shell(), &output).unwrap();
    assert_eq!(
        path,
        directory.path().join(format!(
            ".swamp/outputs/command/shell/execute/{MODEL}-2026-11-22T09-59-20-462Z.yaml"
        ))
    );
    output.status = Status::Succeeded;
    output.artifacts = vec![DataArtifact {
        data_id: "8fd6f3d8-9502-4247-ac5c-20c2f4150858".to_owned().into(),
        name: "result".into(),
        version: 1,
        tags: [("type".to_owned(), "resource".to_owned())].into_iter().collect(),
    }];
    output.completed_at = Some(time("2026-11-22T09:59:20.487Z"));
    output.duration_ms = Some(25);
    output.log_file = Some("run.log".to_owned());
    store.update(&path, &output).unwrap();
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        format!(
            "\
id: {ID}
definitionId: {MODEL}
methodName: execute
status: succeeded
startedAt: '2026-11-22T09:59:20.462Z'
retryCount: 0
provenance:
  definitionHash: b2e6
  modelVersion: 2026.02.09.1
  triggeredBy: manual
artifacts:
  dataArtifacts:
    - dataId: 8fd6f3d8-9502-4247-ac5c-20c2f4150858
      name: result
      version: 1
      tags:
        type: resource
completedAt: '2026-11-22T09:59:20.487Z'
durationMs: 25
logFile: run.log
"
        )
    );
    assert_eq!(store.list().unwrap().outputs[0].record, output);
    assert_eq!(
        store.log_path(&shell(), &"execute".into(), &MODEL.to_owned().into(), output.started_at),
        path.with_extension("log")
    );
}

#[test]
fn failures_and_steps_survive_reading_and_writing() {
    let (_directory, store) = store();
    let mut output = record(ID, MODEL, 20);
    output.status = Status::Failed;
    output.error =
        Some(OutputError { message: "exit 3".to_owned(), stack: Some("at x".to_owned()) });
    output.provenance.workflow = Some(StepProvenance {
        workflow_id: "wf".to_owned().into(),
        workflow_run_id: "run".to_owned().into(),
        step_name: "one".into(),
    });
    store.create(&shell(), &output).unwrap();
    let listing = store.list().unwrap();
    assert_eq!(listing.outputs[0].record, output);
    let value = output.to_value();
    assert_eq!(value["artifacts"], json!({"dataArtifacts": []}));
    assert_eq!(
        value["provenance"],
        json!({
            "definitionHash": "b2e6", "modelVersion": "2026.02.09.1", "triggeredBy": "workflow",
            "workflowId": "wf", "workflowRunId": "run", "stepName": "one"
        })
    );
}

#[test]
fn runs_of_the_same_millisecond_have_files_of_their_own() {
    let (_directory, store) = store();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let store = &store;
            scope.spawn(move || {
                for number in 0..25 {
                    let id = format!("{thread:04}{number:04}-0000-4000-8000-000000000000");
                    store.create(&shell(), &record(&id, MODEL, 20)).unwrap();
                }
            });
        }
    });
    let outputs = store.list().unwrap().outputs;
    assert_eq!(outputs.len(), 100);
    let mut ids: Vec<_> = outputs.iter().map(|output| output.record.id.clone()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 100);
}

#[test]
fn records_are_found_by_id_and_by_definition() {
    let (directory, store) = store();
    for (id, definition, second) in [
        ("aaaa1111-0000-4000-8000-000000000000", "m1", 1),
        ("aaaa2222-0000-4000-8000-000000000000", "m1", 3),
        ("bbbb0000-0000-4000-8000-000000000000", "m1", 2),
        ("cccc0000-0000-4000-8000-000000000000", "m10", 9),
    ] {
        store.create(&TypeName::normalised("@acme/x"), &record(id, definition, second)).unwrap();
    }
    let found = |prefix: &str| match store.find(prefix).unwrap() {
        Lookup::None => "none".to_owned(),
        Lookup::One(output) => {
            assert_eq!(output.type_name, TypeName::normalised("@acme/x"));
            output.record.id.as_str().to_owned()
        }
        Lookup::Ambiguous(ids) => ids.join(" "),
    };
    assert_eq!(found("bbb"), "bbbb0000-0000-4000-8000-000000000000");
    assert_eq!(found("AAAA-2"), "aaaa2222-0000-4000-8000-000000000000");
    assert_eq!(
        found("aaa"),
        "aaaa1111-0000-4000-8000-000000000000 aaaa2222-0000-4000-8000-000000000000"
    );
    for prefix in ["bb", "ddd", "probe", ""] {
        assert_eq!(found(prefix), "none", "{prefix:?}");
    }
    let latest = |definition: &str| {
        store
            .latest(&definition.to_owned().into())
            .unwrap()
            .map(|output| output.record.id.as_str()[..4].to_owned())
    };
    assert_eq!(latest("m1").as_deref(), Some("aaaa"));
    assert_eq!(latest("m10").as_deref(), Some("cccc"));
    assert_eq!(latest("m"), None);
    let order: Vec<_> = store
        .list()
        .unwrap()
        .outputs
        .iter()
        .map(|output| output.record.started_at.to_string()[17..19].to_owned())
        .collect();
    assert_eq!(order, ["09", "03", "02", "01"], "newest first");

    // Files that are broken or something else.
    let outputs = directory.path().join(".swamp/outputs/@acme/x/execute");
    fs::write(outputs.join("m1-2027-11-22T09-59-20-462Z.yaml"), "id: dddd0000\nstatus: [").unwrap();
    fs::write(outputs.join("m1-2026-11-22T09-59-20-462Z.log"), "").unwrap();
    fs::write(outputs.join(".x.tmp"), "").unwrap();
    fs::write(directory.path().join(".swamp/outputs/stray.yaml"), "").unwrap();
    let listing = store.list().unwrap();
    assert_eq!((listing.outputs.len(), listing.broken.len()), (4, 1));
    let error = listing.broken[0].error.to_string();
    assert!(error.contains("m1-2027"), "{error}");
    assert_eq!(latest("m1").as_deref(), Some("aaaa"), "the newest that can be read");
    assert_eq!(found("dddd"), "none");

    assert_eq!(store.delete_all(&"m1".to_owned().into()).unwrap(), 4);
    assert_eq!(latest("m1"), None);
    assert_eq!(latest("m10").as_deref(), Some("cccc"));
    assert!(!outputs.join("m1-2026-11-22T09-59-20-462Z.log").exists());
    assert_eq!(store.delete_all(&"m1".to_owned().into()).unwrap(), 0);
}
