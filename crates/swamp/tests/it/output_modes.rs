//! The same run as lines, as one JSON document and as a live tree.

use std::fs;

use serde_json::{Value, json};

use crate::environment::{TestEnvironment, call, jobs, nest, one_job, outline, stable};

/// A run with a nested workflow, an allowed failure and a skip, one thing after another.
fn environment() -> TestEnvironment {
    let environment = TestEnvironment::new();
    environment.shell("fine", "run: 'echo to stdout; echo to stderr >&2'");
    environment.shell("bad", "run: 'exit 3'");
    environment.workflow("inner", &one_job(&[call("in", "fine", "")]));
    let on = |step: &str, condition: &str| {
        format!(", dependsOn: [{{step: {step}, condition: {{type: {condition}}}}}]")
    };
    environment.workflow(
        "w",
        &jobs(&[
            (
                "main",
                "",
                &[
                    call("first", "fine", ""),
                    call(
                        "may",
                        "bad",
                        &format!(", allowFailure: true{}", on("first", "succeeded")),
                    ),
                    call("unless", "fine", &on("may", "succeeded")),
                    nest("nested", "inner", &on("unless", "skipped")),
                ],
            ),
            (
                "last",
                ", dependsOn: [{job: main, condition: {type: failed}}]",
                &[call("never", "fine", "")],
            ),
        ]),
    );
    environment
}

#[test]
fn lines_read_well_without_colour() {
    let environment = environment();
    let ran = environment.ok(["workflow", "run", "w", "--skip-reports"]);
    assert!(!ran.stdout.contains('\u{1b}') && !ran.stderr.contains('\u{1b}'));
    insta::assert_snapshot!(stable(&ran.stdout, &environment), @r#"
    <time> [INF] workflow·run·w: Run started, 2 jobs
    <time> [INF] workflow·run·w·main: Job started
    <time> [INF] workflow·run·w·main·first: Step started
    <time> [INF] workflow·run·w·main·first: Executing method "execute" on "fine"
    <time> [INF] workflow·run·w·main·first: to stdout
    <time> [INF] workflow·run·w·main·first: Step succeeded in <ms>
    <time> [INF] workflow·run·w·main·may: Step started
    <time> [INF] workflow·run·w·main·may: Executing method "execute" on "bad"
    <time> [INF] workflow·run·w·main·unless: Step skipped: "may" does not meet its condition (succeeded)
    <time> [INF] workflow·run·w·main·nested: Step started
    <time> [INF] workflow·run·inner:   Run started, 1 job
    <time> [INF] workflow·run·inner·main:   Job started
    <time> [INF] workflow·run·inner·main·in:   Step started
    <time> [INF] workflow·run·inner·main·in:   Executing method "execute" on "fine"
    <time> [INF] workflow·run·inner·main·in:   to stdout
    <time> [INF] workflow·run·inner·main·in:   Step succeeded in <ms>
    <time> [INF] workflow·run·inner·main:   Job succeeded in <ms>
    <time> [INF] workflow·run·inner:   Run succeeded in <ms>: 1 succeeded
    <time> [INF] workflow·run·w·main·nested: Step succeeded in <ms>
    <time> [INF] workflow·run·w·main: Job succeeded in <ms>
    <time> [INF] workflow·run·w·last: Job skipped: "main" does not meet its condition (failed)
    <time> [INF] workflow·run·w: Run succeeded in <ms>: 2 succeeded, 1 failed, 2 skipped
    <time> [INF] workflow·run: Data: swamp data list --workflow "w"
    <time> [INF] workflow·run: What each method did: <repo>/.swamp/telemetry
    <time> [INF] workflow·run: Counts and durations: swamp telemetry stats
    "#);
    insta::assert_snapshot!(stable(&ran.stderr, &environment), @r"
    <time> [WRN] workflow·run·w·main·first: to stderr
    <time> [WRN] workflow·run·w·main·may: Step failed in <ms>, as it may: Command exited with code 3
    <time> [WRN] workflow·run·inner·main·in:   to stderr
    ");
}

#[test]
fn the_run_log_is_complete_in_every_mode() {
    let environment = environment();
    let log = |environment: &TestEnvironment, run: &Value| -> String {
        let path = environment.repo.join(run["logFile"].as_str().expect("a log"));
        stable(&fs::read_to_string(path).expect("a readable log"), environment)
    };
    environment.ok(["workflow", "run", "w", "--skip-reports"]);
    environment.ok(["workflow", "run", "w", "--skip-reports", "--json"]);
    terminal(&environment, "workflow run w --skip-reports", &[]);
    let records: Vec<Value> = environment
        .run_records()
        .into_iter()
        .filter(|record| record["workflowName"] == "w")
        .collect();
    let [lines, document, tree] = &records[..] else { panic!("records: {records:#?}") };
    let expected = log(&environment, lines);
    for part in ["to stdout", "to stderr", "inner", "Run succeeded", "last"] {
        assert!(expected.contains(part), "{part:?} is not in the log:\n{expected}");
    }
    assert_eq!(log(&environment, document), expected);
    assert_eq!(log(&environment, tree), expected);
}

#[test]
fn json_is_one_document() {
    let environment = environment();
    let ran = environment.ok(["workflow", "run", "w", "--json"]);
    assert_eq!(ran.stderr, "");
    let document = ran.json();
    let keys: Vec<&String> = document.as_object().expect("a map").keys().collect();
    assert_eq!(
        keys,
        ["id", "workflowId", "workflowName", "status", "jobs", "duration", "path", "reports"]
    );
    let brief: Vec<Value> = document["jobs"][0]["steps"]
        .as_array()
        .expect("steps")
        .iter()
        .map(|step| json!([step["name"], step["status"], step["error"], step["allowedFailure"]]))
        .collect();
    assert_eq!(
        brief,
        [
            json!(["first", "succeeded", null, null]),
            json!(["may", "failed", "Command exited with code 3", true]),
            json!(["unless", "skipped", null, null]),
            json!(["nested", "succeeded", null, null]),
        ]
    );
    let record = environment.run_record("w");
    assert_eq!(document["id"], record["id"]);
    assert_eq!(document["jobs"][1]["status"], "skipped");
}

#[test]
fn json_is_one_document_when_the_environment_is_used_too() {
    let mut environment = TestEnvironment::new();
    environment.set("REGION", "eu");
    environment.shell("m", "run: 'echo ${{ env.REGION }}'");
    let document = environment.json(["model", "method", "run", "m", "execute"], 0);
    assert!(document.to_string().contains("\"eu\""), "{document:#}");
    assert!(document["warnings"].to_string().contains("REGION"), "no warning: {document:#}");
}

#[test]
fn quiet_prints_errors_only() {
    let environment = environment();
    let ran = environment.ok(["workflow", "run", "w", "--skip-reports", "--quiet"]);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
    environment.workflow("fails", &one_job(&[call("s", "bad", "")]));
    let ran = environment.run(["workflow", "run", "fails", "--skip-reports", "-q"]).expect_exit(1);
    assert_eq!(ran.stdout, "");
    assert!(ran.stderr.contains("Command exited with code 3"), "{}", ran.stderr);
}

/// Size of the terminal of [`terminal`].
const ROWS: u16 = 24;
const COLUMNS: u16 = 80;

/// What a terminal shows after a command line of the program ran in it: everything, scrolled off lines
/// included, and the number of bytes the program wrote.
fn terminal(
    environment: &TestEnvironment,
    line: &str,
    variables: &[(&str, &str)],
) -> (String, usize) {
    let written = environment.effects.join("typescript");
    let mut command = std::process::Command::new("script");
    environment.surround(&mut command);
    let line =
        format!("stty rows {ROWS} cols {COLUMNS}; exec {} {line}", crate::environment::SWAMP);
    command.args(["-q", "-e", "-c", &line]).arg(&written);
    command.env("TERM", "xterm-256color").env("SHELL", "/bin/sh");
    command.envs(variables.iter().copied());
    environment.finish(command).expect_exit(0);
    let written = fs::read(&written).expect("what the program wrote");
    // `script` adds a first and a last line of its own.
    let start = written.iter().position(|byte| *byte == b'\n').expect("a first line") + 1;
    let footer = b"\nScript done on";
    let end = written.windows(footer.len()).rposition(|part| part == footer).expect("a last line");
    let bytes = &written[start..end];
    let mut parser = vt100::Parser::new(ROWS, COLUMNS, 100_000);
    parser.process(bytes);
    let mut shown = Vec::new();
    let screen = parser.screen_mut();
    screen.set_scrollback(usize::MAX);
    let scrolled = screen.scrollback();
    for back in (1..=scrolled).rev() {
        screen.set_scrollback(back);
        shown.push(screen.rows(0, COLUMNS).next().unwrap_or_default());
    }
    screen.set_scrollback(0);
    shown.extend(screen.rows(0, COLUMNS));
    assert!(!screen.hide_cursor(), "the cursor is left hidden");
    let rows: Vec<&str> = shown.iter().map(|row| row.trim_end()).collect();
    (format!("{}\n", rows.join("\n").trim_end()), bytes.len())
}

#[test]
fn a_terminal_shows_a_tree_and_keeps_what_matters() {
    let environment = environment();
    let (shown, _) = terminal(&environment, "workflow run w --skip-reports", &[]);
    // What comes after the tree is wrapped, depending on the length of the repository's path.
    let (tree, after) = shown.split_once("] workflow·run: Data:").expect("hints");
    let (tree, _) = tree.rsplit_once('\n').expect("lines");
    assert!(after.contains("swamp data list"), "{shown}");
    insta::assert_snapshot!(stable(tree, &environment), @r#"
    ✗ main › may  Command exited with code 3 (allowed)
    ⊘ main › unless: skipped, "may" does not meet its condition (succeeded)
    ✓ main  <ms>  2 done, 1 failed, 1 skipped
    ⊘ last
    ✓ w succeeded in <ms>: 2 succeeded, 1 failed, 2 skipped
    "#);
    insta::assert_snapshot!(outline(&environment.run_record("w")), @r"
    w: succeeded
      main: succeeded
        first: succeeded
        may: failed (allowed) - Command exited with code 3
        unless: skipped
        nested: succeeded
      last: skipped
        never: skipped
    ");
}

#[test]
fn colours_are_shown_on_a_terminal_unless_unwanted() {
    let environment = environment();
    for (variables, wanted) in [(&[("NO_COLOR", "")][..], true), (&[("NO_COLOR", "1")], false)] {
        terminal(&environment, "workflow run w --skip-reports --log", variables);
        let written = fs::read_to_string(environment.effects.join("typescript")).expect("text");
        assert_eq!(written.contains("\u{1b}[3"), wanted, "{variables:?}: {written}");
    }
}

#[test]
fn a_thousand_steps_fit_a_terminal() {
    let environment = TestEnvironment::new();
    environment.shell("fine", "run: 'true'");
    let items: Vec<u32> = (0..1000).collect();
    let each = format!(", forEach: {{item: n, in: '${{{{ {items:?} }}}}'}}");
    environment.workflow("w", &one_job(&[call("s", "fine", &each)]));
    let (shown, bytes) = terminal(&environment, "workflow run w --skip-reports", &[]);

    // Twelve frames a second of at most a screen, and no line for each step that went well.
    assert!(bytes < 1_000_000, "{bytes} bytes for a thousand steps");
    assert!(shown.lines().count() < 60, "the screen is flooded:\n{shown}");
    assert!(shown.contains("1000 succeeded"), "no total:\n{shown}");
    assert_eq!(environment.entries().children().len(), 1000);
}

#[test]
fn a_command_that_prints_control_characters_does_not_break_the_tree() {
    let environment = TestEnvironment::new();
    environment.shell("m", r#"run: 'printf "\033[2J\033[H\007gone\r\n"; sleep 0.3'"#);
    environment.workflow("w", &one_job(&[call("s", "m", "")]));
    terminal(&environment, "workflow run w --skip-reports", &[]);
    let written = fs::read_to_string(environment.effects.join("typescript")).expect("text");
    assert!(!written.contains("\u{1b}[2J\u{1b}[H"), "the command cleared the screen");
}

#[test]
fn with_a_pinned_clock_and_pinned_ids_a_run_has_the_same_names_twice() {
    let seen = [(); 2].map(|()| {
        let mut environment = TestEnvironment::new();
        environment.shell("fine", "run: 'true'");
        environment.workflow("w", &one_job(&[call("s", "fine", "")]));
        environment.set("SWAMP_TEST_CLOCK", "2026-11-22T09:59:20.000Z").set("SWAMP_TEST_SEED", "1");
        let document = environment.json(["workflow", "run", "w", "--skip-reports"], 0);
        let started = environment.entries().parent()["startedAt"].clone();
        (document["id"].clone(), started, environment.files(".swamp/telemetry"))
    });
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0].1, "2026-11-22T09:59:20.000Z");
}
