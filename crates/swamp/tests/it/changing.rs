//! Commands that change files people own: create, edit, delete, with their questions.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::environment::{TestEnvironment, call, one_job, stable};

#[test]
fn a_definition_is_made_changed_and_removed() {
    let environment = TestEnvironment::new();
    let made = environment.ok([
        "model",
        "create",
        "command/shell",
        "hello",
        "--global-arg",
        "run=echo hi",
    ]);
    insta::assert_snapshot!(stable(&made.stdout, &environment), @r"
    Created: hello (command/shell)
    Path: <repo>/models/command/shell/<uuid>.yaml
    Version: 2026.02.09.1

    Methods:
      execute - Run a shell command and keep what it printed and its exit code
        Arguments:
          run (string) *required
          workingDir (string)
          timeout (integer)
          env (object)
          ignoreExitCode (boolean)
        Data Outputs:
          result [resource] - How the command ended: exit code, times, output (infinite)
          log [file] - What the command printed on both outputs (text/plain, infinite)
    ");
    let ran = environment.json(["model", "method", "run", "hello", "execute"], 0);
    assert_eq!(ran["dataArtifacts"][0]["attributes"]["stdout"], "hi");

    let text = "name: hello\nversion: 2\nmethods: {execute: {arguments: {run: echo changed}}}\n";
    let edited = environment.run_with_stdin(["model", "edit", "hello"], text).expect_exit(0);
    insta::assert_snapshot!(stable(&edited.stdout, &environment), @r#"
    <time> [INF] model·edit: Updated from standard input: "hello" (command/shell) at <repo>/models/command/shell/<uuid>.yaml
    "#);
    assert_eq!(environment.json(["model", "get", "hello"], 0)["version"], 2);

    let kept = environment.run(["model", "delete", "hello"]);
    assert_eq!(kept.exit, Some(1), "it has data");
    let declined =
        environment.run_with_stdin(["data", "delete", "hello", "log"], "n\n").expect_exit(0);
    insta::assert_snapshot!(stable(&format!("{}{}", declined.stdout, declined.stderr), &environment), @r#"
    <time> [INF] data·delete: Delete cancelled.
    About to delete 1 version(s) of "log" from hello. Proceed? [y/N]
    "#);
    environment.ok(["model", "delete", "hello", "--force"]);
    let left = environment.files("");
    assert!(!left.iter().any(|path| path.contains("command/shell/")), "{left:?}");
}

#[test]
fn a_workflow_is_made_changed_and_removed() {
    let environment = TestEnvironment::new();
    let made = environment.ok(["workflow", "create", "nightly"]);
    insta::assert_snapshot!(stable(&made.stdout, &environment), @r"
    Created: nightly
    Path: <repo>/workflows/workflow-<uuid>.yaml

    Jobs:
      main - Main job (edit or replace)
        Steps:
          example (model_method) - Example step (edit or replace)
    ");
    environment.shell("fine", "run: echo fine");
    let text = format!("name: nightly\n{}", one_job(&[call("s", "fine", "")]));
    environment.run_with_stdin(["workflow", "edit", "nightly"], &text).expect_exit(0);
    environment.ok(["workflow", "run", "nightly", "--skip-reports"]);
    let removed =
        environment.run_with_stdin(["workflow", "delete", "nightly"], "yes\n").expect_exit(0);
    insta::assert_snapshot!(stable(&format!("{}{}", removed.stderr, removed.stdout), &environment), @r#"
    Delete workflow 'nightly' (<uuid>)? This will also delete 1 run. [y/N] 
    <time> [INF] workflow·delete: Deleted workflow "nightly"
    <time> [INF] workflow·delete: Runs deleted: 1
    "#);
    let left = environment.files("");
    assert!(!left.iter().any(|path| path.contains("workflow-")), "{left:?}");
}

#[test]
fn what_is_not_valid_replaces_nothing() {
    let environment = TestEnvironment::new();
    environment.shell("m", "run: echo 1");
    environment.workflow("w", &one_job(&[call("s", "m", "")]));
    let before = contents(&environment);
    for (args, text, told) in [
        (["model", "edit", "m"], "name: [m\n", "2:1"),
        (["model", "edit", "m"], "version: 2\n", "name"),
        (
            ["workflow", "edit", "w"],
            "name: w\njobs: []\n",
            "jobs: must have at least 1 item (line 2",
        ),
        (["workflow", "edit", "w"], "name: w\nname: w\n", "2:1"),
    ] {
        let ran = environment.run_with_stdin(args, text).expect_exit(1);
        assert!(ran.stderr.contains(told), "{args:?} {text:?}: {}", ran.stderr);
        assert_eq!(contents(&environment), before, "{args:?} {text:?}");
    }
}

fn contents(environment: &TestEnvironment) -> Vec<(String, String)> {
    let paths = environment.files("").into_iter();
    let own = paths.filter(|path| path.starts_with("models/") || path.starts_with("workflows/"));
    own.map(|path| {
        let text = fs::read_to_string(environment.repo.join(&path)).expect("text");
        (path, text)
    })
    .collect()
}

#[test]
fn the_editor_gets_the_file() {
    let mut environment = TestEnvironment::new();
    environment.shell("m", "run: echo 1");
    let editor = environment.effects.join("editor");
    fs::write(&editor, "#!/bin/sh\necho \"$@\" > \"$EFFECTS/edited\"\n").expect("a script");
    fs::set_permissions(&editor, fs::Permissions::from_mode(0o755)).expect("an executable script");
    environment.set("EDITOR", format!("{} --wait", editor.display()));
    let opened = environment.ok(["model", "edit", "m", "--json"]).stdout;
    assert!(opened.contains("\"status\": \"opened\""), "{opened}");
    let edited = fs::read_to_string(environment.effects.join("edited")).expect("the editor ran");
    assert!(edited.starts_with("--wait ") && edited.trim().ends_with(".yaml"), "{edited}");
}

#[test]
fn a_model_that_a_workflow_uses_is_not_removed() {
    let environment = TestEnvironment::new();
    environment.shell("m", "run: echo 1");
    environment.workflow("w", &one_job(&[call("s", "m", "")]));
    let refused = environment.run(["model", "delete", "m", "--force"]).expect_exit(1);
    assert!(refused.stderr.contains("'m' is referenced by workflow(s): w."), "{}", refused.stderr);
}
