//! What a cloned repository cannot reach.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::{Value, json};
use swamp_secret::Secret;
use swamp_vault::VaultType;

use crate::around::{Repo, refused};

/// Another repository with a vault `main`.
fn victim(repo: &Repo) -> Repo {
    let mut other = Repo::new();
    other.around.home.clone_from(&repo.around.home);
    let vault = other.create(VaultType::LocalEncryption, "main", Value::Null);
    vault.put("TOKEN", &Secret::new("of another")).unwrap();
    other
}

#[test]
fn settings_that_point_to_other_repositories_are_refused() {
    let mut repo = Repo::new();
    let other = victim(&repo);
    for (ty, config) in [
        ("local_encryption", json!({"auto_generate": true, "base_dir": other.root})),
        ("local_encryption", json!({"auto_generate": true, "base_dir": "../../.."})),
        ("file", json!({"directory": other.root})),
        ("file", json!({"directory": "~/.ssh"})),
        ("age", json!({"directory": "/etc"})),
    ] {
        repo.vault_file(ty, "main", &config);
        let error = refused(repo.open("main"));
        assert!(error.contains("outside this repository"), "{config}: {error}");
        assert!(error.contains("SWAMP_VAULT_DIRS"), "{error}");
        fs::remove_dir_all(repo.root.join("vaults")).unwrap();
    }
    // The user may allow it.
    repo.vault_file(
        "local_encryption",
        "main",
        &json!({"auto_generate": true, "base_dir": other.root}),
    );
    repo.around.outside.push(other.root.clone());
    assert_eq!(repo.open("main").unwrap().get("TOKEN").unwrap(), Secret::new("of another"));
}

#[test]
fn links_to_other_repositories_are_refused() {
    let repo = Repo::new();
    let other = victim(&repo);
    let theirs = other.root.join(".swamp/secrets/local_encryption/main");
    repo.vault_file("local_encryption", "main", &json!({"auto_generate": true}));
    let ours = repo.root.join(".swamp/secrets/local_encryption");
    fs::create_dir_all(&ours).unwrap();
    symlink(&theirs, ours.join("main")).unwrap();
    assert!(refused(repo.open("main")).contains("outside this repository"));
    fs::remove_file(ours.join("main")).unwrap();
    fs::create_dir(ours.join("main")).unwrap();
    symlink(theirs.join(".key"), ours.join("main/.key")).unwrap();
    symlink(theirs.join("TOKEN.enc"), ours.join("main/TOKEN.enc")).unwrap();
    let vault = repo.open("main").unwrap();
    assert!(refused(vault.get("TOKEN")).contains("a link out of the vault's directory"));
    fs::remove_file(ours.join("main/TOKEN.enc")).unwrap();
    fs::copy(theirs.join("TOKEN.enc"), ours.join("main/TOKEN.enc")).unwrap();
    assert!(refused(vault.get("TOKEN")).contains("is a symbolic link"));
    // The name of a vault is no way out either.
    repo.vault_file("local_encryption", "x", &json!({}));
    let file = repo.root.join("vaults/local_encryption/x.yaml");
    let text = fs::read_to_string(&file).unwrap().replace("name: x", "name: ../../..");
    fs::write(&file, text).unwrap();
    assert!(refused(repo.open("../../..")).contains("cannot be that of a directory"));
}

#[test]
fn a_moved_repository_keeps_its_vaults() {
    let repo = Repo::new();
    let old = repo.beside("old-place");
    repo.vault_file("local_encryption", "main", &json!({"auto_generate": true, "base_dir": old}));
    let vault = repo.open("main").unwrap();
    vault.put("K", &Secret::new("v")).unwrap();
    assert!(repo.root.join(".swamp/secrets/local_encryption/main/K.enc").exists());
    assert_eq!(repo.open("main").unwrap().get("K").unwrap(), Secret::new("v"));
    // What the original writes: the place where the repository is.
    repo.vault_file(
        "local_encryption",
        "here",
        &json!({"auto_generate": true, "base_dir": repo.root}),
    );
    repo.open("here").unwrap().put("K", &Secret::new("v")).unwrap();
}
