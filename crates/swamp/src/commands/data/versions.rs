//! `swamp data versions`

use serde_json::{Value, json};
use swamp_store::DataStore;

use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::data_items::Owner;
use crate::ending::{CommandError, CommandResult, Ending};
use crate::listing;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The model
    #[arg(value_name = "model_id_or_name")]
    model: String,
    /// The data item
    #[arg(value_name = "data_name")]
    name: String,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let repository = cx.repository(&self.repo)?;
        let owner = Owner::find(&repository, &self.model)?;
        let data = DataStore::new(repository.paths().clone());
        let listing = data.versions(&owner.item(&self.name))?;
        listing::warn_of(cx, &listing.warnings);
        if listing.versions.is_empty() {
            let (name, model) = (&self.name, &self.model);
            return Err(CommandError::user(format!(
                "Data not found: \"{name}\" for model \"{model}\""
            )));
        }
        let versions: Vec<Value> = listing
            .versions
            .iter()
            .map(|stored| {
                let metadata = &stored.metadata;
                let mut version =
                    json!({"version": metadata.version, "createdAt": metadata.created_at});
                if let Some(size) = metadata.size {
                    version["size"] = json!(size);
                }
                if let Some(checksum) = &metadata.checksum {
                    version["checksum"] = json!(checksum);
                }
                version["isLatest"] = json!(Some(metadata.version) == listing.latest);
                version
            })
            .collect();
        cx.output.document(&json!({
            "dataName": self.name,
            "modelId": owner.id,
            "modelName": owner.name,
            "modelType": owner.type_name,
            "versions": versions,
            "total": listing.versions.len(),
        }));
        Ok(Ending::SUCCESS)
    }
}
