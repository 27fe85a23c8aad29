//! `swamp telemetry export`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::environment::{TestEnvironment, call, one_job};

#[test]
fn ndjson_is_what_is_stored() {
    let environment = TestEnvironment::new();
    environment.shell("quick", "run: 'true'");
    environment.workflow("w", &one_job(&[call("one", "quick", ""), call("two", "quick", "")]));
    environment.ok(["workflow", "run", "w", "--skip-reports"]);
    // From a newer version, kept after delivery; digits and keys stay as they are.
    let newer = r#"{
  "id": "n-1",
  "invocation": {"command": "future", "args": [], "optionKeys": [], "globalOptions": [], "colour": "r e d"},
  "result": {"status": "success", "exitCode": 0},
  "startedAt": "2020-01-02T03:04:05.000Z", "completedAt": "2020-01-02T03:04:05.000Z",
  "durationMs": 0, "swampVersion": "9", "denoVersion": "0.0.0", "platform": "linux",
  "zz": [1.50e3, {"deep": "\" \\ \u00e9"}]
}"#;
    environment.write(".swamp/telemetry/telemetry-2020-01-02-n-1.flushed.json", newer);
    environment.write(".swamp/telemetry/telemetry-2020-01-02-torn.json", "{");

    let ran = environment.ok(["telemetry", "export", "--no-telemetry"]);
    assert!(ran.stderr.contains("1 unreadable file(s)"), "{}", ran.stderr);
    let mut lines: Vec<&str> = ran.stdout.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines.len(), 4);
    let kept = lines.iter().find(|line| line.contains("n-1")).expect("the kept entry");
    assert!(kept.ends_with(r#","zz":[1.50e3,{"deep":"\" \\ \u00e9"}]}"#), "{kept}");
    assert!(kept.contains(r#""globalOptions":[],"colour":"r e d"}"#), "{kept}");
    let told = |mut entries: Vec<Value>| {
        entries.sort_by_key(|entry| entry["id"].to_string());
        entries
    };
    let mut stored = environment.entries_of_intact_files();
    stored.push(serde_json::from_str(newer).expect("JSON"));
    let exported = lines.iter().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(told(exported), told(stored));

    let ran = environment.ok(["telemetry", "export", "--since", "1d", "--no-telemetry"]);
    assert_eq!(ran.stdout.lines().count(), 3);
}

impl TestEnvironment {
    /// Everything that waits in the spool and is whole.
    fn entries_of_intact_files(&self) -> Vec<Value> {
        let files = fs::read_dir(self.spool()).expect("a spool");
        let texts = files.filter_map(|file| fs::read_to_string(file.expect("a file").path()).ok());
        texts
            .filter_map(|text| serde_json::from_str::<Value>(&text).ok())
            .filter(|entry| entry["id"] != "n-1")
            .collect()
    }
}

#[test]
fn csv_has_a_heading_and_no_formulas() {
    let environment = TestEnvironment::new();
    let entry = json!({
        "id": "c-1",
        "invocation": {
            "command": "model", "args": ["run", "<REDACTED>", "execute"],
            "optionKeys": ["--input", "--tag"], "globalOptions": [], "subcommand": "method",
        },
        "result": {
            "status": "error", "exitCode": 1, "errorMessage": "a \"quoted\", \r\n text",
            "errorCategory": "method",
        },
        "startedAt": "2026-11-22T10:00:00.000Z", "completedAt": "2026-11-22T09:59:59.000Z",
        "durationMs": -1000, "swampVersion": "1", "denoVersion": "0.0.0", "platform": "linux",
        "parentInvocationId": "p-1",
        "workflowContext": {
            "workflowName": "=cmd|'/c calc'!A0", "runId": "r", "jobName": "@j",
            "stepName": "+s", "stepTemplate": "-t", "modelType": "command/shell",
            "driver": "raw", "forEachIndex": 0, "allowedFailure": true,
        },
    });
    environment.write(".swamp/telemetry/telemetry-2026-11-22-c-1.json", entry.to_string());
    let ran = environment.ok(["telemetry", "export", "--format", "csv", "--no-telemetry"]);
    insta::assert_snapshot!(ran.stdout.replace('\r', "<CR>"), @r#"
    id,parentInvocationId,command,subcommand,startedAt,completedAt,durationMs,status,exitCode,errorCategory,errorMessage,modelType,method,driver,workflow,job,step,stepTemplate,forEachIndex,attempt,phase,allowedFailure,runId,rootWorkflow,rootRunId,depth,runStatus,methodsTotal,methodsFailed,repoId,platform,swampVersion,agent,interactive,ciSystem,args,optionKeys,globalOptions<CR>
    c-1,p-1,model,method,2026-11-22T10:00:00.000Z,2026-11-22T09:59:59.000Z,-1000,error,1,method,"a ""quoted"", <CR>
     text",command/shell,execute,raw,'=cmd|'/c calc'!A0,'@j,'+s,'-t,0,,,true,r,,,,,,,,linux,1,,,,run <REDACTED> execute,'--input --tag,<CR>
    "#);
}

#[test]
fn a_file_appears_whole_and_private() {
    let environment = TestEnvironment::new();
    environment.ok(["version"]);
    let path = environment.effects.join("out.ndjson");
    fs::write(&path, "older").expect("a file");
    let path = path.to_str().expect("UTF-8");
    let export = ["telemetry", "export", "--output", path, "--no-telemetry"];
    let ran = environment.ok(export);
    assert!(ran.stdout.contains("1 entries written to"), "{}", ran.stdout);
    let text = fs::read_to_string(path).expect("the export");
    assert_eq!((text.lines().count(), text.contains("older")), (1, false));
    let mode = fs::metadata(path).expect("the export").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let document = environment.json(export, 0);
    assert_eq!(document, json!({"path": path, "entries": 1, "unreadable": 0}));
    let left: Vec<_> = fs::read_dir(&environment.effects).expect("a directory").collect();
    assert_eq!(left.len(), 1, "{left:?}");

    let ran = environment.run(["telemetry", "export", "--json"]).expect_exit(1);
    assert!(ran.json()["error"].to_string().contains("--output"), "{}", ran.stdout);
    let nowhere = environment.effects.join("nowhere/out");
    let nowhere = nowhere.to_str().expect("UTF-8");
    let ran = environment.run(["telemetry", "export", "--output", nowhere]).expect_exit(1);
    assert!(ran.stderr.contains("cannot be written to"), "{}", ran.stderr);
}
