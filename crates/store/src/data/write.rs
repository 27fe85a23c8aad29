//! Writing a version.
//!
//! ```text
//! mkdir .tmp-x     raw, metadata.yaml     rename .tmp-x → 7 unless there is a 7     latest → 7
//! ```
//!
//! Readers see the version whole or not at all. The number is the one after the highest this
//! process has used or `latest` tells of; no directory is scanned for it after the first write. If
//! another process takes the same number, the rename fails, and the next number is tried with
//! metadata that says so. All names are relative to the opened directory of the item, which saves
//! the system from walking the long path a dozen times.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat};
use rustix::io::Errno;
use swamp_ident::{DataId, Timestamp};

use super::DataStore;
use super::draft::{Content, Draft};
use super::item::ItemKey;
use super::latest::{self, Pointer};
use super::layout;
use super::metadata::{DataOwner, Metadata};
use super::read::StoredVersion;
use super::span::{Lifetime, Retention};
use crate::catalog::Change;
use crate::error::{Result, StoreError};
use crate::fields::Tags;

/// How often a number may be taken by others before we give up. Each time somebody else made
/// progress, so this many in a row is a directory that lies.
const MOST_COLLISIONS: u32 = 10_000;

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

impl DataStore {
    /// Writes a new version. Any number of threads and processes may write the same item; each
    /// gets a version of its own. A catalog that cannot be written is no error.
    pub fn write(&self, version: &NewVersion, content: Content<'_>) -> Result<StoredVersion> {
        if !version.tags.contains_key("type") {
            return Err(StoreError::Usage(format!(
                "data {:?} cannot be written without the tag `type`",
                version.key.name.as_str()
            )));
        }
        let metadata = Metadata {
            id: version.id.clone(),
            name: version.key.name.clone(),
            version: 0,
            content_type: version.content_type.clone(),
            lifetime: version.lifetime,
            garbage_collection: version.garbage_collection,
            streaming: version.streaming,
            tags: version.tags.clone(),
            owner: version.owner.clone(),
            created_at: version.created_at,
            size: None,
            checksum: None,
            deleted: false,
            renamed_to: None,
        };
        self.put(&version.key, metadata, content)
    }

    /// Writes a version with this metadata, completed by number and, unless it is a mark, size and
    /// checksum.
    pub(super) fn put(
        &self,
        key: &ItemKey,
        mut metadata: Metadata,
        content: Content<'_>,
    ) -> Result<StoredVersion> {
        let directory = self.item_dir(key)?;
        let item = self.inner.items.get(key, &directory);
        let opened = item.open(&metadata.owner)?;

        let draft = Draft::new(&opened, &directory)?;
        let (size, checksum) = draft.fill("raw", content)?;
        if !metadata.deleted {
            metadata.size = Some(size);
            metadata.checksum = Some(checksum);
        }
        item.publish(draft, &mut metadata)?;
        item.pointer()
            .raise(&opened, metadata.version)
            .map_err(StoreError::io("write", &directory.join("latest")))?;

        let revived = item.note_kind(metadata.deleted);
        let change = match (metadata.deleted, revived) {
            (false, false) => Change::Version(metadata.version),
            _ => Change::Item,
        };
        self.catalog().note(key, change);
        let version = directory.join(metadata.version.to_string());
        Ok(StoredVersion { key: key.clone(), metadata, directory: version })
    }
}

/// What this process knows about the items it writes.
#[derive(Debug, Default)]
pub(super) struct Items {
    known: Mutex<HashMap<ItemKey, Arc<Item>>>,
}

impl Items {
    fn get(&self, key: &ItemKey, directory: &Path) -> Arc<Item> {
        let mut known = lock(&self.known);
        if let Some(item) = known.get(key) {
            return Arc::clone(item);
        }
        let item = Arc::new(Item {
            directory: directory.to_owned(),
            numbers: Mutex::default(),
            pointer: Mutex::default(),
        });
        known.insert(key.clone(), Arc::clone(&item));
        item
    }

    /// Forgets an item, because it was removed from disk.
    pub(super) fn forget(&self, key: &ItemKey) {
        if let Some(item) = lock(&self.known).get(key) {
            item.forget();
        }
    }

    /// Points an item's `latest` to an older version.
    pub(super) fn lower(&self, key: &ItemKey, directory: &Path, version: u64) -> Result<()> {
        self.get(key, directory).pointer().set(directory, version)
    }

    /// Removes the temporary files kept for further writes.
    pub(super) fn clear_spares(&self) {
        for item in lock(&self.known).values() {
            item.pointer().clear_spare(&item.directory);
        }
    }
}

#[derive(Debug)]
struct Item {
    directory: PathBuf,
    numbers: Mutex<Numbers>,
    // Apart from the numbers, so that a write can take a number while another one is still
    // pointing `latest` to its own.
    pointer: Mutex<Pointer>,
}

#[derive(Debug, Default)]
struct Numbers {
    /// The next number to try, once the directory has been looked at.
    next: Option<u64>,
    /// The owner of the item, if it has one that can be read.
    owner: Option<DataOwner>,
    /// Whether the newest version is a mark, so that the views hide the item.
    hidden: bool,
}

impl Item {
    fn pointer(&self) -> MutexGuard<'_, Pointer> {
        lock(&self.pointer)
    }

    fn forget(&self) {
        *lock(&self.numbers) = Numbers::default();
        self.pointer().forget();
    }

    /// Opens the item's directory, which is made if need be, and checks that `owner` may write.
    fn open(&self, owner: &DataOwner) -> Result<OwnedFd> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let path = &self.directory;
        let opened = match openat(CWD, path, flags, Mode::empty()) {
            Err(Errno::NOENT) => {
                // Whatever we knew was about a directory that is gone.
                self.forget();
                make_directory(path)?;
                openat(CWD, path, flags, Mode::empty())
            }
            other => other,
        }
        .map_err(io::Error::from)
        .map_err(StoreError::io("open", path))?;

        let mut numbers = lock(&self.numbers);
        if numbers.next.is_none() {
            numbers.learn(path)?;
        }
        match &numbers.owner {
            Some(existing) if !existing.is_same(owner) => Err(StoreError::Ownership {
                name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
                existing: format!("{}:{}", existing.kind.as_str(), existing.reference),
                new: format!("{}:{}", owner.kind.as_str(), owner.reference),
            }),
            Some(_) => Ok(opened),
            None => {
                numbers.owner = Some(owner.clone());
                Ok(opened)
            }
        }
    }

    /// Gives the draft a number and its metadata, and puts it in its place.
    fn publish(&self, mut draft: Draft<'_>, metadata: &mut Metadata) -> Result<()> {
        for collision in 0..MOST_COLLISIONS {
            metadata.version = self.take_number(draft.item(), collision)?;
            draft.write_metadata(&metadata.to_yaml())?;
            if draft.place(metadata.version)? {
                return Ok(());
            }
        }
        let path = self.directory.join(metadata.version.to_string());
        Err(StoreError::io("create", &path)(io::ErrorKind::AlreadyExists.into()))
    }

    /// The number to try next. `latest` is looked at every time: a number that is free may still be
    /// too low, when another process wrote further versions and removed that one.
    fn take_number(&self, opened: &OwnedFd, collision: u32) -> Result<u64> {
        let pointed = latest::read_number(opened);
        let mut numbers = lock(&self.numbers);
        let mut number = numbers.next.unwrap_or(1);
        if let Some(pointed) = pointed
            && pointed >= number
            && latest::is_version(opened, pointed)
        {
            number = pointed + 1;
        }
        if collision > 1 {
            // Numbers are taken that `latest` does not tell of.
            let there = layout::version_numbers(&self.directory)?;
            number = number.max(there.last().copied().unwrap_or(0) + 1);
        }
        numbers.next = Some(number + 1);
        Ok(number)
    }

    /// Remembers whether the newest version is a mark now; gives whether it was one before.
    fn note_kind(&self, mark: bool) -> bool {
        std::mem::replace(&mut lock(&self.numbers).hidden, mark)
    }
}

impl Numbers {
    /// Looks at the item's directory. Reads a fixed number of files, not one per version.
    fn learn(&mut self, item: &Path) -> Result<()> {
        let latest = layout::latest_number(item)?;
        self.next = Some(latest.map_or(1, |latest| latest + 1));
        if let Some(latest) = latest {
            let path = item.join(latest.to_string()).join("metadata.yaml");
            match fs::read_to_string(&path) {
                Ok(text) => {
                    // What cannot be read has no owner to protect; the new version makes the item
                    // readable again.
                    if let Ok(metadata) = Metadata::parse(&path, &text) {
                        self.hidden = metadata.deleted;
                        self.owner = Some(metadata.owner);
                    }
                }
                Err(error) if layout::is_absent(&error) => {
                    // `latest` names a version that does not exist.
                    let highest = layout::version_numbers(item)?.last().copied().unwrap_or(0);
                    self.next = Some(highest + 1);
                }
                Err(_) => {}
            }
        }
        Ok(())
    }
}

fn make_directory(path: &Path) -> Result<()> {
    let mode = Mode::from_raw_mode(0o777);
    match mkdirat(CWD, path, mode) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(_) => fs::create_dir_all(path).map_err(StoreError::io("create directory", path)),
    }
}

/// A thread that panicked while holding one of our locks left consistent values behind: each is
/// changed in one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
