//! Where secrets are: one type per kind of vault.

mod age;
mod environment;
mod exec;
mod file;
mod local;
mod mock;

use serde_json::{Map, Value};
use swamp_secret::Secret;

pub(crate) use local::Local;

use crate::error::{Result, VaultError};
use crate::{Surroundings, VaultConfig, VaultType};

/// A vault that can be asked. Making one runs no command and reads no secret.
pub trait Provider: Send + Sync {
    /// The secret under a key.
    fn get(&self, key: &str) -> Result<Secret>;

    /// All keys, sorted. Reads no secret and runs no command.
    fn list(&self) -> Result<Vec<String>>;

    /// Whether there is a secret under this key. Reads no secret and runs no command.
    fn has(&self, key: &str) -> Result<bool> {
        Ok(self.list()?.iter().any(|known| known == key))
    }

    /// Whether secrets can be put into it.
    fn is_writable(&self) -> bool {
        self.read_only().is_none()
    }

    /// Why secrets cannot be put into it, if they cannot.
    fn read_only(&self) -> Option<&'static str>;

    /// Puts a secret under a key, in place of what was there.
    fn put(&self, key: &str, value: &Secret) -> Result<()>;

    /// Removes a secret.
    fn delete(&self, key: &str) -> Result<()>;

    /// Encrypts everything anew with a new key of the vault's own. Gives the number of secrets.
    fn rotate(&self) -> Result<usize>;
}

/// The settings a vault of this type gets if none are given.
pub(crate) fn default_config(ty: VaultType) -> Map<String, Value> {
    let mut config = Map::new();
    match ty {
        VaultType::LocalEncryption => {
            config.insert("auto_generate".to_owned(), Value::Bool(true));
        }
        VaultType::Env => {
            config.insert("prefix".to_owned(), environment::DEFAULT_PREFIX.into());
        }
        VaultType::File => {
            config.insert("directory".to_owned(), file::DEFAULT_DIRECTORY.into());
        }
        VaultType::Exec | VaultType::Age | VaultType::Mock => {}
    }
    config
}

/// Refuses settings that a type does not have. Files that are there already may have them, from other
/// versions or for people.
pub(crate) fn check_settings(ty: VaultType, vault: &VaultConfig) -> Result<()> {
    let Some(known) = ty.settings() else { return Ok(()) };
    let Some(unknown) = vault.config.keys().find(|key| !known.contains(&key.as_str())) else {
        return Ok(());
    };
    let hint = match swamp_ident::closest(unknown, known.iter().copied()) {
        Some(meant) => format!("did you mean '{meant}'?"),
        None => format!("'{}' has {}", ty.as_str(), known.join(", ")),
    };
    Err(Settings(vault).bad(format!("there is no setting '{unknown}': {hint}")))
}

/// Opens a vault.
pub(crate) fn open(vault: &VaultConfig, around: &Surroundings) -> Result<Box<dyn Provider>> {
    Ok(match VaultType::parse(&vault.type_name)? {
        VaultType::LocalEncryption => Box::new(Local::open(vault, around)?),
        VaultType::Env => Box::new(environment::Environment::open(vault, around)?),
        VaultType::File => Box::new(file::Files::open(vault, around)?),
        VaultType::Exec => Box::new(exec::Exec::open(vault, around)?),
        VaultType::Age => Box::new(age::Age::open(vault, around)?),
        VaultType::Mock => Box::new(mock::Mock::open(vault)),
    })
}

/// The settings of a vault, with errors that say which one is wrong.
struct Settings<'v>(&'v VaultConfig);

impl<'v> Settings<'v> {
    fn bad(&self, reason: impl Into<String>) -> VaultError {
        VaultError::Config { vault: self.0.name.clone(), reason: reason.into() }
    }

    fn value(&self, key: &str) -> Option<&'v Value> {
        self.0.config.get(key).filter(|value| !value.is_null())
    }

    fn text(&self, key: &str) -> Result<Option<&'v str>> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.bad(format!("'{key}' must be a text"))),
        }
    }

    fn flag(&self, key: &str) -> Result<bool> {
        match self.value(key) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(self.bad(format!("'{key}' must be true or false"))),
        }
    }

    fn texts(&self, key: &str) -> Result<Vec<&'v str>> {
        let wrong = || self.bad(format!("'{key}' must be a list of texts"));
        match self.value(key) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => {
                items.iter().map(|item| item.as_str().ok_or_else(wrong)).collect()
            }
            Some(_) => Err(wrong()),
        }
    }
}

/// Refuses keys that cannot be file names.
fn check_file_key(key: &str) -> Result<()> {
    let bad = |reason| Err(VaultError::BadKey { key: key.to_owned(), reason });
    if key.is_empty() {
        return bad("must not be empty");
    }
    if key.contains("..") || key.contains(['/', '\\', '\0']) {
        return bad("must not contain '..', '/', '\\', or null bytes");
    }
    if key.len() > 200 {
        return bad("must not have more than 200 bytes");
    }
    Ok(())
}

/// Takes the text a file or a command gave: one line feed at its end is not part of the secret.
fn without_line_feed(mut bytes: Vec<u8>) -> Result<Secret, &'static str> {
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Secret::new(text)),
        Err(error) => {
            drop(zeroize::Zeroizing::new(error.into_bytes()));
            Err("it is not UTF-8 text")
        }
    }
}

fn read_only<T>(vault: &str, reason: &'static str) -> Result<T> {
    Err(VaultError::ReadOnly { vault: vault.to_owned(), reason })
}

/// For vaults that have no key of their own, or one that is not ours to change.
fn no_key_to_rotate<T>(vault: &str) -> Result<T> {
    Err(VaultError::Usage(format!(
        "Vault '{vault}' has no generated key that could be replaced. To give one secret a new value, name its key: swamp vault rotate {vault} <key>"
    )))
}
