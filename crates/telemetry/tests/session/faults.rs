//! Spools that cannot be written.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use swamp_telemetry::{Closed, CommandWords, Outcome, Status, status};
use tempfile::TempDir;

use super::support::*;

/// Runs two calls and reports what was told of faults.
fn run_with(home: TempDir) -> (Closed, Vec<String>, TempDir) {
    let mut rig = Rig::in_home(home, CommandWords::new(["workflow", "run"]), |_| {});
    let main = job(&rig.run("w"), "j");
    succeeds(&rig, &step(&main, "a"), 1);
    exits_with_3(&rig, &step(&main, "b"), 1, false);
    let closed = rig.close(&Outcome::exit(1));
    let faults = rig.faults.lock().unwrap().clone();
    (closed, faults, rig.home)
}

/// Weakness 37: a symbolic link leads out of the repository.
#[test]
fn a_spool_that_is_no_directory_of_ours_is_left_alone() {
    type Prepare = fn(&Path);
    let obstacles: &[(&str, Prepare, &str)] = &[
        ("a file", |spool| fs::write(spool, "mine").unwrap(), "is not a directory"),
        ("a dangling link", |spool| symlink("/nonexistent/x", spool).unwrap(), "symbolic link"),
        (
            "a link to a directory",
            |spool| {
                let elsewhere = spool.with_file_name("elsewhere");
                fs::create_dir(&elsewhere).unwrap();
                symlink(elsewhere, spool).unwrap();
            },
            "symbolic link",
        ),
        (
            "a file above",
            |spool| {
                let above = spool.parent().unwrap();
                fs::remove_dir(above).unwrap();
                fs::write(above, "mine").unwrap();
            },
            "",
        ),
    ];
    for (name, prepare, message) in obstacles {
        let home = TempDir::new().unwrap();
        let path = spool(&home);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        prepare(&path);
        let before = snapshot(home.path());
        let (closed, faults, home) = run_with(home);
        assert_eq!((closed.written, closed.lost), (0, 3), "{name}");
        assert!(faults.iter().any(|fault| fault.contains(message)), "{name}: {faults:?}");
        assert!(faults.iter().all(|fault| !fault.contains('\n')));
        assert_eq!(snapshot(home.path()), before, "{name}");
    }
}

/// Every path below a directory, with the text of files.
fn snapshot(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for item in fs::read_dir(dir).unwrap() {
        let path = item.unwrap().path();
        found.push(format!("{}={:?}", path.display(), fs::read_to_string(&path).ok()));
        if path.symlink_metadata().unwrap().is_dir() {
            found.extend(snapshot(&path));
        }
    }
    found.sort();
    found
}

#[test]
fn without_a_journal_the_command_still_has_its_entry() {
    let home = TempDir::new().unwrap();
    fs::create_dir_all(spool(&home)).unwrap();
    fs::write(spool(&home).join("sessions"), "in the way").unwrap();
    let (closed, faults, home) = run_with(home);
    assert_eq!((closed.written, closed.lost), (1, 2));
    assert!(faults[0].contains("is not a directory"), "{faults:?}");
    assert_eq!(status(&spool(&home)).unwrap().lost, 2);
    let entries = entries(&spool(&home));
    let counts = entries[0].method_counts.as_ref().unwrap();
    assert_eq!((counts.success, counts.error), (1, 1), "the truth, although the calls are lost");
    let (_, _, home) = run_with(home);
    assert_eq!(status(&spool(&home)).unwrap().lost, 4 + 1, "and an entry that was there already");
}

/// Weakness 40: nobody can look at the state of the spool.
#[test]
fn a_spool_tells_how_it_is_doing() {
    let home = TempDir::new().unwrap();
    assert_eq!(status(&spool(&home)).unwrap(), Status::default());
    let (_, _, home) = run_with(home);
    let path = spool(&home);
    fs::write(path.join("telemetry-2026-01-01-x.flushed.json"), "1234").unwrap();
    fs::write(path.join("telemetry-2026-01-01-y.quarantined.json"), "1234").unwrap();
    fs::write(path.join("sessions/x.journal"), "").unwrap();
    let found = status(&path).unwrap();
    assert_eq!((found.waiting, found.kept, found.sessions, found.lost), (3, 1, 1, 0));
    assert!(found.bytes > 1000);
    let error = status(&path.join("sessions/x.journal")).unwrap_err().to_string();
    assert!(error.ends_with("is not a directory"), "{error}");
}

/// Weakness 37: everybody may read the spool.
#[test]
fn nobody_else_can_look() {
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let home = TempDir::new().unwrap();
    // As older versions made it.
    fs::create_dir_all(spool(&home)).unwrap();
    fs::set_permissions(spool(&home), fs::Permissions::from_mode(0o755)).unwrap();
    let mut rig = Rig::in_home(home, CommandWords::new(["x"]), |_| {});
    step(&job(&rig.run("w"), "j"), "s").emit(executing());
    let journal = rig.spool().join("sessions").join(&journals(&rig.spool())[0]);
    assert_eq!(mode(&journal), 0o600);
    rig.close(&Outcome::success());
    assert_eq!(mode(&rig.spool()), 0o700);
    assert_eq!(mode(&rig.spool().join("sessions")), 0o700);
    for name in files(&rig.spool()) {
        assert_eq!(mode(&rig.spool().join(name)), 0o600);
    }
}

/// Also started by [`a_disk_that_fills_up_costs_entries_and_nothing_else`], with a limit on the
/// size of files.
#[test]
fn process_on_a_full_disk() {
    let own = TempDir::new().unwrap();
    let limited = std::env::var_os("SWAMP_TEST_SPOOL");
    let is_limited = limited.is_some();
    let spool = limited.map_or_else(|| spool(&own), Into::into);
    let mut rig = Rig::in_home(TempDir::new().unwrap(), CommandWords::new(["x"]), |config| {
        config.spool = spool;
        config.ids = std::sync::Arc::new(swamp_ident::RandomIds);
    });
    let main = job(&rig.run("w"), "j");
    for number in 0..100 {
        succeeds(&rig, &step(&main, &number.to_string()), 1);
    }
    let closed = rig.close(&Outcome::success());
    println!("written {} lost {};", closed.written, closed.lost);
    println!("faults {};", rig.faults.lock().unwrap().len());
    assert_eq!(closed.lost == 0, !is_limited);
}

#[test]
fn a_disk_that_fills_up_costs_entries_and_nothing_else() {
    for (blocks, own_entry) in [("0", false), ("8", true)] {
        let home = TempDir::new().unwrap();
        let spool = spool(&home);
        fs::create_dir_all(&spool).unwrap();
        let script = "trap '' XFSZ; ulimit -f \"$1\"; shift; exec \"$@\"";
        let output = Command::new("sh")
            .args(["-c", script, "sh", blocks])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "faults::process_on_a_full_disk", "--nocapture"])
            .env("SWAMP_TEST_SPOOL", &spool)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        let entries = entries(&spool);
        let (written, lost) = (entries.len(), 101 - entries.len());
        assert!(text.contains(&format!("written {written} lost {lost};")), "{text}");
        assert!(!text.contains("faults 0;"), "{text}");
        assert!(lost > 0);
        assert_eq!(entries.first().is_some_and(|entry| !entry.is_child()), own_entry);
        assert_eq!(journals(&spool), [""; 0]);
    }
}
