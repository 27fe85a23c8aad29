//! A fresh directory with the surroundings the recordings were made in.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// No recorded command takes longer than a few seconds.
const PATIENCE: Duration = Duration::from_secs(90);

pub struct Sandbox {
    _root: tempfile::TempDir,
    pub repo: PathBuf,
    pub config: PathBuf,
    pub home: PathBuf,
}

pub struct Ran {
    pub exit: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Sandbox {
    pub fn new() -> Self {
        let root = tempfile::tempdir().expect("a temporary directory");
        let base = root.path().canonicalize().expect("a real path");
        let [repo, config, home] = ["repo", "config", "home"].map(|name| {
            let path = base.join(name);
            fs::create_dir(&path).expect("an empty directory");
            path
        });
        Self { _root: root, repo, config, home }
    }

    pub fn write(&self, path: &str, content: &str) {
        let path = self.repo.join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("parent directories");
        fs::write(path, content).expect("a written file");
    }

    pub fn run(
        &self,
        args: &[String],
        cwd: Option<&str>,
        env: &[(String, String)],
        stdin: Option<&str>,
    ) -> Ran {
        let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_swamp"));
        command
            .args(args)
            .current_dir(cwd.map_or_else(|| self.repo.clone(), |cwd| self.repo.join(cwd)))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &self.home)
            .env("XDG_CONFIG_HOME", &self.config)
            .envs([("USER", "operator"), ("TZ", "UTC"), ("LANG", "C.UTF-8"), ("NO_COLOR", "1")])
            .envs(env.iter().map(|(key, value)| (key, value)))
            .write_stdin(stdin.unwrap_or_default())
            .timeout(PATIENCE);
        let output = command.output().expect("a started program");
        Ran {
            exit: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// A file, or an empty directory with a slash at its end.
pub struct Found {
    pub path: String,
    pub modified: SystemTime,
}

/// Everything below `root` by its path relative to it, sorted.
pub fn list(root: &Path) -> Vec<Found> {
    let mut found = Vec::new();
    collect(root, "", &mut found);
    found.sort_by(|left, right| left.path.cmp(&right.path));
    found
}

fn collect(directory: &Path, prefix: &str, found: &mut Vec<Found>) {
    let entries: Vec<_> = fs::read_dir(directory)
        .expect("a directory")
        .map(|entry| entry.expect("an entry"))
        .collect();
    if entries.is_empty() && !prefix.is_empty() {
        let modified = fs::metadata(directory).and_then(|meta| meta.modified()).expect("a time");
        found.push(Found { path: prefix.to_owned(), modified });
    }
    for entry in entries {
        let name = entry.file_name().into_string().expect("UTF-8");
        let path = format!("{prefix}{name}");
        let kind = entry.file_type().expect("a file type");
        if kind.is_dir() {
            collect(&entry.path(), &format!("{path}/"), found);
        } else {
            let meta = fs::symlink_metadata(entry.path()).expect("metadata");
            found.push(Found { path, modified: meta.modified().expect("a time") });
        }
    }
}

/// Caches, locks and temporary files, which implementations keep as they like.
pub fn is_private(path: &str) -> bool {
    let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or(path);
    name.starts_with("_catalog.db")
        || name.starts_with("_extension_catalog.db")
        || matches!(super::replay::extension(name), "lock" | "tmp")
        || matches!(name, ".lock" | ".tmp")
        || name.starts_with(".tmp-")
        || path.starts_with(".swamp/telemetry/") && path != ".swamp/telemetry/"
}

/// Reads telemetry entries that were not there before, and remembers them.
pub fn new_entries(spool: &Path, seen: &mut BTreeSet<String>) -> Vec<serde_json::Value> {
    let Ok(directory) = fs::read_dir(spool) else {
        return Vec::new();
    };
    let mut names: Vec<String> = directory
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .filter(|name| name.starts_with("telemetry-") && super::replay::extension(name) == "json")
        .filter(|name| !seen.contains(name))
        .collect();
    names.sort();
    names
        .into_iter()
        .map(|name| {
            let text = fs::read_to_string(spool.join(&name)).expect("a readable entry");
            seen.insert(name);
            serde_json::from_str(&text).expect("an entry is JSON")
        })
        .collect()
}
