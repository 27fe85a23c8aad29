//! `exec`: a command that prints the secret.

use std::time::Duration;

use serde_json::Value;
use swamp_secret::Secret;

use super::{Provider, Settings, no_key_to_rotate, read_only, without_line_feed};
use crate::error::{Result, VaultError};
use crate::program::Program;
use crate::{Surroundings, VaultConfig};

/// What stands for the key in the command.
const PLACEHOLDER: &str = "{key}";

/// How long the command may take if nothing else is set.
const TIMEOUT: Duration = Duration::from_secs(30);

const WHY: &str = "its secrets are changed with the program its command asks";

const NO_LIST: &str = "its command can only be asked for one secret at a time";

/// Runs a list of arguments, without a shell, in the repository's directory.
pub(super) struct Exec {
    vault: String,
    command: Vec<String>,
    timeout: Duration,
    around: Surroundings,
}

impl Exec {
    pub(super) fn open(vault: &VaultConfig, around: &Surroundings) -> Result<Self> {
        let settings = Settings(vault);
        let command: Vec<String> = match settings.value("command") {
            Some(Value::String(_)) | None => {
                return Err(settings.bad(
                    "'command' must be a list: the program and its arguments, like [\"pass\", \"show\", \"{key}\"]. There is no shell",
                ));
            }
            Some(_) => settings.texts("command")?.into_iter().map(str::to_owned).collect(),
        };
        let Some((program, arguments)) = command.split_first().filter(|(name, _)| !name.is_empty())
        else {
            return Err(settings.bad("'command' must name a program"));
        };
        if program.contains(PLACEHOLDER) {
            return Err(settings.bad("the program in 'command' must not depend on {key}"));
        }
        if !arguments.iter().any(|argument| argument.contains(PLACEHOLDER)) {
            return Err(settings.bad("'command' must have {key} in one of its arguments"));
        }
        let timeout = match settings.value("timeout") {
            None => TIMEOUT,
            Some(value) => match value.as_f64().filter(|millis| *millis > 0.0) {
                Some(millis) => Duration::try_from_secs_f64(millis / 1000.0)
                    .map_err(|_| settings.bad("'timeout' is too long"))?,
                None => return Err(settings.bad("'timeout' must be a number of milliseconds")),
            },
        };
        Ok(Self { vault: vault.name.clone(), command, timeout, around: around.clone() })
    }
}

impl Provider for Exec {
    fn get(&self, key: &str) -> Result<Secret> {
        let bad = |reason| Err(VaultError::BadKey { key: key.to_owned(), reason });
        if key.is_empty() || key.contains('\0') {
            return bad("must not be empty or contain null bytes");
        }
        if key.starts_with('-') {
            return bad("must not begin with '-': the command would take it for an option");
        }
        let command: Vec<String> =
            self.command.iter().map(|argument| argument.replace(PLACEHOLDER, key)).collect();
        let failed = |reason: String| VaultError::Program {
            vault: self.vault.clone(),
            key: key.to_owned(),
            reason,
        };
        let program = Program {
            command: &command,
            directory: &self.around.root,
            stdin: None,
            timeout: self.timeout,
        };
        let printed = program.run(&self.around).map_err(failed)?;
        without_line_feed(printed)
            .map_err(|reason| failed(format!("what it printed cannot be used: {reason}")))
    }

    fn list(&self) -> Result<Vec<String>> {
        Err(VaultError::NoListing { vault: self.vault.clone(), reason: NO_LIST })
    }

    fn read_only(&self) -> Option<&'static str> {
        Some(WHY)
    }

    fn put(&self, _: &str, _: &Secret) -> Result<()> {
        read_only(&self.vault, WHY)
    }

    fn delete(&self, _: &str) -> Result<()> {
        read_only(&self.vault, WHY)
    }

    fn rotate(&self) -> Result<usize> {
        no_key_to_rotate(&self.vault)
    }
}
