//! One collector at a time: a lock on a file in the data directory.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use crate::error::CollectorError;

/// The name of the file.
const NAME: &str = "collector.lock";

/// Takes the lock, making the directory if it is not there. It is free again when the file is
/// dropped, or its process dies.
pub(super) fn take(directory: &Path) -> Result<File, CollectorError> {
    let io = |error| CollectorError::io(format!("{} cannot be used", directory.display()), error);
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(io)?;
    let path = directory.join(NAME);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(io)?;
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        let holder = fs::read_to_string(&path).unwrap_or_default();
        let holder = if holder.is_empty() { "unknown".to_owned() } else { holder };
        return Err(CollectorError::InUse { path: directory.to_owned(), holder });
    }
    // Only for whoever finds the lock taken; a full disk must not keep the collector from starting.
    let _ = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
    Ok(file)
}
