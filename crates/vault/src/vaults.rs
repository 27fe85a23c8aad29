//! The vaults of a repository.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value};
use swamp_ident::Timestamp;
use swamp_secret::Secret;

use crate::config::check_name;
use crate::error::{Result, VaultError};
use crate::provider::{self, Provider};
use crate::surroundings::real;
use crate::{Surroundings, VaultConfig, VaultType};

/// Where the engine gets secrets from and puts them.
pub trait SecretStore: Send + Sync {
    /// The secret under a key of a vault.
    fn get(&self, vault: &str, key: &str) -> Result<Secret>;

    /// Puts a secret into the vault of that name, or into the one for sensitive data. Gives the
    /// vault's name.
    fn put(&self, vault: Option<&str>, key: &str, value: &Secret) -> Result<String>;
}

/// No vaults at all.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoVaults;

impl SecretStore for NoVaults {
    fn get(&self, vault: &str, _: &str) -> Result<Secret> {
        let (available, problems) = (Vec::new(), Vec::new());
        Err(VaultError::NotFound { name: vault.to_owned(), available, problems })
    }

    fn put(&self, _: Option<&str>, key: &str, _: &Secret) -> Result<String> {
        Err(VaultError::NowhereToStore(format!("'{key}' is")))
    }
}

/// The vaults found, and the files that are none.
#[derive(Debug, Default)]
pub struct Listing {
    /// Sorted by name.
    pub vaults: Vec<VaultConfig>,
    /// Files that cannot be read, or that are hidden by another.
    pub problems: Vec<VaultError>,
}

/// What a migration did, or would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// The vault.
    pub vault: String,
    /// Its type before.
    pub from: VaultType,
    /// Its type after.
    pub to: VaultType,
    /// How many secrets move.
    pub secrets: usize,
}

/// The vaults of a repository. Files are looked at when somebody asks.
pub struct Vaults {
    around: Surroundings,
    /// Opened for the engine, by name.
    opened: Mutex<BTreeMap<String, Arc<dyn Provider>>>,
}

impl Vaults {
    /// The vaults below `around.root`. Reads nothing yet.
    pub fn new(around: Surroundings) -> Self {
        Self { around, opened: Mutex::default() }
    }

    /// All vaults. A broken file hides none of the others.
    pub fn list(&self) -> Result<Listing> {
        let mut files = Vec::new();
        let mut listing = Listing::default();
        collect(&self.around.root.join("vaults"), &mut files, &mut listing.problems)?;
        files.sort();
        let mut by_name: BTreeMap<String, VaultConfig> = BTreeMap::new();
        let root = real(&self.around.root);
        for path in files {
            if !real(&path).starts_with(&root) {
                let reason = "it is a link out of the repository".to_owned();
                listing.problems.push(VaultError::BadFile { path, reason });
                continue;
            }
            let vault = match VaultConfig::read(&path) {
                Ok(vault) => vault,
                Err(problem) => {
                    listing.problems.push(problem);
                    continue;
                }
            };
            let name = vault.name.clone();
            let Some(other) = by_name.remove(&name) else {
                by_name.insert(name, vault);
                continue;
            };
            // A migration that was interrupted leaves both; the newer one is complete.
            let (newer, older) =
                if vault.created_at > other.created_at { (vault, other) } else { (other, vault) };
            let reason = format!(
                "vault '{name}' is also described by {}, which counts",
                newer.path.display()
            );
            listing.problems.push(VaultError::BadFile { path: older.path, reason });
            by_name.insert(name, newer);
        }
        listing.vaults = by_name.into_values().collect();
        Ok(listing)
    }

    /// The vault of that name, else of that id.
    pub fn find(&self, name_or_id: &str) -> Result<VaultConfig> {
        let Listing { vaults, problems } = self.list()?;
        let found = vaults
            .iter()
            .find(|vault| vault.name == name_or_id)
            .or_else(|| vaults.iter().find(|vault| vault.id == name_or_id));
        found.cloned().ok_or_else(|| VaultError::NotFound {
            name: name_or_id.to_owned(),
            available: vaults.into_iter().map(|vault| vault.name).collect(),
            problems: problems.iter().map(ToString::to_string).collect(),
        })
    }

    /// Likewise, but it must be of this type.
    pub fn find_of_type(&self, name_or_id: &str, wanted: Option<&str>) -> Result<VaultConfig> {
        let vault = self.find(name_or_id)?;
        match wanted {
            Some(wanted) if vault.type_name != wanted => Err(VaultError::OtherType {
                name: vault.name,
                found: vault.type_name,
                wanted: wanted.to_owned(),
            }),
            _ => Ok(vault),
        }
    }

    /// Opens a vault. Runs no command and reads no secret.
    pub fn open(&self, vault: &VaultConfig) -> Result<Box<dyn Provider>> {
        provider::open(vault, &self.around)
    }

    /// Creates a vault: its file, nothing else.
    pub fn create(
        &self,
        ty: VaultType,
        name: &str,
        config: Option<Map<String, Value>>,
        id: String,
        now: Timestamp,
    ) -> Result<VaultConfig> {
        check_name(name)?;
        if self.list()?.vaults.iter().any(|vault| vault.name == name) {
            return Err(VaultError::Exists(name.to_owned()));
        }
        let config = config.unwrap_or_else(|| provider::default_config(ty));
        let vault = VaultConfig::new(&self.around.root, id, name, ty.as_str(), config, now);
        // Settings that do not work are refused before there is a vault with them.
        provider::check_settings(ty, &vault)?;
        self.open(&vault)?;
        vault.write()?;
        Ok(vault)
    }

    /// Puts what `new` says in place of a vault's file. Its id stays, and so does its type, which is
    /// changed by a migration.
    pub fn update(&self, old: &VaultConfig, new: VaultConfig) -> Result<()> {
        if new.type_name != old.type_name {
            let reason = "the type of a vault is changed with 'swamp vault migrate'".to_owned();
            return Err(VaultError::BadFile { path: old.path.clone(), reason });
        }
        if new.name != old.name {
            check_name(&new.name)?;
            if self.list()?.vaults.iter().any(|vault| vault.name == new.name) {
                return Err(VaultError::Exists(new.name));
            }
        }
        let vault = VaultConfig { id: old.id.clone(), path: old.path.clone(), ..new };
        self.open(&vault)?;
        vault.write()
    }

    /// Moves a vault to another type: its secrets are copied and read back, then the new file takes
    /// the place of the old. The secrets stay where they were as well. Whenever the process dies,
    /// the vault is complete in one of the places.
    pub fn migrate(
        &self,
        vault: &VaultConfig,
        to: VaultType,
        config: Option<Map<String, Value>>,
        now: Timestamp,
        on_copy: &mut dyn FnMut(usize, usize, &str),
    ) -> Result<Migration> {
        let (plan, target, keys) = self.prepare_migration(vault, to, config, now)?;
        let (source, provider) = (self.open(vault)?, self.open(&target)?);
        for (number, key) in keys.iter().enumerate() {
            on_copy(number + 1, keys.len(), key);
            let secret = source.get(key)?;
            if provider.get(key).is_ok_and(|there| there == secret) {
                continue;
            }
            if provider.is_writable() {
                provider.put(key, &secret)?;
            }
            if provider.get(key)? != secret {
                return Err(VaultError::Usage(format!(
                    "Migration failed: secret '{key}' is not the same in the new place. Nothing was changed."
                )));
            }
        }
        target.write()?;
        if target.path != vault.path {
            fs::remove_file(&vault.path).map_err(VaultError::io("remove", &vault.path))?;
        }
        Ok(plan)
    }

    /// What a migration would do.
    pub fn plan_migration(
        &self,
        vault: &VaultConfig,
        to: VaultType,
        config: Option<Map<String, Value>>,
        now: Timestamp,
    ) -> Result<Migration> {
        self.prepare_migration(vault, to, config, now).map(|(plan, ..)| plan)
    }

    fn prepare_migration(
        &self,
        vault: &VaultConfig,
        to: VaultType,
        config: Option<Map<String, Value>>,
        now: Timestamp,
    ) -> Result<(Migration, VaultConfig, Vec<String>)> {
        let from = VaultType::parse(&vault.type_name)?;
        if from == to {
            return Err(VaultError::Usage(format!(
                "Vault '{}' is already using type '{}'. Cannot migrate to the same type.",
                vault.name,
                to.as_str()
            )));
        }
        let config = config.unwrap_or_else(|| provider::default_config(to));
        let mut target = VaultConfig::new(
            &self.around.root,
            vault.id.clone(),
            &vault.name,
            to.as_str(),
            config,
            now,
        );
        provider::check_settings(to, &target)?;
        target.other.clone_from(&vault.other);
        self.open(&target)?;
        let keys = self.open(vault)?.list()?;
        let plan = Migration { vault: vault.name.clone(), from, to, secrets: keys.len() };
        Ok((plan, target, keys))
    }

    fn opened(&self) -> MutexGuard<'_, BTreeMap<String, Arc<dyn Provider>>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The vault of that name, opened once for all who ask.
    fn provider(&self, name: &str) -> Result<Arc<dyn Provider>> {
        if let Some(known) = self.opened().get(name) {
            return Ok(Arc::clone(known));
        }
        let provider: Arc<dyn Provider> = Arc::from(self.open(&self.find(name)?)?);
        Ok(Arc::clone(self.opened().entry(name.to_owned()).or_insert(provider)))
    }

    /// The vault for sensitive data that names none: that of the marker, else the first by name that
    /// can be written to.
    fn for_sensitive_data(&self, key: &str) -> Result<String> {
        if let Some(name) = &self.around.default_vault {
            return Ok(name.clone());
        }
        let vaults = self.list()?.vaults;
        let writable =
            vaults.iter().find(|vault| self.open(vault).is_ok_and(|vault| vault.is_writable()));
        let found = writable.map(|vault| vault.name.clone());
        found.ok_or_else(|| VaultError::NowhereToStore(format!("'{key}' is")))
    }
}

impl SecretStore for Vaults {
    fn get(&self, vault: &str, key: &str) -> Result<Secret> {
        self.provider(vault)?.get(key)
    }

    fn put(&self, vault: Option<&str>, key: &str, value: &Secret) -> Result<String> {
        let name = match vault {
            Some(name) => name.to_owned(),
            None => self.for_sensitive_data(key)?,
        };
        self.provider(&name)?.put(key, value)?;
        Ok(name)
    }
}

impl std::fmt::Debug for Vaults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vaults").field("around", &self.around).finish_non_exhaustive()
    }
}

/// The `*.yaml` files below a directory. Links to directories are not followed.
fn collect(
    directory: &Path,
    files: &mut Vec<PathBuf>,
    problems: &mut Vec<VaultError>,
) -> Result<()> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(VaultError::io("read", directory)(error)),
    };
    for entry in entries {
        let entry = entry.map_err(VaultError::io("read", directory))?;
        let path = entry.path();
        let kind = entry.file_type().map_err(VaultError::io("read", &path))?;
        if kind.is_dir() {
            if let Err(problem) = collect(&path, files, problems) {
                problems.push(problem);
            }
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            files.push(path);
        }
    }
    Ok(())
}
