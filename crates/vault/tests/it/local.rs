//! Encrypted files.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};
use swamp_secret::Secret;
use swamp_vault::VaultType;

use crate::around::{Repo, mode, now, refused};

const DIRECTORY: &str = ".swamp/secrets/local_encryption/main";

#[test]
fn files_are_private_and_have_the_shared_form() {
    let repo = Repo::new();
    let vault = repo.create(VaultType::LocalEncryption, "main", Value::Null);
    assert!(!repo.root.join(".swamp").exists(), "nothing is made before the first secret");
    assert_eq!(vault.list().unwrap(), [""; 0]);
    for (key, value) in [("B", "gr\u{fc}n\n\u{1f511}"), ("A", ""), ("spaced key", "v")] {
        vault.put(key, &Secret::new(value)).unwrap();
        assert_eq!(vault.get(key).unwrap(), Secret::new(value));
    }
    assert_eq!(vault.list().unwrap(), ["A", "B", "spaced key"]);
    let directory = repo.root.join(DIRECTORY);
    assert_eq!(mode(&directory), 0o700);
    assert_eq!(mode(&repo.root.join(".swamp/secrets")), 0o700);
    for file in [".key", "A.enc", "spaced key.enc"] {
        assert_eq!(mode(&directory.join(file)), 0o600, "{file}");
    }
    let key = fs::read_to_string(directory.join(".key")).unwrap();
    assert_eq!((key.len(), key.matches('-').count()), (72, 8));
    let text = fs::read_to_string(directory.join("B.enc")).unwrap();
    assert!(
        text.starts_with("{\n  \"iv\": \"") && text.ends_with("\n  \"version\": 2\n}"),
        "{text}"
    );
    vault.delete("B").unwrap();
    assert!(refused(vault.get("B")).contains("swamp vault put main B"));
    assert!(refused(vault.delete("B")).starts_with("Secret 'B' not found in vault 'main'"));
    for key in ["", "a/b", "..", "a\\b", "a\0b"] {
        assert!(refused(vault.put(key, &Secret::new("x"))).starts_with("Invalid secret key"));
        assert!(refused(vault.get(key)).starts_with("Invalid secret key"));
    }
}

#[test]
fn writers_at_the_same_time_lose_nothing() {
    let repo = Repo::new();
    repo.create(VaultType::LocalEncryption, "main", Value::Null);
    std::thread::scope(|scope| {
        for number in 0..12 {
            let repo = &repo;
            scope.spawn(move || {
                let vault = repo.open("main").unwrap();
                for round in 0..3 {
                    let value = Secret::new(format!("{number} {round}"));
                    vault.put(&format!("K{number}"), &value).unwrap();
                    assert_eq!(vault.get(&format!("K{number}")).unwrap(), value);
                }
            });
        }
        scope.spawn(|| {
            let vault = repo.open("main").unwrap();
            for _ in 0..3 {
                // The first may come before there is a key.
                let _ = vault.rotate();
            }
        });
    });
    let vault = repo.open("main").unwrap();
    assert_eq!(vault.list().unwrap().len(), 12);
    for number in 0..12 {
        assert_eq!(vault.get(&format!("K{number}")).unwrap(), Secret::new(format!("{number} 2")));
    }
}

#[test]
fn a_new_key_takes_everything_with_it() {
    let repo = Repo::new();
    let vault = repo.create(VaultType::LocalEncryption, "main", Value::Null);
    assert!(refused(vault.rotate()).contains("is empty"));
    for key in ["A", "B"] {
        vault.put(key, &Secret::new(key)).unwrap();
    }
    let directory = repo.root.join(DIRECTORY);
    // What another program keeps beside a secret, and what a dead process left.
    fs::create_dir(directory.join(".annotations")).unwrap();
    fs::copy(directory.join("A.enc"), directory.join(".annotations/A.enc")).unwrap();
    let left = directory.with_file_name(".main.new");
    fs::create_dir(&left).unwrap();
    fs::write(left.join("A.enc"), "half").unwrap();
    let (key, enc) = (fs::read(directory.join(".key")), fs::read(directory.join("A.enc")));
    assert_eq!(vault.rotate().unwrap(), 2);
    assert_ne!(fs::read(directory.join(".key")).unwrap(), key.unwrap());
    assert_ne!(fs::read(directory.join("A.enc")).unwrap(), enc.unwrap());
    assert_eq!(vault.get("A").unwrap(), Secret::new("A"));
    fs::rename(directory.join(".annotations/A.enc"), directory.join("C.enc")).unwrap();
    assert_eq!(vault.get("C").unwrap(), Secret::new("A"));
    assert!(!left.exists());
    // One damaged secret stops it before anything is changed.
    fs::write(directory.join("B.enc"), "oops").unwrap();
    let before = fs::read(directory.join(".key")).unwrap();
    assert!(refused(vault.rotate()).starts_with("Secret 'B' of vault 'main' exists but"));
    assert_eq!(fs::read(directory.join(".key")).unwrap(), before);
    assert_eq!(vault.get("A").unwrap(), Secret::new("A"));
}

#[test]
fn a_lost_key_is_told_and_not_replaced() {
    let repo = Repo::new();
    let vault = repo.create(VaultType::LocalEncryption, "main", Value::Null);
    vault.put("A", &Secret::new("a")).unwrap();
    let key = repo.root.join(DIRECTORY).join(".key");
    fs::remove_file(&key).unwrap();
    for problem in [refused(vault.get("A")), refused(vault.put("B", &Secret::new("b")))] {
        assert!(problem.contains("bring back the key"), "{problem}");
    }
    assert!(!key.exists());
    fs::write(&key, "another key").unwrap();
    assert!(refused(vault.get("A")).contains("exists but cannot be read: Decryption failed"));
}

#[test]
fn the_key_can_be_elsewhere_or_an_ssh_key() {
    let repo = Repo::new();
    let ssh = repo.around.home.clone().unwrap().join(".ssh");
    fs::create_dir(&ssh).unwrap();
    let key = |name: &str, text: &str, mode: u32| {
        let path = ssh.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    };
    // `openssh-key-v1`, then the cipher: none or aes256-ctr.
    let plain = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ==\n-----END OPENSSH PRIVATE KEY-----\n";
    let locked = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0\n-----END OPENSSH PRIVATE KEY-----\n";
    key("good", plain, 0o600);
    key("open", plain, 0o644);
    key("locked", locked, 0o600);
    key("pem", "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n", 0o600);
    for (name, config, want) in [
        ("good", json!({"ssh_key_path": "~/.ssh/good"}), Ok(())),
        ("open", json!({"ssh_key_path": "~/.ssh/open"}), Err("insecure permissions (0o644)")),
        ("locked", json!({"ssh_key_path": "~/.ssh/locked"}), Err("(cipher: aes256-ctr)")),
        ("pem", json!({"ssh_key_path": "~/.ssh/pem"}), Err("SSH key is encrypted")),
        ("none", json!({}), Err("Failed to read default SSH key from '~/.ssh/id_rsa'")),
        ("fallback", json!({"ssh_key_path": "~/.ssh/open", "auto_generate": true}), Ok(())),
        ("file", json!({"key_file": "~/keys/swamp"}), Ok(())),
    ] {
        let vault = repo.create(VaultType::LocalEncryption, name, config);
        match (vault.put("K", &Secret::new("v")), want) {
            (Ok(()), Ok(())) => assert_eq!(vault.get("K").unwrap(), Secret::new("v"), "{name}"),
            (Err(error), Err(want)) => assert!(error.to_string().contains(want), "{error}"),
            (got, want) => panic!("{name}: {got:?}, wanted {want:?}"),
        }
    }
    let file = repo.around.home.clone().unwrap().join("keys/swamp");
    assert_eq!(mode(&file), 0o600);
    for name in ["good", "file"] {
        let vault = repo.open(name).unwrap();
        assert!(refused(vault.rotate()).contains("is not its own"), "{name}");
    }
}

#[test]
fn secrets_move_to_another_type_and_back() {
    let repo = Repo::new();
    let vault = repo.create(VaultType::LocalEncryption, "main", Value::Null);
    vault.put("TOKEN", &Secret::new("t")).unwrap();
    let vaults = repo.vaults();
    let config = |value: Value| value.as_object().cloned();
    let migrate = |ty, settings| {
        let vault = vaults.find("main").unwrap();
        vaults.migrate(&vault, ty, settings, now(), &mut |_, _, _| {})
    };
    // A read-only vault must hold the same secrets already.
    let prefix = config(json!({"prefix": "APP_"}));
    assert_eq!(migrate(VaultType::Env, prefix.clone()).unwrap().secrets, 1);
    assert_eq!(vaults.find("main").unwrap().type_name, "env");
    assert_eq!(vaults.find("main").unwrap().id, "id-of-main");
    assert_eq!(repo.open("main").unwrap().get("TOKEN").unwrap(), Secret::new("t"));
    assert_eq!(migrate(VaultType::LocalEncryption, None).unwrap().secrets, 1);
    assert_eq!(vaults.list().unwrap().vaults.len(), 1);
    assert!(refused(migrate(VaultType::LocalEncryption, None)).contains("same type"));
    vault.put("NEW", &Secret::new("n")).unwrap();
    assert!(refused(migrate(VaultType::Env, prefix)).contains("'NEW' not found"));
    assert_eq!(vaults.find("main").unwrap().type_name, "local_encryption");
    assert!(repo.root.join("vaults/local_encryption/id-of-main.yaml").exists());
}
