//! `file`: one plain file per secret, as Kubernetes and Docker mount them.
//!
//! Kubernetes mounts `password -> ..data/password` and `..data -> ..2026_11_26_10_00_00.123`; such
//! links inside the directory are followed, links out of it are not.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use swamp_secret::Secret;

use super::{Provider, Settings, check_file_key, no_key_to_rotate, read_only, without_line_feed};
use crate::error::{Result, VaultError};
use crate::{Surroundings, VaultConfig};

/// Where Docker mounts secrets.
pub(super) const DEFAULT_DIRECTORY: &str = "/run/secrets";

/// A file larger than this is no secret.
const LARGEST: u64 = 1 << 20;

const WHY: &str = "its files belong to whoever mounts them";

/// Key `K` is the file `<directory>/K`.
pub(super) struct Files {
    vault: String,
    directory: PathBuf,
}

impl Files {
    pub(super) fn open(vault: &VaultConfig, around: &Surroundings) -> Result<Self> {
        let written = Settings(vault).text("directory")?.unwrap_or(DEFAULT_DIRECTORY);
        let directory = around.path(written);
        around.check(vault, "directory", &directory)?;
        Ok(Self { vault: vault.name.clone(), directory })
    }

    fn damaged(&self, key: &str, reason: impl Into<String>) -> VaultError {
        VaultError::Damaged {
            vault: self.vault.clone(),
            key: key.to_owned(),
            reason: reason.into(),
        }
    }

    /// The file behind a key.
    fn file(&self, key: &str) -> Result<PathBuf> {
        check_file_key(key)?;
        let path = self.directory.join(key);
        let real = path.canonicalize().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => VaultError::NoSecret {
                vault: self.vault.clone(),
                key: key.to_owned(),
                place: format!("there is no file {}", path.display()),
            },
            _ => self.damaged(key, error.to_string()),
        })?;
        if !is_below(&real, &self.directory) {
            return Err(self.damaged(key, "it is a link out of the vault's directory"));
        }
        Ok(real)
    }
}

fn is_below(real: &Path, directory: &Path) -> bool {
    directory.canonicalize().is_ok_and(|directory| real.starts_with(directory))
}

impl Provider for Files {
    fn get(&self, key: &str) -> Result<Secret> {
        let path = self.file(key)?;
        let wrong = |error: io::Error| self.damaged(key, error.to_string());
        let file = fs::File::open(&path).map_err(wrong)?;
        if !file.metadata().map_err(wrong)?.is_file() {
            return Err(self.damaged(key, format!("{} is no file", path.display())));
        }
        let mut bytes = Vec::new();
        file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(wrong)?;
        if bytes.len() as u64 > LARGEST {
            return Err(self.damaged(key, "it is larger than 1 MiB"));
        }
        without_line_feed(bytes).map_err(|reason| self.damaged(key, reason))
    }

    fn list(&self) -> Result<Vec<String>> {
        let read = VaultError::io("read", &self.directory);
        let mut keys = Vec::new();
        for entry in fs::read_dir(&self.directory).map_err(read)? {
            let entry = entry.map_err(VaultError::io("read", &self.directory))?;
            let Ok(key) = entry.file_name().into_string() else { continue };
            if !key.starts_with('.') && self.file(&key).is_ok_and(|file| file.is_file()) {
                keys.push(key);
            }
        }
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
