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
    // What a command refused, or did not know, is no trace either.
    for args in [&["model", "get"][..], &["model", "get", "--bogus"], &["frobnicate"]] {
        environment.run(args.iter().chain(more));
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

/// Weakness 14: a repository that is switched off goes on sending what is older.
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

    for value in ["true", "yes", "on", "1", "'true'", "'ON'"] {
        let environment = TestEnvironment::new();
        environment.mark(&format!("telemetryDisabled: {value}"));
        assert_eq!(traces(&environment, &[]), [""; 0], "telemetryDisabled: {value}");
    }

    // What the user switched off no repository switches on.
    for value in ["true", "yes", "on", "1"] {
        let environment = TestEnvironment::new();
        environment.mark("telemetryDisabled: false");
        switch_off_for_the_user(&environment, value);
        assert_eq!(traces(&environment, &[]), ["config/swamp/telemetry.yaml"], "disabled: {value}");
    }
}

fn switch_off_for_the_user(environment: &TestEnvironment, value: &str) {
    let settings = environment.config.join("swamp");
    std::fs::create_dir_all(&settings).expect("a directory");
    let text = format!("disabled: {value}\n");
    std::fs::write(settings.join("telemetry.yaml"), text).expect("the settings");
}

#[test]
fn a_marker_that_cannot_be_read_may_say_no() {
    for marker in ["telemetryDisabled: [", "\0", "- a\n- list\n", "text"] {
        let environment = TestEnvironment::new();
        environment.write(".swamp.yaml", marker);
        for args in [&["version"][..], &["model", "search"], &["workflow", "run", "w"]] {
            environment.run(args);
        }
        for directory in [environment.spool(), environment.config.clone(), environment.home.clone()]
        {
            let inner = std::fs::read_dir(&directory).map_or(0, Iterator::count);
            assert_eq!(inner, 0, "{marker:?}: {}", directory.display());
        }
    }
}

/// What a command asked the system for, its threads and children included, that could leave
/// something behind or let something out: connections, started programs, and opened files that are
/// in the spool or among the settings, if they were to be written.
fn asked_for(environment: &TestEnvironment, args: &[&str]) -> Vec<String> {
    let log = environment.effects.join("strace");
    let mut command = std::process::Command::new("strace");
    command.args(["-f", "-qq", "-s", "256", "-o"]).arg(&log);
    command.args(["-e", "trace=network,openat,open,creat,mkdir,mkdirat,execve,renameat,rename"]);
    command.arg(crate::environment::SWAMP).args(args);
    environment.surround(&mut command);
    environment.finish(command).expect_exit(0);
    let log = std::fs::read_to_string(log).expect("strace and the right to trace: install it");
    let ours = [environment.spool(), environment.config.clone()];
    let mut asked = Vec::new();
    for line in log.lines() {
        let call = line.split_once(' ').map_or(line, |(_, call)| call.trim_start());
        let writes =
            call.contains("O_CREAT") || call.contains("O_WRONLY") || call.contains("O_RDWR");
        let opens = call.starts_with("open") && !writes;
        let in_ours = ours.iter().any(|path| call.contains(&*path.to_string_lossy()))
            || call.contains("telemetry-")
            || call.contains(".journal");
        let is_network =
            ["socket(", "connect", "send", "bind"].iter().any(|name| call.starts_with(name));
        let starts = call.starts_with("execve(") && !call.contains("/sh\"");
        if is_network || starts || in_ours && !opens {
            asked.push(call.to_owned());
        }
    }
    // The program itself.
    assert!(asked.remove(0).starts_with("execve("));
    asked
}

#[test]
fn off_means_that_nothing_is_even_tried() {
    type Switch = fn(&mut TestEnvironment);
    let args = ["workflow", "run", "w", "--skip-reports"];
    let switches: [(&str, Switch, bool); 5] = [
        ("on", |_| (), true),
        ("SWAMP_NO_TELEMETRY", |environment| _ = environment.set("SWAMP_NO_TELEMETRY", "1"), false),
        ("DO_NOT_TRACK", |environment| _ = environment.set("DO_NOT_TRACK", "yes"), false),
        ("marker", |environment| environment.mark("telemetryDisabled: yes"), false),
        ("user", |environment| switch_off_for_the_user(environment, "on"), false),
    ];
    for (name, switch, is_on) in switches {
        let mut environment = TestEnvironment::new();
        environment.shell("fine", "run: 'true'");
        environment.workflow("w", &one_job(&[call("s", "fine", "")]));
        // Something to send, if somebody sent.
        environment.ok(["version"]);
        environment.set("SWAMP_TELEMETRY_ENDPOINT", "http://127.0.0.1:9");
        switch(&mut environment);
        let asked = asked_for(&environment, &args);
        assert_eq!(!asked.is_empty(), is_on, "{name}: {asked:#?}");
    }
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
