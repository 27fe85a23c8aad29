//! Finding the files that people put into a directory of the repository.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::error::{Result, StoreError};

/// A file whose name ends in `.yaml`.
#[derive(Debug)]
pub(crate) struct YamlFile {
    /// Where it was found.
    pub(crate) path: PathBuf,
    /// It is a symbolic link that leads out of the repository.
    outside: bool,
}

impl YamlFile {
    /// Its text.
    pub(crate) fn read(&self) -> Result<String> {
        if self.outside {
            return Err(StoreError::OutsideRepository { path: self.path.clone() });
        }
        fs::read_to_string(&self.path).map_err(StoreError::io("read", &self.path))
    }
}

/// All files below `directory`, at any depth, in order of their paths. None if there is no such
/// directory.
pub(crate) fn below(directory: &Path, root: &Path) -> Result<Vec<YamlFile>> {
    let mut search = Search { root, files: Vec::new(), seen: HashSet::new() };
    // Linked directories wait until all others have been seen, so that a link to a place that is
    // searched anyway adds nothing, and one to a place above it ends there.
    let mut linked = vec![directory.to_owned()];
    while let Some(directory) = linked.pop() {
        search.directory(&directory, Some(&mut linked))?;
    }
    search.files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(search.files)
}

/// The files in `directory` itself, in order of their paths. None if there is no such directory.
pub(crate) fn inside(directory: &Path, root: &Path) -> Result<Vec<YamlFile>> {
    let mut search = Search { root, files: Vec::new(), seen: HashSet::new() };
    search.directory(directory, None)?;
    search.files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(search.files)
}

struct Search<'a> {
    root: &'a Path,
    files: Vec<YamlFile>,
    /// Directories by device and inode.
    seen: HashSet<(u64, u64)>,
}

impl Search<'_> {
    /// Looks into a directory, and into those below it if there is somewhere to put linked ones.
    fn directory(&mut self, directory: &Path, mut linked: Option<&mut Vec<PathBuf>>) -> Result<()> {
        let entries = match fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(StoreError::io("read directory", directory)(error)),
        };
        if linked.is_some() {
            let found = fs::metadata(directory).map_err(StoreError::io("read", directory))?;
            if !self.seen.insert((found.dev(), found.ino())) {
                return Ok(());
            }
        }
        for entry in entries {
            let entry = entry.map_err(StoreError::io("read directory", directory))?;
            let path = entry.path();
            let kind = entry.file_type().map_err(StoreError::io("read", &path))?;
            let is_yaml = path.extension().is_some_and(|extension| extension == "yaml");
            if kind.is_symlink() {
                // A link that leads nowhere is nothing to us.
                let Ok(target) = fs::metadata(&path) else { continue };
                let outside = leads_outside(&path, self.root);
                if target.is_file() && is_yaml {
                    self.files.push(YamlFile { path, outside });
                } else if target.is_dir()
                    && !outside
                    && let Some(linked) = &mut linked
                {
                    linked.push(path);
                }
            } else if kind.is_dir() {
                if linked.is_some() {
                    self.directory(&path, linked.as_deref_mut())?;
                }
            } else if kind.is_file() && is_yaml {
                self.files.push(YamlFile { path, outside: false });
            }
        }
        Ok(())
    }
}

fn leads_outside(path: &Path, root: &Path) -> bool {
    match (path.canonicalize(), root.canonicalize()) {
        (Ok(target), Ok(root)) => !target.starts_with(root),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn files_are_found_in_order_and_links_must_stay_inside() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("repo");
        let models = root.join("models");
        fs::create_dir_all(models.join("b/c")).unwrap();
        for name in ["b/c/z.yaml", "b/y.yaml", "a.yaml", "no.yml", "b/x.yaml.bak"] {
            fs::write(models.join(name), name).unwrap();
        }
        fs::write(directory.path().join("secret.yaml"), "secret").unwrap();
        symlink(directory.path().join("secret.yaml"), models.join("out.yaml")).unwrap();
        symlink(models.join("b/y.yaml"), models.join("in.yaml")).unwrap();
        symlink(models.join("nowhere"), models.join("dangling.yaml")).unwrap();
        symlink(&models, models.join("b/loop")).unwrap();
        symlink(directory.path(), models.join("up")).unwrap();
        fs::create_dir(root.join("shared")).unwrap();
        fs::write(root.join("shared/s.yaml"), "s").unwrap();
        symlink(root.join("shared"), models.join("b/shared")).unwrap();

        let found = inside(&models, &root).unwrap();
        let names: Vec<_> = found.iter().map(|file| file.path.file_name().unwrap()).collect();
        assert_eq!(names, ["a.yaml", "in.yaml", "out.yaml"]);
        assert_eq!(found[1].read().unwrap(), "b/y.yaml");
        assert!(matches!(found[2].read(), Err(StoreError::OutsideRepository { .. })));

        let found = below(&models, &root).unwrap();
        let straight: Vec<_> = found
            .iter()
            .filter_map(|file| file.path.strip_prefix(&models).unwrap().to_str())
            .collect();
        let want = ["a.yaml", "b/c/z.yaml", "b/shared/s.yaml", "b/y.yaml", "in.yaml", "out.yaml"];
        assert_eq!(straight, want);
        assert!(below(&root.join("nothing"), &root).unwrap().is_empty());
    }
}
