//! `mock`: values from the vault's own file, for trying things out.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use swamp_secret::Secret;

use super::{Provider, no_key_to_rotate};
use crate::VaultConfig;
use crate::error::{Result, VaultError};

/// Keys that are always there.
const SAMPLES: [&str; 3] = ["demo-api-key", "demo-api-key-2", "derived-api-key"];

/// A vault in memory. What is written is lost when the process ends.
pub(super) struct Mock {
    vault: String,
    secrets: Mutex<BTreeMap<String, Secret>>,
}

impl Mock {
    pub(super) fn open(vault: &VaultConfig) -> Self {
        let samples =
            SAMPLES.map(|key| (key.to_owned(), Secret::new(format!("mock-value-of-{key}"))));
        let written = vault.config.iter().map(|(key, value)| {
            let value = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            (key.clone(), Secret::new(value))
        });
        let secrets = Mutex::new(samples.into_iter().chain(written).collect());
        Self { vault: vault.name.clone(), secrets }
    }

    fn secrets(&self) -> MutexGuard<'_, BTreeMap<String, Secret>> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn missing(&self, key: &str) -> VaultError {
        VaultError::NoSecret {
            vault: self.vault.clone(),
            key: key.to_owned(),
            place: "it is not in the vault's 'config'".to_owned(),
        }
    }
}

impl Provider for Mock {
    fn get(&self, key: &str) -> Result<Secret> {
        self.secrets().get(key).cloned().ok_or_else(|| self.missing(key))
    }

    fn list(&self) -> Result<Vec<String>> {
        Ok(self.secrets().keys().cloned().collect())
    }

    fn read_only(&self) -> Option<&'static str> {
        None
    }

    fn put(&self, key: &str, value: &Secret) -> Result<()> {
        self.secrets().insert(key.to_owned(), value.clone());
        Ok(())
    }

    fn delete(&self, key: &str) -> Result<()> {
        self.secrets().remove(key).map(drop).ok_or_else(|| self.missing(key))
    }

    fn rotate(&self) -> Result<usize> {
        no_key_to_rotate(&self.vault)
    }
}
