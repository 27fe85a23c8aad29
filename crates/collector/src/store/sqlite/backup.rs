//! A copy of the store that is whole and consistent, made while events go on coming in.

use std::fs;
use std::path::Path;

use super::core::Core;
use super::{FILE, journal, schema};
use crate::error::CollectorError;

/// Copies the store in a directory, to which a collector may be writing: one consistent state of it.
pub fn backup(directory: &Path, to: &Path) -> Result<(), CollectorError> {
    copy(&directory.join(FILE), to)
}

pub(super) fn copy(from: &Path, to: &Path) -> Result<(), CollectorError> {
    if !from.exists() {
        let name = from.display().to_string();
        return Err(CollectorError::NotFound { what: "The store", name, hint: "" });
    }
    if to.exists() {
        return Err(CollectorError::Exists { what: "The file", name: to.display().to_string() });
    }
    let directory = from.parent().unwrap_or_else(|| Path::new("."));
    let mut aside = to.as_os_str().to_owned();
    aside.push(".incoming");
    let aside = Path::new(&aside);
    let io = |error| CollectorError::io(format!("{} cannot be made", aside.display()), error);
    fs::create_dir(aside).map_err(io)?;
    // First the journal: what is folded after that is in the file when it is copied, and records
    // that are in both are not counted again.
    let copied = journal::copy(directory, aside).and_then(|()| {
        schema::open_again(from)?.execute("VACUUM INTO ?1", [to.to_string_lossy()])?;
        Core::open(to, aside)?.finish()
    });
    // It is empty now, or the copy has failed anyway.
    let _ = fs::remove_dir_all(aside);
    copied
}
