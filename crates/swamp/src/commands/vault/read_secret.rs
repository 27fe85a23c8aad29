//! `swamp vault read-secret`

use serde_json::json;

use super::vaults;
use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::ending::{CommandResult, Ending};
use crate::output::Level;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The vault
    #[arg(value_name = "vault_name")]
    vault: String,
    /// The key
    #[arg(value_name = "key", allow_hyphen_values = true)]
    key: String,
    /// Show it without asking
    #[arg(short, long)]
    force: bool,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let vaults = vaults(cx, &self.repo)?;
        let vault = vaults.find(&self.vault)?;
        if !self.force && !cx.output.is_json() {
            let (key, name) = (&self.key, &vault.name);
            let question =
                format!("This will reveal the secret '{key}' from vault '{name}'. Continue?");
            if !cx.output.confirm(&question) {
                cx.output.record(Level::Info, "vault·read-secret", "Cancelled.");
                return Ok(Ending::SUCCESS);
            }
        }
        let value = vaults.open(&vault)?.get(&self.key)?;
        if cx.output.is_json() {
            cx.output.document(&json!({
                "vaultName": vault.name,
                "secretKey": self.key,
                "vaultType": vault.type_name,
                "value": value.expose(),
            }));
        } else {
            cx.output.line(value.expose());
        }
        Ok(Ending::SUCCESS)
    }
}
