//! Files that only their owner may read, written whole.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::error::{Result, VaultError};

/// The mode of files with secrets and keys.
const PRIVATE: u32 = 0o600;

/// The mode of files that are shared with others through version control; the umask takes away from
/// it.
const SHARED: u32 = 0o666;

/// Replaces a file by one that only its owner may read, and waits until it is on disk.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> Result<()> {
    replace(path, content, PRIVATE)
}

/// Replaces a file that everybody may read, and waits until it is on disk.
pub(crate) fn write_shared(path: &Path, content: &[u8]) -> Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory).map_err(VaultError::io("create directory", directory))?;
    replace(path, content, SHARED)
}

/// Creates a private file with its content at once: nobody ever sees it empty. `false`, and nothing
/// changes, if there is one already.
pub(crate) fn create_private(path: &Path, content: &[u8]) -> Result<bool> {
    let temporary = Temporary::create(path, content, PRIVATE)?;
    match fs::hard_link(&temporary.0, path) {
        Ok(()) => {
            sync_directory(path);
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(VaultError::io("write", path)(error)),
    }
}

/// Creates a directory for secrets, with the directories above it.
pub(crate) fn create_directory(path: &Path) -> Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(VaultError::io("create directory", path))
}

/// Lets two directories change places, at one moment.
pub(crate) fn exchange(left: &Path, right: &Path) -> Result<()> {
    renameat_with(CWD, left, CWD, right, RenameFlags::EXCHANGE)
        .map_err(|error| VaultError::io("replace", right)(error.into()))?;
    sync_directory(right);
    Ok(())
}

/// Waits for the lock of a vault's writers; it is given back when the file is dropped.
pub(crate) fn lock(path: &Path) -> Result<File> {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(PRIVATE)
        .open(path)
        .map_err(VaultError::io("open", path))?;
    file.lock().map_err(VaultError::io("lock", path))?;
    Ok(file)
}

/// Waits until the names in a file's directory are on disk. A file system that cannot do that is no
/// reason to report the write as failed.
fn sync_directory(path: &Path) {
    if let Some(directory) = path.parent() {
        let _ = File::open(directory).and_then(|directory| directory.sync_all());
    }
}

fn replace(path: &Path, content: &[u8], mode: u32) -> Result<()> {
    let temporary = Temporary::create(path, content, mode)?;
    fs::rename(&temporary.0, path).map_err(VaultError::io("write", path))?;
    sync_directory(path);
    Ok(())
}

/// A file beside its future place; removed when dropped, if it is still there.
struct Temporary(PathBuf);

impl Temporary {
    fn create(target: &Path, content: &[u8], mode: u32) -> Result<Self> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let (temporary, mut file) = loop {
            let number = COUNTER.fetch_add(1, Ordering::Relaxed);
            let path = target.with_file_name(format!(".{:x}-{number:x}.tmp", std::process::id()));
            match OpenOptions::new().write(true).create_new(true).mode(mode).open(&path) {
                Ok(file) => break (Self(path), file),
                // Left behind by a dead process with our number.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(VaultError::io("write", target)(error)),
            }
        };
        let written = file.write_all(content).and_then(|()| file.sync_all());
        written.map_err(VaultError::io("write", target))?;
        Ok(temporary)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
