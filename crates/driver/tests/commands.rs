//! Real commands through the `raw` driver.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::mpsc;
use std::time::{Duration, Instant};

use swamp_driver::{Cancel, CommandResult, CommandSpec, Driver, DriverError, Ending, Raw, Stdin};
use swamp_events::OutputStream;
use swamp_ident::CancelCause;

/// Longer than any command here takes, and shorter than those that would hang.
const LONG: Duration = Duration::from_mins(10);

type Lines = Vec<(OutputStream, String)>;

fn spec(script: &str) -> CommandSpec {
    CommandSpec { script: script.to_owned(), stdin: Stdin::Null, ..CommandSpec::default() }
}

fn run_spec(spec: &CommandSpec) -> (Lines, Result<CommandResult, DriverError>) {
    let mut lines = Vec::new();
    let result = Raw::new().run(spec, &Cancel::new().unwrap(), &mut |stream, line| {
        lines.push((stream, line.to_owned()));
    });
    (lines, result)
}

fn run(script: &str) -> CommandResult {
    run_spec(&spec(script)).1.unwrap()
}

/// Runs a script and throws the switch as soon as it has printed its first line.
fn run_and_cancel(script: &str) -> (CommandResult, Duration) {
    let cancel = Cancel::new().unwrap();
    let mut cancelled = None;
    let result = Raw::new()
        .run(&spec(script), &cancel, &mut |_, _| {
            cancelled.get_or_insert_with(Instant::now);
            cancel.cancel(CancelCause::Terminate);
        })
        .unwrap();
    assert_eq!(result.ending, Ending::Cancelled(CancelCause::Terminate));
    (result, cancelled.unwrap().elapsed())
}

fn is_alive(pid: &str) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    // A process nobody waited for yet is dead all the same.
    state.is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or("").starts_with(" Z"))
}

#[test]
fn secret_variables_reach_the_command_and_nothing_else() {
    let secret_env = vec![("TOKEN".to_owned(), swamp_secret::Secret::new("s'ecret \n $(x)"))];
    let script = "printf %s \"$TOKEN\"; tr '\\0' ' ' < /proc/$$/cmdline >&2";
    let spec = CommandSpec { secret_env, ..spec(script) };
    assert!(!format!("{spec:?}").contains("ecret \\n"));
    let result = run_spec(&spec).1.unwrap();
    assert_eq!(result.stdout.text, "s'ecret \n $(x)");
    assert!(!result.stderr.text.contains("s'ecret"), "{}", result.stderr.text);
    let secret_env = vec![("TOKEN".to_owned(), swamp_secret::Secret::new("a\0b"))];
    let error = run_spec(&CommandSpec { secret_env, ..spec }).1.unwrap_err().to_string();
    assert!(error.contains("\"TOKEN\"") && !error.contains('\0'), "{error}");
}

#[test]
fn output_and_exit_code_come_back() {
    let (lines, result) = run_spec(&spec("echo out; echo err >&2; printf 'no end'; exit 3"));
    let result = result.unwrap();
    assert_eq!((result.ending, result.exit_code()), (Ending::Exited(3), 3));
    assert_eq!((result.stdout.text.as_str(), result.stderr.text.as_str()), ("out\nno end", "err"));
    let of = |wanted| {
        let own = lines.iter().filter(move |(stream, _)| *stream == wanted);
        own.map(|(_, line)| line.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(of(OutputStream::Stdout), ["out", "no end"]);
    assert_eq!(of(OutputStream::Stderr), ["err"]);
}

#[test]
fn a_signal_is_128_plus_its_number() {
    for (script, signal) in [("kill -9 $$", 9), ("kill -15 $$", 15)] {
        let result = run(script);
        assert_eq!(result.ending, Ending::Signalled(signal));
        assert_eq!(result.exit_code(), 128 + signal);
    }
}

#[test]
fn environment_and_working_directory() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().canonicalize().unwrap();
    let mut spec = spec("pwd; echo \"$A|$B|${PATH:+kept}\"");
    spec.working_dir = Some(dir.clone());
    spec.env =
        vec![("A".into(), "1".into()), ("B".into(), "x y\nz".into()), ("A".into(), "2".into())];
    let result = run_spec(&spec).1.unwrap();
    assert_eq!(result.stdout.text, format!("{}\n2|x y\nz|kept", dir.display()));
}

#[test]
fn what_cannot_start_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    for path in [dir.path().join("missing"), file] {
        let spec = CommandSpec { working_dir: Some(path.clone()), ..spec("true") };
        let error = run_spec(&spec).1.unwrap_err();
        assert!(
            matches!(&error, DriverError::WorkingDirectory { path: named, .. } if *named == path),
            "{error}"
        );
    }
    for name in ["", "A=B", "A\0"] {
        let spec = CommandSpec { env: vec![(name.into(), "x".into())], ..spec("true") };
        assert!(matches!(run_spec(&spec).1, Err(DriverError::Environment { .. })), "{name:?}");
    }
    assert!(matches!(run_spec(&spec("echo \0")).1, Err(DriverError::Script)));
    // Too long for the system.
    let huge = format!("true {}", "x".repeat(16 << 20));
    assert!(matches!(run_spec(&spec(&huge)).1, Err(DriverError::Start { .. })));
}

#[test]
fn a_timeout_keeps_the_output_and_stops_the_whole_group() {
    let mut spec = spec("echo started; sleep 1000 & echo $!; wait");
    spec.timeout = Some(Duration::from_millis(200));
    let result = run_spec(&spec).1.unwrap();
    assert_eq!(result.ending, Ending::TimedOut(Duration::from_millis(200)));
    assert_eq!(result.exit_code(), -1);
    let (started, pid) = result.stdout.text.split_once('\n').unwrap();
    assert_eq!(started, "started");
    assert!(!is_alive(pid));
}

#[test]
fn sigterm_leaves_time_to_clean_up() {
    let (result, _) =
        run_and_cancel("trap 'echo cleaned; exit 7' TERM; echo on; while :; do sleep 0.01; done");
    assert_eq!(result.stdout.text, "on\ncleaned");
}

#[test]
fn who_ignores_sigterm_is_killed_after_the_grace() {
    let (result, took) = run_and_cancel("trap '' TERM; echo $$; while :; do sleep 0.01; done");
    assert!(took >= Duration::from_secs(2), "{took:?}");
    assert!(!is_alive(&result.stdout.text));
}

#[test]
fn whoever_hurries_leaves_no_grace() {
    let cancel = Cancel::new().unwrap();
    let mut lines = 0;
    // Ignores SIGTERM and says so; without hurry it would have two seconds left.
    let script = "trap 'echo stubborn' TERM; echo ready; while :; do sleep 0.05; done";
    let result = Raw::new()
        .run(&spec(script), &cancel, &mut |_, _| {
            lines += 1;
            if lines == 1 {
                cancel.cancel(CancelCause::Interrupt);
            } else {
                cancel.hurry();
            }
        })
        .unwrap();
    assert_eq!(result.ending, Ending::Cancelled(CancelCause::Interrupt));
    assert!(result.duration < Duration::from_secs(2), "{:?}", result.duration);
}

#[test]
fn a_child_without_our_pipes_is_stopped_too() {
    let script = "(trap '' TERM; exec sleep 1000) >/dev/null 2>&1 & echo $!; exec sleep 1000";
    let (result, _) = run_and_cancel(script);
    assert!(!is_alive(&result.stdout.text));
}

#[test]
fn who_left_the_group_does_not_hold_us_up() {
    let script = "setsid sh -c 'echo $$; exec sleep 1000' & wait";
    let (result, took) = run_and_cancel(script);
    assert!(took < LONG, "{took:?}");
    // It left on purpose; only the test cleans up.
    let pid = rustix::process::Pid::from_raw(result.stdout.text.parse().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

#[test]
fn a_daemon_left_behind_is_neither_waited_for_nor_killed() {
    let result = run("sleep 1000 & echo $!");
    assert_eq!(result.ending, Ending::Exited(0));
    assert!(is_alive(&result.stdout.text));
    let pid = rustix::process::Pid::from_raw(result.stdout.text.parse().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

#[test]
fn late_output_of_a_child_is_kept() {
    assert_eq!(run("(sleep 0.05; echo late) & echo soon").stdout.text, "soon\nlate");
}

#[test]
fn a_run_that_is_already_cancelled_starts_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let cancel = Cancel::new().unwrap();
    cancel.cancel(CancelCause::Deadline);
    let spec = CommandSpec { working_dir: Some(dir.path().to_owned()), ..spec("touch ran") };
    let result = Raw::new().run(&spec, &cancel, &mut |_, _| {}).unwrap();
    assert_eq!(result.ending, Ending::Cancelled(CancelCause::Deadline));
    assert!(!dir.path().join("ran").exists());
}

#[test]
fn cancelling_from_another_thread_wakes_the_watcher() {
    let cancel = Cancel::new().unwrap();
    let (started, has_started) = mpsc::channel();
    let thread = {
        let cancel = cancel.clone();
        std::thread::spawn(move || {
            Raw::new().run(&spec("echo on; exec sleep 1000"), &cancel, &mut |_, _| {
                started.send(()).unwrap();
            })
        })
    };
    has_started.recv().unwrap();
    cancel.cancel(CancelCause::Interrupt);
    let result = thread.join().unwrap().unwrap();
    assert_eq!(result.ending, Ending::Cancelled(CancelCause::Interrupt));
}

#[test]
fn whoever_ends_us_and_the_command_alike_has_stopped_the_run() {
    // The command is quicker to die than we are to notice that we are meant as well.
    for (script, signal) in [
        ("echo on; kill -TERM $$", CancelCause::Terminate),
        ("echo on; sh -c 'kill -INT $$'; exit $?", CancelCause::Interrupt),
    ] {
        let cancel = Cancel::new().unwrap();
        let later = cancel.clone();
        let (started, has_started) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            has_started.recv().unwrap();
            std::thread::sleep(Duration::from_millis(20));
            later.cancel(signal);
        });
        let result =
            Raw::new().run(&spec(script), &cancel, &mut |_, _| started.send(()).unwrap()).unwrap();
        thread.join().unwrap();
        assert_eq!(result.ending, Ending::Cancelled(signal), "{script}");
    }
}

#[test]
fn commands_without_input_see_its_end_at_once() {
    assert_eq!(run("cat; echo over").stdout.text, "over");
}

#[test]
fn many_commands_at_once() {
    std::thread::scope(|threads| {
        for thread in 0..16 {
            threads.spawn(move || {
                for round in 0..10 {
                    let text = format!("{thread}-{round}");
                    assert_eq!(run(&format!("echo {text}")).stdout.text, text);
                }
            });
        }
    });
}
