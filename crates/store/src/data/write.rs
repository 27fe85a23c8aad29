//! Writing a version.
//!
//! ```text
//! mkdir .tmp-x     raw, metadata.yaml     rename .tmp-x → 7 unless there is a 7     latest → 7
//! ```
//!
//! Readers see the version whole or not at all. The number is the one after the highest this process
//! has used or `latest` tells of; no directory is scanned for it after the first write. If another
//! process takes the same number, the rename fails, and the next number is tried with metadata that
//! says so. All names are relative to the opened directory of
//! the item, which saves the system from walking the long path six times.

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::io::{self, Read, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::{
    AtFlags, CWD, Mode, OFlags, RenameFlags, mkdirat, openat, renameat, renameat_with, unlinkat,
};
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};
use swamp_ident::{DataId, Timestamp};

use super::DataStore;
use super::item::ItemKey;
use super::latest::{self, Pointer};
use super::layout::{self, TEMPORARY_VERSION};
use super::metadata::{DataOwner, Metadata};
use super::read::StoredVersion;
use super::span::{Lifetime, Retention};
use crate::catalog::Change;
use crate::error::{Result, StoreError};
use crate::fields::Tags;

/// How often a number may be taken by others before we give up. Each time somebody else made
/// progress, so this many in a row is a directory that lies.
const MOST_COLLISIONS: u32 = 10_000;

/// The content of a new version.
pub enum Content<'a> {
    /// Bytes in memory.
    Bytes(&'a [u8]),
    /// Whatever a reader gives until its end, such as a file. Held in memory a piece at a time.
    Reader(&'a mut dyn Read),
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
            metadata.version = self.take_number(draft.item, collision)?;
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

/// A version that is not published yet; removed when dropped.
struct Draft<'a> {
    item: &'a OwnedFd,
    /// For messages.
    item_path: &'a Path,
    name: String,
    has_metadata: bool,
    placed: bool,
}

impl<'a> Draft<'a> {
    fn new(item: &'a OwnedFd, item_path: &'a Path) -> Result<Self> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = COUNTER.fetch_add(1, Ordering::Relaxed);
            let name = format!("{TEMPORARY_VERSION}{:x}-{number:x}", std::process::id());
            match mkdirat(item, name.as_str(), Mode::from_raw_mode(0o777)) {
                Ok(()) => {
                    return Ok(Self { item, item_path, name, has_metadata: false, placed: false });
                }
                // Left behind by a dead process with our number.
                Err(Errno::EXIST) => {}
                Err(error) => {
                    return Err(StoreError::io("create directory", &item_path.join(name))(
                        error.into(),
                    ));
                }
            }
        }
    }

    /// Writes a file of the version; gives its size and checksum.
    fn fill(&self, file: &str, content: Content<'_>) -> Result<(u64, String)> {
        let (mut target, path) = self.create(file)?;
        let failed = |source| StoreError::io("write", &path)(source);
        let mut hash = Sha256::new();
        let size = match content {
            Content::Bytes(bytes) => {
                target.write_all(bytes).map_err(failed)?;
                hash.update(bytes);
                bytes.len() as u64
            }
            Content::Reader(reader) => {
                let mut buffer = vec![0; 64 * 1024];
                let mut size = 0;
                loop {
                    let piece = match reader.read(&mut buffer) {
                        Ok(0) => break size,
                        Ok(length) => buffer.get(..length).unwrap_or_default(),
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                        Err(error) => {
                            return Err(StoreError::io("read the content of", &path)(error));
                        }
                    };
                    target.write_all(piece).map_err(failed)?;
                    hash.update(piece);
                    size += piece.len() as u64;
                }
            }
        };
        Ok((size, hex(&hash.finalize())))
    }

    fn write_metadata(&mut self, text: &str) -> Result<()> {
        if self.has_metadata {
            // Truncating instead would make ext4 flush the file when it is closed.
            let _ = unlinkat(self.item, self.inside("metadata.yaml"), AtFlags::empty());
        }
        self.has_metadata = true;
        let (mut file, path) = self.create("metadata.yaml")?;
        file.write_all(text.as_bytes()).map_err(StoreError::io("write", &path))
    }

    fn create(&self, file: &str) -> Result<(fs::File, PathBuf)> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let path = self.item_path.join(self.inside(file));
        let opened = openat(self.item, self.inside(file), flags, Mode::from_raw_mode(0o666))
            .map_err(io::Error::from)
            .map_err(StoreError::io("write", &path))?;
        Ok((fs::File::from(opened), path))
    }

    fn inside(&self, file: &str) -> String {
        format!("{}/{file}", self.name)
    }

    /// Publishes the version under its number; `false` if the number is taken.
    fn place(&mut self, version: u64) -> Result<bool> {
        let number = version.to_string();
        let placed = match renameat_with(
            self.item,
            self.name.as_str(),
            self.item,
            number.as_str(),
            RenameFlags::NOREPLACE,
        ) {
            Ok(()) => true,
            Err(Errno::EXIST | Errno::NOTEMPTY) => false,
            // A file system that cannot refuse to replace.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                self.place_by_claim(&number).map_err(|error| self.failed(&number, error))?
            }
            Err(error) => return Err(self.failed(&number, error)),
        };
        self.placed = placed;
        Ok(placed)
    }

    /// Claims the number by making its directory, as only one can, and moves the files there, the
    /// metadata last.
    fn place_by_claim(&self, number: &str) -> Result<bool, Errno> {
        match mkdirat(self.item, number, Mode::from_raw_mode(0o777)) {
            Ok(()) => {}
            Err(Errno::EXIST) => return Ok(false),
            Err(error) => return Err(error),
        }
        for file in ["raw", "metadata.yaml"] {
            renameat(self.item, self.inside(file), self.item, format!("{number}/{file}"))?;
        }
        let _ = unlinkat(self.item, self.name.as_str(), AtFlags::REMOVEDIR);
        Ok(true)
    }

    fn failed(&self, number: &str, error: Errno) -> StoreError {
        StoreError::io("create", &self.item_path.join(number))(error.into())
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        if !self.placed {
            for file in ["raw", "metadata.yaml"] {
                let _ = unlinkat(self.item, self.inside(file), AtFlags::empty());
            }
            let _ = unlinkat(self.item, self.name.as_str(), AtFlags::REMOVEDIR);
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from(DIGITS[usize::from(digit)]));
        }
    }
    text
}

/// A thread that panicked while holding one of our locks left consistent values behind: each is
/// changed in one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
