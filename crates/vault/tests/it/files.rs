//! Vault files, mounted files, environment variables, samples.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::json;
use swamp_secret::Secret;
use swamp_vault::{SecretStore as _, VaultType};

use crate::around::{Repo, refused};

#[test]
fn a_broken_file_hides_no_other() {
    let repo = Repo::new();
    for (name, config) in [("b", json!({"K": "v"})), ("a", json!({}))] {
        repo.vault_file("mock", name, &config);
    }
    let vaults = repo.root.join("vaults");
    fs::write(vaults.join("no-type.yaml"), "id: x\nname: broken\n").unwrap();
    fs::write(vaults.join("not.yaml"), "a: [").unwrap();
    fs::write(vaults.join("list.yaml"), "- a\n").unwrap();
    fs::write(vaults.join("notes.txt"), "nothing").unwrap();
    symlink("/etc/hostname", vaults.join("link.yaml")).unwrap();
    symlink("/etc", vaults.join("directory")).unwrap();
    let listing = repo.vaults().list().unwrap();
    let names: Vec<&str> = listing.vaults.iter().map(|vault| vault.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    let problems: Vec<String> = listing.problems.iter().map(ToString::to_string).collect();
    assert_eq!(problems.len(), 4, "{problems:#?}");
    assert!(problems[0].contains("link.yaml: it is a link out of the repository"));
    assert!(problems.iter().any(|problem| problem.contains("no-type.yaml: 'type' is missing")));
    let error = refused(repo.vaults().find("broken"));
    assert!(error.starts_with("Vault not found: broken.\nAvailable vaults: a, b.\n"), "{error}");
    assert!(error.contains("no-type.yaml"), "{error}");
}

#[test]
fn the_newer_of_two_files_counts() {
    // What a migration that was killed between its last two steps leaves.
    let repo = Repo::new();
    repo.vault_file("mock", "main", &json!({"K": "old"}));
    let text = "id: id-of-main\nname: main\ntype: env\nconfig: {prefix: APP_}\ncreatedAt: '2026-11-26T20:00:00.000Z'\n";
    fs::create_dir(repo.root.join("vaults/env")).unwrap();
    fs::write(repo.root.join("vaults/env/main.yaml"), text).unwrap();
    let listing = repo.vaults().list().unwrap();
    assert_eq!((listing.vaults.len(), listing.problems.len()), (1, 1));
    assert_eq!(repo.vaults().get("main", "TOKEN").unwrap(), Secret::new("t"));
}

#[test]
fn mounted_files_are_read_as_kubernetes_mounts_them() {
    let mut repo = Repo::new();
    let mount = repo.beside("mount");
    let data = mount.join("..2026_11_26_10_00_00.123");
    fs::create_dir_all(&data).unwrap();
    fs::write(data.join("password"), "hunter2\n").unwrap();
    fs::write(data.join("two"), "a\n\n").unwrap();
    fs::write(data.join("binary"), b"\xff").unwrap();
    symlink("..2026_11_26_10_00_00.123", mount.join("..data")).unwrap();
    for name in ["password", "two", "binary"] {
        symlink(format!("..data/{name}"), mount.join(name)).unwrap();
    }
    fs::create_dir(mount.join("directory")).unwrap();
    fs::write(repo.beside("outside"), "secret of others").unwrap();
    symlink("../outside", mount.join("escape")).unwrap();
    repo.around.outside.push(mount.clone());
    let vault = repo.create(VaultType::File, "k8s", json!({"directory": mount}));
    assert_eq!(vault.list().unwrap(), ["binary", "password", "two"]);
    assert_eq!(vault.get("password").unwrap(), Secret::new("hunter2"));
    assert_eq!(vault.get("two").unwrap(), Secret::new("a\n"));
    for (key, want) in [
        ("escape", "a link out of the vault's directory"),
        ("../outside", "Invalid secret key"),
        ("..data", "Invalid secret key"),
        ("/etc/hostname", "Invalid secret key"),
        ("binary", "not UTF-8"),
        ("directory", "is no file"),
        ("none", "there is no file"),
    ] {
        let error = refused(vault.get(key));
        assert!(error.contains(want), "{key}: {error}");
    }
    assert!(refused(vault.put("new", &Secret::new("x"))).contains("is read-only"));
}

#[test]
fn environment_variables_with_a_prefix() {
    let repo = Repo::new();
    let vault = repo.create(VaultType::Env, "ci", json!({"prefix": "APP_"}));
    assert_eq!(vault.list().unwrap(), ["TOKEN"]);
    assert_eq!(vault.get("TOKEN").unwrap(), Secret::new("t"));
    let error = refused(vault.get("OTHER"));
    assert!(error.contains("environment variable APP_OTHER is not set"), "{error}");
    assert!(refused(vault.get("")).contains("not found"));
    let default = repo.create(VaultType::Env, "default", serde_json::Value::Null);
    assert_eq!(default.list().unwrap(), [""; 0]);
}

#[test]
fn sensitive_data_goes_to_the_same_vault_every_time() {
    let mut repo = Repo::new();
    let error = refused(repo.vaults().put(None, "k", &Secret::new("v")));
    assert!(error.contains("no vault is configured that can be written to"), "{error}");
    repo.create(VaultType::Env, "a-read-only", serde_json::Value::Null);
    for name in ["z", "m", "b"] {
        repo.create(VaultType::LocalEncryption, name, serde_json::Value::Null);
    }
    assert_eq!(repo.vaults().put(None, "k", &Secret::new("v")).unwrap(), "b");
    assert_eq!(repo.vaults().put(Some("m"), "k", &Secret::new("v")).unwrap(), "m");
    repo.around.default_vault = Some("z".to_owned());
    assert_eq!(repo.vaults().put(None, "k", &Secret::new("v")).unwrap(), "z");
}
