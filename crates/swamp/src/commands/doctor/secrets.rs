//! Files with secrets that others may read.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use swamp_store::Repository;

use super::finding::{Cure, Finding};

const MODE: &str = "file mode";

/// The bits of everybody but the owner.
const OTHERS: u32 = 0o077;

pub(super) fn look(repository: Option<&Repository>) -> Vec<Finding> {
    let Some(repository) = repository else { return Vec::new() };
    let root = repository.root();
    let mut files = Vec::new();
    walk(&root.join(".swamp").join("secrets"), &mut files);
    let open = files.into_iter().filter_map(|path| {
        let mode = fs::symlink_metadata(&path).ok()?.permissions().mode() & 0o777;
        (mode & OTHERS != 0).then_some((path, mode))
    });
    open.map(|(path, mode)| {
        let shown = path.strip_prefix(root).unwrap_or(&path).display();
        let what = format!("{shown} has mode {mode:o}: others than its owner may use it");
        let wanted = mode & !OTHERS;
        let remedy = format!("`swamp doctor --fix` makes that {wanted:o}");
        let fix = move || {
            let changed = fs::set_permissions(&path, Permissions::from_mode(wanted));
            changed.map_err(|error| error.to_string())
        };
        Finding::problem(MODE, what, Cure::Fix(remedy, Box::new(fix)))
    })
    .collect()
}

/// All files below a directory. Links are nobody's business here.
fn walk(directory: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        match entry.file_type() {
            Ok(found) if found.is_dir() => walk(&entry.path(), files),
            Ok(found) if found.is_file() => files.push(entry.path()),
            _ => {}
        }
    }
}
