//! `swamp data delete`

use serde_json::json;
use swamp_store::DataStore;

use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::data_items::Owner;
use crate::ending::{CommandError, CommandResult, Ending};
use crate::output::Level;

const CATEGORY: &str = "data·delete";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The model
    #[arg(value_name = "model_id_or_name")]
    model: String,
    /// The data item
    #[arg(value_name = "data_name")]
    name: String,
    /// Only this version
    #[arg(long, value_name = "n")]
    version: Option<u64>,
    /// Do not ask
    #[arg(short, long)]
    force: bool,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let repository = cx.repository(&self.repo)?;
        let owner = Owner::find(&repository, &self.model)?;
        let data = DataStore::new(repository.paths().clone());
        let key = owner.item(&self.name);
        let (name, model) = (&self.name, &owner.name);
        let numbers = data.version_numbers(&key)?;
        if numbers.is_empty() {
            return Err(CommandError::user(format!(
                "No data named \"{name}\" exists for model {model}"
            )));
        }
        if let Some(version) = self.version
            && !numbers.contains(&version)
        {
            let known: Vec<String> = numbers.iter().map(u64::to_string).collect();
            return Err(CommandError::user(format!(
                "Version {version} does not exist for \"{name}\" (available versions: {})",
                known.join(", ")
            )));
        }
        if !self.force && !cx.output.is_json() {
            let what = match self.version {
                Some(version) => format!("version {version} of \"{name}\""),
                None => format!("{} version(s) of \"{name}\" from {model}", numbers.len()),
            };
            if !cx.output.confirm(&format!("About to delete {what}. Proceed?")) {
                cx.output.record(Level::Info, CATEGORY, "Delete cancelled.");
                return Ok(Ending::SUCCESS);
            }
        }
        let mut notice = |notice| cx.tell_lock(&notice);
        let _lock = repository.locks(cx.lock_owner()).global(&mut notice, &|| false)?;
        let deleted = match self.version {
            Some(version) => u64::from(data.delete_version(&key, version)?),
            None => data.delete(&key)?,
        };
        if cx.output.is_json() {
            let mut document = json!({
                "modelId": owner.id,
                "modelName": owner.name,
                "modelType": owner.type_name,
                "dataName": name,
            });
            if let Some(version) = self.version {
                document["version"] = json!(version);
            }
            document["versionsDeleted"] = json!(deleted);
            cx.output.document(&document);
        } else {
            let message = match self.version {
                Some(version) => format!("Deleted version {version} of \"{name}\" of {model}"),
                None => format!("Deleted {deleted} version(s) of \"{name}\" of {model}"),
            };
            cx.output.record(Level::Info, CATEGORY, message);
        }
        Ok(Ending::SUCCESS)
    }
}
