//! `swamp model delete`

use serde_json::json;
use swamp_store::{DataStore, ModelKey, OutputStore, Repository};

use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::ending::{CommandError, CommandResult, Ending};
use crate::listing;
use crate::output::Level;

const CATEGORY: &str = "model·delete";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The definition
    #[arg(value_name = "model_id_or_name")]
    model: String,
    /// Do not ask, and remove stored data too
    #[arg(short, long)]
    force: bool,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let repository = cx.repository(&self.repo)?;
        let definitions = repository.definitions();
        let definition = definitions.find(&self.model)?;
        let (id, name) = (&definition.id, definition.name.as_str());
        let users = workflows_with(cx, &repository, name, id.as_str())?;
        if !users.is_empty() {
            return Err(CommandError::user(format!(
                "Model '{name}' is referenced by workflow(s): {}. Remove the model from these workflows before deleting.",
                users.join(", ")
            )));
        }
        let data = DataStore::new(repository.paths().clone());
        let key = ModelKey { type_name: definition.type_name.clone(), id: id.clone() };
        let items = data.list(&key)?;
        listing::warn_of(cx, &items.warnings);
        let items = items.items;
        if !items.is_empty() && !self.force {
            return Err(CommandError::user(format!(
                "Model '{name}' has {} associated data artifact(s). Delete the data first, or use --force to delete all.",
                items.len()
            )));
        }
        let outputs = OutputStore::new(repository.paths().clone());
        if !self.force && !cx.output.is_json() {
            let all = outputs.list()?.outputs;
            let count = all.iter().filter(|output| output.record.definition_id == *id).count();
            let also = if count == 0 {
                String::new()
            } else {
                format!(" This will also delete: {count} output(s).")
            };
            if !cx.output.confirm(&format!("Delete model '{name}' ({id})?{also}")) {
                cx.output.record(Level::Warning, CATEGORY, "Deletion cancelled.");
                return Ok(Ending::SUCCESS);
            }
        }
        let mut notice = |notice| cx.tell_lock(&notice);
        let lock = repository.locks(cx.lock_owner()).global(&mut notice, &|| false)?;
        let outputs_deleted = outputs.delete_all(id)?;
        let evaluated = definitions.delete_evaluated(&definition)?;
        data.delete_model(&key)?;
        definitions.delete(&definition)?;
        drop(lock);

        if cx.output.is_json() {
            cx.output.document(&json!({
                "deleted": {
                    "id": id,
                    "name": name,
                    "type": definition.type_name,
                    "inputPath": definition.path,
                },
                "resourceDeleted": false,
                "outputsDeleted": outputs_deleted,
                "evaluatedInputDeleted": evaluated,
                "dataDeleted": !items.is_empty(),
            }));
        } else {
            let message = format!("Deleted model \"{name}\" ({})", definition.type_name);
            cx.output.record(Level::Info, CATEGORY, message);
        }
        Ok(Ending::SUCCESS)
    }
}

/// The workflows with a step that names the model.
fn workflows_with(
    cx: &Cx<'_>,
    repository: &Repository,
    name: &str,
    id: &str,
) -> Result<Vec<String>, CommandError> {
    let mut users = Vec::new();
    for file in repository.workflow_files().list()? {
        let document = match &file.document {
            Ok(document) => document.value(),
            Err(error) => {
                cx.output.record(Level::Warning, CATEGORY, format!("Left out: {error}"));
                continue;
            }
        };
        let jobs = document["jobs"].as_array().into_iter().flatten();
        let steps = jobs.flat_map(|job| job["steps"].as_array().into_iter().flatten());
        let mut models = steps.filter_map(|step| step["task"]["modelIdOrName"].as_str());
        if models.any(|model| model == name || model == id) {
            users.push(file.name().unwrap_or_default().to_owned());
        }
    }
    Ok(users)
}
