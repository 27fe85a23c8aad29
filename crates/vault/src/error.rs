//! What can go wrong with vaults.

use std::io;
use std::path::{Path, PathBuf};

/// Short for results of this crate.
pub type Result<T, E = VaultError> = std::result::Result<T, E>;

/// A vault or a secret could not be had or changed. The text names vault and key, never a value, and
/// says what the user can do.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// No vault has that name or id.
    #[error("Vault not found: {name}{}", advice(name, available, problems))]
    NotFound {
        /// What was asked for.
        name: String,
        /// The vaults there are.
        available: Vec<String>,
        /// What is wrong with files that could not be read.
        problems: Vec<String>,
    },
    /// The vault is of another type than the one asked for.
    #[error("Vault '{name}' has type '{found}', not '{wanted}'")]
    OtherType {
        /// The vault.
        name: String,
        /// Its type.
        found: String,
        /// The type asked for.
        wanted: String,
    },
    /// The vault has no such secret.
    #[error(
        "Secret '{key}' not found in vault '{vault}': {place}\nSee what there is with: swamp vault list-keys {vault}"
    )]
    NoSecret {
        /// The vault.
        vault: String,
        /// The key.
        key: String,
        /// Where it was looked for.
        place: String,
    },
    /// The secret is there and cannot be read.
    #[error("Secret '{key}' of vault '{vault}' exists but cannot be read: {reason}")]
    Damaged {
        /// The vault.
        vault: String,
        /// The key.
        key: String,
        /// Why not.
        reason: String,
    },
    /// A key that the vault cannot have.
    #[error("Invalid secret key '{}': {reason}", key.escape_debug())]
    BadKey {
        /// The key.
        key: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The vault cannot be written to.
    #[error("Vault '{vault}' is read-only: {reason}")]
    ReadOnly {
        /// The vault.
        vault: String,
        /// Where its secrets are changed instead.
        reason: &'static str,
    },
    /// The vault cannot tell what is in it.
    #[error("Vault '{vault}' cannot list its keys: {reason}")]
    NoListing {
        /// The vault.
        vault: String,
        /// Why not.
        reason: &'static str,
    },
    /// The program behind a vault did not give the secret.
    #[error("Vault '{vault}' could not get secret '{key}': {reason}")]
    Program {
        /// The vault.
        vault: String,
        /// The key.
        key: String,
        /// What went wrong.
        reason: String,
    },
    /// The key that encrypts a vault is not usable.
    #[error("Vault '{vault}' has no usable key: {reason}")]
    KeyMaterial {
        /// The vault.
        vault: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// A vault of this repository points to a place outside of it.
    #[error(
        "Vault '{vault}' keeps secrets in {}, which is outside this repository. If you trust that, add the directory to SWAMP_VAULT_DIRS; if the repository was moved, remove '{field}' from {}",
        path.display(),
        config.display()
    )]
    Outside {
        /// The vault.
        vault: String,
        /// The setting that points there.
        field: &'static str,
        /// The place.
        path: PathBuf,
        /// The vault's file.
        config: PathBuf,
    },
    /// A setting of the vault is missing or wrong.
    #[error("Vault '{vault}' is not set up correctly: {reason}")]
    Config {
        /// The vault.
        vault: String,
        /// What is wrong and what is wanted.
        reason: String,
    },
    /// A vault file is not what it has to be.
    #[error("Invalid vault config in {}: {reason}", path.display())]
    BadFile {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A name no vault can have.
    #[error(
        "Invalid vault name: {0}. Vault names must start with a lowercase letter and contain only lowercase letters, numbers, and hyphens."
    )]
    BadName(String),
    /// There is a vault of that name.
    #[error("Vault already exists: {0}")]
    Exists(String),
    /// There is no such type of vaults.
    #[error(
        "Unknown vault type: {name}. Available types: {}. Use 'swamp vault type search' to see available types.{}",
        available.join(", "),
        swamp_ident::closest(name, available.iter().copied())
            .map_or_else(String::new, |meant| format!(" Did you mean '{meant}'?"))
    )]
    UnknownType {
        /// What was asked for.
        name: String,
        /// The types there are.
        available: Vec<&'static str>,
    },
    /// The type has another name now, that of an extension.
    #[error("The type '{old}' has been renamed to '{new}'. Use type '{new}' instead.")]
    RenamedType {
        /// What was asked for.
        old: String,
        /// The new name.
        new: &'static str,
    },
    /// Data is sensitive and there is nowhere to put it.
    #[error(
        "Cannot persist data: {0} marked as sensitive but no vault is configured that can be written to. Create one using: swamp vault create local_encryption <name>"
    )]
    NowhereToStore(String),
    /// Any other mistake in what was asked for.
    #[error("{0}")]
    Usage(String),
    /// The operating system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
}

fn advice(name: &str, available: &[String], problems: &[String]) -> String {
    let mut advice = if available.is_empty() {
        ". No vaults are configured.".to_owned()
    } else {
        // On a line of its own: the first line of an error may be recorded, names may not.
        format!(".\nAvailable vaults: {}.", available.join(", "))
    };
    advice.extend(["\nCreate it with: swamp vault create <type> ", name]);
    for problem in problems {
        advice.extend(["\nA vault file cannot be read: ", problem]);
    }
    advice
}

impl VaultError {
    /// Wraps an I/O error: `.map_err(VaultError::io("read", path))`.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    /// Whether the machine is at fault rather than the user.
    pub const fn is_internal(&self) -> bool {
        matches!(self, Self::Io { .. })
    }
}
