//! Versions that are not data: the mark of a deleted item and the forward of a renamed one.

use swamp_ident::{DataId, DataName, MethodName, Timestamp};

use super::DataStore;
use super::item::ItemKey;
use super::read::StoredVersion;
use crate::error::Result;

/// What a renaming did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renamed {
    /// The version whose content was copied.
    pub copied_version: u64,
    /// The version the copy became under the new name.
    pub new_version: u64,
}

impl DataStore {
    /// Renames an item: its newest content becomes a version under the new name, and the old name
    /// leads there from now on. `id` is that of the copy.
    pub fn rename(
        &self,
        key: &ItemKey,
        new_name: &DataName,
        id: DataId,
        now: Timestamp,
    ) -> Result<Renamed> {
        let _ = (key, new_name, id, now);
        todo!()
    }

    /// Marks an item as deleted by a method that removed what the item stood for. `None` when
    /// there is no such item or it is marked already.
    pub fn mark_deleted(
        &self,
        key: &ItemKey,
        method: &MethodName,
        now: Timestamp,
    ) -> Result<Option<StoredVersion>> {
        let _ = (key, method, now);
        todo!()
    }
}
