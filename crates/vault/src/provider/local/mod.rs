//! `local_encryption`: encrypted files below the repository.
//!
//! ```text
//! <base_dir>/.swamp/secrets/local_encryption/<vault>/
//!     .key           the key, unless it is elsewhere
//!     <key>.enc      one secret
//! ```
//!
//! Directories are 0700 and files 0600. Files are written whole, so a reader needs no lock. Writers
//! take one, because a new key for the vault must not miss a secret. Other programs that write
//! such vaults know no lock; what they do one secret at a time is safe all the same.

mod envelope;
mod key;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use swamp_secret::Secret;

use self::envelope::{Material, Unreadable};
use self::key::KeySource;
use super::{Provider, Settings, check_file_key};
use crate::error::{Result, VaultError};
use crate::files;
use crate::surroundings::real;
use crate::{Surroundings, VaultConfig};

/// Below the directory of a vault: what else is kept about its secrets, in the same form.
const COMPANIONS: [&str; 2] = [".annotations", ".refresh"];

const KEY_FILE: &str = ".key";

/// How often a secret that does not fit the key is read again: both may just be changing.
const ATTEMPTS: usize = 3;

/// A vault in encrypted files.
pub(crate) struct Local {
    vault: String,
    directory: PathBuf,
    key: KeySource,
}

impl Local {
    pub(super) fn open(vault: &VaultConfig, around: &Surroundings) -> Result<Self> {
        let settings = Settings(vault);
        let below = |base: &Path| base.join(".swamp/secrets/local_encryption").join(&vault.name);
        if check_file_key(&vault.name).is_err() || vault.name.starts_with('.') {
            return Err(settings.bad("its name cannot be that of a directory"));
        }
        let directory = match settings.text("base_dir")? {
            None => below(&around.root),
            Some(base) => {
                let base = around.path(base);
                // A repository that was moved has its secrets with it.
                let is_gone = !base.exists();
                below(if is_gone { &around.root } else { &base })
            }
        };
        around.check(vault, "base_dir", &directory)?;
        let generated = match settings.text("key_file")? {
            Some(path) => around.path(path),
            None => directory.join(KEY_FILE),
        };
        let is_generated = settings.flag("auto_generate")?;
        let ssh = |written: &str, is_default| KeySource::Ssh {
            path: around.path(written),
            written: written.to_owned(),
            is_default,
            fallback: is_generated.then(|| generated.clone()),
        };
        let key = match settings.text("ssh_key_path")? {
            Some(written) => ssh(written, false),
            None if is_generated || settings.value("key_file").is_some() => {
                KeySource::Generated(generated)
            }
            None => ssh(key::DEFAULT_SSH_KEY, true),
        };
        Ok(Self { vault: vault.name.clone(), directory, key })
    }

    fn file(&self, key: &str) -> Result<PathBuf> {
        check_file_key(key)?;
        Ok(self.directory.join(format!("{key}.enc")))
    }

    fn damaged(&self, key: &str, reason: impl Into<String>) -> VaultError {
        VaultError::Damaged {
            vault: self.vault.clone(),
            key: key.to_owned(),
            reason: reason.into(),
        }
    }

    fn missing(&self, key: &str) -> VaultError {
        VaultError::NoSecret {
            vault: self.vault.clone(),
            key: key.to_owned(),
            place: format!("store it with: swamp vault put {} {key}", self.vault),
        }
    }

    /// The encrypted text of a secret. Links out of the vault lead to secrets of others.
    fn encrypted(&self, key: &str, path: &Path) -> Result<Vec<u8>> {
        if path.is_symlink() && !real(path).starts_with(real(&self.directory)) {
            return Err(self.damaged(key, "it is a link out of the vault's directory"));
        }
        fs::read(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => self.missing(key),
            _ => VaultError::io("read", path)(error),
        })
    }

    fn material(&self) -> Result<Material> {
        let own = self.directory.join(KEY_FILE);
        if own.is_symlink() && self.key.generated() == Some(own.as_path()) {
            return Err(VaultError::KeyMaterial {
                vault: self.vault.clone(),
                reason: format!("{} is a symbolic link; set 'key_file' instead", own.display()),
            });
        }
        self.key.read(&self.vault)
    }

    /// Waits until no other process changes this vault.
    fn lock(&self) -> Result<fs::File> {
        let parent = self.directory.parent().unwrap_or(&self.directory);
        files::create_directory(parent)?;
        files::lock(&parent.join(format!(".{}.lock", self.vault)))
    }

    /// The files of all secrets and of what is kept about them, relative to the vault.
    fn all_files(&self) -> Result<Vec<PathBuf>> {
        let mut files: Vec<PathBuf> =
            keys_in(&self.directory)?.iter().map(|key| format!("{key}.enc").into()).collect();
        for companion in COMPANIONS {
            let keys = keys_in(&self.directory.join(companion))?;
            files.extend(keys.iter().map(|key| Path::new(companion).join(format!("{key}.enc"))));
        }
        Ok(files)
    }

    /// Fills `into` with everything in the vault, encrypted with a new key that is there too.
    fn encrypt_anew(&self, into: &Path) -> Result<usize> {
        let old = self.material()?;
        let failed = |reason: String| VaultError::KeyMaterial { vault: self.vault.clone(), reason };
        let text = key::new_key().map_err(failed)?;
        files::create_directory(into)?;
        files::write_private(&into.join(KEY_FILE), text.as_bytes())?;
        let new = Material::new(text.as_bytes().to_vec());
        let files = self.all_files()?;
        for file in &files {
            let name = file.file_stem().unwrap_or_default().to_string_lossy();
            let bytes = self.encrypted(&name, &self.directory.join(file))?;
            let secret =
                envelope::open(&bytes, &old).map_err(|error| self.unreadable(&name, error))?;
            let sealed = envelope::seal(&secret, &new).map_err(failed)?;
            let target = into.join(file);
            files::create_directory(target.parent().unwrap_or(into))?;
            files::write_private(&target, sealed.as_bytes())?;
        }
        Ok(files.iter().filter(|file| file.parent() == Some(Path::new(""))).count())
    }

    fn unreadable(&self, key: &str, error: Unreadable) -> VaultError {
        self.damaged(
            key,
            match error {
                Unreadable::Form(reason) => reason,
                Unreadable::Decryption => {
                    "Decryption failed: it was encrypted with another key, or changed since"
                        .to_owned()
                }
            },
        )
    }
}

/// The keys of the secrets in a directory, sorted.
fn keys_in(directory: &Path) -> Result<Vec<String>> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(VaultError::io("read", directory)(error)),
    };
    let mut keys = Vec::new();
    for entry in entries {
        let entry = entry.map_err(VaultError::io("read", directory))?;
        if let Some(key) = entry.file_name().to_str().and_then(|name| name.strip_suffix(".enc"))
            && !key.is_empty()
        {
            keys.push(key.to_owned());
        }
    }
    keys.sort();
    Ok(keys)
}

impl Provider for Local {
    fn get(&self, key: &str) -> Result<Secret> {
        let path = self.file(key)?;
        let mut attempt = 1;
        loop {
            let bytes = self.encrypted(key, &path)?;
            match envelope::open(&bytes, &self.material()?) {
                Ok(secret) => return Ok(secret),
                Err(Unreadable::Decryption) if attempt < ATTEMPTS => attempt += 1,
                Err(error) => return Err(self.unreadable(key, error)),
            }
        }
    }

    fn list(&self) -> Result<Vec<String>> {
        keys_in(&self.directory)
    }

    fn has(&self, key: &str) -> Result<bool> {
        Ok(self.file(key)?.exists())
    }

    fn read_only(&self) -> Option<&'static str> {
        None
    }

    fn put(&self, key: &str, value: &Secret) -> Result<()> {
        let path = self.file(key)?;
        let _lock = self.lock()?;
        files::create_directory(&self.directory)?;
        if let Some(file) = self.key.generated() {
            if !file.exists() && !self.list()?.is_empty() {
                // A new key would leave the vault with secrets of two keys, one of them unknown.
                return self.material().map(drop);
            }
            key::create(&self.vault, file)?;
        }
        let sealed = envelope::seal(value, &self.material()?)
            .map_err(|reason| VaultError::KeyMaterial { vault: self.vault.clone(), reason })?;
        files::write_private(&path, sealed.as_bytes())
    }

    fn delete(&self, key: &str) -> Result<()> {
        let path = self.file(key)?;
        let _lock = self.lock()?;
        fs::remove_file(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => self.missing(key),
            _ => VaultError::io("remove", &path)(error),
        })?;
        for companion in COMPANIONS {
            let path = self.directory.join(companion).join(format!("{key}.enc"));
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(VaultError::io("remove", &path)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Everything is written beside the vault first, and then changes places with it at one moment:
    /// whenever the process dies, there is one vault with one key.
    fn rotate(&self) -> Result<usize> {
        let own = self.directory.join(KEY_FILE);
        if self.key.generated() != Some(own.as_path()) {
            return Err(VaultError::Usage(format!(
                "The key of vault '{}' is not its own: it is an SSH key or a 'key_file'. To change it, create a vault with the new key and copy the secrets over.",
                self.vault
            )));
        }
        let _lock = self.lock()?;
        if self.list()?.is_empty() && !own.exists() {
            return Err(VaultError::Usage(format!("Vault '{}' is empty.", self.vault)));
        }
        let beside = self.directory.with_file_name(format!(".{}.new", self.vault));
        let remove = |path: &Path| match fs::remove_dir_all(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(VaultError::io("remove", path)(error))
            }
            _ => Ok(()),
        };
        // Left behind by a process that died.
        remove(&beside)?;
        let done = self.encrypt_anew(&beside).and_then(|count| {
            files::exchange(&beside, &self.directory)?;
            Ok(count)
        });
        remove(&beside)?;
        done
    }
}
