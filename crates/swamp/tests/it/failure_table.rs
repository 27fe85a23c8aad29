//! How calls fail, and what is recorded about it: one test per row of the table of failures.
//!
//! Being stopped is in `stopping.rs`, telemetry that cannot write in `telemetry_faults.rs`.

use serde_json::{Value, json};

use crate::environment::{
    Entries, TestEnvironment, call, jobs, nest, number, one_job, outline, read_yaml, text,
};

/// The entry of the only command of the environment, after checks that hold for every failed run.
#[track_caller]
fn failed_parent<'a>(
    environment: &TestEnvironment,
    entries: &'a Entries,
    workflow: &str,
) -> &'a Value {
    let parent = entries.parent();
    let record = environment.run_record(workflow);
    assert_eq!(parent["runId"], record["id"]);
    assert_eq!(parent["runStatus"], "failed");
    assert_eq!(parent["result"]["exitCode"], 1);
    assert_ne!(parent["result"]["status"], "success");
    for child in entries.children() {
        assert_eq!(child["parentInvocationId"], parent["id"]);
    }
    parent
}

#[test]
fn a_method_that_succeeds_is_recorded_with_its_own_duration() {
    let environment = TestEnvironment::new();
    environment.shell("slow", "run: 'sleep 0.3'");
    environment.shell("quick", "run: 'true'");
    let id = environment.workflow(
        "w",
        &jobs(&[
            ("first", "", &[call("wait", "slow", ""), call("at once", "quick", "")]),
            (
                "second",
                ", dependsOn: [{job: first, condition: {type: succeeded}}]",
                &[call("at once", "quick", "")],
            ),
        ]),
    );
    environment.ok(["workflow", "run", "w"]);

    let entries = environment.entries();
    insta::assert_snapshot!(entries.outline(), @r"
    w | first | at once | success method
    w | first | wait | success method
    w | second | at once | success method
    ");
    let parent = entries.parent();
    let record = environment.run_record("w");
    assert_eq!(parent["result"], json!({"status": "success", "exitCode": 0}));
    assert_eq!(parent["runId"], record["id"]);
    assert_eq!(parent["runStatus"], "succeeded");
    assert_eq!(parent["methodCounts"], json!({"total": 3, "success": 3, "error": 0, "skipped": 0}));
    assert_eq!(parent["invocation"]["command"], "workflow");
    assert_eq!(parent["invocation"]["subcommand"], "run");
    assert_eq!(parent["invocation"]["args"], json!(["<REDACTED>"]));

    let slow = entries.child("first", "wait");
    assert!(
        (300..number(&parent["durationMs"])).contains(&number(&slow["durationMs"])),
        "{slow:#}"
    );
    assert!(number(&entries.child("second", "at once")["durationMs"]) < 300);
    assert_eq!(
        slow["invocation"],
        json!({
            "command": "model",
            "args": ["run", "<REDACTED>", "execute"],
            "optionKeys": [],
            "globalOptions": [],
            "subcommand": "method",
        })
    );
    assert_eq!(
        slow["workflowContext"],
        json!({
            "workflowName": "w",
            "runId": record["id"],
            "jobName": "first",
            "stepName": "wait",
            "modelType": "command/shell",
            "driver": "raw",
            "driverOrigin": "default",
            "phase": "method",
        })
    );
    assert_eq!(record["workflowId"], *id);
    assert!(!slow.to_string().contains("null"), "{slow}");
}

/// Weakness 2: a failed run is recorded as a success.
#[test]
fn a_method_that_fails_is_an_error_with_its_duration_and_category() {
    let environment = TestEnvironment::new();
    environment.shell("bad", "run: 'sleep 0.2; exit 7'");
    environment.workflow("w", &one_job(&[call("s", "bad", "")]));
    environment.run(["workflow", "run", "w"]).expect_exit(1);

    let entries = environment.entries();
    insta::assert_snapshot!(entries.outline(), @"w | main | s | user_error method method");
    let child = entries.child("main", "s");
    assert!(number(&child["durationMs"]) >= 200, "{child:#}");
    assert_eq!(child["result"]["exitCode"], 1);
    assert_eq!(child["result"]["errorMessage"], "Command exited with code 7");
    let parent = failed_parent(&environment, &entries, "w");
    assert_eq!(parent["result"]["errorCategory"], "method");
    assert_eq!(parent["methodCounts"], json!({"total": 1, "success": 0, "error": 1, "skipped": 0}));
    insta::assert_snapshot!(outline(&environment.run_record("w")), @r"
    w: failed
      main: failed
        s: failed - Command exited with code 7
    ");
}

/// Steps of which each fails before its method for another reason, with the category to expect.
fn hopeless_steps(environment: &TestEnvironment, more: &str) -> Vec<(&'static str, String)> {
    environment.shell("fine", "run: 'echo ran >> \"$EFFECTS/ran\"'");
    environment.shell("vaulted", r#"run: "echo ${{ vault.get('nope', 'k') }} >> $EFFECTS/ran""#);
    environment.shell("mistaken", r#"run: "echo ${{ self.nonsense }} >> $EFFECTS/ran""#);
    environment.shell("elsewhere", r#"run: "echo ${{ env.NOT_SET_ANYWHERE }} >> $EFFECTS/ran""#);
    environment.shell("empty", "workingDir: '.'");
    let method = call("method", "fine", more).replace("methodName: execute", "methodName: nope");
    let inputs = call("inputs", "fine", more).replace(
        "methodName: execute",
        "methodName: execute, inputs: {x: '${{ model.ghost.resource }}'}",
    );
    let vary = format!("{more}, dataOutputOverrides: [{{specName: result, vary: [region]}}]");
    vec![
        ("model_not_found", call("model", "ghost", more)),
        ("method_not_found", method),
        ("vault", call("vault", "vaulted", more)),
        ("expression", call("expression", "mistaken", more)),
        ("expression", inputs),
        ("vary", call("vary", "fine", &vary)),
        ("env", call("env", "elsewhere", more)),
        ("arguments", call("arguments", "empty", more)),
        ("driver", call("driver", "fine", &format!("{more}, driver: catapult"))),
    ]
}

/// Weakness 20: no duration may or may not mean that the method ran.
#[test]
fn what_fails_before_its_method_has_an_entry_of_no_duration() {
    let environment = TestEnvironment::new();
    let steps = hopeless_steps(&environment, "");
    let texts: Vec<&String> = steps.iter().map(|(_, step)| step).collect();
    environment.workflow("w", &one_job(&texts));
    environment.run(["workflow", "run", "w"]).expect_exit(1);

    assert_eq!(environment.effects("ran"), [""; 0], "a method ran after all");
    let entries = environment.entries();
    insta::assert_snapshot!(entries.outline(), @r"
    w | main | arguments | user_error arguments before_method
    w | main | driver | user_error driver before_method
    w | main | env | user_error env before_method
    w | main | expression | user_error expression before_method
    w | main | inputs | user_error expression before_method
    w | main | method | user_error method_not_found before_method
    w | main | model | user_error model_not_found before_method
    w | main | vary | user_error vary before_method
    w | main | vault | user_error vault before_method
    ");
    for child in entries.children() {
        assert_eq!(child["durationMs"], 0, "{child:#}");
        assert_eq!(child["startedAt"], child["completedAt"], "{child:#}");
        let is_model = child["workflowContext"]["stepName"] == "model";
        assert_eq!(child["workflowContext"].get("modelType").is_none(), is_model, "{child:#}");
    }
    let count = steps.len();
    let parent = failed_parent(&environment, &entries, "w");
    assert_eq!(
        parent["methodCounts"],
        json!({"total": count, "success": 0, "error": count, "skipped": 0})
    );
}

#[test]
fn what_fails_before_its_method_may_be_allowed_to() {
    let environment = TestEnvironment::new();
    let steps = hopeless_steps(&environment, ", allowFailure: true");
    let mut texts: Vec<&String> = steps.iter().map(|(_, step)| step).collect();
    let last = call("zz", "fine", ", dependsOn: [{step: model, condition: {type: failed}}]");
    texts.push(&last);
    environment.workflow("w", &one_job(&texts));
    environment.ok(["workflow", "run", "w"]);

    assert_eq!(environment.effects("ran"), ["ran"]);
    let entries = environment.entries();
    assert_eq!(entries.parent()["result"], json!({"status": "success", "exitCode": 0}));
    assert_eq!(entries.parent()["runStatus"], "succeeded");
    for (category, _) in steps {
        let found = entries
            .children()
            .into_iter()
            .filter(|child| child["result"]["errorCategory"] == category)
            .inspect(|child| assert_eq!(child["workflowContext"]["allowedFailure"], true))
            .count();
        assert!(found >= 1, "no entry of category {category}: {entries:#?}");
    }
    assert_eq!(entries.child("main", "zz")["result"]["status"], "success");
}

/// Weakness 22: the same mistake is the user's in one place and the program's in another.
#[test]
fn a_direct_call_has_the_same_truth_in_the_entry_of_the_command() {
    let environment = TestEnvironment::new();
    environment.shell("bad", "run: 'sleep 0.2; exit 7'");
    environment.shell("fine", "run: 'true'");
    environment.shell("vaulted", r#"run: "echo ${{ vault.get('nope', 'k') }}""#);
    let cases = [
        (vec!["fine", "execute"], 0, "success", None),
        (vec!["bad", "execute"], 1, "user_error", Some("method")),
        (vec!["ghost", "execute"], 1, "user_error", Some("model_not_found")),
        (vec!["fine", "nope"], 1, "user_error", Some("method_not_found")),
        (vec!["vaulted", "execute"], 1, "user_error", Some("vault")),
        (vec!["fine", "execute", "--input", "bogus=1"], 1, "user_error", Some("arguments")),
        (vec!["fine", "execute", "--driver", "catapult"], 1, "user_error", Some("driver")),
    ];
    let mut seen = 0;
    for (args, exit, status, category) in cases {
        let command = ["model", "method", "run"].iter().chain(&args);
        environment.run(command).expect_exit(exit);
        let entries = environment.entries();
        assert!(entries.children().is_empty());
        seen += 1;
        assert_eq!(entries.0.len(), seen, "one entry per command");
        let entry = &entries.0[seen - 1];
        assert_eq!(entry["result"]["status"], status, "{args:?}: {entry:#}");
        assert_eq!(
            entry["result"].get("errorCategory").and_then(Value::as_str),
            category,
            "{args:?}"
        );
        assert_eq!(entry["result"]["exitCode"], exit, "{args:?}");
        let words = entry["invocation"]["args"].as_array().expect("words");
        assert_eq!(words[..2], [json!("run"), json!("<REDACTED>")], "{args:?}");
    }
}

#[test]
fn structural_failures_have_no_entry_of_their_own() {
    let environment = TestEnvironment::new();
    environment.shell("fine", "run: 'true'");
    environment
        .workflow("missing", &one_job(&[nest("s", "ghost", ""), call("beside", "fine", "")]));
    environment.workflow("circle", &one_job(&[nest("s", "round", "")]));
    environment.workflow("round", &one_job(&[nest("s", "circle", "")]));
    for level in 0..12 {
        let next = format!("level-{}", level + 1);
        environment.workflow(&format!("level-{level}"), &one_job(&[nest("s", &next, "")]));
    }
    environment.workflow("level-12", &one_job(&[call("deepest", "fine", "")]));

    for (workflow, message) in [
        ("missing", "Workflow not found: ghost"),
        ("circle", "circle -> round -> circle"),
        ("level-0", "10"),
    ] {
        let before = environment.entries().0.len();
        let ran = environment.run(["workflow", "run", workflow]).expect_exit(1);
        let told = format!("{}{}", ran.stdout, ran.stderr);
        assert!(told.contains(message), "{workflow} does not say {message}:\n{told}");
        let entries = environment.entries();
        let parents = entries.parents();
        let parent = parents.last().expect("an entry");
        assert_ne!(parent["result"]["status"], "success", "{workflow}");
        assert_eq!(parent["runStatus"], "failed", "{workflow}");
        let added = entries.0.len() - before;
        assert_eq!(added, if workflow == "missing" { 2 } else { 1 }, "{workflow}: {entries:#?}");
    }
    let entries = environment.entries();
    insta::assert_snapshot!(entries.outline(), @"missing | main | beside | success method");
}

#[test]
fn a_nested_run_has_its_own_children_linked_to_the_same_parent() {
    let environment = TestEnvironment::new();
    environment.shell("fine", "run: 'true'");
    environment.shell("bad", "run: 'exit 3'");
    environment.workflow("innermost", &one_job(&[call("s", "bad", "")]));
    environment.workflow(
        "inner",
        &jobs(&[("main", "", &[call("before", "fine", ""), nest("s", "innermost", "")])]),
    );
    environment.workflow(
        "outer",
        &jobs(&[
            ("first", "", &[nest("s", "inner", "")]),
            (
                "then",
                ", dependsOn: [{job: first, condition: {type: failed}}]",
                &[call("after", "fine", "")],
            ),
        ]),
    );
    environment.run(["workflow", "run", "outer"]).expect_exit(1);

    let entries = environment.entries();
    insta::assert_snapshot!(entries.outline(), @r"
    inner | main | before | success method
    innermost | main | s | user_error method method
    outer | then | after | success method
    ");
    let parent = failed_parent(&environment, &entries, "outer");
    assert_eq!(parent["result"]["errorCategory"], "method");
    assert_eq!(parent["methodCounts"], json!({"total": 3, "success": 2, "error": 1, "skipped": 0}));
    let [outer, inner, innermost] =
        ["outer", "inner", "innermost"].map(|name| environment.run_record(name));
    let context = &entries.child("main", "s")["workflowContext"];
    assert_eq!(context["runId"], innermost["id"]);
    assert_eq!(context["rootRunId"], outer["id"]);
    assert_eq!(context["rootWorkflowName"], "outer");
    assert_eq!(context["depth"], 2);
    let context = &entries.child("main", "before")["workflowContext"];
    assert_eq!((&context["runId"], &context["depth"]), (&inner["id"], &json!(1)));
    let context = &entries.child("then", "after")["workflowContext"];
    assert_eq!(context["runId"], outer["id"]);
    assert_eq!((context.get("depth"), context.get("rootRunId")), (None, None));
    for record in [&outer, &inner, &innermost] {
        assert_eq!(record["status"], "failed");
    }
}

#[test]
fn a_nested_run_that_may_fail_leaves_the_outer_one_succeeded() {
    let environment = TestEnvironment::new();
    environment.shell("bad", "run: 'exit 3'");
    environment.workflow("inner", &one_job(&[call("s", "bad", "")]));
    environment.workflow("outer", &one_job(&[nest("s", "inner", ", allowFailure: true")]));
    environment.ok(["workflow", "run", "outer"]);

    let entries = environment.entries();
    insta::assert_snapshot!(entries.outline(), @"inner | main | s | user_error method method");
    assert_eq!(entries.parent()["result"]["status"], "success");
    assert_eq!(
        entries.parent()["methodCounts"],
        json!({"total": 1, "success": 0, "error": 1, "skipped": 0})
    );
    insta::assert_snapshot!(outline(&environment.run_record("outer")), @r#"
    outer: succeeded
      main: succeeded
        s: failed (allowed) - Nested workflow "inner" failed: step "s" of job "main": Command exited with code 3
    "#);
    assert_eq!(environment.run_record("inner")["status"], "failed");
}

#[test]
fn skipped_steps_and_jobs_have_no_entry() {
    let environment = TestEnvironment::new();
    environment.shell("fine", "run: 'true'");
    environment.shell("bad", "run: 'exit 1'");
    let on = |step: &str, condition: &str| {
        format!(", dependsOn: [{{step: {step}, condition: {{type: {condition}}}}}]")
    };
    let id = environment.workflow(
        "w",
        &jobs(&[
            (
                "a",
                "",
                &[
                    call("bad", "bad", ""),
                    call("good", "fine", ""),
                    call("never", "fine", &on("good", "failed")),
                    call("cleanup", "fine", &on("bad", "failed")),
                    call("at last", "fine", &on("cleanup", "completed")),
                    call("on", "fine", &on("bad", "succeeded")),
                ],
            ),
            (
                "b",
                ", dependsOn: [{job: a, condition: {type: succeeded}}]",
                &[call("unreached", "fine", "")],
            ),
        ]),
    );
    environment.run(["workflow", "run", "w"]).expect_exit(1);

    let entries = environment.entries();
    insta::assert_snapshot!(entries.outline(), @r"
    w | a | at last | success method
    w | a | bad | user_error method method
    w | a | cleanup | success method
    w | a | good | success method
    ");
    assert_eq!(
        entries.parent()["methodCounts"],
        json!({"total": 7, "success": 3, "error": 1, "skipped": 3})
    );
    insta::assert_snapshot!(outline(&environment.run_record("w")), @r"
    w: failed
      a: failed
        bad: failed - Command exited with code 1
        good: succeeded
        never: skipped
        cleanup: succeeded
        at last: succeeded
        on: skipped
      b: skipped
        unreached: skipped
    ");
    let path = format!(".swamp/workflow-runs/{id}");
    let log = environment.files(&path).into_iter().find(|name| name.ends_with(".log"));
    let log = environment.repo.join(path).join(log.expect("a run log"));
    let log = std::fs::read_to_string(log).expect("a readable log");
    assert!(log.contains("Run failed"), "the log stops before the end of the run:\n{log}");
}

#[test]
fn a_command_writes_its_entries_once_and_whole() {
    let environment = TestEnvironment::new();
    environment.shell("fine", "run: 'true'");
    environment.workflow("w", &one_job(&[call("s", "fine", "")]));
    environment.ok(["workflow", "run", "w", "--json"]);

    let mut names = environment.files(".swamp/telemetry");
    names.retain(|name| name != "tally");
    assert_eq!(names.len(), 2, "something is left in the spool besides the entries: {names:?}");
    let repo_id = read_yaml(&environment.repo.join(".swamp.yaml"))["repoId"].clone();
    for (name, entry) in names.iter().zip({
        let mut entries = environment.entries().0;
        entries.sort_by_key(|entry| text(&entry["id"]).to_owned());
        entries
    }) {
        let date = &text(&entry["startedAt"])[..10];
        assert_eq!(*name, format!("telemetry-{date}-{}.json", text(&entry["id"])));
        assert_eq!(entry["repoId"], repo_id);
        assert_eq!(entry["runtime"]["name"], "rust");
        assert_eq!(entry["denoVersion"], "0.0.0");
    }
    assert_eq!(environment.entries().parent()["invocation"]["globalOptions"], json!(["--json"]));
}
