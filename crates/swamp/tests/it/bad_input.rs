//! Mistakes in files and arguments: one clear message that names the place, and nothing written.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::environment::{Ran, TestEnvironment, call, jobs, nest, one_job};

/// Everything in the repository with its content, telemetry left out: a command that fails is
/// recorded there.
fn contents(environment: &TestEnvironment) -> BTreeMap<String, Vec<u8>> {
    environment
        .files("")
        .into_iter()
        .filter(|path| !path.starts_with(".swamp/telemetry/"))
        .map(|path| {
            let content = fs::read(environment.repo.join(&path)).unwrap_or_default();
            (path, content)
        })
        .collect()
}

/// A command that has to fail with one message that says all of `told`, in both output modes, and
/// write nothing.
#[track_caller]
fn refused(environment: &TestEnvironment, args: &[&str], told: &[&str]) -> String {
    let before = contents(environment);
    let ran = environment.run(args).expect_exit(1);
    let stderr = ran.stderr.clone();
    assert_told(&ran, told);
    let ran = environment.run(args.iter().copied().chain(["--json"])).expect_exit(1);
    let document = ran.json();
    let message = document["error"].as_str().unwrap_or_else(|| panic!("no error: {document:#}"));
    for part in told {
        let hint = document["hint"].as_str().unwrap_or_default();
        assert!(
            message.contains(part) || hint.contains(part),
            "{part:?} is not told by {document:#}"
        );
    }
    assert_eq!(ran.stderr, "", "--json speaks on standard output only");
    let after = contents(environment);
    let names = |contents: &BTreeMap<String, Vec<u8>>| contents.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&before), names(&after), "files came or went");
    assert_eq!(before, after, "a file changed");
    assert_eq!(environment.effects("ran"), [""; 0], "a method ran");
    stderr
}

/// Standard error has one error that says all of `told`.
#[track_caller]
fn assert_told(ran: &Ran, told: &[&str]) {
    let errors = ran.stderr.lines().filter(|line| line.starts_with("Error:")).count();
    assert_eq!(errors, 1, "not one error:\n{}{}", ran.stdout, ran.stderr);
    for part in told {
        assert!(ran.stderr.contains(part), "{part:?} is not told by:\n{}", ran.stderr);
    }
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
}

/// An environment with a definition that would leave a trace if it ran.
fn environment() -> TestEnvironment {
    let environment = TestEnvironment::new();
    environment.shell("fine", "run: 'echo ran >> \"$EFFECTS/ran\"'");
    environment
}

#[test]
fn broken_yaml_is_shown_with_file_line_and_column() {
    let environment = environment();
    let body = "jobs:\n  - name: main\n    steps: [\n      {name: s, task: }}\n";
    let id = environment.workflow("w", body);
    let place = format!("workflows/workflow-{id}.yaml:6:24");
    refused(&environment, &["workflow", "run", "w"], &[&place]);
    refused(&environment, &["workflow", "validate", "w"], &[&place]);

    let id = environment.definition("torn", "methods:\n  execute:\n   arguments: {run: 'x\n");
    refused(
        &environment,
        &["model", "method", "run", "torn", "execute"],
        &[&format!("models/command/shell/{id}.yaml:")],
    );
}

#[test]
fn a_key_that_stands_twice_is_shown_with_its_place() {
    let environment = environment();
    let body = "jobs:\n  - name: main\n    steps:\n      - name: a\n        name: b\n";
    let id = environment.workflow("w", body);
    let place = format!("workflows/workflow-{id}.yaml:7:9");
    refused(&environment, &["workflow", "run", "w"], &[&place, "name"]);
}

#[test]
fn what_does_not_fit_the_schema_is_shown_with_its_place() {
    let environment = environment();
    let step = call("s", "fine", ", allowFailure: 'yes'");
    let id = environment.workflow("w", &one_job(&[step]));
    let place = format!("workflows/workflow-{id}.yaml:5:");
    refused(&environment, &["workflow", "run", "w"], &[&place, "allowFailure"]);

    let id = environment.workflow("v", "jobs: []\n");
    let place = format!("workflows/workflow-{id}.yaml:3:7");
    refused(&environment, &["workflow", "run", "v"], &[&place, "jobs"]);
}

#[test]
fn unknown_names_are_told() {
    let environment = environment();
    refused(&environment, &["workflow", "run", "ghost"], &["Workflow not found: ghost"]);
    refused(
        &environment,
        &["model", "method", "run", "ghost", "execute"],
        &["Model not found: ghost"],
    );
    refused(
        &environment,
        &["model", "method", "run", "fine", "nope"],
        &["nope", "command/shell", "execute"],
    );
    refused(&environment, &["model", "get", "ghost"], &["Model not found: ghost"]);
    refused(
        &environment,
        &["model", "create", "command/shel", "x"],
        &["command/shel", "command/shell"],
    );
}

#[test]
fn unknown_models_and_methods_of_steps_are_told_by_validate() {
    let environment = environment();
    let step = call("s", "fine", "").replace("methodName: execute", "methodName: nope");
    environment.workflow("w", &one_job(&[step]));
    let ran = environment.run(["workflow", "validate", "w"]).expect_exit(1);
    assert!(ran.stdout.contains("nope"), "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn a_dependency_on_nothing_is_told() {
    let environment = environment();
    let on = ", dependsOn: [{step: ghost, condition: {type: succeeded}}]";
    environment.workflow("steps", &one_job(&[call("s", "fine", on)]));
    let ran = environment.run(["workflow", "validate", "steps"]).expect_exit(1);
    assert!(ran.stdout.contains("s -> ghost"), "{}{}", ran.stdout, ran.stderr);

    let on = ", dependsOn: [{job: ghost, condition: {type: succeeded}}]";
    environment.workflow("jobs", &jobs(&[("main", on, &[call("s", "fine", "")])]));
    let ran = environment.run(["workflow", "validate", "jobs"]).expect_exit(1);
    assert!(ran.stdout.contains("main -> ghost"), "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn a_circle_of_dependencies_is_named_in_full() {
    let environment = environment();
    let on =
        |step: &str| format!(", dependsOn: [{{step: {step}, condition: {{type: succeeded}}}}]");
    environment.workflow(
        "steps",
        &one_job(&[
            call("a", "fine", &on("c")),
            call("b", "fine", &on("a")),
            call("c", "fine", &on("b")),
        ]),
    );
    let on = |job: &str| format!(", dependsOn: [{{job: {job}, condition: {{type: succeeded}}}}]");
    let steps = [call("s", "fine", "")];
    environment.workflow("jobs", &jobs(&[("x", &on("y"), &steps), ("y", &on("x"), &steps)]));
    refused(&environment, &["workflow", "run", "jobs"], &["x -> y -> x"]);
    refused(&environment, &["workflow", "run", "steps"], &["a -> c -> b -> a"]);
    for (name, circle) in [("jobs", "x -> y -> x"), ("steps", "a -> c -> b -> a")] {
        let ran = environment.run(["workflow", "validate", name]).expect_exit(1);
        assert!(ran.stdout.contains(circle), "{}{}", ran.stdout, ran.stderr);
    }
}

#[test]
fn inputs_that_do_not_fit_are_told_all_at_once() {
    let environment = environment();
    let inputs = "inputs:\n  properties:\n    region: {type: string, enum: [eu, us]}\n    count: {type: integer}\n    hosts: {type: array, minItems: 2}\n  required: [region]\n  additionalProperties: false\n";
    environment.workflow("w", &format!("{inputs}{}", one_job(&[call("s", "fine", "")])));
    let run = ["workflow", "run", "w"];
    refused(&environment, &run, &["region is required"]);
    let args = ["--input", "region=mars", "--input", "count=many", "--input", "hosts:json=[1]"];
    let args: Vec<&str> = run.into_iter().chain(args).chain(["--input", "bogus=1"]).collect();
    refused(
        &environment,
        &args,
        &["region must be one of", "count must be a", "hosts must have at least 2 items", "bogus"],
    );
    refused(
        &environment,
        &["workflow", "run", "w", "--input", "nonsense"],
        &["nonsense", "key=value"],
    );
    refused(&environment, &["workflow", "run", "w", "--input", "{\"a\": "], &["JSON"]);
    refused(
        &environment,
        &["workflow", "run", "w", "--input-file", "nowhere.yaml"],
        &["nowhere.yaml"],
    );
    environment.write("broken.yaml", "a: 1\nb: [\n");
    refused(
        &environment,
        &["workflow", "run", "w", "--input-file", "broken.yaml"],
        &["broken.yaml"],
    );
}

#[test]
fn arguments_of_a_method_that_do_not_fit_are_told() {
    let environment = environment();
    let run = ["model", "method", "run", "fine", "execute", "--input"];
    let with = |input: &'static str| -> Vec<&str> { run.into_iter().chain([input]).collect() };
    refused(&environment, &with("bogus=1"), &["bogus", "run, workingDir"]);
    let ran = environment.run(with("timeout=soon")).expect_exit(1);
    assert_told(&ran, &["timeout"]);
    assert_eq!(environment.effects("ran"), [""; 0], "a method ran");
}

#[test]
fn an_expression_error_has_a_caret() {
    let environment = environment();
    let step = call("s", "fine", "").replace(
        "methodName: execute",
        "methodName: execute, inputs: {run: 'echo ${{ inputs.a + }}'}",
    );
    environment.workflow("w", &one_job(&[step]));
    let told = refused(&environment, &["workflow", "run", "w"], &["^", "inputs.a +"]);
    let lines: Vec<&str> = told.lines().collect();
    let caret = lines.iter().position(|line| line.contains('^')).expect("a caret");
    assert!(lines[caret - 1].contains("inputs.a +"), "the caret points at nothing:\n{told}");

    let step = call("${{ inputs.nope }}", "fine", "");
    environment.workflow("v", &one_job(&[step]));
    refused(&environment, &["workflow", "run", "v"], &["nope", "^"]);
}

#[test]
fn a_file_that_may_not_be_read_is_named() {
    let environment = environment();
    let id = environment.workflow("w", &one_job(&[call("s", "fine", "")]));
    let path = format!("workflows/workflow-{id}.yaml");
    let full = environment.repo.join(&path);
    environment.give_away();
    fs::set_permissions(&full, fs::Permissions::from_mode(0o000)).expect("permissions");
    let mut command = TestEnvironment::as_nobody(&environment.program_for_everybody());
    command.args(["workflow", "run", "w"]);
    environment.surround(&mut command);
    let ran = environment.finish(command).expect_exit(1);
    assert_told(&ran, &[&path, "denied"]);
    assert_eq!(environment.run_records().len(), 0);
}

#[test]
fn outside_of_a_repository_that_is_told() {
    let environment = TestEnvironment::without_repository();
    for args in [
        &["workflow", "run", "w"][..],
        &["model", "method", "run", "m", "execute"],
        &["model", "create", "command/shell", "m"],
        &["workflow", "create", "w"],
    ] {
        let ran = environment.run(args).expect_exit(1);
        assert_told(&ran, &["Not a swamp repository", "swamp repo init"]);
        assert_eq!(environment.files(""), [""; 0], "{args:?} wrote something");
    }
}

#[test]
fn a_marker_that_cannot_be_understood_is_shown_with_its_place() {
    let environment = environment();
    environment.write(".swamp.yaml", "swampVersion: [1\n");
    refused(&environment, &["workflow", "run", "w"], &[".swamp.yaml:"]);
}

#[test]
fn a_nested_workflow_with_wrong_inputs_fails_its_step() {
    let environment = environment();
    let body = format!(
        "inputs: {{properties: {{n: {{type: integer}}}}, required: [n]}}\n{}",
        one_job(&[call("s", "fine", "")])
    );
    environment.workflow("inner", &body);
    environment.workflow("outer", &one_job(&[nest("s", "inner", "")]));
    let ran = environment.run(["workflow", "run", "outer"]).expect_exit(1);
    assert!(ran.stderr.contains("n is required"), "{}{}", ran.stdout, ran.stderr);
    assert_eq!(environment.effects("ran"), [""; 0], "a method ran");
}

#[test]
fn a_full_disk_is_told_once_and_leaves_nothing_half_written() {
    let environment = environment();
    let id = environment.workflow("w", &one_job(&[call("s", "fine", "")]));
    // Room for the directory of the workflow and its log, not for a record.
    let runs = environment.repo.join(".swamp/workflow-runs");
    let left = environment.effects.join("left");
    let script = r#"mount -t tmpfs -o size=16k none "$RUNS" && mkdir "$RUNS/$ID" &&
        { cat /dev/zero > "$RUNS/filler" 2> "$LEFT" || true; } && grep -q 'No space' "$LEFT" || exit 99
        "$0" "$@"; code=$?
        rm "$RUNS/filler"; find "$RUNS" -type f -size +0 > "$LEFT"; exit $code"#;
    let mut command = TestEnvironment::in_own_mounts(script);
    command.arg(environment.program_for_everybody()).args(["workflow", "run", "w"]);
    environment.surround(&mut command);
    command.envs([("RUNS", runs.as_os_str()), ("ID", id.as_ref()), ("LEFT", left.as_os_str())]);
    let ran = environment.finish(command);
    assert_ne!(ran.exit, Some(99), "cannot prepare a full disk: {}", ran.stderr);
    let ran = ran.expect_exit(1);
    assert_told(&ran, &["No space left on device", "workflow-runs"]);
    assert_eq!(environment.effects("left"), [""; 0], "something is left half-written");
    let entries = environment.entries();
    assert_eq!(entries.parent()["result"]["status"], "error", "{entries:#?}");
}
