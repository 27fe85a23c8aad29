//! Telemetry switched off leaves nothing behind.

use crate::environment::{TestEnvironment, call, files, one_job};

/// Runs some commands; gives what lies in the spool and the settings directory afterwards.
fn traces(environment: &TestEnvironment, more: &[&str]) -> Vec<String> {
    environment.shell("fine", "run: 'true'");
    environment.shell("bad", "run: 'exit 1'");
    environment.workflow("w", &one_job(&[call("s", "fine", "")]));
    environment.workflow("v", &one_job(&[call("s", "bad", "")]));
    for (args, exit) in [
        (&["workflow", "run", "w"][..], 0),
        (&["workflow", "run", "v"], 1),
        (&["model", "method", "run", "fine", "execute"], 0),
        (&["model", "get", "ghost"], 1),
        (&["version"], 0),
        (&["telemetry", "stats"], 0),
    ] {
        environment.run(args.iter().chain(more)).expect_exit(exit);
    }
    let mut traces = Vec::new();
    for directory in [environment.spool(), environment.config.clone(), environment.home.clone()] {
        let name = directory.file_name().expect("a name").to_string_lossy().into_owned();
        traces.extend(files(&directory).into_iter().map(|file| format!("{name}/{file}")));
        let inner = std::fs::read_dir(&directory).map_or(0, Iterator::count);
        if files(&directory).len() < inner {
            traces.push(format!("{name}: directories"));
        }
    }
    traces
}

#[test]
fn every_way_to_opt_out_leaves_nothing() {
    for (variable, value) in [
        ("SWAMP_NO_TELEMETRY", "1"),
        ("SWAMP_NO_TELEMETRY", "true"),
        ("SWAMP_NO_TELEMETRY", "yes"),
        ("DO_NOT_TRACK", "1"),
        ("DO_NOT_TRACK", "true"),
    ] {
        let mut environment = TestEnvironment::new();
        environment.set(variable, value);
        assert_eq!(traces(&environment, &[]), [""; 0], "{variable}={value}");
    }

    let environment = TestEnvironment::new();
    assert_eq!(traces(&environment, &["--no-telemetry"]), [""; 0], "--no-telemetry");

    let environment = TestEnvironment::new();
    environment.mark("telemetryDisabled: true");
    assert_eq!(traces(&environment, &[]), [""; 0], "telemetryDisabled");
}

#[test]
fn a_spool_that_is_not_there_is_not_made() {
    let mut environment = TestEnvironment::new();
    std::fs::remove_dir_all(environment.spool()).expect("an empty spool");
    environment.set("DO_NOT_TRACK", "1");
    assert_eq!(traces(&environment, &[]), [""; 0]);
    assert!(!environment.spool().exists());
}

#[test]
fn values_that_mean_no_do_not_opt_out() {
    for (variable, value) in [
        ("SWAMP_NO_TELEMETRY", ""),
        ("SWAMP_NO_TELEMETRY", "0"),
        ("SWAMP_NO_TELEMETRY", "false"),
        ("DO_NOT_TRACK", "0"),
        ("DO_NOT_TRACK", "false"),
        ("DO_NOT_TRACK", ""),
    ] {
        let mut environment = TestEnvironment::new();
        environment.set(variable, value);
        environment.ok(["model", "search"]);
        assert_eq!(environment.entries().0.len(), 1, "{variable}={value}");
    }
}

#[test]
fn a_run_is_the_same_to_its_methods() {
    // Whether somebody watches is no business of the command that runs.
    let mut environment = TestEnvironment::new();
    environment
        .shell("env", "run: 'env | cut -d= -f1 | sort | grep -v ^_$ >> \"$EFFECTS/env-$MODE\"'");
    environment.set("MODE", "on").ok(["model", "method", "run", "env", "execute"]);
    environment.set("MODE", "off").ok([
        "model",
        "method",
        "run",
        "env",
        "execute",
        "--no-telemetry",
    ]);
    assert_eq!(environment.effects("env-on"), environment.effects("env-off"));
    assert_ne!(environment.effects("env-on"), [""; 0]);
}
