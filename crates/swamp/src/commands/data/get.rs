//! `swamp data get`

use serde_json::{Value, json};
use swamp_store::{DataStore, Repository, StoredVersion};

use crate::arguments::RepoArgs;
use crate::commands::model::output::data::content;
use crate::cx::Cx;
use crate::data_items::{self, Owner};
use crate::ending::{CommandError, CommandResult, Ending};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The model, or the data item with --workflow
    #[arg(value_name = "model_or_data_name")]
    first: Option<String>,
    /// The data item
    #[arg(value_name = "data_name")]
    second: Option<String>,
    /// A workflow: data of its latest run
    #[arg(long, value_name = "workflow")]
    workflow: Option<String>,
    /// Another run of the workflow
    #[arg(long, value_name = "run_id", requires = "workflow")]
    run: Option<String>,
    /// Another version than the newest
    #[arg(long, value_name = "n", allow_negative_numbers = true)]
    version: Option<i64>,
    /// Leave the content out
    #[arg(long)]
    no_content: bool,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let repository = cx.repository(&self.repo)?;
        let data = DataStore::new(repository.paths().clone());
        let (owner, stored) = match (&self.workflow, &self.first, &self.second) {
            (Some(_), Some(_), Some(_)) => {
                return Err(CommandError::usage(
                    "Too many arguments. Usage: swamp data get --workflow <name> <data_name>",
                ));
            }
            (Some(_), None, _) => {
                return Err(CommandError::usage(
                    "A data name is required when using --workflow. Usage: swamp data get --workflow <name> <data_name>",
                ));
            }
            (Some(workflow), Some(name), None) => {
                self.of_workflow(&repository, &data, workflow, name)?
            }
            (None, Some(model), Some(name)) => self.of_model(&repository, &data, model, name)?,
            (None, Some(_), None) => {
                return Err(CommandError::usage(
                    "A data name is required. Usage: swamp data get <model> <data_name>",
                ));
            }
            (None, None, _) => {
                return Err(CommandError::usage("Either a model name or --workflow is required."));
            }
        };
        let content = if self.no_content { None } else { Some(content(&stored)?) };
        if cx.output.is_json() {
            cx.output.document(&document(&data, &owner, &stored, content));
        } else {
            show(cx, &data, &owner, &stored, content);
        }
        Ok(Ending::SUCCESS)
    }

    fn of_model(
        &self,
        repository: &Repository,
        data: &DataStore,
        model: &str,
        name: &str,
    ) -> Result<(Owner, StoredVersion), CommandError> {
        let owner = Owner::find(repository, model)?;
        let key = owner.item(name);
        let stored = match self.version {
            None => data.latest(&key)?,
            Some(number) => match u64::try_from(number) {
                Ok(number) => data.version(&key, number)?,
                Err(_) => None,
            },
        };
        let stored = stored.ok_or_else(|| {
            let version = self.version.map_or_else(String::new, |n| format!(" (version {n})"));
            CommandError::user(format!("Data not found: \"{name}\" for model \"{model}\"{version}"))
        })?;
        Ok((owner, stored))
    }

    fn of_workflow(
        &self,
        repository: &Repository,
        data: &DataStore,
        workflow: &str,
        name: &str,
    ) -> Result<(Owner, StoredVersion), CommandError> {
        let run = data_items::of_run(repository, data, workflow, self.run.as_deref())?;
        let mut items = run.items.into_iter().filter(|item| item.stored.key.name == *name);
        let item = items.next().ok_or_else(|| {
            CommandError::user(format!("Data not found: \"{name}\" in workflow \"{workflow}\""))
        })?;
        let stored = match self.version {
            None => item.stored,
            Some(number) => u64::try_from(number)
                .ok()
                .map(|number| data.version(&item.stored.key, number))
                .transpose()?
                .flatten()
                .ok_or_else(|| {
                    CommandError::user(format!(
                        "Data not found: \"{name}\" in workflow \"{workflow}\" (version {number})"
                    ))
                })?,
        };
        Ok((item.owner, stored))
    }
}

fn document(
    data: &DataStore,
    owner: &Owner,
    stored: &StoredVersion,
    content: Option<Value>,
) -> Value {
    let Value::Object(metadata) = stored.metadata.to_value() else {
        return Value::Null;
    };
    let mut document = json!({
        "id": stored.metadata.id,
        "name": stored.key.name,
        "modelId": owner.id,
        "modelName": owner.name,
        "modelType": owner.type_name,
    });
    for (key, value) in metadata {
        if document.get(&key).is_none() {
            document[key] = value;
        }
    }
    document["contentPath"] = json!(data.relative(&stored.content_path()));
    if let Some(content) = content {
        document["content"] = content;
    }
    document
}

fn show(
    cx: &Cx<'_>,
    data: &DataStore,
    owner: &Owner,
    stored: &StoredVersion,
    content: Option<Value>,
) {
    let metadata = &stored.metadata;
    let tags: Vec<String> =
        metadata.tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let size =
        metadata.size.map_or_else(String::new, |size| format!(", {}", data_items::size(size)));
    let text = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let whose = metadata.owner.to_value();
    for line in [
        format!("Data: {} (v{})", stored.key.name, metadata.version),
        format!("Model: {} ({})", owner.name, owner.type_name),
        format!("Content: {}{size}", metadata.content_type),
        format!("Lifetime: {} | GC: {}", metadata.lifetime, metadata.garbage_collection),
        format!("Tags: {}", tags.join(", ")),
        format!(
            "Owner: {} ({})",
            text(whose["ownerType"].clone()),
            text(whose["ownerRef"].clone())
        ),
        format!("Created: {}", metadata.created_at),
        format!("Path: {}", data.relative(&stored.content_path())),
    ] {
        cx.output.line(line);
    }
    match content {
        None => {}
        Some(Value::String(text)) => cx.output.line(format!("\n{text}")),
        Some(other) => {
            cx.output.line("");
            cx.output.document(&other);
        }
    }
}
