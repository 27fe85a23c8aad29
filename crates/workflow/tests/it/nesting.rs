//! Workflows in workflows.

use serde_json::json;
use swamp_events::EventKind;
use swamp_ident::{DriverName, Status};
use swamp_model::reports::ReportFilter;
use swamp_workflow::RunRequest;

use crate::repo::{Repo, id_of, record_of, steps, view};

const CHILD: &str = "
tags: {layer: inner}
inputs: {properties: {zone: {type: string}, depth: {type: integer, default: 2}}, required: [zone], additionalProperties: false}
jobs: [{name: inner, steps: [{name: scan, task: {type: model_method, modelIdOrName: good, methodName: execute, inputs: {run: \"echo ${{ inputs.zone }} ${{ inputs.depth }}\"}}}]}]
";

fn call(name: &str, reference: &str, more: &str) -> String {
    format!("{{name: {name}, {more} task: {{type: workflow, workflowIdOrName: {reference}}}}}")
}

#[test]
fn a_nested_run_is_a_run_of_its_own_inside_its_step() {
    let repo = Repo::new(&[
        ("child", CHILD),
        (
            "parent",
            "
tags: {owner: platform}
inputs: {properties: {zone: {type: string, default: north}}}
jobs:
  - name: outer
    steps:
      - {name: call, task: {type: workflow, workflowIdOrName: child, inputs: {zone: \"${{ inputs.zone }}\", depth: \"3\"}}}
      - {name: after, dependsOn: [{step: call, condition: {type: succeeded}}], task: {type: model_method, modelIdOrName: good, methodName: execute}}
",
        ),
    ]);
    let request = RunRequest {
        tags: vec![("run".to_owned(), "test".to_owned())],
        driver: Some(DriverName::new("raw")),
        reports: ReportFilter::default(),
        keep_reports: true,
        ..Repo::request("parent")
    };
    let outcome = repo.run_with(&request).unwrap();
    let view = view(&outcome);
    assert_eq!(
        steps(&view),
        ["outer/call=succeeded", "outer/after=succeeded", "outer=succeeded"],
        "{view}"
    );
    let child = &repo.records("child")[0];
    assert_eq!(child["status"], "succeeded");
    assert_eq!(child["tags"], json!({"layer": "inner", "run": "test"}));
    let output = &child["jobs"][0]["steps"][0]["output"];
    assert_eq!(output["resources"]["result"]["result"]["attributes"]["stdout"], "north 3");
    let record = record_of(&outcome);
    assert_eq!(
        record.jobs[0].steps[0].output,
        Some(
            json!({"type": "workflow", "workflow": "child", "runId": child["id"], "status": "succeeded"})
        )
    );
    let story: Vec<String> = repo
        .story()
        .into_iter()
        .filter(|line| !line.contains(": model") && !line.contains(" report"))
        .collect();
    assert_eq!(
        story,
        [
            "parent: run started",
            "parent > outer: job started",
            "parent > outer > call: step started",
            "parent > child: run started",
            "parent > child > inner: job started",
            "parent > child > inner > scan: step started",
            "parent > child > inner > scan: executing on raw",
            "parent > child > inner > scan: finished well",
            "parent > child > inner > scan: step completed [result log]",
            "parent > child > inner: job succeeded",
            "parent > child: run succeeded 1/0/0/0",
            "parent > outer > call: step completed []",
            "parent > outer > after: step started",
            "parent > outer > after: executing on raw",
            "parent > outer > after: finished well",
            "parent > outer > after: step completed [result log]",
            "parent > outer: job succeeded",
            "parent: run succeeded 2/0/0/0",
        ]
    );
    // The summary of the outer run counts the steps of the inner one.
    let reports = view["reports"].as_array().unwrap();
    assert_eq!(reports.len(), 2, "of the outer run's own step, and of the outer run");
    let rows: Vec<&str> = reports[1]["json"]["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["stepName"].as_str().unwrap())
        .collect();
    assert_eq!(rows, ["scan", "after"]);
}

#[test]
fn nested_inputs_are_checked_and_defaulted() {
    let repo = Repo::new(&[
        ("child", CHILD),
        (
            "defaults",
            "jobs: [{name: j, steps: [{name: s, task: {type: workflow, workflowIdOrName: child, inputs: {zone: eu}}}]}]",
        ),
        (
            "wrong",
            "jobs: [{name: j, steps: [{name: s, task: {type: workflow, workflowIdOrName: child, inputs: {depth: many, other: 1}}}]}]",
        ),
        (
            "none",
            "jobs: [{name: j, steps: [{name: s, task: {type: workflow, workflowIdOrName: child}}]}]",
        ),
    ]);
    repo.run("defaults").unwrap();
    let output = &repo.records("child")[0]["jobs"][0]["steps"][0]["output"];
    assert_eq!(output["resources"]["result"]["result"]["attributes"]["stdout"], "eu 2");
    for (workflow, want) in [
        (
            "wrong",
            "Input validation failed:\n  zone is required\n  depth must be an integer\n  other is not a valid input property",
        ),
        ("none", "Input validation failed:\n  zone is required"),
    ] {
        let outcome = repo.run(workflow).unwrap();
        assert_eq!(outcome.status(), Status::Failed);
        assert_eq!(steps(&view(&outcome))[0], format!("j/s=failed: {want}"));
    }
    assert_eq!(repo.records("child").len(), 1);
}

#[test]
fn a_nested_failure_says_why_and_can_be_allowed() {
    let repo = Repo::new(&[
        (
            "failing",
            "jobs: [{name: k, steps: [{name: s, task: {type: model_method, modelIdOrName: bad, methodName: execute}}]}]",
        ),
        (
            "broken",
            "jobs: [{name: k, steps: [{name: s, forEach: {item: x, in: \"${{ 1 }}\"}, task: {type: model_method, modelIdOrName: bad, methodName: execute}}]}]",
        ),
        ("calls", &format!("jobs: [{{name: j, steps: [{}]}}]", call("s", "failing", ""))),
        ("calls-broken", &format!("jobs: [{{name: j, steps: [{}]}}]", call("s", "broken", ""))),
        (
            "tolerates",
            &format!(
                "jobs: [{{name: j, steps: [{}, {{name: t, dependsOn: [{{step: s, condition: {{type: always}}}}], task: {{type: model_method, modelIdOrName: good, methodName: execute}}}}]}}]",
                call("s", "failing", "allowFailure: true,")
            ),
        ),
    ]);
    let why =
        "Nested workflow \"failing\" failed: step \"s\" of job \"k\": Command exited with code 3";
    let outcome = repo.run("calls").unwrap();
    assert_eq!(outcome.status(), Status::Failed);
    assert_eq!(steps(&view(&outcome)), [format!("j/s=failed: {why}"), "j=failed".to_owned()]);
    let outcome = repo.run("tolerates").unwrap();
    assert_eq!(outcome.status(), Status::Succeeded);
    assert_eq!(
        steps(&view(&outcome)),
        [format!("j/s=failed!: {why}"), "j/t=succeeded".to_owned(), "j=succeeded".to_owned()]
    );
    let outcome = repo.run("calls-broken").unwrap();
    assert_eq!(
        steps(&view(&outcome))[0],
        "j/s=failed: Nested workflow \"broken\" failed: forEach.in must evaluate to an array or object, got: number"
    );
}

#[test]
fn cycles_are_found_at_the_first_repetition_by_name_and_by_id() {
    let by_id = id_of("workflows", "by-id");
    let repo = Repo::new(&[
        ("ping", &format!("jobs: [{{name: j, steps: [{}]}}]", call("s", "pong", ""))),
        ("pong", &format!("jobs: [{{name: j, steps: [{}]}}]", call("s", "ping", ""))),
        ("by-id", &format!("jobs: [{{name: j, steps: [{}]}}]", call("s", &by_id, ""))),
    ]);
    let outcome = repo.run("ping").unwrap();
    assert_eq!(
        steps(&view(&outcome))[0],
        "j/s=failed: Nested workflow \"pong\" failed: step \"s\" of job \"j\": Workflow cycle detected: \
         ping -> pong -> ping. A workflow cannot invoke itself directly or indirectly."
    );
    assert_eq!((repo.records("ping").len(), repo.records("pong").len()), (1, 1));
    let outcome = repo.run("by-id").unwrap();
    assert_eq!(
        steps(&view(&outcome))[0],
        "j/s=failed: Workflow cycle detected: by-id -> by-id. A workflow cannot invoke itself directly or \
         indirectly."
    );
    assert_eq!(repo.records("by-id").len(), 1);
}

#[test]
fn ten_nested_runs_are_enough() {
    let repo = Repo::new(&[]);
    for level in 0..12 {
        let yaml = if level == 11 {
            "jobs: [{name: j, steps: [{name: s, task: {type: model_method, modelIdOrName: good, methodName: execute}}]}]".to_owned()
        } else {
            format!("jobs: [{{name: j, steps: [{}]}}]", call("s", &format!("w{}", level + 1), ""))
        };
        repo.add_workflow(&format!("w{level}"), &yaml);
    }
    assert_eq!(repo.run("w1").unwrap().status(), Status::Succeeded);
    let outcome = repo.run("w0").unwrap();
    let view = view(&outcome);
    let error = view["jobs"][0]["steps"][0]["error"].as_str().unwrap();
    assert!(
        error.ends_with(
            "Maximum workflow nesting depth (10) exceeded. Workflow \"w11\" cannot be invoked at depth 11."
        ),
        "{error}"
    );
}

#[test]
fn the_same_workflow_can_run_beside_itself() {
    let repo = Repo::new(&[
        ("child", CHILD),
        (
            "twice",
            "
jobs:
  - name: j
    steps:
      - {name: \"call-${{ self.z }}\", forEach: {item: z, in: \"${{ ['a', 'b', 'c'] }}\"}, task: {type: workflow, workflowIdOrName: child, inputs: {zone: \"${{ self.z }}\"}}}
",
        ),
    ]);
    let outcome = repo.run("twice").unwrap();
    assert_eq!(outcome.status(), Status::Succeeded, "{}", view(&outcome));
    let mut printed: Vec<String> = repo
        .records("child")
        .iter()
        .map(|record| {
            let output = &record["jobs"][0]["steps"][0]["output"];
            output["resources"]["result"]["result"]["attributes"]["stdout"].to_string()
        })
        .collect();
    printed.sort();
    assert_eq!(printed, ["\"a 2\"", "\"b 2\"", "\"c 2\""]);
    // Every invocation has a scope of its own, with one begin and one end.
    let events = repo.events();
    let mut scopes = std::collections::HashMap::new();
    for event in &events {
        let change = match event.kind {
            EventKind::MethodExecuting(_) => (1, 0),
            EventKind::MethodFinished { .. } => (0, 1),
            _ => continue,
        };
        let count: &mut (u32, u32) = scopes.entry(event.scope.clone()).or_default();
        *count = (count.0 + change.0, count.1 + change.1);
    }
    assert_eq!(scopes.len(), 3);
    assert!(scopes.values().all(|count| *count == (1, 1)));
}

#[test]
fn nested_runs_never_wait_for_the_threads_they_use() {
    let repo = Repo::new(&[
        (
            "leaf",
            "jobs: [{name: j, steps: [{name: a, task: {type: model_method, modelIdOrName: good, methodName: execute}}, {name: b, task: {type: model_method, modelIdOrName: good, methodName: execute}}]}]",
        ),
        (
            "middle",
            &format!(
                "jobs: [{{name: j, steps: [{}, {}, {}]}}]",
                call("a", "leaf", ""),
                call("b", "leaf", ""),
                call("c", "leaf", "")
            ),
        ),
        (
            "top",
            &format!(
                "jobs: [{{name: j, steps: [{}, {}]}}, {{name: k, steps: [{}]}}]",
                call("a", "middle", ""),
                call("b", "middle", ""),
                call("c", "middle", "")
            ),
        ),
    ]);
    let limits =
        swamp_workflow::Limits::new(std::num::NonZeroUsize::new(1), std::num::NonZeroUsize::MIN);
    let outcome = repo.run_with(&RunRequest { limits, ..Repo::request("top") }).unwrap();
    assert_eq!(outcome.status(), Status::Succeeded);
    assert_eq!(repo.records("leaf").len(), 9);
    let mut running = 0;
    for event in repo.events() {
        match event.kind {
            EventKind::MethodExecuting(_) => running += 1,
            EventKind::MethodFinished { .. } => running -= 1,
            _ => {}
        }
        assert!(running <= 1, "one step at a time was allowed");
    }
}

#[test]
fn expressions_of_the_environment_are_handed_down_as_they_are() {
    let repo = Repo::new(&[
        ("child", CHILD),
        (
            "parent",
            "jobs: [{name: j, steps: [{name: s, task: {type: workflow, workflowIdOrName: child, inputs: {zone: \"${{ env.SITE }}-${{ 1 + 1 }}\"}}}]}]",
        ),
        (
            "mixed",
            "jobs: [{name: j, steps: [{name: s, task: {type: workflow, workflowIdOrName: child, inputs: {zone: \"${{ env.SITE + inputs.x }}\"}}}]}]",
        ),
    ]);
    repo.run("parent").unwrap();
    let output = &repo.records("child")[0]["jobs"][0]["steps"][0]["output"];
    assert_eq!(output["resources"]["result"]["result"]["attributes"]["stdout"], "berlin-2 2");
    let copy = repo.evaluated("child");
    assert_eq!(copy["jobs"][0]["steps"][0]["task"]["inputs"]["run"], "echo ${{ env.SITE }}-2 2");
    let outcome = repo.run_inputs("mixed", &json!({"x": "y"})).unwrap();
    assert!(steps(&view(&outcome))[0].contains("hand down two inputs instead"));
}
