//! Who may read and change what a run writes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::environment::{SWAMP, TestEnvironment, call, one_job};

/// A command under a mask of mode bits.
fn masked(environment: &TestEnvironment, mask: &str, words: &str) {
    let mut command = Command::new("sh");
    environment.surround(&mut command);
    command.args(["-c", &format!("umask {mask} && exec {SWAMP} {words}")]);
    environment.finish(command).expect_exit(0);
}

/// Everything below a directory with its mode, the directory itself included.
fn modes(directory: &Path) -> Vec<(PathBuf, u32)> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(path) = open.pop() {
        let meta = fs::symlink_metadata(&path).expect("metadata");
        if meta.is_dir() {
            let entries = fs::read_dir(&path).expect("a directory");
            open.extend(entries.map(|entry| entry.expect("an entry").path()));
        }
        if !meta.is_symlink() {
            found.push((path, meta.permissions().mode() & 0o777));
        }
    }
    found
}

/// A repository made, and a run made in it, under a mask.
fn used_repository(mask: &str) -> TestEnvironment {
    let environment = TestEnvironment::without_repository();
    masked(&environment, mask, "repo init --tool none");
    // What tests write is theirs.
    environment.shell("m", "run: 'echo hi'");
    environment.workflow("w", &one_job(&[call("s", "m", "")]));
    masked(&environment, mask, "workflow run w");
    masked(&environment, mask, "model method run m execute");
    environment
}

#[test]
fn telemetry_and_secrets_are_for_their_owner_whatever_the_mask() {
    let environment = used_repository("0");
    let settings = environment.config.join("swamp");
    for directory in [
        environment.repo.join(".swamp/telemetry"),
        environment.repo.join(".swamp/secrets"),
        settings.join("telemetry"),
    ] {
        if directory.starts_with(&settings) && !directory.exists() {
            continue;
        }
        for (path, mode) in modes(&directory) {
            assert_eq!(mode & 0o077, 0, "{:o} {}", mode, path.display());
        }
    }
    assert!(modes(&environment.spool()).len() > 4, "there are entries");
}

#[test]
fn nothing_is_writable_for_others_under_a_usual_mask() {
    let environment = used_repository("022");
    let ours = [environment.repo.join(".swamp"), environment.repo.join(".swamp.yaml")];
    let mut looked_at = 0;
    for (path, mode) in ours.iter().flat_map(|path| modes(path)) {
        assert_eq!(mode & 0o022, 0, "{:o} {}", mode, path.display());
        looked_at += 1;
    }
    assert!(looked_at > 20, "{looked_at}");
}
