//! Events for tests: those of a run that a user started.

use serde_json::{Value, json};
use swamp_collector::ingest::{Arrival, Read, read_body};
use swamp_collector::{Event, Limits, ProjectId};
use swamp_ident::Timestamp;

/// When events of tests are received.
pub fn now() -> Timestamp {
    Timestamp::parse("2026-11-22T12:00:00.000Z").unwrap()
}

/// The command that ran a workflow.
pub fn parent(id: &str, at: &str, millis: u64, status: &str) -> Value {
    json!({
        "event": "cli_invocation", "distinct_id": "user", "insert_id": id,
        "properties": {
            "id": id,
            "invocation": {"command": "workflow", "args": ["<REDACTED>"], "optionKeys": [],
                "globalOptions": [], "subcommand": "run"},
            "result": {"status": status, "exitCode": u8::from(status != "success")},
            "startedAt": at, "completedAt": at, "durationMs": millis, "swampVersion": "0.1.0",
            "denoVersion": "0.0.0", "platform": "linux",
            "invocationContext": {"agentSessionDetected": true, "isInteractive": false,
                "detectedAiTool": "claude"},
            "runId": format!("run-{id}"),
        },
    })
}

/// A call of a method by a step of it.
pub fn child(id: &str, parent: &str, at: &str, millis: u64) -> Value {
    json!({
        "event": "cli_invocation", "distinct_id": "user", "insert_id": id,
        "properties": {
            "id": id,
            "invocation": {"command": "model", "args": ["run", "<REDACTED>", "execute"],
                "optionKeys": [], "globalOptions": [], "subcommand": "method"},
            "result": {"status": "success", "exitCode": 0},
            "startedAt": at, "completedAt": at, "durationMs": millis, "swampVersion": "0.1.0",
            "denoVersion": "0.0.0", "platform": "linux",
            "invocationContext": {"agentSessionDetected": true, "isInteractive": false,
                "detectedAiTool": "claude"},
            "parentInvocationId": parent,
            "workflowContext": {"workflowName": "deploy", "runId": format!("run-{parent}"),
                "jobName": "main", "stepName": "build", "modelType": "command/shell",
                "driver": "raw", "phase": "method"},
        },
    })
}

/// The same with other values; a path is like `workflowContext.driver`.
pub fn with(mut event: Value, changes: &[(&str, Value)]) -> Value {
    for (path, value) in changes {
        let mut place = &mut event["properties"];
        for key in path.split('.') {
            place = &mut place[key];
        }
        *place = value.clone();
    }
    event
}

/// The same, failed.
pub fn failed(event: Value, category: &str, message: &str) -> Value {
    let result = json!({"status": "error", "exitCode": 1, "errorType": "Error",
        "errorMessage": message, "errorCategory": category});
    with(event, &[("result", result)])
}

/// What a store gets.
pub fn read(project: ProjectId, events: &[Value]) -> Vec<Event> {
    let body = json!({"events": events}).to_string().into_bytes();
    let arrival = Arrival { project, at: now() };
    let read = read_body(body, arrival, &Limits::default()).unwrap();
    read.into_iter()
        .map(|read| match read {
            Read::Event(event) => *event,
            other => panic!("{other:?}"),
        })
        .collect()
}
