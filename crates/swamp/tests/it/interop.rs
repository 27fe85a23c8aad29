//! What lies on disk is what the original reads and writes.

use std::fs;

use serde_json::{Value, json};

use crate::environment::{TestEnvironment, call, one_job, read_yaml, stable, text};

/// The keys of a map in order.
fn keys(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .unwrap_or_else(|| panic!("no map: {value}"))
        .keys()
        .map(String::as_str)
        .collect()
}

/// A repository with a direct call and a run behind it, and the id of the definition.
fn used() -> (TestEnvironment, String) {
    let environment = TestEnvironment::new();
    let id = environment.definition(
        "m",
        "tags: {team: infra}\nmethods: {execute: {arguments: {run: 'echo hello'}}}\n",
    );
    environment.workflow("w", &format!("tags: {{owner: me}}\n{}", one_job(&[call("s", "m", "")])));
    environment.ok(["model", "method", "run", "m", "execute"]);
    environment.ok(["workflow", "run", "w", "--tag", "rt=1"]);
    (environment, id)
}

#[test]
fn a_version_of_data_is_a_directory_with_content_and_metadata() {
    let (environment, id) = used();
    let item = environment.repo.join(format!(".swamp/data/command/shell/{id}/result"));
    let latest = fs::symlink_metadata(item.join("latest")).expect("a marker");
    assert!(latest.is_file(), "the marker is a regular file");
    assert_eq!(fs::read_to_string(item.join("latest")).expect("a marker"), "2");
    let mut names: Vec<String> = fs::read_dir(&item)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .collect();
    names.sort();
    assert_eq!(names, ["1", "2", "latest"]);

    let raw = fs::read_to_string(item.join("2/raw")).expect("content");
    let content: Value = serde_json::from_str(&raw).expect("JSON");
    assert_eq!(raw, content.to_string(), "compact JSON without a line feed");
    assert_eq!(content["stdout"], "hello");

    let metadata = fs::read_to_string(item.join("2/metadata.yaml")).expect("metadata");
    insta::assert_snapshot!(stable(&metadata, &environment), @r"
    id: <uuid>
    name: result
    version: 2
    contentType: application/json
    lifetime: infinite
    garbageCollection: 10
    streaming: false
    tags:
      type: resource
      team: infra
      specName: result
      modelName: m
      owner: me
      source: step-output
      workflow: w
      workflowRunId: <uuid>
      job: main
      step: s
      rt: '1'
    ownerDefinition:
      ownerType: model-method
      ownerRef: <uuid>
      workflowRunId: <uuid>
      workflowName: w
      jobName: main
      stepName: s
      source: step-output
    createdAt: '<time>'
    size: <size>
    checksum: <sha256>
    ");
    let metadata = read_yaml(&item.join("1/metadata.yaml"));
    assert_eq!(
        metadata["tags"],
        json!({"type": "resource", "team": "infra", "specName": "result", "modelName": "m"})
    );
    assert_eq!(metadata["ownerDefinition"], json!({"ownerType": "model-method", "ownerRef": id}));
    assert_eq!(metadata["size"], fs::metadata(item.join("1/raw")).expect("content").len());
}

#[test]
fn an_output_record_says_what_was_called_and_what_came_of_it() {
    let (environment, id) = used();
    let records: Vec<Value> = environment
        .files(".swamp/outputs/command/shell/execute")
        .into_iter()
        .filter(|name| name.ends_with(".yaml"))
        .inspect(|name| assert!(name.starts_with(&format!("{id}-20")), "{name}"))
        .map(|name| {
            read_yaml(&environment.repo.join(".swamp/outputs/command/shell/execute").join(name))
        })
        .collect();
    let [direct, step] = &records[..] else { panic!("records: {records:#?}") };
    let all = [
        "id",
        "definitionId",
        "methodName",
        "status",
        "startedAt",
        "retryCount",
        "provenance",
        "artifacts",
        "completedAt",
        "durationMs",
        "logFile",
    ];
    assert_eq!((keys(direct), keys(step)), (all.to_vec(), all.to_vec()));
    assert_eq!(keys(&direct["provenance"]), ["definitionHash", "modelVersion", "triggeredBy"]);
    assert_eq!(
        keys(&step["provenance"]),
        [
            "definitionHash",
            "modelVersion",
            "triggeredBy",
            "workflowId",
            "workflowRunId",
            "stepName"
        ]
    );
    assert_eq!(direct["provenance"]["triggeredBy"], "manual");
    assert_eq!(step["provenance"]["triggeredBy"], "workflow");
    let run = environment.run_record("w");
    assert_eq!(step["provenance"]["workflowRunId"], run["id"]);
    assert_eq!(step["logFile"], run["logFile"]);
    for record in [direct, step] {
        assert!(environment.repo.join(text(&record["logFile"])).is_file(), "{record:#}");
        let names: Vec<&str> = record["artifacts"]["dataArtifacts"]
            .as_array()
            .expect("artifacts")
            .iter()
            .map(|artifact| text(&artifact["name"]))
            .collect();
        assert_eq!(names[..2], ["result", "log"]);
    }
    assert!(text(&direct["logFile"]).ends_with(".log"));
}

#[test]
fn a_run_record_has_the_keys_of_the_original() {
    let (environment, _) = used();
    let record = environment.run_record("w");
    assert_eq!(
        keys(&record),
        [
            "id",
            "workflowId",
            "workflowName",
            "status",
            "startedAt",
            "completedAt",
            "jobs",
            "tags",
            "logFile"
        ]
    );
    assert_eq!(record["tags"], json!({"owner": "me", "rt": "1"}));
    let job = &record["jobs"][0];
    assert_eq!(keys(job), ["jobName", "status", "startedAt", "completedAt", "steps"]);
    let step = &job["steps"][0];
    assert_eq!(
        keys(step),
        ["stepName", "status", "startedAt", "completedAt", "output", "dataArtifacts"]
    );
    let output = &step["output"];
    assert_eq!(
        keys(output),
        ["type", "model", "method", "resources", "files", "dataArtifacts", "dataHandles"]
    );
    assert_eq!(output["resources"]["result"]["result"]["attributes"]["stdout"], "hello");
    assert_eq!(
        keys(&output["dataHandles"][0]),
        ["name", "specName", "kind", "dataId", "version", "size", "tags", "metadata"]
    );
}

#[test]
fn the_catalog_has_the_schema_of_the_original() {
    let (environment, id) = used();
    environment.ok(["data", "query", "true"]);
    let path = environment.repo.join(".swamp/data/_catalog.db");
    let catalog = rusqlite::Connection::open(path).expect("a database");
    let all = |sql: &str| -> Vec<String> {
        let mut statement = catalog.prepare(sql).expect("a query");
        let rows = statement.query_map([], |row| row.get::<_, String>(0)).expect("rows");
        rows.map(|row| row.expect("a row")).collect()
    };
    assert_eq!(
        all("SELECT name || ' ' || type FROM pragma_table_info('catalog') ORDER BY cid"),
        [
            "type_normalized TEXT",
            "model_id TEXT",
            "data_name TEXT",
            "id TEXT",
            "version INTEGER",
            "is_latest INTEGER",
            "model_name TEXT",
            "spec_name TEXT",
            "data_type TEXT",
            "content_type TEXT",
            "lifetime TEXT",
            "owner_type TEXT",
            "streaming INTEGER",
            "size INTEGER",
            "created_at TEXT",
            "tags TEXT",
            "owner_ref TEXT",
            "workflow_run_id TEXT",
            "workflow_name TEXT",
            "job_name TEXT",
            "step_name TEXT",
            "source TEXT",
        ]
    );
    assert_eq!(
        all("SELECT name FROM pragma_table_info('catalog') WHERE pk > 0 ORDER BY pk"),
        ["type_normalized", "model_id", "data_name", "version"]
    );
    assert_eq!(
        all(
            "SELECT key || '=' || value FROM catalog_meta WHERE key IN ('populated', 'schema_version') ORDER BY key"
        ),
        ["populated=true", "schema_version=3"]
    );
    assert_eq!(all("PRAGMA journal_mode"), ["wal"]);
    let rows = "SELECT version || ' ' || is_latest || ' ' || model_name || ' ' || step_name \
                FROM catalog WHERE data_name = 'result' ORDER BY version";
    assert_eq!(all(rows), ["1 0 m ", "2 1 m s"]);
    assert_eq!(all("SELECT DISTINCT model_id FROM catalog WHERE data_name = 'log'"), [id]);
}

#[test]
fn what_the_original_wrote_is_read() {
    let environment = TestEnvironment::new();
    let id = environment.shell("m", "run: 'echo ours'");
    let item = format!(".swamp/data/command/shell/{id}/result");
    let content = r#"{"exitCode":0,"executedAt":"2026-11-22T10:00:00.000Z","command":"x","durationMs":1,"stdout":"theirs","stderr":""}"#;
    environment.write(&format!("{item}/1/raw"), content);
    environment.write(
        &format!("{item}/1/metadata.yaml"),
        format!(
            "id: f1c50000-0000-4000-8000-0000000000ff\nname: result\nversion: 1\ncontentType: application/json\n\
             lifetime: infinite\ngarbageCollection: 10\nstreaming: false\ntags:\n  type: resource\n  \
             specName: result\n  modelName: m\nownerDefinition:\n  ownerType: model-method\n  \
             ownerRef: {id}\ncreatedAt: '2026-11-22T10:00:00.000Z'\nsize: {}\n",
            content.len()
        ),
    );
    environment.write(&format!("{item}/latest"), "1");
    let document = environment.json(["data", "get", "m", "result"], 0);
    assert!(document.to_string().contains("theirs"), "{document:#}");

    // A workflow that reads what the original wrote, and a version that goes on counting.
    environment.shell("reader", "run: 'true'");
    let step = call("s", "reader", "").replace("methodName: \"execute\"", "methodName: execute");
    let step = step.replace(
        "methodName: execute",
        "methodName: execute, inputs: {run: \"echo ${{ data.latest('m', 'result').attributes.stdout }}\"}",
    );
    environment.workflow("w", &one_job(&[step]));
    environment.ok(["workflow", "run", "w"]);
    let output = &environment.run_record("w")["jobs"][0]["steps"][0]["output"];
    assert_eq!(output["resources"]["result"]["result"]["attributes"]["stdout"], "theirs");
    environment.ok(["model", "method", "run", "m", "execute"]);
    let latest = fs::read_to_string(environment.repo.join(&item).join("latest")).expect("a marker");
    assert_eq!(latest, "2");
}

#[test]
fn evaluated_copies_are_written_where_the_original_has_them() {
    let (environment, id) = used();
    let evaluated = format!(".swamp/definitions-evaluated/command/shell/{id}.yaml");
    let copy = read_yaml(&environment.repo.join(evaluated));
    assert_eq!(copy["methods"]["execute"]["arguments"]["run"], "echo hello");
    let copies = environment.files(".swamp/workflows-evaluated");
    assert_eq!(copies.len(), 1, "{copies:?}");
    let copy = read_yaml(&environment.repo.join(".swamp/workflows-evaluated").join(&copies[0]));
    assert_eq!(keys(&copy), ["id", "name", "tags", "jobs", "version"]);
}

#[test]
fn a_lock_of_the_original_is_respected_while_its_owner_lives() {
    let environment = TestEnvironment::new();
    let id = environment.shell("m", "run: 'true'");
    // The owner has ended: nobody waits.
    let mut ended = std::process::Command::new("true").spawn().expect("a process");
    let pid = ended.id();
    ended.wait().expect("its end");
    let hostname = fs::read_to_string("/proc/sys/kernel/hostname").expect("a name");
    let lock = json!({
        "holder": format!("operator@{}", hostname.trim()),
        "hostname": hostname.trim(),
        "pid": pid,
        "acquiredAt": "2026-11-22T10:09:56.110Z",
        "ttlMs": 30000,
        "nonce": "8409354c-287d-4822-af27-1170541d989c",
    });
    environment.write(&format!(".swamp/data/command/shell/{id}/.lock"), format!("{lock:#}"));
    environment.ok(["model", "method", "run", "m", "execute"]);
}
