//! `swamp vault describe`

use serde_json::{Value, json};
use swamp_vault::VaultConfig;

use super::vaults;
use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::ending::{CommandResult, Ending};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The vault
    #[arg(value_name = "vault_name_or_id")]
    vault: String,
    /// Its type
    #[arg(short = 't', long = "type", value_name = "type")]
    type_name: Option<String>,
    #[command(flatten)]
    repo: RepoArgs,
}

/// A vault as commands show it.
pub(super) fn document(vault: &VaultConfig) -> Value {
    json!({
        "id": vault.id,
        "name": vault.name,
        "type": vault.type_name,
        "config": vault.config,
        "createdAt": vault.created_at,
    })
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let vaults = vaults(cx, &self.repo)?;
        let vault = vaults.find_of_type(&self.vault, self.type_name.as_deref())?;
        cx.output.document(&document(&vault));
        Ok(Ending::SUCCESS)
    }
}
