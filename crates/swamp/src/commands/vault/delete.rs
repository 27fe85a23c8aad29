//! `swamp vault delete`

use serde_json::json;
use swamp_vault::VaultError;

use super::vaults;
use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::ending::{CommandResult, Ending};
use crate::output::Level;

const CATEGORY: &str = "vault·delete";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The vault
    #[arg(value_name = "vault_name")]
    vault: String,
    /// The key of the secret
    #[arg(value_name = "key", allow_hyphen_values = true)]
    key: String,
    /// Do not ask
    #[arg(short, long, visible_short_alias = 'y')]
    force: bool,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let vaults = vaults(cx, &self.repo)?;
        let vault = vaults.find(&self.vault)?;
        let provider = vaults.open(&vault)?;
        if let Some(reason) = provider.read_only() {
            return Err(VaultError::ReadOnly { vault: vault.name, reason }.into());
        }
        let (key, name) = (&self.key, &vault.name);
        if !self.force && !cx.output.is_json() && provider.has(key)? {
            let question = format!("Delete the secret '{key}' from vault '{name}'?");
            if !cx.output.confirm(&question) {
                cx.output.record(Level::Info, CATEGORY, "Deletion cancelled.");
                return Ok(Ending::SUCCESS);
            }
        }
        provider.delete(key)?;
        if cx.output.is_json() {
            cx.output.document(&json!({
                "vaultName": name,
                "secretKey": key,
                "vaultType": vault.type_name,
                "timestamp": cx.clock.now().wall,
            }));
        } else {
            let message = format!("Deleted secret \"{key}\" from vault \"{name}\"");
            cx.output.record(Level::Info, CATEGORY, message);
        }
        Ok(Ending::SUCCESS)
    }
}
