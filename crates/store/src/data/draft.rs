//! A version while it is being written: a directory of its own that readers do not look at.

use std::fmt;
use std::fs;
use std::io::{self, Read, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{
    AtFlags, Mode, OFlags, RenameFlags, mkdirat, openat, renameat, renameat_with, unlinkat,
};
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};

use super::layout::TEMPORARY_VERSION;
use crate::error::{Result, StoreError};

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

/// A version that is not published yet; removed when dropped.
pub(super) struct Draft<'a> {
    item: &'a OwnedFd,
    /// For messages.
    item_path: &'a Path,
    name: String,
    has_metadata: bool,
    placed: bool,
}

impl<'a> Draft<'a> {
    /// Makes the directory of a new version.
    pub(super) fn new(item: &'a OwnedFd, item_path: &'a Path) -> Result<Self> {
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

    /// The opened directory of the item.
    pub(super) const fn item(&self) -> &'a OwnedFd {
        self.item
    }

    /// Writes a file of the version; gives its size and checksum.
    pub(super) fn fill(&self, file: &str, content: Content<'_>) -> Result<(u64, String)> {
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

    /// Writes the metadata file, also for the second time.
    pub(super) fn write_metadata(&mut self, text: &str) -> Result<()> {
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
    pub(super) fn place(&mut self, version: u64) -> Result<bool> {
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
