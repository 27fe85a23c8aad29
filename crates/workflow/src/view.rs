//! Runs as JSON for programs.

use std::path::Path;

use serde_json::Value;
use swamp_store::RunRecord;

/// A recorded run as `workflow history get` shows it: `{id, workflowId, workflowName, status, jobs,
/// duration?, path}`. `path` is the record's file.
pub fn record_view(record: &RunRecord, path: &Path) -> Value {
    let _ = (record, path);
    todo!()
}
