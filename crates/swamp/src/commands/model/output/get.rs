//! `swamp model output get`, also `swamp model method history get`

use serde_json::{Value, json};
use swamp_store::StoredOutput;

use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::ending::{CommandResult, Ending};
use crate::runs_of_methods;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The run's id or the beginning of it, or a model for its latest run
    #[arg(value_name = "output_or_model")]
    run: String,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let repository = cx.repository(&self.repo)?;
        let output = runs_of_methods::find(
            &repository,
            &self.run,
            "Output or model not found",
            "Output not found: no outputs for model",
        )?;
        let id = output.record.definition_id.as_str();
        let name = repository.definitions().find(id).ok().map(|found| found.name);
        let name = name.as_ref().map_or(id, |name| name.as_str());
        cx.output.document(&document(&output, name));
        Ok(Ending::SUCCESS)
    }
}

/// The record with the model's name and type, without the log file.
fn document(output: &StoredOutput, model_name: &str) -> Value {
    let Value::Object(record) = output.record.to_value() else {
        return Value::Null;
    };
    let keys = [
        "id",
        "definitionId",
        "modelName",
        "type",
        "methodName",
        "status",
        "startedAt",
        "completedAt",
        "durationMs",
        "retryCount",
        "provenance",
        "artifacts",
        "error",
    ];
    let mut document = json!({});
    for key in keys {
        let value = match key {
            "modelName" => Some(json!(model_name)),
            "type" => Some(json!(output.type_name)),
            _ => record.get(key).cloned(),
        };
        if let Some(value) = value {
            document[key] = value;
        }
    }
    document
}
