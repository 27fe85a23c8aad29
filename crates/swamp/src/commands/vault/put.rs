//! `swamp vault put`

use serde_json::json;
use swamp_secret::Secret;
use swamp_vault::VaultError;

use super::vaults;
use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::ending::{CommandError, CommandResult, Ending};
use crate::output::Level;
use crate::secret_input;

const CATEGORY: &str = "vault·put";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The vault
    #[arg(value_name = "vault_name")]
    vault: String,
    /// The key; key=value works too
    #[arg(value_name = "key", allow_hyphen_values = true)]
    key: String,
    /// The value; better piped in or left out to be asked for
    #[arg(value_name = "value", allow_hyphen_values = true)]
    value: Option<String>,
    /// Overwrite without asking
    #[arg(short, long, visible_short_alias = 'y')]
    force: bool,
    #[command(flatten)]
    repo: RepoArgs,
}

/// Where a value came from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Argument,
    Pipe,
    Terminal,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let vaults = vaults(cx, &self.repo)?;
        let vault = vaults.find(&self.vault)?;
        let provider = vaults.open(&vault)?;
        if let Some(reason) = provider.read_only() {
            return Err(VaultError::ReadOnly { vault: vault.name, reason }.into());
        }
        let (key, value, source) = self.value(cx)?;
        cx.redactor.add(&value);
        if source == Source::Argument {
            secret_input::warn_of_argument(cx);
        }
        let overwritten = provider.has(&key)?;
        if overwritten && !self.force && !cx.output.is_json() {
            let there = format!("Secret '{key}' already exists in vault '{}'.", vault.name);
            if source == Source::Pipe {
                let hint = "Use --force (-f) to overwrite when piping from stdin.";
                return Err(CommandError::user(there).with_hint(hint));
            }
            if !cx.output.confirm(&format!("{there} Overwrite?")) {
                cx.output.record(Level::Info, CATEGORY, "Operation cancelled.");
                return Ok(Ending::SUCCESS);
            }
        }
        provider.put(&key, &value)?;
        if cx.output.is_json() {
            cx.output.document(&json!({
                "vaultName": vault.name,
                "secretKey": key,
                "vaultType": vault.type_name,
                "overwritten": overwritten,
                "timestamp": cx.clock.now().wall,
            }));
        } else {
            let message = format!("Stored secret \"{key}\" in vault \"{}\"", vault.name);
            cx.output.record(Level::Info, CATEGORY, message);
        }
        Ok(Ending::SUCCESS)
    }

    /// The key, and the value from the first place that has one.
    fn value(&self, cx: &Cx<'_>) -> Result<(String, Secret, Source), CommandError> {
        if let Some(value) = &self.value {
            return Ok((self.key.clone(), Secret::new(value), Source::Argument));
        }
        if let Some((key, value)) = self.key.split_once('=').filter(|(key, _)| !key.is_empty()) {
            return Ok((key.to_owned(), Secret::new(value), Source::Argument));
        }
        let key = self.key.clone();
        if !key.starts_with('=') {
            if let Some(value) = secret_input::piped()? {
                return Ok((key, value, Source::Pipe));
            }
            let question = format!("Enter value for {key}: ");
            if let Some(value) = secret_input::asked(cx, &question)? {
                return Ok((key, value, Source::Terminal));
            }
        }
        let key = key.trim_start_matches('=');
        let key = if key.len() < self.key.len() { "<key>" } else { key };
        Err(CommandError::usage("No value for the secret.").with_hint(format!(
            "Pipe it in: echo \"<value>\" | swamp vault put {} {key}",
            self.vault
        )))
    }
}
