//! One lock file: taking it, looking at it, giving it up.
//!
//! The file comes into the world complete and with our `flock` on it, by renaming a temporary file
//! to its place if that is free. Whoever removes a file that is not its own holds the `flock` on
//! it and has checked that it still is the one at that path. Together this makes it impossible for
//! two of us to hold the same lock, or to remove a lock that somebody just took.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::process::{Pid, test_kill_process};
use serde_json::Value;
use swamp_ident::{Clock as _, IdSource as _, RandomIds, SystemClock, Timestamp};

use super::{LockInfo, LockOwner};
use crate::error::{Result, StoreError};

/// How long a lock file counts without being confirmed, in milliseconds.
pub(super) const TTL_MS: u64 = 30_000;

/// The key that tells our lock files from those of the other implementation, which skips it.
const OURS: &str = "flock";

/// A lock file that is ours; given up when dropped.
#[derive(Debug)]
pub(super) struct LockFile {
    path: PathBuf,
    file: File,
    identity: Identity,
    /// Where in the file the time stands.
    time_offset: u64,
}

/// Device and inode.
type Identity = (u64, u64);

/// The outcome of one try to take a lock.
#[derive(Debug)]
pub(super) enum Attempt {
    Taken(LockFile),
    Held(Option<LockInfo>),
}

/// What is at the path of a lock.
#[derive(Debug)]
pub(super) enum Seen {
    Free,
    Held(Option<LockInfo>),
    /// A file nobody stands behind any more; it has been removed.
    Stale(Option<LockInfo>),
}

/// Tries once to take the lock at `path`.
pub(super) fn attempt(path: &Path, owner: &LockOwner) -> Result<Attempt> {
    loop {
        if let Seen::Held(info) = look(path, owner)? {
            return Ok(Attempt::Held(info));
        }
        if let Some(file) = place(path, owner)? {
            return Ok(Attempt::Taken(file));
        }
        // Somebody was faster.
    }
}

/// Looks at the lock at `path`, and removes it if it is stale.
pub(super) fn look(path: &Path, owner: &LockOwner) -> Result<Seen> {
    loop {
        let mut file = match OpenOptions::new().read(true).write(true).open(path) {
            Ok(file) => file,
            Err(error) if is_missing(&error) => return Ok(Seen::Free),
            // Somebody else's file; its lock can be asked for all the same.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                File::open(path).map_err(StoreError::io("read", path))?
            }
            Err(error) => return Err(StoreError::io("read", path)(error)),
        };
        let telling = match file.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => return Ok(Seen::Held(content(&mut file).0)),
            // A file system without such locks: only the content can tell.
            Err(TryLockError::Error(_)) => false,
        };
        let metadata = file.metadata().map_err(StoreError::io("read", path))?;
        if identity_at(path) != Some((metadata.dev(), metadata.ino())) {
            // It was given up or replaced while we opened it.
            continue;
        }
        let (info, ours) = content(&mut file);
        let stale = match &info {
            Some(_) if ours && telling => true,
            Some(info) => is_expired(info) || is_dead(info, owner),
            // Half-written by the other implementation, or damaged.
            None => age_ms(metadata.modified().ok()) > TTL_MS,
        };
        if !stale {
            return Ok(Seen::Held(info));
        }
        match fs::remove_file(path) {
            Err(error) if !is_missing(&error) => return Err(StoreError::io("remove", path)(error)),
            _ => return Ok(Seen::Stale(info)),
        }
    }
}

/// What the lock file at `path` says, if there is one that can be read.
pub(super) fn read(path: &Path) -> Result<Option<LockInfo>> {
    match File::open(path) {
        Ok(mut file) => Ok(content(&mut file).0),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(StoreError::io("read", path)(error)),
    }
}

/// Removes the lock file at `path`, whoever stands behind it.
pub(super) fn remove(path: &Path) -> Result<Option<LockInfo>> {
    let info = read(path)?;
    match fs::remove_file(path) {
        Ok(()) => Ok(info),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(StoreError::io("remove", path)(error)),
    }
}

/// Puts a lock file of ours at `path`, or gives `None` if there is one already.
fn place(path: &Path, owner: &LockOwner) -> Result<Option<LockFile>> {
    let nonce = RandomIds.uuid().to_string();
    let info = LockInfo {
        holder: owner.holder.clone(),
        hostname: owner.hostname.clone(),
        pid: owner.pid,
        acquired_at: now(),
        ttl_ms: TTL_MS,
        nonce,
    };
    let mut content = info.to_json();
    content[OURS] = Value::Bool(true);
    let text = format!("{content:#}");
    let time = info.acquired_at.to_string();
    let time_offset = text.rfind(&time).unwrap_or_default() as u64;

    let temporary = path.with_file_name(format!(".lock-{}.tmp", info.nonce));
    let create = || OpenOptions::new().read(true).write(true).create_new(true).open(&temporary);
    let mut file = match create() {
        Err(error) if is_missing(&error) => {
            let directory = path.parent().unwrap_or(Path::new("."));
            fs::create_dir_all(directory).map_err(StoreError::io("create directory", directory))?;
            create()
        }
        other => other,
    }
    .map_err(StoreError::io("create lock file", path))?;
    let ready = file.write_all(text.as_bytes()).and_then(|()| {
        // Nobody else knows this file yet. Where it cannot be locked, the content has to do.
        let _ = file.try_lock();
        let metadata = file.metadata()?;
        let placed = move_to_free_place(&temporary, path)?;
        Ok(placed.then_some((metadata.dev(), metadata.ino())))
    });
    match ready {
        Ok(Some(identity)) => {
            Ok(Some(LockFile { path: path.to_owned(), file, identity, time_offset }))
        }
        other => {
            let _ = fs::remove_file(&temporary);
            other.map_err(StoreError::io("create lock file", path))?;
            Ok(None)
        }
    }
}

/// Moves a file unless there is one at the new place.
fn move_to_free_place(from: &Path, to: &Path) -> io::Result<bool> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::EXIST) => Ok(false),
        // A file system without that flag.
        Err(_) => match fs::hard_link(from, to) {
            Ok(()) => fs::remove_file(from).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        },
    }
}

impl LockFile {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Tells the other implementation that we are still there. If it removed our file in spite of
    /// that, this writes to a file nobody sees.
    pub(super) fn confirm(&self) {
        let _ = self.file.write_all_at(now().to_string().as_bytes(), self.time_offset);
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        if identity_at(&self.path) == Some(self.identity) {
            // If this fails, the file is free all the same: our `flock` ends with it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn now() -> Timestamp {
    SystemClock::new().now().wall
}

fn is_missing(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}

fn identity_at(path: &Path) -> Option<Identity> {
    let metadata = fs::symlink_metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

/// What the file says, and whether it is one of ours.
fn content(file: &mut File) -> (Option<LockInfo>, bool) {
    let mut text = String::new();
    if file.read_to_string(&mut text).is_err() {
        return (None, false);
    }
    let Ok(value) = serde_json::from_str::<Value>(&text) else {
        return (None, false);
    };
    let string = |key: &str| Some(value.get(key)?.as_str()?.to_owned());
    let info = || {
        Some(LockInfo {
            holder: string("holder")?,
            hostname: string("hostname").unwrap_or_default(),
            pid: u32::try_from(value.get("pid")?.as_u64()?).ok()?,
            acquired_at: Timestamp::parse(&string("acquiredAt")?).ok()?,
            ttl_ms: value.get("ttlMs")?.as_u64()?,
            nonce: string("nonce").unwrap_or_default(),
        })
    };
    (info(), value.get(OURS) == Some(&Value::Bool(true)))
}

fn is_expired(info: &LockInfo) -> bool {
    let age = now().as_millis().saturating_sub(info.acquired_at.as_millis());
    u64::try_from(age).is_ok_and(|age| age > info.ttl_ms)
}

/// Whether the holder's process is gone. Only our own machine's processes can be asked for.
fn is_dead(info: &LockInfo, owner: &LockOwner) -> bool {
    let pid = i32::try_from(info.pid).ok().and_then(Pid::from_raw);
    info.hostname == owner.hostname
        && pid.is_none_or(|pid| test_kill_process(pid) == Err(rustix::io::Errno::SRCH))
}

fn age_ms(time: Option<SystemTime>) -> u64 {
    let age = time.and_then(|time| SystemTime::now().duration_since(time).ok()).unwrap_or_default();
    u64::try_from(age.as_millis()).unwrap_or(u64::MAX)
}
