//! Where items and versions lie, and how to tell what a directory is.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::DataStore;
use super::item::{ItemKey, check_data_name};
use crate::error::{Result, StoreError};
use crate::lock::ModelKey;

/// Beginnings of the names of temporary entries in an item's directory.
pub(super) const TEMPORARY_VERSION: &str = ".tmp-";
pub(super) const TEMPORARY_LATEST: &str = ".latest-";

impl DataStore {
    /// The directory of a model's data.
    pub(super) fn model_dir(&self, model: &ModelKey) -> Result<PathBuf> {
        let id = model.id.as_str();
        if id.is_empty() || id.starts_with('.') || id.contains(['/', '\\', '\0']) {
            return Err(StoreError::BadName(format!("{id:?} cannot be the id of a model")));
        }
        Ok(self.paths().model_data(&model.type_name, &model.id))
    }

    /// The directory of an item, also when there is none yet.
    pub(super) fn item_dir(&self, key: &ItemKey) -> Result<PathBuf> {
        check_data_name(key.name.as_str())?;
        let mut directory = self.model_dir(&key.model)?;
        directory.push(key.name.as_str());
        Ok(directory)
    }
}

/// The number a directory name stands for, if it is that of a version.
pub(crate) fn version_number(name: &str) -> Option<u64> {
    let digits = name.bytes().all(|byte| byte.is_ascii_digit()) && !name.starts_with('0');
    if digits { name.parse().ok() } else { None }
}

/// The numbers of the versions in an item's directory, ascending; empty if there is no such
/// directory.
pub(super) fn version_numbers(item: &Path) -> Result<Vec<u64>> {
    let mut numbers: Vec<u64> =
        names(item)?.iter().filter_map(|name| version_number(name)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// The names of the entries of a directory that are text; none if there is no such directory.
pub(super) fn names(directory: &Path) -> Result<Vec<String>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if is_absent(&error) => return Ok(Vec::new()),
        other => other.map_err(StoreError::io("read directory", directory))?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(StoreError::io("read directory", directory))?;
        if let Ok(name) = entry.file_name().into_string() {
            names.push(name);
        }
    }
    Ok(names)
}

/// The names of the sub-directories that may hold data, sorted. What begins with a dot is not
/// data.
pub(super) fn directories(directory: &Path) -> Result<Vec<String>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if is_absent(&error) => return Ok(Vec::new()),
        other => other.map_err(StoreError::io("read directory", directory))?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(StoreError::io("read directory", directory))?;
        let is_directory = match entry.file_type() {
            Ok(kind) if kind.is_symlink() => entry.path().is_dir(),
            Ok(kind) => kind.is_dir(),
            Err(_) => false,
        };
        if let (true, Ok(name)) = (is_directory, entry.file_name().into_string())
            && !name.starts_with('.')
        {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// The newest version according to the item's directory: what `latest` says, else the highest
/// number. There may be no version with the number `latest` says; the item then has no newest
/// version.
pub(super) fn latest_number(item: &Path) -> Result<Option<u64>> {
    let pointer = item.join("latest");
    match fs::read(&pointer) {
        Ok(text) => {
            if let Some(number) =
                str::from_utf8(&text).ok().and_then(|text| version_number(text.trim()))
            {
                return Ok(Some(number));
            }
        }
        // Older programs made a symbolic link to the version's directory.
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => {
            if let Some(number) = link_number(&pointer) {
                return Ok(Some(number));
            }
        }
        // The link's target is gone: it still names the version.
        Err(error) if is_absent(&error) => {
            if let Some(number) = link_number(&pointer) {
                return Ok(Some(number));
            }
        }
        Err(error) => return Err(StoreError::io("read", &pointer)(error)),
    }
    Ok(version_numbers(item)?.last().copied())
}

fn link_number(pointer: &Path) -> Option<u64> {
    let target = fs::read_link(pointer).ok()?;
    version_number(target.to_str()?.trim_end_matches('/'))
}

/// Whether a directory is that of an item: a numbered directory in it holds a version.
pub(super) fn is_item(directory: &Path) -> Result<bool> {
    Ok(names(directory)?.iter().filter(|name| version_number(name).is_some()).any(|name| {
        let version = directory.join(name);
        version.join("metadata.yaml").exists() || version.join("raw").exists()
    }))
}

/// Whether an error says that there is nothing there.
pub(super) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Whether a text has the form of a UUID.
pub(super) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Bytes of the files of a version.
pub(super) fn version_bytes(version: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(version) else { return 0 };
    entries.flatten().filter_map(|entry| entry.metadata().ok()).map(|file| file.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_numbers_are_versions() {
        for (name, want) in [
            ("1", Some(1)),
            ("10", Some(10)),
            ("01", None),
            ("0", None),
            ("", None),
            ("1a", None),
            ("+1", None),
            ("latest", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(version_number(name), want, "{name:?}");
        }
    }

    #[test]
    fn the_pointer_may_be_a_text_a_link_or_missing() {
        let directory = tempfile::tempdir().unwrap();
        let item = directory.path();
        let pointer = item.join("latest");
        assert_eq!(latest_number(&item.join("absent")).unwrap(), None);
        assert_eq!(latest_number(item).unwrap(), None);
        for number in ["1", "2", "10"] {
            fs::create_dir(item.join(number)).unwrap();
        }
        assert_eq!(latest_number(item).unwrap(), Some(10), "the highest number");
        fs::write(&pointer, "2").unwrap();
        assert_eq!(latest_number(item).unwrap(), Some(2), "the text");
        fs::write(&pointer, "7\n").unwrap();
        assert_eq!(latest_number(item).unwrap(), Some(7), "the text, even if there is no 7");
        fs::write(&pointer, "nonsense").unwrap();
        assert_eq!(latest_number(item).unwrap(), Some(10), "a text that is no number");
        for (target, want) in [("2", 2), ("2/", 2), ("3", 3), ("elsewhere", 10)] {
            fs::remove_file(&pointer).unwrap();
            std::os::unix::fs::symlink(target, &pointer).unwrap();
            assert_eq!(latest_number(item).unwrap(), Some(want), "link to {target}");
        }
    }
}
