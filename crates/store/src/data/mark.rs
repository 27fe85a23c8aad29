//! Versions that are not data: the mark of a deleted item and the forward of a renamed one.

use serde_json::{Map, Value};
use swamp_ident::{DataId, DataName, MethodName, Timestamp};

use super::DataStore;
use super::draft::Content;
use super::item::{ItemKey, check_data_name};
use super::metadata::Metadata;
use super::read::StoredVersion;

use crate::error::{Result, StoreError};
use crate::fields::Record;

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
        if key.name == *new_name {
            return Err(StoreError::Usage("Old name and new name must be different.".to_owned()));
        }
        check_new_name(new_name.as_str())?;
        let new_key = ItemKey { model: key.model.clone(), name: new_name.clone() };
        if self.newest(&new_key)?.is_some_and(|found| !found.metadata.deleted) {
            return Err(StoreError::Usage(format!("Data \"{new_name}\" already exists")));
        }
        let Some(source) = self.latest(key)? else {
            return Err(StoreError::Usage(format!("Data \"{}\" not found", key.name)));
        };

        let copy =
            Metadata { id, name: new_name.clone(), created_at: now, ..source.metadata.clone() };
        let mut content = source.open()?;
        let copied = self.put(&new_key, copy, Content::Reader(&mut content))?;

        // The mark keeps the id and the name of what it stands for, which after an earlier
        // renaming is not the name of its directory.
        let mark = Metadata {
            content_type: "application/json".to_owned(),
            streaming: false,
            created_at: now,
            size: None,
            checksum: None,
            deleted: true,
            renamed_to: Some(new_name.clone()),
            ..source.metadata.clone()
        };
        let content = Record::default()
            .put("renamedTo", new_name.as_str())
            .put("renamedAt", now.to_string())
            .done()
            .to_string();
        self.put(key, mark, Content::Bytes(content.as_bytes()))?;
        Ok(Renamed {
            copied_version: source.metadata.version,
            new_version: copied.metadata.version,
        })
    }

    /// Marks an item as deleted by a method that removed what the item stood for. `None` when
    /// there is no such item or it is marked already.
    pub fn mark_deleted(
        &self,
        key: &ItemKey,
        method: &MethodName,
        now: Timestamp,
    ) -> Result<Option<StoredVersion>> {
        let Some(newest) = self.newest(key)?.filter(|found| !found.metadata.deleted) else {
            return Ok(None);
        };
        let mut content = match serde_json::from_slice(&newest.content()?) {
            Ok(Value::Object(content)) => content,
            _ => Map::new(),
        };
        content.insert("deletedAt".to_owned(), now.to_string().into());
        content.insert("deletedByMethod".to_owned(), method.as_str().into());
        let content = Value::Object(content).to_string();
        let mark = Metadata { created_at: now, deleted: true, renamed_to: None, ..newest.metadata };
        self.put(key, mark, Content::Bytes(content.as_bytes())).map(Some)
    }
}

fn check_new_name(name: &str) -> Result<()> {
    check_data_name(name).map_err(|error| match error {
        StoreError::BadName(reason) if !reason.contains("reserved") => {
            StoreError::BadName(format!("Invalid new name \"{name}\": {reason}"))
        }
        other => other,
    })
}
