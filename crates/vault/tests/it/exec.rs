//! Commands, and `age`.

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use swamp_secret::Secret;
use swamp_vault::VaultType;

use crate::around::{Repo, refused};

#[test]
fn commands_print_secrets() {
    let repo = Repo::new();
    let sh = |script: &str| json!({"command": ["sh", "-c", script, "{key}"]});
    for (script, want) in [
        ("printf '%s\\n' \"v of $0\"", Ok("v of a/b $(x)")),
        ("printf 'a\\n\\n'", Ok("a\n")),
        ("printf 'a\\r\\n'", Ok("a")),
        ("echo one; sleep 100 & echo two", Ok("one\ntwo")),
        (
            "echo partial; echo 'not signed in' >&2; exit 4",
            Err("'sh' exited with code 4: not signed in"),
        ),
        ("kill -9 $$", Err("'sh' was killed")),
        ("printf '\\377'", Err("it is not UTF-8 text")),
        ("head -c 2000000 /dev/zero", Err("'sh' printed more than 1 MiB")),
        ("cat", Ok("")),
    ] {
        repo.vault_file("exec", "x", &sh(script));
        let vault = repo.open("x").unwrap();
        match (vault.get("a/b $(x)"), want) {
            (Ok(secret), Ok(want)) => assert_eq!(secret, Secret::new(want), "{script}"),
            (Err(error), Err(want)) => {
                let error = error.to_string();
                assert!(error.starts_with("Vault 'x' could not get secret 'a/b $(x)'"), "{error}");
                assert!(error.contains(want) && !error.contains("partial"), "{error}");
            }
            (got, want) => panic!("{script}: {got:?}, wanted {want:?}"),
        }
    }
    repo.vault_file("exec", "x", &json!({"command": ["no-such-program", "{key}"]}));
    let vault = repo.open("x").unwrap();
    assert!(refused(vault.get("k")).contains("program 'no-such-program' is not installed"));
    assert!(refused(vault.get("--help")).contains("must not begin with '-'"));
    assert!(refused(vault.list()).contains("cannot list its keys"));
    assert!(refused(vault.put("k", &Secret::new("v"))).contains("is read-only"));
}

#[test]
fn settings_of_commands_are_checked() {
    let repo = Repo::new();
    for (config, want) in [
        (json!({}), "'command' must be a list"),
        (json!({"command": "pass show {key}"}), "'command' must be a list"),
        (json!({"command": []}), "must name a program"),
        (json!({"command": ["pass", 1]}), "must be a list of texts"),
        (json!({"command": ["pass", "show"]}), "must have {key}"),
        (json!({"command": ["{key}", "{key}"]}), "must not depend on {key}"),
        (json!({"command": ["a", "{key}"], "timeout": "1s"}), "number of milliseconds"),
    ] {
        repo.vault_file("exec", "x", &config);
        let error = refused(repo.open("x"));
        assert!(error.contains(want), "{error}");
    }
}

#[test]
fn commands_end_with_everything_they_started() {
    let mut repo = Repo::new();
    let alive = repo.root.join("alive");
    let script = "(while :; do date > alive; sleep 0.01; done) & echo started > begun; wait";
    let command = json!({"command": ["sh", "-c", script, "{key}"], "timeout": 400});
    repo.vault_file("exec", "x", &command);
    let is_quiet = || {
        fs::remove_file(&alive).unwrap();
        std::thread::sleep(Duration::from_millis(100));
        !alive.exists()
    };
    assert!(refused(repo.open("x").unwrap().get("k")).contains("took longer than 400 ms"));
    assert!(is_quiet());
    // Stopped, long before the time is over.
    fs::remove_file(repo.root.join("begun")).unwrap();
    repo.vault_file("exec", "x", &json!({"command": command["command"], "timeout": 600_000}));
    let stop = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stop);
    repo.around.stop = Arc::new(move || asked.load(Ordering::Relaxed));
    let vault = repo.open("x").unwrap();
    let start = Instant::now();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| refused(vault.get("k")));
        while !repo.root.join("begun").exists() || !alive.exists() {
            assert!(start.elapsed() < Duration::from_mins(1), "it does not begin");
            std::thread::sleep(Duration::from_millis(5));
        }
        stop.store(true, Ordering::Relaxed);
        assert!(waiting.join().unwrap().contains("it was stopped"));
    });
    assert!(is_quiet());
}

#[test]
fn age_files_are_read_and_written() {
    let repo = Repo::new();
    let identity = repo.around.home.clone().unwrap().join("identity.txt");
    let made = Command::new("age-keygen").arg("-o").arg(&identity).output();
    let made = made.expect("this test needs age: install it, or run cargo xtask test");
    assert!(made.status.success(), "{made:?}");
    let text = fs::read_to_string(&identity).unwrap();
    let recipient = text.lines().find_map(|line| line.strip_prefix("# public key: ")).unwrap();
    let config = json!({"identities": "~/identity.txt", "recipients": [recipient]});
    let vault = repo.create(VaultType::Age, "team", config);
    assert_eq!(vault.list().unwrap(), [""; 0]);
    let secret = Secret::new("gr\u{fc}n \"q\"\nline 2");
    vault.put("TOKEN", &secret).unwrap();
    assert_eq!(vault.get("TOKEN").unwrap(), secret);
    assert_eq!(vault.list().unwrap(), ["TOKEN"]);
    // What age itself made.
    let file = repo.root.join("secrets/team/BY_HAND.age");
    let script = "printf 'by hand\\n' | age -r \"$0\" -o \"$1\"";
    let made = Command::new("sh").args(["-c", script, recipient]).arg(&file).status();
    assert!(made.unwrap().success());
    assert_eq!(vault.get("BY_HAND").unwrap(), Secret::new("by hand"));
    let raw = fs::read(repo.root.join("secrets/team/TOKEN.age")).unwrap();
    assert!(raw.starts_with(b"age-encryption.org/v1"));
    vault.delete("TOKEN").unwrap();
    assert!(refused(vault.get("TOKEN")).contains("there is no file"));
    fs::write(&file, "garbage").unwrap();
    assert!(refused(vault.get("BY_HAND")).starts_with("Vault 'team' could not get secret"));
    let reader = repo.create(VaultType::Age, "reader", Value::Object(serde_json::Map::new()));
    assert!(refused(reader.put("K", &secret)).contains("no 'recipients'"));
    repo.vault_file("age", "evil", &json!({"program": "./evil"}));
    assert!(refused(repo.open("evil")).contains("must be age or rage"));
}
