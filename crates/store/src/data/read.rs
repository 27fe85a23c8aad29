//! Looking up one item: its newest version, a given version, all of them.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::DataStore;
use super::item::ItemKey;
use super::layout;
use super::metadata::Metadata;
use crate::error::{Result, StoreError};

/// How many renamings a look-up follows. A ring of them ends here too.
const MOST_FORWARDS: usize = 5;

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
        fs::read(&path).map_err(StoreError::io("read", &path))
    }

    /// The content as text; bytes that are not UTF-8 become replacement characters.
    pub fn text(&self) -> Result<String> {
        Ok(match String::from_utf8(self.content()?) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        })
    }

    /// The content, to be read piece by piece.
    pub fn open(&self) -> Result<File> {
        let path = self.content_path();
        File::open(&path).map_err(StoreError::io("read", &path))
    }
}

/// The versions of one item.
#[derive(Debug, Default)]
pub struct VersionListing {
    /// Newest first, marks included.
    pub versions: Vec<StoredVersion>,
    /// The newest version's number.
    pub latest: Option<u64>,
    /// Versions that could not be read.
    pub warnings: Vec<StoreError>,
}

impl DataStore {
    /// The newest version of an item. Follows up to five renamings; a deleted item is `None`.
    pub fn latest(&self, key: &ItemKey) -> Result<Option<StoredVersion>> {
        let mut key = key.clone();
        for _ in 0..=MOST_FORWARDS {
            let Some(found) = self.newest(&key)? else {
                return Ok(None);
            };
            if !found.metadata.deleted {
                return Ok(Some(found));
            }
            match found.metadata.renamed_to {
                Some(name) => key.name = name,
                None => return Ok(None),
            }
        }
        Ok(None)
    }

    /// The newest version of an item even if it is a mark.
    pub(crate) fn newest(&self, key: &ItemKey) -> Result<Option<StoredVersion>> {
        let Ok(item) = self.item_dir(key) else {
            return Ok(None);
        };
        match layout::latest_number(&item)? {
            Some(number) => load(key, &item, number),
            None => Ok(None),
        }
    }

    /// Whether there is an item of this name, deleted and renamed ones included.
    pub fn has_item(&self, key: &ItemKey) -> Result<bool> {
        Ok(self.latest_number(key)?.is_some())
    }

    /// The number of an item's newest version. There may be no version with that number.
    pub(crate) fn latest_number(&self, key: &ItemKey) -> Result<Option<u64>> {
        match self.item_dir(key) {
            Ok(item) => layout::latest_number(&item),
            Err(_) => Ok(None),
        }
    }

    /// The version with this number, whatever it is: renamings are not followed, marks are not
    /// hidden.
    pub fn version(&self, key: &ItemKey, version: u64) -> Result<Option<StoredVersion>> {
        match self.item_dir(key) {
            Ok(item) => load(key, &item, version),
            // What cannot be a name is the name of nothing.
            Err(_) => Ok(None),
        }
    }

    /// The numbers of all versions, ascending, marks included; empty for an unknown item.
    pub fn version_numbers(&self, key: &ItemKey) -> Result<Vec<u64>> {
        match self.item_dir(key) {
            Ok(item) => layout::version_numbers(&item),
            Err(_) => Ok(Vec::new()),
        }
    }

    /// All versions with their metadata.
    pub fn versions(&self, key: &ItemKey) -> Result<VersionListing> {
        let mut listing = VersionListing::default();
        let Ok(item) = self.item_dir(key) else {
            return Ok(listing);
        };
        let numbers = layout::version_numbers(&item)?;
        listing.latest = layout::latest_number(&item)?.filter(|latest| numbers.contains(latest));
        for number in numbers.into_iter().rev() {
            match load(key, &item, number) {
                Ok(Some(version)) => listing.versions.push(version),
                // Removed while we looked, or another program is writing it right now.
                Ok(None) => {}
                Err(error) => listing.warnings.push(error),
            }
        }
        Ok(listing)
    }

    /// `path` below the repository as records and commands show it.
    pub fn relative(&self, path: &Path) -> String {
        self.paths().relative(path)
    }
}

/// Reads the metadata of a version; `None` if there is no such version.
pub(super) fn load(key: &ItemKey, item: &Path, version: u64) -> Result<Option<StoredVersion>> {
    let directory = item.join(version.to_string());
    let path = directory.join("metadata.yaml");
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if layout::is_absent(&error) => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            return Err(StoreError::invalid(&path, None, "the file is not UTF-8 text"));
        }
        Err(error) => return Err(StoreError::io("read", &path)(error)),
    };
    let mut metadata = Metadata::parse(&path, &text)?;
    // Look-ups go by the directory, so that is the number, also after somebody copied it.
    metadata.version = version;
    Ok(Some(StoredVersion { key: key.clone(), metadata, directory }))
}
