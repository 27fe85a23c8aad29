//! `swamp data rename`

use serde_json::json;
use swamp_store::{DataStore, check_data_name};

use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::data_items::Owner;
use crate::ending::{CommandError, CommandResult, Ending};
use crate::output::Level;

const CATEGORY: &str = "data·rename";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The model
    #[arg(value_name = "model_id_or_name")]
    model: String,
    /// The data item
    #[arg(value_name = "old_name")]
    old_name: String,
    /// Its new name
    #[arg(value_name = "new_name")]
    new_name: String,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let repository = cx.repository(&self.repo)?;
        let owner = Owner::find(&repository, &self.model)?;
        let (old, new) = (&self.old_name, &self.new_name);
        if old == new {
            return Err(CommandError::user("Old name and new name must be different."));
        }
        check_data_name(new)
            .map_err(|error| CommandError::user(format!("Invalid new name \"{new}\": {error}")))?;
        let data = DataStore::new(repository.paths().clone());
        let key = owner.item(old);
        if data.latest(&key)?.is_none() {
            return Err(CommandError::user(format!("Data \"{old}\" not found")));
        }
        if data.latest(&owner.item(new))?.is_some() {
            return Err(CommandError::user(format!("Data \"{new}\" already exists")));
        }
        let mut notice = |notice| cx.tell_lock(&notice);
        let _lock = repository.locks(cx.lock_owner()).global(&mut notice, &|| false)?;
        let name = new.as_str().into();
        let renamed = data.rename(&key, &name, cx.ids.uuid().into(), cx.clock.now().wall)?;
        let warning = format!(
            "The name \"{old}\" leads to \"{new}\" until something is stored under it again: change the workflows and models that do."
        );
        if cx.output.is_json() {
            cx.output.document(&json!({
                "oldName": old,
                "newName": new,
                "modelId": owner.id,
                "modelName": owner.name,
                "modelType": owner.type_name,
                "copiedVersion": renamed.copied_version,
                "newVersion": renamed.new_version,
                "warning": warning,
            }));
        } else {
            let message = format!(
                "Renamed \"{old}\" to \"{new}\" for {} ({}): version {} is version {} there",
                owner.name, owner.type_name, renamed.copied_version, renamed.new_version
            );
            cx.output.record(Level::Info, CATEGORY, message);
            cx.output.record(Level::Warning, CATEGORY, warning);
        }
        Ok(Ending::SUCCESS)
    }
}
