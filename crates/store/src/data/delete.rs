//! Removing data for good.

use std::fs;
use std::path::Path;

use super::DataStore;
use super::item::ItemKey;
use super::layout;
use crate::catalog::Change;
use crate::error::{Result, StoreError};
use crate::lock::ModelKey;

impl DataStore {
    /// Removes an item with all its versions; gives how many there were, 0 for an unknown item.
    /// Writing under the name again starts at version 1.
    pub fn delete(&self, key: &ItemKey) -> Result<u64> {
        let Ok(item) = self.item_dir(key) else {
            return Ok(0);
        };
        let numbers = layout::version_numbers(&item)?;
        if numbers.is_empty() && !item.exists() {
            return Ok(0);
        }
        // Newest first: as soon as the one that `latest` names is gone, so is the item.
        for number in numbers.iter().rev() {
            remove(&item.join(number.to_string()))?;
        }
        self.inner.items.forget(key);
        remove(&item)?;
        self.catalog().note(key, Change::Item);
        Ok(numbers.len() as u64)
    }

    /// Removes one version; `false` if there is none with that number. When it was the newest, the
    /// next older one is from now on; when it was the only one, the item is gone.
    pub fn delete_version(&self, key: &ItemKey, version: u64) -> Result<bool> {
        let Ok(item) = self.item_dir(key) else {
            return Ok(false);
        };
        let mut numbers = layout::version_numbers(&item)?;
        if !numbers.contains(&version) {
            return Ok(false);
        }
        numbers.retain(|number| *number != version);
        let Some(highest) = numbers.last() else {
            self.delete(key)?;
            return Ok(true);
        };
        // First the pointer, then the version: a reader in between finds an older version rather
        // than nothing.
        if layout::latest_number(&item)?.is_none_or(|latest| !numbers.contains(&latest)) {
            self.inner.items.lower(key, &item, *highest)?;
        }
        remove(&item.join(version.to_string()))?;
        self.catalog().note(key, Change::Item);
        Ok(true)
    }

    /// Removes everything a model has, marks and locks included, and its directory.
    pub fn delete_model(&self, model: &ModelKey) -> Result<()> {
        let directory = self.paths().model_data(&model.type_name, &model.id);
        let entries = match fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(StoreError::io("read", &directory)(error)),
        };
        for entry in entries {
            let entry = entry.map_err(StoreError::io("read", &directory))?;
            if let Some(name) = entry.file_name().to_str() {
                self.delete(&ItemKey { model: model.clone(), name: name.into() })?;
            }
        }
        remove(&directory)
    }

    /// Removes versions that are not the newest.
    pub(super) fn remove_versions(&self, key: &ItemKey, versions: &[u64]) -> Result<()> {
        let item = self.item_dir(key)?;
        for version in versions {
            remove(&item.join(version.to_string()))?;
            self.catalog().note(key, Change::Version(*version));
        }
        Ok(())
    }
}

pub(super) fn remove(directory: &Path) -> Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(StoreError::io("remove", directory)(error))
        }
        _ => Ok(()),
    }
}
