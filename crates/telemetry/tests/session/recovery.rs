//! Sessions whose process died.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use swamp_ident::{ErrorCategory, Phase};
use swamp_telemetry::{Closed, CommandWords, Outcome, Recovered, recover_sessions};
use swamp_wire::{ResultStatus, TelemetryEntry};
use tempfile::TempDir;

use super::support::*;

/// The journal of a run that has every kind of call in it, as it is when the process dies.
fn journal_of_a_run() -> Vec<u8> {
    let rig = Rig::new();
    let main = job(&rig.run("w"), "j");
    rig.clock.pass(10);
    succeeds(&rig, &step(&main, "a-success"), 20);
    exits_with_3(&rig, &step(&main, "b-failure"), 30, true);
    let early = failure(ErrorCategory::ModelNotFound, "Model not found: x");
    step(&main, "c-early").emit(failed(early, Some(call())));
    let finished_step = step(&main, "d-finished");
    finished_step.emit(executing());
    step(&main, "e-open").emit(executing());
    rig.clock.pass(40);
    finished_step.emit(finished());
    let name = &journals(&rig.spool())[0];
    fs::read(rig.spool().join("sessions").join(name)).unwrap()
}

/// Lets another command find a journal whose writer is gone.
fn recover(journal: &[u8]) -> (Recovered, Vec<TelemetryEntry>) {
    let home = TempDir::new().unwrap();
    let recovered = recover_in(&home, journal);
    assert_eq!(journals(&spool(&home)), [""; 0]);
    let mut entries = entries(&spool(&home));
    entries.retain(|entry| entry.invocation.command != "version");
    (recovered, entries)
}

fn recover_in(home: &TempDir, journal: &[u8]) -> Recovered {
    let sessions = spool(home).join("sessions");
    fs::create_dir_all(&sessions).unwrap();
    fs::write(sessions.join("dead.journal"), journal).unwrap();
    next_command(home)
}

fn next_command(home: &TempDir) -> Recovered {
    let closed = command_with(home, None);
    assert!(!closed.is_unsettled);
    closed.recovered
}

/// A command that takes so much time for dead sessions.
fn command_with(home: &TempDir, settle_for: Option<Duration>) -> Closed {
    // Real ids, so that they differ from those of the dead session.
    let next = TempDir::new().unwrap();
    let mut rig = Rig::in_home(next, CommandWords::new(["version"]), |config| {
        config.spool = spool(home);
        config.ids = std::sync::Arc::new(swamp_ident::RandomIds);
        config.settle_for = settle_for;
    });
    let closed = rig.close(&Outcome::success());
    assert_eq!((closed.written, closed.lost), (1, 0));
    closed
}

/// Weakness 45: a process that dies leaves calls without an end.
#[test]
fn every_call_that_began_gets_its_entry() {
    let (recovered, entries) = recover(&journal_of_a_run());
    assert_eq!(recovered, Recovered { sessions: 1, entries: 6 });
    let told: Vec<_> = entries
        .iter()
        .map(|entry| {
            let step = entry.workflow_context.as_ref().map(|context| context.step_name.as_str());
            let category = entry.result.error_category.as_ref().and_then(swamp_wire::Word::known);
            (step, category, entry.duration_ms)
        })
        .collect();
    assert_eq!(
        told,
        [
            // The last thing known of it happened 100 ms after its start.
            (None, Some(ErrorCategory::Terminated), 100),
            (Some("a-success"), None, 20),
            (Some("b-failure"), Some(ErrorCategory::Method), 30),
            (Some("c-early"), Some(ErrorCategory::ModelNotFound), 0),
            (Some("d-finished"), None, 40),
            (Some("e-open"), Some(ErrorCategory::Terminated), 40),
        ]
    );
    let command = &entries[0];
    assert_eq!(command.result.status, ResultStatus::Error);
    assert_eq!(command.run_id.as_ref().unwrap().as_str(), "run-of-w");
    let counts = command.method_counts.as_ref().unwrap();
    assert_eq!((counts.total, counts.success, counts.error), (5, 2, 3));
    let early = entries[3].workflow_context.as_ref().unwrap();
    assert_eq!(early.phase, Some(Phase::BeforeMethod.into()));
}

#[test]
fn a_journal_may_be_torn_anywhere() {
    let journal = journal_of_a_run();
    let mut most = 0;
    for length in 0..=journal.len() {
        let torn = &journal[..length];
        let whole = &torn[..torn.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1)];
        let text = std::str::from_utf8(whole).unwrap();
        let count = |kind: &str| text.matches(&format!(" {{\"{kind}\":")).count();
        let (recovered, entries) = recover(torn);
        let want = count("open") + count("begin") + count("whole");
        assert_eq!(entries.len(), want, "{length}");
        assert_eq!(recovered.entries, want as u64);
        most = most.max(want);
    }
    assert_eq!(most, 6);
}

#[test]
fn a_damaged_line_costs_that_line_only() {
    let journal = journal_of_a_run();
    let (_, whole) = recover(&journal);
    let lines: Vec<&[u8]> = journal.split_inclusive(|byte| *byte == b'\n').collect();
    let places = lines.iter().enumerate().flat_map(|(number, line)| {
        // A line feed that is gone costs the line after it as well.
        (0..line.len() - 1).map(move |_| (number, line))
    });
    let starts = lines.iter().scan(0, |at, line| {
        *at += line.len();
        Some(*at - line.len()..*at - 1)
    });
    for ((number, line), at) in places.zip(starts.flatten()) {
        let mut damaged = journal.clone();
        damaged[at] ^= 0x20;
        let (_, entries) = recover(&damaged);
        let is = |kind: &str| line[9..].starts_with(format!("{{\"{kind}\":").as_bytes());
        let want = match () {
            // Without its command nothing can be said of a call.
            () if is("open") => 0,
            () if is("begin") || is("whole") => whole.len() - 1,
            () => whole.len(),
        };
        assert_eq!(entries.len(), want, "line {number}");
        for entry in entries {
            assert!(whole.iter().any(|other| other.id == entry.id));
        }
    }
}

#[test]
fn nonsense_is_removed_without_a_word() {
    for nonsense in [&b""[..], b"\n\n\n", b"no journal at all\n", &[0xFF; 3000]] {
        let (recovered, entries) = recover(nonsense);
        assert_eq!(recovered, Recovered { sessions: 1, entries: 0 });
        assert_eq!(entries, []);
    }
}

#[test]
fn what_the_dead_process_had_written_is_not_written_twice() {
    let home = TempDir::new().unwrap();
    recover_in(&home, &journal_of_a_run());
    let spool = spool(&home);
    let names = files(&spool);
    let before: Vec<_> = names.iter().map(|name| fs::read(spool.join(name)).unwrap()).collect();
    // One file was torn, one was sent and removed.
    let child = names.iter().position(|name| name.contains("00000000-0000-0000-0000-000000000002"));
    fs::write(spool.join(&names[child.unwrap()]), &before[child.unwrap()][..100]).unwrap();
    assert_eq!(recover_in(&home, &journal_of_a_run()).sessions, 1);
    for (name, text) in names.iter().zip(before) {
        assert_eq!(fs::read(spool.join(name)).unwrap(), text, "{name}");
    }
    assert_eq!(files(&spool).len(), names.len() + 1, "the second command's own entry");
}

/// Weakness 45: a process that dies leaves no command.
#[test]
fn a_command_that_dies_before_it_calls_anything_has_its_entry() {
    let rig = Rig::of(CommandWords::new(["model", "search"]).option("--json"));
    rig.clock.pass(3);
    let name = &journals(&rig.spool())[0];
    let journal = fs::read(rig.spool().join("sessions").join(name)).unwrap();
    let (recovered, entries) = recover(&journal);
    assert_eq!(recovered, Recovered { sessions: 1, entries: 1 });
    assert_eq!(entries[0].id, *rig.session.as_ref().unwrap().id());
    assert_eq!(entries[0].invocation.global_options, ["--json"]);
    assert_eq!(entries[0].result.error_category, Some(ErrorCategory::Terminated.into()));
    assert_eq!(entries[0].method_counts, None);
}

#[test]
fn whoever_tells_about_the_spool_settles_it_first() {
    let home = TempDir::new().unwrap();
    let sessions = spool(&home).join("sessions");
    fs::create_dir_all(&sessions).unwrap();
    fs::write(sessions.join("dead.journal"), journal_of_a_run()).unwrap();
    let mut rig =
        Rig::in_home(TempDir::new().unwrap(), CommandWords::new(["telemetry"]), |config| {
            config.spool = spool(&home);
            config.ids = std::sync::Arc::new(swamp_ident::RandomIds);
        });
    let recovered = rig.session.as_ref().unwrap().recover();
    assert_eq!(recovered, Recovered { sessions: 1, entries: 6 });
    assert_eq!(entries(&spool(&home)).len(), 6);
    assert_eq!(journals(&spool(&home)).len(), 1, "its own");
    assert_eq!(rig.close(&Outcome::success()).recovered, recovered);
}

#[test]
fn many_commands_at_once_settle_a_dead_session_once() {
    let home = TempDir::new().unwrap();
    let sessions = spool(&home).join("sessions");
    fs::create_dir_all(&sessions).unwrap();
    let journal = journal_of_a_run();
    for number in 0..20 {
        // Ids of its own for each of them; a line that was changed has another sum.
        let text = String::from_utf8(journal.clone()).unwrap();
        let text =
            text.replace("00000000-0000-0000-0000-", &format!("00000000-0000-0000-{number:04}-"));
        let lines = text.lines().map(|line| format!("{:08x} {}\n", crc(&line[9..]), &line[9..]));
        fs::write(sessions.join(format!("dead-{number}.journal")), lines.collect::<String>())
            .unwrap();
    }
    let recovered: Vec<Recovered> = std::thread::scope(|threads| {
        let commands: Vec<_> = (0..16).map(|_| threads.spawn(|| next_command(&home))).collect();
        commands.into_iter().map(|command| command.join().unwrap()).collect()
    });
    assert_eq!(recovered.iter().map(|one| one.sessions).sum::<u64>(), 20);
    assert_eq!(recovered.iter().map(|one| one.entries).sum::<u64>(), 20 * 6);
    assert_eq!(entries(&spool(&home)).len(), 16 + 20 * 6);
    assert_eq!(journals(&spool(&home)), [""; 0]);
}

/// Entries that a command settles in any case.
const USUAL: u64 = 16;

/// The journal of a run that died with so many calls ended, and so many open.
fn journal_of_calls(ended: usize, open: usize) -> Vec<u8> {
    let rig = Rig::new();
    let main = job(&rig.run("w"), "j");
    for number in 0..ended {
        succeeds(&rig, &step(&main, &format!("ended-{number}")), 5);
    }
    for number in 0..open {
        step(&main, &format!("open-{number}")).emit(executing());
    }
    let name = &journals(&rig.spool())[0];
    fs::read(rig.spool().join("sessions").join(name)).unwrap()
}

/// The files of a dead session by name, with what they say.
fn files_of_the_dead(home: &TempDir) -> BTreeMap<String, Vec<u8>> {
    let spool = spool(home);
    let names = files(&spool).into_iter().filter(|name| name.contains("-00000000-0000-"));
    names.map(|name| (name.clone(), fs::read(spool.join(name)).unwrap())).collect()
}

fn with_journal(journal: &[u8]) -> TempDir {
    let home = TempDir::new().unwrap();
    let sessions = spool(&home).join("sessions");
    fs::create_dir_all(&sessions).unwrap();
    fs::write(sessions.join("dead.journal"), journal).unwrap();
    home
}

/// Weakness 45: calls of a process that died have no command, here for a while at most.
#[test]
fn what_there_is_no_time_for_is_left_and_gone_on_with() {
    // Stopped among the ended ones first, then among the open ones.
    let journal = journal_of_calls(20, 25);
    let at_once = with_journal(&journal);
    next_command(&at_once);
    let want = files_of_the_dead(&at_once);
    assert_eq!(want.len(), 46);

    let home = with_journal(&journal);
    let mut seen = BTreeMap::new();
    for (entries, sessions, is_unsettled) in
        [(USUAL, 0, true), (USUAL, 0, true), (46 - 2 * USUAL, 1, false)]
    {
        let closed = command_with(&home, Some(Duration::ZERO));
        assert_eq!(closed.recovered, Recovered { sessions, entries });
        assert_eq!(closed.is_unsettled, is_unsettled);
        // Delivered at once; what is gone does not come back.
        for (name, text) in files_of_the_dead(&home) {
            fs::remove_file(spool(&home).join(&name)).unwrap();
            assert_eq!(seen.insert(name, text), None);
        }
    }
    assert_eq!(seen, want);
    assert_eq!(journals(&spool(&home)), [""; 0]);
    assert_eq!(next_command(&home), Recovered::default());
}

#[test]
fn what_was_begun_may_be_torn_anywhere_too() {
    let journal = journal_of_calls(3, 20);
    // A line that was torn when the process died must not swallow what comes after it.
    for torn in [0, 40] {
        let journal = &journal[..journal.len() - torn];
        let at_once = with_journal(journal);
        next_command(&at_once);
        let want = files_of_the_dead(&at_once);
        let home = with_journal(journal);
        assert!(command_with(&home, Some(Duration::ZERO)).is_unsettled);
        let begun = fs::read(spool(&home).join("sessions/dead.journal")).unwrap();
        assert!(begun.starts_with(journal) && begun.len() > journal.len());
        let there = files_of_the_dead(&home);
        assert_eq!(there.len() as u64, USUAL);
        for length in journal.len()..=begun.len() {
            fs::write(spool(&home).join("sessions/dead.journal"), &begun[..length]).unwrap();
            let recovered = next_command(&home);
            assert_eq!(recovered.sessions, 1, "{length}");
            assert_eq!(files_of_the_dead(&home), want, "{length}");
            for name in want.keys().filter(|name| !there.contains_key(*name)) {
                fs::remove_file(spool(&home).join(name)).unwrap();
            }
        }
    }
}

#[test]
fn many_commands_in_a_hurry_share_the_work() {
    let home = with_journal(&journal_of_calls(100, 200));
    let (mut entries, mut sessions) = (0, 0);
    for _ in 0..100 {
        let all: Vec<Closed> = std::thread::scope(|threads| {
            let hurried = || command_with(&home, Some(Duration::ZERO));
            let commands: Vec<_> = (0..4).map(|_| threads.spawn(hurried)).collect();
            commands.into_iter().map(|command| command.join().unwrap()).collect()
        });
        entries += all.iter().map(|closed| closed.recovered.entries).sum::<u64>();
        sessions += all.iter().map(|closed| closed.recovered.sessions).sum::<u64>();
        if journals(&spool(&home)).is_empty() {
            break;
        }
    }
    assert_eq!((sessions, entries), (1, 301));
    assert_eq!(files_of_the_dead(&home).len(), 301);
}

#[test]
fn a_long_journal_waits_for_somebody_with_time() {
    let journal = journal_of_calls(0, 1000);
    assert!(journal.len() > 256 * 1024, "{}", journal.len());
    let home = with_journal(&journal);
    let short = journal_of_a_run();
    fs::write(spool(&home).join("sessions/short.journal"), short).unwrap();
    let closed = command_with(&home, Some(Duration::from_mins(1)));
    assert_eq!(closed.recovered, Recovered { sessions: 1, entries: 6 });
    assert!(closed.is_unsettled);
    assert_eq!(fs::read(spool(&home).join("sessions/dead.journal")).unwrap(), journal);
    let now = swamp_ident::Timestamp::from_millis(START);
    assert_eq!(recover_sessions(&spool(&home), now).sessions, 1);
    assert_eq!(journals(&spool(&home)), [""; 0]);
    assert!(files_of_the_dead(&home).len() > 1000);
}

/// CRC-32 as in gzip, one bit after the other.
fn crc(text: &str) -> u32 {
    let step = |crc: u32, byte: u8| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 }
        })
    };
    !text.bytes().fold(!0, step)
}

#[test]
fn a_session_that_lives_is_left_alone() {
    let mut rig = Rig::new();
    let open = step(&job(&rig.run("w"), "j"), "s");
    open.emit(executing());
    let home = std::mem::replace(&mut rig.home, TempDir::new().unwrap());
    assert_eq!(next_command(&home), Recovered::default());
    assert_eq!(journals(&spool(&home)).len(), 1);
    open.emit(completed());
    assert_eq!(rig.close(&Outcome::success()).written, 2);
    assert_eq!(entries(&spool(&home)).len(), 3);
}

/// Weakness 36: what a dead process was about to write stays for ever.
#[test]
fn journals_that_were_never_locked_are_swept_when_they_are_old() {
    let home = TempDir::new().unwrap();
    let sessions = spool(&home).join("sessions");
    fs::create_dir_all(&sessions).unwrap();
    for (name, hours) in [("old.journal.new", 2), ("young.journal.new", 0)] {
        let file = fs::File::create(sessions.join(name)).unwrap();
        let age = std::time::Duration::from_hours(hours);
        file.set_modified(std::time::SystemTime::now() - age).unwrap();
    }
    fs::write(sessions.join("something else"), "x").unwrap();
    assert_eq!(next_command(&home), Recovered::default());
    assert_eq!(journals(&spool(&home)), ["something else", "young.journal.new"]);
}

#[test]
fn two_hundred_commands_at_once_neither_lose_nor_steal() {
    let home = TempDir::new().unwrap();
    let spool_dir = spool(&home);
    std::thread::scope(|threads| {
        for _ in 0..200 {
            threads.spawn(|| {
                let mut rig =
                    Rig::in_home(TempDir::new().unwrap(), CommandWords::new(["x"]), |config| {
                        config.spool.clone_from(&spool_dir);
                        config.ids = std::sync::Arc::new(swamp_ident::RandomIds);
                    });
                let main = job(&rig.run("w"), "j");
                for number in 0..4 {
                    succeeds(&rig, &step(&main, &number.to_string()), 1);
                }
                let closed = rig.close(&Outcome::success());
                assert_eq!((closed.written, closed.lost), (5, 0));
                assert_eq!(closed.recovered, Recovered::default());
            });
        }
    });
    assert_eq!(entries(&spool_dir).len(), 1000);
    assert_eq!(journals(&spool_dir), [""; 0]);
}

/// Also the process that [`killed_processes_are_told_to_the_end`] kills.
#[test]
fn process_to_be_killed() {
    let own = TempDir::new().unwrap();
    let path = std::env::var_os("SWAMP_TEST_SPOOL").map_or_else(|| spool(&own), Into::into);
    let mut rig = Rig::in_home(TempDir::new().unwrap(), CommandWords::new(["x"]), |config| {
        config.spool.clone_from(&path);
        config.ids = std::sync::Arc::new(swamp_ident::RandomIds);
    });
    let main = job(&rig.run("w"), "j");
    for number in 0..2000 {
        let step = step(&main, &number.to_string());
        step.emit(executing());
        if number == 300 {
            println!("under way");
        }
        step.emit(finished());
        step.emit(completed());
    }
    let closed = rig.close(&Outcome::success());
    assert_eq!((closed.written, closed.lost), (2001, 0));
    assert_eq!(files(&path).len(), 2001);
}

#[test]
fn killed_processes_are_told_to_the_end() {
    let mut open = 0;
    for round in 0..12_u32 {
        let home = TempDir::new().unwrap();
        let spool = spool(&home);
        fs::create_dir_all(&spool).unwrap();
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "recovery::process_to_be_killed", "--nocapture"])
            .env("SWAMP_TEST_SPOOL", &spool)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // Somewhere in the run or in its end, a little later in each round.
        let mut output = process.stdout.take().unwrap();
        let mut told = String::new();
        while !told.contains("under way") {
            let mut byte = [0];
            assert_eq!(output.read(&mut byte).unwrap(), 1);
            told.push(char::from(byte[0]));
        }
        for _ in 0..round * 40_000 {
            std::hint::black_box(round);
        }
        process.kill().unwrap();
        process.wait().unwrap();

        let begun = begun(&spool);
        let left = journals(&spool).len() as u64;
        let recovered = next_command(&home);
        assert_eq!(recovered.sessions, left);
        let entries = entries(&spool);
        let calls = entries.iter().filter(|entry| entry.is_child()).count();
        let parents = entries.iter().filter(|entry| entry.invocation.command == "x").count();
        assert_eq!(parents, 1);
        if left == 1 {
            assert_eq!(calls, begun, "round {round}");
            open += 1;
        }
        let mut steps: Vec<_> =
            entries.iter().filter_map(|entry| entry.workflow_context.as_ref()).collect();
        steps.sort_by_key(|context| context.step_name.clone());
        steps.dedup_by_key(|context| context.step_name.clone());
        assert_eq!(steps.len(), calls, "none twice");
    }
    assert!(open > 0, "every process had finished before it was killed");
}

/// Calls that begin according to the journals of a spool.
fn begun(spool: &Path) -> usize {
    journals(spool)
        .iter()
        .map(|name| {
            let journal = fs::read(spool.join("sessions").join(name)).unwrap();
            let text = String::from_utf8_lossy(&journal);
            text.split_inclusive('\n')
                .filter(|line| line.ends_with('\n') && line.contains(" {\"begin\":"))
                .count()
        })
        .sum()
}
