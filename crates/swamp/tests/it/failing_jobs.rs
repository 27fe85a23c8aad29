//! Jobs that fail next to each other, and failures that are allowed.

use serde_json::json;

use crate::environment::{TestEnvironment, call, jobs, one_job, outline};

/// Weakness 1: a run that fails takes its command's entry with it.
#[test]
fn parallel_jobs_that_fail_fail_the_run() {
    let environment = TestEnvironment::new();
    environment.shell("fine", "run: 'sleep 0.2'");
    environment.shell("bad", "run: 'exit 1'");
    environment.shell("worse", "run: 'sleep 0.1; exit 2'");
    environment.workflow(
        "w",
        &jobs(&[
            ("one", "", &[call("s", "bad", "")]),
            ("two", "", &[call("s", "worse", "")]),
            ("three", "", &[call("s", "fine", "")]),
            (
                "after two",
                ", dependsOn: [{job: two, condition: {type: failed}}]",
                &[call("s", "fine", "")],
            ),
        ]),
    );
    let document = environment.json(["workflow", "run", "w"], 1);
    assert_eq!(document["status"], "failed");

    insta::assert_snapshot!(outline(&environment.run_record("w")), @r"
    w: failed
      one: failed
        s: failed - Command exited with code 1
      two: failed
        s: failed - Command exited with code 2
      three: succeeded
        s: succeeded
      after two: succeeded
        s: succeeded
    ");
    let entries = environment.entries();
    insta::assert_snapshot!(entries.outline(), @r"
    w | after two | s | success method
    w | one | s | user_error method method
    w | three | s | success method
    w | two | s | user_error method method
    ");
    let parent = entries.parent();
    assert_eq!(parent["result"]["status"], "user_error");
    assert_eq!(parent["result"]["exitCode"], 1);
    assert_eq!(parent["result"]["errorCategory"], "method");
    assert_eq!(parent["runId"], document["id"]);
    assert_eq!(parent["runStatus"], "failed");
    assert_eq!(parent["methodCounts"], json!({"total": 4, "success": 2, "error": 2, "skipped": 0}));
}

#[test]
fn a_job_that_cannot_be_expanded_fails_the_run_beside_others() {
    let environment = TestEnvironment::new();
    environment.shell("fine", "run: 'true'");
    let each = ", forEach: {item: x, in: '${{ 1 + 1 }}'}";
    environment.workflow(
        "w",
        &jobs(&[
            ("broken", "", &[call("s", "fine", each)]),
            ("sound", "", &[call("s", "fine", "")]),
        ]),
    );
    environment.run(["workflow", "run", "w"]).expect_exit(1);

    let record = environment.run_record("w");
    assert_eq!(record["status"], "failed");
    assert_eq!(record["jobs"][0]["status"], "failed", "{record:#}");
    assert_eq!(record["jobs"][1]["status"], "succeeded", "{record:#}");
    let entries = environment.entries();
    assert_eq!(entries.called(), [("w".into(), "sound".into(), "s".into())]);
    assert_eq!(entries.parent()["runStatus"], "failed");
    assert_ne!(entries.parent()["result"]["status"], "success");
}

#[test]
fn an_allowed_failure_is_an_error_in_a_run_that_succeeds() {
    let environment = TestEnvironment::new();
    environment.shell("fine", "run: 'true'");
    environment.shell("bad", "run: 'exit 5'");
    let after = ", dependsOn: [{step: may, condition: {type: failed}}]";
    environment.workflow(
        "w",
        &one_job(&[call("may", "bad", ", allowFailure: true"), call("then", "fine", after)]),
    );
    environment.ok(["workflow", "run", "w"]);

    let entries = environment.entries();
    insta::assert_snapshot!(entries.outline(), @r"
    w | main | may | user_error method method allowed
    w | main | then | success method
    ");
    assert_eq!(entries.parent()["result"], json!({"status": "success", "exitCode": 0}));
    assert_eq!(
        entries.parent()["methodCounts"],
        json!({"total": 2, "success": 1, "error": 1, "skipped": 0})
    );
    insta::assert_snapshot!(outline(&environment.run_record("w")), @r"
    w: succeeded
      main: succeeded
        may: failed (allowed) - Command exited with code 5
        then: succeeded
    ");
}

#[test]
fn a_for_each_step_fails_if_any_of_its_steps_does() {
    let environment = TestEnvironment::new();
    environment.definition(
        "worker",
        "inputs: {properties: {n: {type: string}}}\n\
         methods: {execute: {arguments: {run: 'test ${{ inputs.n }} != b'}}}\n",
    );
    environment.shell("fine", "run: 'true'");
    let on = |condition: &str| {
        format!(", dependsOn: [{{step: each, condition: {{type: {condition}}}}}]")
    };
    environment.workflow(
        "w",
        &one_job(&[
            "{name: each, forEach: {item: n, in: \"${{ ['a', 'b', 'c'] }}\"}, \
              task: {type: model_method, modelIdOrName: worker, methodName: execute, \
              inputs: {n: '${{ self.n }}'}}}"
                .to_owned(),
            call("if all", "fine", &on("succeeded")),
            call("if any", "fine", &on("failed")),
            call("anyway", "fine", &on("completed")),
        ]),
    );
    environment.run(["workflow", "run", "w"]).expect_exit(1);

    insta::assert_snapshot!(environment.entries().outline(), @r"
    w | main | anyway | success method
    w | main | each-a | success method
    w | main | each-b | user_error method method
    w | main | each-c | success method
    w | main | if any | success method
    ");
    insta::assert_snapshot!(outline(&environment.run_record("w")), @r"
    w: failed
      main: failed
        each-a: succeeded
        each-b: failed - Command exited with code 1
        each-c: succeeded
        if all: skipped
        if any: succeeded
        anyway: succeeded
    ");
}

#[test]
fn a_run_that_fails_before_it_starts_has_an_entry_without_a_run() {
    let environment = TestEnvironment::new();
    environment.run(["workflow", "run", "ghost"]).expect_exit(1);

    let entries = environment.entries();
    let parent = entries.parent();
    assert_eq!(parent["result"]["status"], "user_error");
    assert_eq!(parent.get("runId"), None);
    assert_eq!(parent.get("methodCounts"), None);
    assert!(!parent.to_string().contains("ghost"), "a name left the command line: {parent:#}");
}
