//! The types of vaults there are.

use crate::error::{Result, VaultError};

/// A type of vaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VaultType {
    /// Encrypted files below the repository.
    LocalEncryption,
    /// Environment variables.
    Env,
    /// One plain file per secret, mounted by somebody else.
    File,
    /// A command that prints the secret.
    Exec,
    /// Files encrypted with age.
    Age,
    /// Values from the vault's own file, for trying things out.
    Mock,
}

/// Types that became extensions.
const RENAMED: [(&str, &str); 5] = [
    ("aws", "@swamp/aws-sm"),
    ("aws-sm", "@swamp/aws-sm"),
    ("azure", "@swamp/azure-kv"),
    ("azure-kv", "@swamp/azure-kv"),
    ("1password", "@swamp/1password"),
];

impl VaultType {
    /// The types that can be created.
    pub const ALL: [Self; 5] =
        [Self::LocalEncryption, Self::Env, Self::File, Self::Exec, Self::Age];

    /// The word in files and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LocalEncryption => "local_encryption",
            Self::Env => "env",
            Self::File => "file",
            Self::Exec => "exec",
            Self::Age => "age",
            Self::Mock => "mock",
        }
    }

    /// The name for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::LocalEncryption => "Local Encryption",
            Self::Env => "Environment Variables",
            Self::File => "Mounted Files",
            Self::Exec => "Command",
            Self::Age => "age Files",
            Self::Mock => "Mock",
        }
    }

    /// One sentence for people.
    pub const fn description(self) -> &'static str {
        match self {
            Self::LocalEncryption => {
                "Secrets in encrypted files below the repository, AES-256-GCM with a generated key or an SSH key"
            }
            Self::Env => "Environment variables that begin with a prefix; read-only",
            Self::File => "One file per secret, as Kubernetes and Docker mount them; read-only",
            Self::Exec => {
                "A command that prints the secret: op, pass, vault, aws, gcloud; read-only"
            }
            Self::Age => "Files encrypted with age, which may be committed",
            Self::Mock => "Values from the vault's own file; what is written is lost",
        }
    }

    /// The settings it has; `None` if it takes any.
    pub const fn settings(self) -> Option<&'static [&'static str]> {
        Some(match self {
            Self::LocalEncryption => &["auto_generate", "key_file", "ssh_key_path", "base_dir"],
            Self::Env => &["prefix"],
            Self::File => &["directory"],
            Self::Exec => &["command", "timeout"],
            Self::Age => &["directory", "identities", "recipients", "program"],
            Self::Mock => return None,
        })
    }

    /// The type of that name, as a vault file says it.
    pub fn parse(name: &str) -> Result<Self> {
        if let Some(known) =
            Self::ALL.into_iter().chain([Self::Mock]).find(|ty| ty.as_str() == name)
        {
            return Ok(known);
        }
        if let Some((_, new)) = RENAMED.iter().find(|(old, _)| *old == name) {
            return Err(VaultError::RenamedType { old: name.to_owned(), new });
        }
        let available = Self::ALL.iter().map(|ty| ty.as_str()).collect();
        Err(VaultError::UnknownType { name: name.to_owned(), available })
    }

    /// The type of that name, as somebody types who wants to create one: in any case, and none that
    /// loses what is written.
    pub fn parse_creatable(name: &str) -> Result<Self> {
        match Self::parse(&name.to_lowercase()) {
            Ok(Self::Mock) => {
                let available = Self::ALL.iter().map(|ty| ty.as_str()).collect();
                Err(VaultError::UnknownType { name: name.to_owned(), available })
            }
            Err(VaultError::UnknownType { available, .. }) => {
                Err(VaultError::UnknownType { name: name.to_owned(), available })
            }
            other => other,
        }
    }
}
