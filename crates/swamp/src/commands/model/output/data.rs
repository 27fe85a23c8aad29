//! `swamp model output data`

use serde_json::{Value, json};
use swamp_store::{DataArtifact, DataStore, ItemKey, Repository, StoredOutput, StoredVersion};

use crate::arguments::RepoArgs;
use crate::commands::model::describe_type::plain;
use crate::cx::Cx;
use crate::ending::{CommandError, CommandResult, Ending};
use crate::runs_of_methods;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The run's id or the beginning of it
    #[arg(value_name = "output_id")]
    output: String,
    /// The data item [default: the first one]
    #[arg(long, value_name = "name")]
    name: Option<String>,
    /// Only this field of a JSON object
    #[arg(long, value_name = "field")]
    field: Option<String>,
    /// Another version than the one of the run
    #[arg(long, value_name = "n")]
    version: Option<u64>,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let repository = cx.repository(&self.repo)?;
        let output = runs_of_methods::by_id(&repository, &self.output)?;
        let artifact = self.artifact(&output.record.artifacts)?;
        let stored = version(&repository, &output, artifact, self.version)?;
        let content = content(&stored)?;
        let data = match &self.field {
            None => content,
            Some(field) => field_of(&content, field)?,
        };
        if cx.output.is_json() {
            cx.output.document(&json!({
                "outputId": output.record.id,
                "methodName": output.record.method_name,
                "dataId": stored.metadata.id,
                "dataName": artifact.name,
                "version": stored.metadata.version,
                "contentType": stored.metadata.content_type,
                "field": self.field,
                "data": data,
            }));
        } else if data.is_object() || data.is_array() {
            cx.output.document(&data);
        } else {
            cx.output.line(plain(&data));
        }
        Ok(Ending::SUCCESS)
    }

    fn artifact<'a>(
        &self,
        artifacts: &'a [DataArtifact],
    ) -> Result<&'a DataArtifact, CommandError> {
        let found = match &self.name {
            None => artifacts.first(),
            Some(name) => artifacts.iter().find(|artifact| artifact.name == *name.as_str()),
        };
        found.ok_or_else(|| {
            let names: Vec<&str> = artifacts.iter().map(|known| known.name.as_str()).collect();
            let name = self.name.as_deref().unwrap_or("(any)");
            CommandError::user(format!(
                "Data artifact not found: \"{name}\". Available: {}",
                names.join(", ")
            ))
        })
    }
}

/// The version of an artifact that the run wrote, or another one.
pub(super) fn version(
    repository: &Repository,
    output: &StoredOutput,
    artifact: &DataArtifact,
    version: Option<u64>,
) -> Result<StoredVersion, CommandError> {
    let model = output.record.definition_id.clone();
    let key = ItemKey::new(output.type_name.clone(), model, artifact.name.clone());
    let number = version.unwrap_or(artifact.version);
    DataStore::new(repository.paths().clone()).version(&key, number)?.ok_or_else(|| {
        CommandError::user(format!("Data artifact \"{}\" has no version {number}", artifact.name))
    })
}

/// The content: parsed for JSON, else text.
pub(crate) fn content(stored: &StoredVersion) -> Result<Value, CommandError> {
    let text = stored.text()?;
    if stored.metadata.content_type == "application/json"
        && let Ok(value) = serde_json::from_str(&text)
    {
        return Ok(value);
    }
    Ok(Value::String(text))
}

fn field_of(content: &Value, field: &str) -> Result<Value, CommandError> {
    content.get(field).cloned().ok_or_else(|| {
        let fields: Vec<&String> =
            content.as_object().into_iter().flatten().map(|(key, _)| key).collect();
        let fields = fields.iter().map(|key| key.as_str()).collect::<Vec<_>>().join(", ");
        CommandError::user(format!(
            "Field not found: \"{field}\" in data artifact. Available fields: {fields}"
        ))
    })
}
