//! `swamp vault list-keys`

use serde_json::json;

use super::vaults;
use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::ending::{CommandError, CommandResult, Ending};
use crate::output::Level;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The vault
    #[arg(value_name = "vault_name")]
    vault: Option<String>,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let vaults = vaults(cx, &self.repo)?;
        let Some(name) = self.vault else {
            return Err(CommandError::usage(
                "Of which vault? Usage: swamp vault list-keys <vault_name>",
            )
            .with_hint("Use 'swamp vault search' to see available vaults."));
        };
        let vault = vaults.find(&name)?;
        let keys = vaults.open(&vault)?.list()?;
        if cx.output.is_json() {
            cx.output.document(&json!({
                "vaultName": vault.name,
                "vaultType": vault.type_name,
                "secretKeys": keys,
                "count": keys.len(),
            }));
            return Ok(Ending::SUCCESS);
        }
        let count = keys.len();
        let message = format!("Vault \"{}\" ({}): {count} key(s)", vault.name, vault.type_name);
        cx.output.record(Level::Info, "vault·list-keys", message);
        for key in keys {
            cx.output.line(key);
        }
        Ok(Ending::SUCCESS)
    }
}
