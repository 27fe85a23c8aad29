//! The promises.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use swamp_driver::{Cancel, CommandResult, CommandSpec, Driver, DriverError, Ending, Stdin};
use swamp_events::OutputStream;
use swamp_ident::{CancelCause, RunId};
use swamp_secret::Secret;

use crate::places::command_lines_with;

/// A driver with its place.
pub(crate) trait Bed {
    fn driver(&self) -> Arc<dyn Driver>;

    /// Fails if something of the run of this name is left.
    fn leaves_nothing(&self, _run: &str) {}
}

/// All promises as tests of a driver.
macro_rules! conforms {
    ($bed:ident) => {
        mod conforms {
            $crate::suite::promises!(
                super::$bed,
                [
                    output_and_exit_code_come_back,
                    every_exit_code_is_the_commands,
                    input_is_closed,
                    bytes_that_are_no_text_are_counted_and_replaced,
                    text_in_every_script_survives,
                    the_environment_arrives_as_it_is,
                    the_working_directory_is_where_it_runs,
                    a_directory_that_is_not_there_is_no_failure_of_the_command,
                    secrets_are_on_no_command_line,
                    cancelling_leaves_time_to_clean_up,
                    who_ignores_the_wish_is_killed,
                    a_timeout_keeps_the_output,
                    nothing_starts_after_a_cancel,
                    fifty_at_once,
                ]
            );
        }
    };
}

macro_rules! promises {
    ($bed:path, [$($name:ident),* $(,)?]) => {
        $(
            #[test]
            fn $name() {
                $crate::suite::$name(&$bed());
            }
        )*
    };
}

pub(crate) use {conforms, promises};

pub(crate) fn spec(script: &str) -> CommandSpec {
    CommandSpec { script: script.to_owned(), stdin: Stdin::Null, ..CommandSpec::default() }
}

pub(crate) fn run(driver: &dyn Driver, spec: &CommandSpec) -> Result<CommandResult, DriverError> {
    driver.run(spec, &Cancel::new().unwrap(), &mut |_, _| {})
}

/// A number of seconds, far away, that no other test waits.
pub(crate) fn unique() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{}{next:03}", 700_000 + std::process::id() % 100_000)
}

/// Waits for something that comes soon.
#[track_caller]
pub(crate) fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(30), "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[track_caller]
fn is_gone(long: &str) {
    let of_command = format!("sleep {long}");
    eventually("the processes to end", || command_lines_with(&of_command).is_empty());
}

pub(crate) fn output_and_exit_code_come_back(bed: &impl Bed) {
    let mut lines = Vec::new();
    let result = bed.driver().run(
        &spec("echo out; echo err >&2; printf 'no end'; printf 'none here' >&2; exit 3"),
        &Cancel::new().unwrap(),
        &mut |stream, line| lines.push((stream, line.to_owned())),
    );
    let result = result.unwrap();
    assert_eq!((result.ending, result.exit_code()), (Ending::Exited(3), 3));
    assert_eq!(result.stdout.text, "out\nno end");
    assert_eq!(result.stderr.text, "err\nnone here");
    let of = |wanted| {
        let own = lines.iter().filter(move |(stream, _)| *stream == wanted);
        own.map(|(_, line)| line.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(of(OutputStream::Stdout), ["out", "no end"]);
    assert_eq!(of(OutputStream::Stderr), ["err", "none here"]);
    assert!(!result.duration.is_zero());
}

pub(crate) fn every_exit_code_is_the_commands(bed: &impl Bed) {
    let driver = bed.driver();
    for (script, code) in [
        ("exit 0", 0),
        ("exit 125", 125),
        ("test -x /etc || exit 1; /etc", 126),
        ("no-such-command", 127),
        ("kill -9 $$", 137),
        ("kill -15 $$", 143),
        ("exit 255", 255),
    ] {
        let result = run(&*driver, &spec(script)).unwrap();
        assert_eq!(result.exit_code(), code, "{script}: {result:?}");
    }
}

pub(crate) fn input_is_closed(bed: &impl Bed) {
    let result = run(&*bed.driver(), &spec("cat; echo over")).unwrap();
    assert_eq!(result.stdout.text, "over");
}

pub(crate) fn bytes_that_are_no_text_are_counted_and_replaced(bed: &impl Bed) {
    let script = r"printf '\377\000\200|'; printf '\303' >&2";
    let result = run(&*bed.driver(), &spec(script)).unwrap();
    assert_eq!((result.stdout.text.as_str(), result.stdout.bytes), ("\u{fffd}\0\u{fffd}|", 4));
    assert_eq!((result.stderr.text.as_str(), result.stderr.bytes), ("\u{fffd}", 1));
}

pub(crate) fn text_in_every_script_survives(bed: &impl Bed) {
    let text = "gr\u{fc}n \u{65e5}\u{672c} \u{1f980}  two  spaces\t'quotes' \\n $HOME `x`";
    let script = format!("cat <<'END'\n{text}\n\nEND\n# the end\n");
    let result = run(&*bed.driver(), &spec(&script)).unwrap();
    assert_eq!(result.stdout.text, format!("{text}\n"));
}

pub(crate) fn the_environment_arrives_as_it_is(bed: &impl Bed) {
    let value = "it's \"so\"\n$(exit 1) `x` \\ \u{1f980} ";
    let spec = CommandSpec {
        env: vec![
            ("A".into(), "1".into()),
            ("B".into(), value.into()),
            ("A".into(), "2".into()),
            ("EMPTY".into(), String::new()),
        ],
        secret_env: vec![("C".into(), Secret::new("c"))],
        ..spec("printf '%s|' \"$A\" \"$B\" \"$C\" \"${EMPTY-unset}\"")
    };
    let result = run(&*bed.driver(), &spec).unwrap();
    assert_eq!(result.stdout.text, format!("2|{value}|c||"));
    let unusable = CommandSpec { env: vec![("A=B".into(), "x".into())], ..CommandSpec::default() };
    let error = run(&*bed.driver(), &unusable).unwrap_err();
    assert!(matches!(error, DriverError::Environment { .. }), "{error}");
}

pub(crate) fn the_working_directory_is_where_it_runs(bed: &impl Bed) {
    let spec = CommandSpec { working_dir: Some("/srv".into()), ..spec("pwd") };
    assert_eq!(run(&*bed.driver(), &spec).unwrap().stdout.text, "/srv");
}

pub(crate) fn a_directory_that_is_not_there_is_no_failure_of_the_command(bed: &impl Bed) {
    let spec = CommandSpec { working_dir: Some("/no/such/place".into()), ..spec("echo ran") };
    let error = run(&*bed.driver(), &spec).unwrap_err();
    assert!(error.to_string().contains("/no/such/place"), "{error}");
}

pub(crate) fn secrets_are_on_no_command_line(bed: &impl Bed) {
    let secret = format!("hunter2-{}-'\"$x\n{}", unique(), "long ".repeat(800));
    let first_line = secret.lines().next().unwrap().to_owned();
    let spec = CommandSpec {
        secret_env: vec![("TOKEN".into(), Secret::new(secret.as_str()))],
        ..spec("echo ready; sleep 0.3; printf %s \"$TOKEN\"")
    };
    let mut seen = Vec::new();
    let result = bed.driver().run(&spec, &Cancel::new().unwrap(), &mut |_, line| {
        if line == "ready" {
            for _ in 0..10 {
                seen.extend(command_lines_with(&first_line));
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    });
    assert_eq!(result.unwrap().stdout.text, format!("ready\n{secret}"));
    assert_eq!(seen, Vec::<String>::new());
}

pub(crate) fn cancelling_leaves_time_to_clean_up(bed: &impl Bed) {
    let (cancel, long) = (Cancel::new().unwrap(), unique());
    let script = format!(
        "trap 'echo cleaned; kill $!; exit 7' TERM; sleep {long} & echo on; wait; echo never"
    );
    let spec = CommandSpec { run: Some(RunId::new(&long)), ..spec(&script) };
    let result = bed.driver().run(&spec, &cancel, &mut |_, _| {
        cancel.cancel(CancelCause::Terminate);
    });
    let result = result.unwrap();
    assert_eq!(result.ending, Ending::Cancelled(CancelCause::Terminate));
    assert_eq!((result.stdout.text.as_str(), result.exit_code()), ("on\ncleaned", -1));
    is_gone(&long);
    bed.leaves_nothing(&long);
}

pub(crate) fn who_ignores_the_wish_is_killed(bed: &impl Bed) {
    let (cancel, long) = (Cancel::new().unwrap(), unique());
    let script = format!("trap '' TERM; echo on; sleep {long}; sleep {long}");
    let spec = CommandSpec { run: Some(RunId::new(&long)), ..spec(&script) };
    let mut since = None;
    let result = bed.driver().run(&spec, &cancel, &mut |_, _| {
        since.get_or_insert_with(Instant::now);
        cancel.cancel(CancelCause::Interrupt);
    });
    assert_eq!(result.unwrap().ending, Ending::Cancelled(CancelCause::Interrupt));
    assert!(since.unwrap().elapsed() >= Duration::from_secs(2), "it has two seconds");
    is_gone(&long);
    bed.leaves_nothing(&long);
}

pub(crate) fn a_timeout_keeps_the_output(bed: &impl Bed) {
    let long = unique();
    // Long enough for a container to start on a busy machine.
    let timeout = Duration::from_secs(5);
    let spec = CommandSpec {
        timeout: Some(timeout),
        run: Some(RunId::new(&long)),
        ..spec(&format!("echo started; sleep {long} & sleep {long}"))
    };
    let result = run(&*bed.driver(), &spec).unwrap();
    assert_eq!(result.ending, Ending::TimedOut(timeout));
    assert_eq!((result.stdout.text.as_str(), result.exit_code()), ("started", -1));
    is_gone(&long);
    bed.leaves_nothing(&long);
}

pub(crate) fn nothing_starts_after_a_cancel(bed: &impl Bed) {
    let cancel = Cancel::new().unwrap();
    cancel.cancel(CancelCause::Deadline);
    let result = bed.driver().run(&spec("echo ran"), &cancel, &mut |_, _| {}).unwrap();
    assert_eq!(result.ending, Ending::Cancelled(CancelCause::Deadline));
    assert_eq!(result.stdout.text, "");
}

pub(crate) fn fifty_at_once(bed: &impl Bed) {
    let driver = bed.driver();
    std::thread::scope(|threads| {
        for number in 0..50 {
            let driver = &driver;
            threads.spawn(move || {
                let spec = CommandSpec {
                    env: vec![("NUMBER".into(), number.to_string())],
                    ..spec("echo \"$NUMBER\"; sleep 0.1; exit \"$NUMBER\"")
                };
                let result = run(&**driver, &spec).unwrap();
                assert_eq!(result.stdout.text, number.to_string(), "{result:?}");
                assert_eq!(result.exit_code(), number, "{result:?}");
            });
        }
    });
}
