//! `swamp vault get`

use serde_json::json;

use super::{describe, vaults};
use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::ending::{CommandError, CommandResult, Ending};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The vault
    #[arg(value_name = "vault_name_or_id")]
    vault: String,
    /// Taken for the key of a secret, which is read with another command
    #[arg(value_name = "key", hide = true)]
    key: Option<String>,
    /// Its type
    #[arg(short = 't', long = "type", value_name = "type")]
    type_name: Option<String>,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let vaults = vaults(cx, &self.repo)?;
        if let Some(key) = &self.key {
            let message = format!("Unexpected argument: {key}");
            return Err(CommandError::usage(message).with_hint(
                "Usage: swamp vault get <vault_name_or_id>\nTo retrieve a secret value, use: swamp vault read-secret <vault_name> <key>",
            ));
        }
        let vault = vaults.find_of_type(&self.vault, self.type_name.as_deref())?;
        let mut document = describe::document(&vault);
        let root = cx.repository(&self.repo)?;
        let path = vault.path.strip_prefix(root.root()).unwrap_or(&vault.path);
        document["storagePath"] = json!(path);
        cx.output.document(&document);
        Ok(Ending::SUCCESS)
    }
}
