//! `swamp vault rotate`

use serde_json::json;
use swamp_vault::{VaultError, generate};

use super::vaults;
use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::ending::{CommandError, CommandResult, Ending};
use crate::output::Level;
use crate::secret_input;

const CATEGORY: &str = "vault·rotate";

/// Give one secret a new value, or, without a key, encrypt the whole vault anew with a new key. The
/// values of the secrets stay the same then.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The vault
    #[arg(value_name = "vault_name")]
    vault: String,
    /// The key of the secret that gets a new value; without it the vault gets a new key of its own
    #[arg(value_name = "key", allow_hyphen_values = true)]
    key: Option<String>,
    /// Make up a value of this many letters and digits instead of asking for one
    #[arg(long, value_name = "length", num_args = 0..=1, default_missing_value = "32", requires = "key")]
    generate: Option<u16>,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let vaults = vaults(cx, &self.repo)?;
        let vault = vaults.find(&self.vault)?;
        let provider = vaults.open(&vault)?;
        let now = || cx.clock.now().wall;
        let Some(key) = self.key else {
            let count = provider.rotate()?;
            if cx.output.is_json() {
                cx.output.document(&json!({
                    "vaultName": vault.name,
                    "vaultType": vault.type_name,
                    "secretsReencrypted": count,
                    "timestamp": now(),
                }));
            } else {
                let name = &vault.name;
                let message = format!("Vault \"{name}\" has a new key: {count} secret(s)");
                cx.output.record(Level::Info, CATEGORY, message);
            }
            return Ok(Ending::SUCCESS);
        };
        if let Some(reason) = provider.read_only() {
            return Err(VaultError::ReadOnly { vault: vault.name, reason }.into());
        }
        if !provider.has(&key)? {
            return Err(CommandError::user(format!(
                "Secret '{key}' not found in vault '{0}'. To store a new one, use: swamp vault put {0} {key}",
                vault.name
            )));
        }
        let value = match self.generate {
            Some(length) => generate(usize::from(length))?,
            None => match secret_input::piped()? {
                Some(value) => value,
                None => secret_input::asked(cx, &format!("Enter the new value for {key}: "))?
                    .ok_or_else(|| {
                        CommandError::usage("No new value for the secret.")
                            .with_hint("Pipe it in, or use --generate to have one made up.")
                    })?,
            },
        };
        cx.redactor.add(&value);
        provider.put(&key, &value)?;
        if cx.output.is_json() {
            cx.output.document(&json!({
                "vaultName": vault.name,
                "secretKey": key,
                "vaultType": vault.type_name,
                "generated": self.generate.is_some(),
                "timestamp": now(),
            }));
        } else {
            let message = format!("Secret \"{key}\" in vault \"{}\" has a new value", vault.name);
            cx.output.record(Level::Info, CATEGORY, message);
        }
        Ok(Ending::SUCCESS)
    }
}
