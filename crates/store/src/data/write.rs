//! Writing a version.

use std::fmt;
use std::io::Read;

use swamp_ident::{DataId, Timestamp};

use super::DataStore;
use super::item::ItemKey;
use super::metadata::DataOwner;
use super::read::StoredVersion;
use super::span::{Lifetime, Retention};
use crate::error::Result;
use crate::fields::Tags;

/// The content of a new version.
pub enum Content<'a> {
    /// Bytes in memory.
    Bytes(&'a [u8]),
    /// Whatever a reader gives until its end, such as a file. Held in memory a piece at a time.
    Reader(&'a mut (dyn Read + Send)),
}

impl fmt::Debug for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
            Self::Reader(_) => f.write_str("Reader"),
        }
    }
}

/// A version to be written. Its number, size and checksum are found out while writing.
#[derive(Clone, Debug, PartialEq)]
pub struct NewVersion {
    /// The item.
    pub key: ItemKey,
    /// A fresh id.
    pub id: DataId,
    /// The media type of the content.
    pub content_type: String,
    /// How long the item lives.
    pub lifetime: Lifetime,
    /// Which versions of the item are kept.
    pub garbage_collection: Retention,
    /// Whether the content was produced while the method ran.
    pub streaming: bool,
    /// Labels; must contain `type`.
    pub tags: Tags,
    /// Who owns the item; the same as before if it exists.
    pub owner: DataOwner,
    /// The time of this version.
    pub created_at: Timestamp,
}

/// What this process knows about the items it writes.
#[derive(Debug, Default)]
pub(super) struct Items;

impl Items {
    pub(super) fn clear_spares(&self) {}
}

impl DataStore {
    /// Writes a new version. Any number of threads and processes may write the same item; each
    /// gets a version of its own. A catalog that cannot be written is no error.
    pub fn write(&self, version: &NewVersion, content: Content<'_>) -> Result<StoredVersion> {
        let _ = (version, content);
        todo!()
    }
}
