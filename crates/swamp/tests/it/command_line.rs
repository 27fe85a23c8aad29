//! What is understood and what is refused before any command runs.

use crate::environment::{TestEnvironment, stable};

/// Standard output, standard error and exit code, as one text.
fn shown(environment: &TestEnvironment, line: &str) -> String {
    let ran = environment.run(line.split_whitespace());
    let exit = ran.exit.map_or_else(|| "by a signal".to_owned(), |exit| exit.to_string());
    stable(&format!("{}{}exit {exit}", ran.stdout, ran.stderr), environment)
}

#[test]
fn mistakes_are_one_sentence_and_exit_1() {
    let environment = TestEnvironment::without_repository();
    for (line, want) in [
        ("model get", "Error: Missing argument(s): model_id_or_name\nexit 1"),
        ("model get a b", "Error: Too many arguments: b\nexit 1"),
        (
            "model get a --jsn",
            "Error: Unknown option \"--jsn\". Did you mean option \"--json\"?\nexit 1",
        ),
        ("model get a --log-level", "Error: Missing value for option \"--log-level\".\nexit 1"),
        ("model get a --log-level loud", "Error: Invalid log level: loud.\nexit 1"),
        ("datastore lock release", "Error: Missing required option \"--force\".\nexit 1"),
        (
            "model get a --json --json",
            "{\n  \"error\": \"Option \\\"--json\\\" can only occur once, but was found several times.\"\n}\nexit 1",
        ),
        (
            "--version --quiet",
            "Error: Option \"--version\" cannot be combined with other options.\nexit 1",
        ),
    ] {
        assert_eq!(shown(&environment, line), want, "{line}");
    }
}

#[test]
fn unknown_commands_exit_2_with_a_way_on() {
    let environment = TestEnvironment::without_repository();
    insta::assert_snapshot!(shown(&environment, "modle search"), @r#"
    Error: Unknown command "modle".
    Hint: Did you mean "swamp model"?
    exit 2
    "#);
    insta::assert_snapshot!(shown(&environment, "model web-server"), @r#"
    Error: "web-server" is not a subcommand of "model".
    Hint: Did you mean "swamp model get web-server" or "swamp model method run web-server <method>"?
    exit 2
    "#);
    insta::assert_snapshot!(shown(&environment, "workflow nightly --json"), @r#"
    {
      "error": "\"nightly\" is not a subcommand of \"workflow\".\nDid you mean \"swamp workflow get nightly\" or \"swamp workflow run nightly\"?"
    }
    exit 2
    "#);
    insta::assert_snapshot!(shown(&environment, "data frobnicate"), @r#"
    Error: "frobnicate" is not a subcommand of "data".
    Hint: "swamp data --help" lists what there is.
    exit 2
    "#);
}

#[test]
fn every_command_has_help_and_so_has_every_group() {
    let environment = TestEnvironment::without_repository();
    let mut open = vec![Vec::<String>::new()];
    let mut seen = 0;
    while let Some(path) = open.pop() {
        let mut args = path.clone();
        args.push("--help".to_owned());
        let help = environment.ok(&args).stdout;
        assert!(help.contains("Usage: swamp"), "{path:?}: {help}");
        assert!(
            help.lines().all(|line| line.chars().count() <= 100),
            "{path:?} is too wide: {help}"
        );
        let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
        for command in commands.take_while(|line| line.starts_with("  ")) {
            let mut words = command.split_whitespace();
            let name = words.next().expect("a name").to_owned();
            assert!(words.next().is_some(), "{path:?} {name} is not described");
            let mut below = path.clone();
            below.push(name);
            open.push(below);
        }
        if help.contains("\nCommands:") && path != ["workflow", "run"] && path != ["repo"] {
            // The name of a group alone is a question, not a mistake.
            let asked = environment.ok(&path).stdout;
            assert_eq!(asked, help, "{path:?}");
        }
        seen += 1;
    }
    assert!(seen > 50, "{seen} commands");
}

#[test]
fn help_about_something_else_is_a_mistake() {
    let environment = TestEnvironment::without_repository();
    assert_eq!(
        environment.ok(["help", "workflow", "run"]).stdout,
        environment.ok(["workflow", "run", "--help"]).stdout
    );
    insta::assert_snapshot!(shown(&environment, "help frobnicate"), @r#"
    Error: There is no command "frobnicate".
    exit 1
    "#);
    insta::assert_snapshot!(shown(&environment, "model --help --json"), @r#"
    {
      "error": "A help text is no JSON document: leave --json out."
    }
    exit 1
    "#);
}

#[test]
fn the_version_is_told_in_every_form() {
    let environment = TestEnvironment::without_repository();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(environment.ok(["version"]).stdout, format!("swamp {version}\n"));
    assert_eq!(environment.ok(["--version"]).stdout, format!("swamp {version}\n"));
    assert_eq!(environment.ok(["-V"]).stdout, format!("swamp {version}\n"));
    assert_eq!(environment.json(["version"], 0)["version"], version);
}

#[test]
fn completion_scripts_are_scripts() {
    let environment = TestEnvironment::without_repository();
    for (shell, sign) in
        [("bash", "complete -F _swamp"), ("zsh", "#compdef swamp"), ("fish", "complete -c swamp")]
    {
        let script = environment.ok(["completions", shell]).stdout;
        assert!(script.contains(sign), "{shell}: {script}");
        assert!(script.contains("summarise") && script.contains("last-evaluated"), "{shell}");
    }
    assert_eq!(environment.run(["completions", "tcsh"]).exit, Some(2));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let environment = TestEnvironment::without_repository();
    let mut command = environment.command(["completions", "zsh"]);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().expect("a started program");
    // Closed before anything is read; the script is longer than what a pipe holds.
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("an end");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn environment_variables_are_listed() {
    let environment = TestEnvironment::without_repository();
    let listed = environment.ok(["help", "environment"]).stdout;
    for name in ["SWAMP_REPO_DIR", "SWAMP_NO_TELEMETRY", "DO_NOT_TRACK", "NO_COLOR"] {
        assert!(listed.contains(name), "{listed}");
    }
}
