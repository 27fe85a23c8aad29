//! Looking up one item: its newest version, a given version, all of them.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::DataStore;
use super::item::ItemKey;
use super::metadata::Metadata;
use crate::error::{Result, StoreError};

/// One version as it lies on disk.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredVersion {
    /// The item it is a version of. Its name is that of the directory; marks may carry another in
    /// their metadata.
    pub key: ItemKey,
    /// What its metadata file says.
    pub metadata: Metadata,
    /// The version's directory, absolute.
    pub directory: PathBuf,
}

impl StoredVersion {
    /// The file with the content.
    pub fn content_path(&self) -> PathBuf {
        self.directory.join("raw")
    }

    /// The content.
    pub fn content(&self) -> Result<Vec<u8>> {
        let path = self.content_path();
        std::fs::read(&path).map_err(StoreError::io("read", &path))
    }

    /// The content as text; bytes that are not UTF-8 become replacement characters.
    pub fn text(&self) -> Result<String> {
        let bytes = self.content()?;
        Ok(match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        })
    }

    /// The content, to be read piece by piece.
    pub fn open(&self) -> Result<impl Read + use<>> {
        let path = self.content_path();
        std::fs::File::open(&path).map_err(StoreError::io("read", &path))
    }
}

/// The versions of one item.
#[derive(Debug, Default)]
pub struct VersionListing {
    /// Newest first, marks included.
    pub versions: Vec<StoredVersion>,
    /// The number the item's `latest` file points to, if there is such a version.
    pub latest: Option<u64>,
    /// Versions that could not be read.
    pub warnings: Vec<StoreError>,
}

impl DataStore {
    /// The newest version of an item. Follows up to five renamings; a deleted item is `None`.
    pub fn latest(&self, key: &ItemKey) -> Result<Option<StoredVersion>> {
        let _ = key;
        todo!()
    }

    /// The version with this number, whatever it is: renamings are not followed, marks are not
    /// hidden.
    pub fn version(&self, key: &ItemKey, version: u64) -> Result<Option<StoredVersion>> {
        let _ = (key, version);
        todo!()
    }

    /// The numbers of all versions, ascending, marks included; empty for an unknown item.
    pub fn version_numbers(&self, key: &ItemKey) -> Result<Vec<u64>> {
        let _ = key;
        todo!()
    }

    /// All versions with their metadata.
    pub fn versions(&self, key: &ItemKey) -> Result<VersionListing> {
        let _ = key;
        todo!()
    }

    /// `path` below the repository as records and commands show it.
    pub fn relative(&self, path: &Path) -> String {
        self.paths().relative(path)
    }
}
