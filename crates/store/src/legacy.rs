//! What older versions left in a repository, brought into today's form.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::RepoPaths;
use crate::atomic;
use crate::error::{Result, StoreError};

/// Moves, converts and removes what is not kept in that way any more.
pub(crate) fn migrate(paths: &RepoPaths) -> Result<()> {
    let runtime = paths.runtime();
    for directory in [paths.models(), paths.workflows(), paths.vaults()] {
        remove_views(&directory, &runtime)?;
    }
    for (old, new) in [
        (runtime.join("definitions"), paths.models()),
        (runtime.join("workflows"), paths.workflows()),
        (runtime.join("vault"), paths.vaults()),
    ] {
        move_into(&old, &new)?;
    }
    convert_latest(&paths.data())
}

/// The entries of a directory, none if it does not exist.
fn entries(directory: &Path) -> Result<Vec<fs::DirEntry>> {
    let read = match fs::read_dir(directory) {
        Ok(read) => read,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(StoreError::io("read directory", directory)(error)),
    };
    read.collect::<io::Result<_>>().map_err(StoreError::io("read directory", directory))
}

/// Removes symbolic links that lead into the runtime state: views by name that are not kept any
/// more. Links that people made stay.
fn remove_views(directory: &Path, runtime: &Path) -> Result<()> {
    for entry in entries(directory)? {
        let path = entry.path();
        let kind = entry.file_type().map_err(StoreError::io("read", &path))?;
        if kind.is_dir() {
            remove_views(&path, runtime)?;
        } else if kind.is_symlink() {
            let target = fs::read_link(&path).map_err(StoreError::io("read", &path))?;
            let target = crate::repository::absolute(&target, directory);
            if target.starts_with(runtime) {
                fs::remove_file(&path).map_err(StoreError::io("remove", &path))?;
            }
        }
    }
    Ok(())
}

/// Moves the files of a directory into another one. What is there already wins.
fn move_into(old: &Path, new: &Path) -> Result<()> {
    let found = entries(old)?;
    for entry in found {
        let path = entry.path();
        let target = new.join(entry.file_name());
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            move_into(&path, &target)?;
        } else if !target.exists() {
            fs::create_dir_all(new).map_err(StoreError::io("create directory", new))?;
            fs::rename(&path, &target).map_err(StoreError::io("move", &path))?;
        }
    }
    // Fails if something stayed, and then it has to stay too.
    let _ = fs::remove_dir(old);
    Ok(())
}

/// Turns `latest` links to a version's directory into files that hold its number.
fn convert_latest(directory: &Path) -> Result<()> {
    let mut open: Vec<PathBuf> = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in entries(&directory)? {
            let path = entry.path();
            let kind = entry.file_type().map_err(StoreError::io("read", &path))?;
            if kind.is_dir() {
                open.push(path);
            } else if kind.is_symlink() && entry.file_name() == "latest" {
                let target = fs::read_link(&path).map_err(StoreError::io("read", &path))?;
                let version = target.to_string_lossy().trim_end_matches('/').to_owned();
                if !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit()) {
                    atomic::write_durable(&path, version.as_bytes())?;
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn old_places_are_emptied_and_nothing_is_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        let put = |path: &str, text: &str| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        put(".swamp/definitions/a/b/1.yaml", "moved");
        put(".swamp/definitions/a/b/2.yaml", "old");
        put("models/a/b/2.yaml", "new");
        put(".swamp/workflows/workflow-1.yaml", "moved");
        put(".swamp/data/t/m/item/3/raw", "x");
        symlink("3/", root.join(".swamp/data/t/m/item/latest")).unwrap();
        symlink("../.swamp/definitions/a", root.join("models/view")).unwrap();
        symlink("a", root.join("models/mine")).unwrap();
        let paths = RepoPaths::new(root);
        migrate(&paths).unwrap();
        let read = |path: &str| fs::read_to_string(root.join(path)).unwrap();
        assert_eq!(read("models/a/b/1.yaml"), "moved");
        assert_eq!(read("models/a/b/2.yaml"), "new");
        assert_eq!(read(".swamp/definitions/a/b/2.yaml"), "old");
        assert_eq!(read("workflows/workflow-1.yaml"), "moved");
        assert!(!root.join(".swamp/workflows").exists());
        let latest = root.join(".swamp/data/t/m/item/latest");
        assert!(!latest.is_symlink());
        assert_eq!(fs::read_to_string(latest).unwrap(), "3");
        assert!(!root.join("models/view").is_symlink());
        assert!(root.join("models/mine").is_symlink());
        migrate(&paths).unwrap();
    }
}
