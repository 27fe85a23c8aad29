//! Removing data for good.

use super::DataStore;
use super::item::ItemKey;
use crate::error::Result;

impl DataStore {
    /// Removes an item with all its versions; gives how many there were, 0 for an unknown item.
    /// Writing under the name again starts at version 1.
    pub fn delete(&self, key: &ItemKey) -> Result<u64> {
        let _ = key;
        todo!()
    }

    /// Removes one version; `false` if there is none with that number. When it was the newest, the
    /// next older one is from now on; when it was the only one, the item is gone.
    pub fn delete_version(&self, key: &ItemKey, version: u64) -> Result<bool> {
        let _ = (key, version);
        todo!()
    }
}
