use std::fs;
use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use swamp_ident::{DefinitionId, TypeName};
use tempfile::TempDir;

use super::file::{self, Attempt};
use super::{LockNotice, LockOwner, Locks, ModelKey};
use crate::{RepoPaths, StoreError};

const ID: &str = "95fa001e-7202-4667-81f4-66c21eddafd";
/// Above the highest process id there can be.
const NOBODY: u32 = 999_999_999;

struct Fixture {
    directory: TempDir,
    paths: RepoPaths,
    locks: Locks,
}

impl Fixture {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let paths = RepoPaths::new(directory.path());
        let owner = LockOwner::current(Some("tester"), None);
        let locks = Locks::new(paths.clone(), owner).with_patience(Duration::ZERO);
        Self { directory, paths, locks }
    }

    fn nested_in(&self, pid: u32) -> Locks {
        let mut locks = self.locks.clone();
        locks.owner.nested_in = Some(pid);
        locks
    }

    fn model_path(&self, number: u8) -> PathBuf {
        let key = key(number);
        self.paths.model_lock(&key.type_name, &key.id)
    }

    /// Writes a lock file as the other implementation does.
    fn put(path: &Path, pid: u32, age_ms: i64, hostname: &str) {
        let acquired = super::Timestamp::from_millis(now() - age_ms);
        let content = json!({
            "holder": "operator@elsewhere", "hostname": hostname, "pid": pid,
            "acquiredAt": acquired.to_string(), "ttlMs": 30000, "nonce": "n",
        });
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content.to_string()).unwrap();
    }
}

fn now() -> i64 {
    use swamp_ident::Clock as _;
    swamp_ident::SystemClock::new().now().wall.as_millis()
}

fn key(number: u8) -> ModelKey {
    ModelKey {
        type_name: TypeName::normalised("command/shell"),
        id: DefinitionId::new(format!("{ID}{number}")),
    }
}

fn quiet() -> impl FnMut(LockNotice) {
    |_| {}
}

const NEVER: &dyn Fn() -> bool = &|| false;

#[test]
fn a_lock_is_a_file_the_other_implementation_understands() {
    let fixture = Fixture::new();
    let keys = [key(2), key(1), key(2)];
    let locks = fixture.locks.models(&keys, &mut quiet(), NEVER).unwrap();
    assert_eq!(locks.len(), 2);
    let text = fs::read_to_string(fixture.model_path(1)).unwrap();
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["pid"], json!(std::process::id()));
    assert_eq!(value["ttlMs"], json!(30000));
    let hostname = value["hostname"].as_str().unwrap();
    assert_eq!(value["holder"], json!(format!("tester@{hostname}")));
    assert!(text.starts_with("{\n  \"holder\": "), "{text}");
    let status = fixture.locks.model_status().unwrap();
    assert_eq!(status.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>(), [key(1), key(2)]);
    drop(locks);
    assert!(fixture.locks.model_status().unwrap().is_empty());
    let left: Vec<_> = fs::read_dir(fixture.model_path(1).parent().unwrap()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_confirmed_lock_has_a_new_time_and_is_otherwise_the_same() {
    let fixture = Fixture::new();
    let path = fixture.model_path(1);
    let Attempt::Taken(lock) = file::attempt(&path, &fixture.locks.owner).unwrap() else {
        panic!("a free lock was not given");
    };
    let before = file::read(&path).unwrap().unwrap();
    let pinned = fs::read_to_string(&path)
        .unwrap()
        .replace(&before.acquired_at.to_string(), "2000-01-01T00:00:00.000Z");
    fs::write(&path, pinned).unwrap();
    lock.confirm();
    let after = file::read(&path).unwrap().unwrap();
    assert!(after.acquired_at >= before.acquired_at);
    assert_eq!(after.nonce, before.nonce);
}

#[test]
fn a_held_lock_is_refused_with_its_holder() {
    let fixture = Fixture::new();
    let held = fixture.locks.models(&[key(1)], &mut quiet(), NEVER).unwrap();
    let mut notices = Vec::new();
    let error =
        fixture.locks.models(&[key(1)], &mut |notice| notices.push(notice), NEVER).unwrap_err();
    let StoreError::LockTimeout { path, holder, pid, .. } = &error else { panic!("{error}") };
    assert_eq!(*path, fixture.model_path(1));
    assert!(holder.starts_with("tester@"));
    assert_eq!(*pid, std::process::id());
    assert!(matches!(&notices[..], [LockNotice::ModelHeld(held, Some(_))] if *held == key(1)));
    // Other models are free.
    assert!(fixture.locks.models(&[key(2)], &mut quiet(), NEVER).is_ok());
    drop(held);
    assert!(fixture.locks.models(&[key(1)], &mut quiet(), NEVER).is_ok());
}

#[test]
fn files_of_dead_or_silent_owners_do_not_block_and_those_of_live_ones_do() {
    let fixture = Fixture::new();
    let hostname = fixture.locks.owner.hostname.clone();
    let alive = std::process::id();
    let path = fixture.model_path(1);
    for (pid, age_ms, host, blocks) in [
        (NOBODY, 0, hostname.as_str(), false),
        (NOBODY, 0, "elsewhere", true),
        (NOBODY, 31_000, "elsewhere", false),
        (alive, 0, hostname.as_str(), true),
        (alive, 31_000, hostname.as_str(), false),
        (alive, -60_000, hostname.as_str(), true),
        (0, 0, hostname.as_str(), false),
    ] {
        Fixture::put(&path, pid, age_ms, host);
        let taken = fixture.locks.models(&[key(1)], &mut quiet(), NEVER);
        assert_eq!(taken.is_err(), blocks, "pid {pid}, age {age_ms}, host {host}");
        drop(taken);
        assert_eq!(path.exists(), blocks);
    }
}

#[test]
fn one_of_our_files_without_its_process_is_free_at_once() {
    let fixture = Fixture::new();
    let path = fixture.model_path(1);
    let held = fixture.locks.models(&[key(1)], &mut quiet(), NEVER).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    drop(held);
    // The file as it would be left by a kill: fresh, with a process id that lives again.
    fs::write(&path, text).unwrap();
    assert!(fixture.locks.models(&[key(1)], &mut quiet(), NEVER).is_ok());
}

/// Runs itself a second time as the owner, and kills that.
#[test]
fn a_killed_owner_does_not_block() {
    const VARIABLE: &str = "SWAMP_TEST_LOCK_DIRECTORY";
    if let Some(directory) = std::env::var_os(VARIABLE) {
        let owner = LockOwner::current(Some("killed"), None);
        let locks = Locks::new(RepoPaths::new(directory), owner);
        let _models = locks.models(&[key(1)], &mut quiet(), NEVER).unwrap();
        println!("\nholding");
        std::io::stdin().read_line(&mut String::new()).unwrap();
        return;
    }
    let fixture = Fixture::new();
    let mut owner = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "lock::tests::a_killed_owner_does_not_block", "--nocapture"])
        .env(VARIABLE, fixture.directory.path())
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let output = std::io::BufReader::new(owner.stdout.take().unwrap());
    assert!(output.lines().any(|line| line.unwrap() == "holding"));
    let error = fixture.locks.models(&[key(1)], &mut quiet(), NEVER).unwrap_err();
    assert!(
        matches!(&error, StoreError::LockTimeout { holder, pid, .. }
            if holder.starts_with("killed@") && *pid == owner.id()),
        "{error}"
    );
    owner.kill().unwrap();
    owner.wait().unwrap();
    assert!(fixture.model_path(1).exists());
    assert!(fixture.locks.models(&[key(1)], &mut quiet(), NEVER).is_ok());
}

#[test]
fn a_file_that_cannot_be_read_blocks_only_while_it_is_young() {
    let fixture = Fixture::new();
    let path = fixture.model_path(1);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, "{\"hol").unwrap();
    let error = fixture.locks.models(&[key(1)], &mut quiet(), NEVER).unwrap_err();
    assert!(matches!(error, StoreError::LockTimeout { .. }));
    let old = std::time::SystemTime::now() - Duration::from_mins(1);
    fs::File::options().write(true).open(&path).unwrap().set_modified(old).unwrap();
    assert!(fixture.locks.models(&[key(1)], &mut quiet(), NEVER).is_ok());
}

#[test]
fn structural_commands_and_runs_keep_out_of_each_others_way() {
    let fixture = Fixture::new();
    let global = fixture.locks.global(&mut quiet(), NEVER).unwrap();
    assert_eq!(global.path(), Some(fixture.paths.global_lock().as_path()));
    let mut notices = Vec::new();
    let error =
        fixture.locks.models(&[key(1)], &mut |notice| notices.push(notice), NEVER).unwrap_err();
    assert!(
        matches!(error, StoreError::LockTimeout { path, .. } if path == fixture.paths.global_lock())
    );
    assert!(matches!(notices[..], [LockNotice::GlobalHeld(Some(_))]));
    drop(global);

    let model = fixture.locks.models(&[key(1)], &mut quiet(), NEVER).unwrap();
    let asked = AtomicUsize::new(0);
    let stop = || asked.fetch_add(1, Ordering::Relaxed) > 2;
    let mut notices = Vec::new();
    let error = fixture.locks.global(&mut |notice| notices.push(notice), &stop).unwrap_err();
    assert!(matches!(error, StoreError::LockInterrupted { .. }));
    assert_eq!(notices, [LockNotice::ModelsHeld(1)]);
    drop(model);
    assert!(fixture.locks.global(&mut quiet(), NEVER).is_ok());
}

#[test]
fn a_stale_global_lock_is_removed_and_said_so() {
    let fixture = Fixture::new();
    Fixture::put(&fixture.paths.global_lock(), NOBODY, 31_000, "elsewhere");
    let mut notices = Vec::new();
    fixture.locks.models(&[key(1)], &mut |notice| notices.push(notice), NEVER).unwrap();
    assert!(matches!(&notices[..], [LockNotice::GlobalStale(Some(info))] if info.pid == NOBODY));
    assert!(!fixture.paths.global_lock().exists());
}

#[test]
fn commands_started_by_a_run_pass_its_locks_or_fail_at_once() {
    let fixture = Fixture::new();
    let _held = fixture.locks.models(&[key(1)], &mut quiet(), NEVER).unwrap();
    let nested = fixture.nested_in(std::process::id()).with_patience(Duration::from_hours(1));
    assert!(nested.global(&mut quiet(), NEVER).is_ok());
    assert!(nested.models(&[key(2)], &mut quiet(), NEVER).is_ok());
    // Waiting for the run that waits for us would never end.
    let error = nested.models(&[key(1)], &mut quiet(), NEVER).unwrap_err();
    assert!(matches!(error, StoreError::LockHeldByParent { .. }), "{error}");
}

#[test]
fn locks_can_be_shown_and_removed_by_force() {
    let fixture = Fixture::new();
    assert_eq!(fixture.locks.global_status().unwrap(), None);
    assert_eq!(fixture.locks.force_release_global().unwrap(), None);
    Fixture::put(&fixture.paths.global_lock(), NOBODY, 31_000, "elsewhere");
    Fixture::put(&fixture.model_path(1), NOBODY, 0, "elsewhere");
    let shown = fixture.locks.global_status().unwrap().unwrap();
    assert_eq!((shown.pid, shown.holder.as_str()), (NOBODY, "operator@elsewhere"));
    assert_eq!(fixture.locks.model_status().unwrap().len(), 1);
    assert_eq!(fixture.locks.force_release_global().unwrap(), Some(shown));
    assert!(fixture.locks.force_release_model(&key(1)).unwrap().is_some());
    assert!(fixture.locks.model_status().unwrap().is_empty());
}

#[test]
fn an_owner_whose_lock_was_removed_by_force_does_not_remove_the_next_one() {
    let fixture = Fixture::new();
    let first = fixture.locks.models(&[key(1)], &mut quiet(), NEVER).unwrap();
    fixture.locks.force_release_model(&key(1)).unwrap();
    let second = fixture.locks.models(&[key(1)], &mut quiet(), NEVER).unwrap();
    drop(first);
    assert!(fixture.model_path(1).exists());
    drop(second);
    assert!(!fixture.model_path(1).exists());
}

#[test]
fn only_one_of_many_is_inside_at_a_time() {
    let fixture = Fixture::new();
    let locks = fixture.locks.clone().with_patience(Duration::from_hours(1));
    let inside = AtomicBool::new(false);
    let order = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for number in 0..8_u8 {
            let (locks, inside, order) = (&locks, &inside, &order);
            scope.spawn(move || {
                for _ in 0..20 {
                    let enter = || {
                        assert!(!inside.swap(true, Ordering::SeqCst), "two are inside");
                        order.lock().unwrap().push(number);
                        thread::yield_now();
                        inside.store(false, Ordering::SeqCst);
                    };
                    if number == 0 {
                        let _lock = locks.global(&mut quiet(), NEVER).unwrap();
                        enter();
                    } else {
                        let keys = [key(1), key(number)];
                        let _lock = locks.models(&keys, &mut quiet(), NEVER).unwrap();
                        enter();
                    }
                }
            });
        }
    });
    assert_eq!(order.into_inner().unwrap().len(), 160);
}
