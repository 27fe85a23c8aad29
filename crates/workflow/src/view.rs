//! Runs as JSON for programs.

use std::path::Path;

use serde_json::{Map, Value, json};
use swamp_ident::{Status, Timestamp};
use swamp_store::{DataArtifact, JobRecord, RunRecord, StepRecord};

/// A recorded run as `workflow history get` shows it: `{id, workflowId, workflowName, status, jobs,
/// error?, duration?, path}`. `path` is the record's file, durations are milliseconds.
pub fn record_view(record: &RunRecord, path: &Path) -> Value {
    let mut keys = Map::new();
    keys.insert("id".to_owned(), json!(record.id));
    keys.insert("workflowId".to_owned(), json!(record.workflow_id));
    keys.insert("workflowName".to_owned(), json!(record.workflow_name));
    keys.insert("status".to_owned(), json!(record.status));
    keys.insert("jobs".to_owned(), record.jobs.iter().map(job).collect());
    put_ends(&mut keys, record.error.as_deref(), record.started_at, record.completed_at);
    keys.insert("path".to_owned(), json!(path.to_string_lossy()));
    Value::Object(keys)
}

fn job(record: &JobRecord) -> Value {
    let mut keys = named(record.job_name.as_str(), record.status);
    keys.insert("steps".to_owned(), record.steps.iter().map(step).collect());
    put_ends(&mut keys, record.error.as_deref(), record.started_at, record.completed_at);
    Value::Object(keys)
}

fn step(record: &StepRecord) -> Value {
    let mut keys = named(record.step_name.as_str(), record.status);
    put_ends(&mut keys, record.error.as_deref(), record.started_at, record.completed_at);
    if let Some(artifacts) = &record.data_artifacts {
        let artifacts = artifacts.iter().map(DataArtifact::to_value);
        keys.insert("dataArtifacts".to_owned(), artifacts.collect());
    }
    if record.allowed_failure {
        keys.insert("allowedFailure".to_owned(), true.into());
    }
    Value::Object(keys)
}

fn named(name: &str, status: Status) -> Map<String, Value> {
    let mut keys = Map::new();
    keys.insert("name".to_owned(), name.into());
    keys.insert("status".to_owned(), status.as_str().into());
    keys
}

fn put_ends(
    keys: &mut Map<String, Value>,
    error: Option<&str>,
    started: Option<Timestamp>,
    completed: Option<Timestamp>,
) {
    if let Some(error) = error {
        keys.insert("error".to_owned(), error.into());
    }
    if let (Some(started), Some(completed)) = (started, completed) {
        // Wall clocks can be set back.
        let duration = (completed.as_millis() - started.as_millis()).max(0);
        keys.insert("duration".to_owned(), duration.into());
    }
}
