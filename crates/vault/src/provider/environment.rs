//! `env`: environment variables that begin with a prefix.

use std::sync::Arc;

use swamp_expr::EnvSource;
use swamp_secret::Secret;

use super::{Provider, Settings, no_key_to_rotate, read_only};
use crate::error::{Result, VaultError};
use crate::{Surroundings, VaultConfig};

/// The prefix if none is set. An empty one must be asked for: it makes the whole environment a vault.
pub(super) const DEFAULT_PREFIX: &str = "SWAMP_SECRET_";

const WHY: &str = "its secrets are environment variables of whoever runs swamp";

/// Key `K` is the variable `<prefix>K`.
pub(super) struct Environment {
    vault: String,
    prefix: String,
    env: Arc<dyn EnvSource + Send + Sync>,
}

impl Environment {
    pub(super) fn open(vault: &VaultConfig, around: &Surroundings) -> Result<Self> {
        let prefix = Settings(vault).text("prefix")?.unwrap_or(DEFAULT_PREFIX).to_owned();
        Ok(Self { vault: vault.name.clone(), prefix, env: Arc::clone(&around.env) })
    }
}

impl Provider for Environment {
    fn get(&self, key: &str) -> Result<Secret> {
        let variable = format!("{}{key}", self.prefix);
        let value = if key.is_empty() { None } else { self.env.var(&variable) };
        value.map(Secret::new).ok_or_else(|| VaultError::NoSecret {
            vault: self.vault.clone(),
            key: key.to_owned(),
            place: format!("environment variable {variable} is not set"),
        })
    }

    fn list(&self) -> Result<Vec<String>> {
        let names = self.env.names().into_iter();
        let keys = names.filter_map(|name| name.strip_prefix(&self.prefix).map(str::to_owned));
        let mut keys: Vec<String> = keys.filter(|key| !key.is_empty()).collect();
        keys.sort();
        Ok(keys)
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
