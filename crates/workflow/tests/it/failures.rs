//! Runs that cannot begin, and runs that fail.

use std::fs;

use serde_json::json;
use swamp_events::EventKind;
use swamp_ident::{ErrorCategory, Phase, Status};
use swamp_workflow::WorkflowError;

use crate::repo::{Repo, id_of, steps, view};

#[test]
fn what_is_wrong_with_the_file_keeps_a_run_from_beginning() {
    let step = "task: {type: model_method, modelIdOrName: good, methodName: execute}";
    let repo = Repo::new(&[
        (
            "job-cycle",
            &format!(
                "jobs:\n  - {{name: a, dependsOn: [{{job: b, condition: {{type: succeeded}}}}], steps: [{{name: s, {step}}}]}}\n  - {{name: b, dependsOn: [{{job: a, condition: {{type: succeeded}}}}], steps: [{{name: s, {step}}}]}}"
            ),
        ),
        (
            "dup-steps",
            &format!("jobs: [{{name: j, steps: [{{name: s, {step}}}, {{name: s, {step}}}]}}]"),
        ),
        (
            "unknown-key",
            &format!(
                "description: \"zone ${{{{ inputs.zone }}}}\"\njobs: [{{name: j, steps: [{{name: s, {step}}}]}}]"
            ),
        ),
        (
            "syntax",
            "jobs: [{name: j, steps: [{name: s, task: {type: model_method, modelIdOrName: good, methodName: execute, inputs: {run: \"${{ 1 + }}\"}}}]}]",
        ),
        (
            "run-id",
            "jobs: [{name: j, steps: [{name: s, task: {type: model_method, modelIdOrName: good, methodName: execute, inputs: {run: \"${{ workflowRunId }}\"}}}]}]",
        ),
        ("no-jobs", "jobs: []"),
        ("twice", "jobs: []\njobs: []"),
    ]);
    for (workflow, want) in [
        ("job-cycle", "Cyclic dependency detected: a -> b -> a"),
        ("dup-steps", "Duplicate node names: s"),
        ("unknown-key", "Invalid expression: No such key: zone"),
        ("syntax", "Invalid expression: "),
        ("run-id", "Invalid expression: Unknown variable: workflowRunId"),
        ("no-jobs", "jobs: must have at least 1 item"),
        ("twice", "workflow-"),
        ("nowhere", "Workflow not found: nowhere"),
    ] {
        let error = repo.run(workflow).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(want), "{workflow}: {text}");
        assert!(!repo.path().join(".swamp/workflow-runs").exists(), "{workflow}");
    }
    assert!(repo.events().iter().all(|event| matches!(event.kind, EventKind::Preparing(_))));

    let text = repo.run("unknown-key").unwrap_err().to_string();
    let file = format!("workflow-{}.yaml:3:14)", id_of("workflows", "unknown-key"));
    assert!(text.contains("(at description in ") && text.ends_with(&file), "{text}");
    let error = repo.run("no-jobs").unwrap_err();
    assert!(matches!(error, WorkflowError::Invalid { .. }));
    assert!(error.to_string().contains(".yaml:3:7: jobs: must have"), "{error}");
    assert_eq!(error.code(), "workflow_execution_failed");
    assert_eq!(repo.run("nowhere").unwrap_err().code(), "workflow_not_found");
}

#[test]
fn failures_before_the_method_carry_the_call_as_far_as_it_was_resolved() {
    let repo = Repo::new(&[(
        "trouble",
        "
concurrency: 1
jobs:
  - name: j
    driver: raw
    steps:
      - {name: a, allowFailure: true, task: {type: model_method, modelIdOrName: ghost, methodName: execute}}
      - {name: b, allowFailure: true, task: {type: model_method, modelIdOrName: good, methodName: restart}}
      - {name: c, allowFailure: true, task: {type: model_method, modelIdOrName: good, methodName: execute, inputs: {run: \"echo ${{ data.latest('good', 'nope').attributes.x }}\"}}}
      - {name: d, allowFailure: true, task: {type: model_method, modelIdOrName: \"${{ self.nope }}\", methodName: execute}}
      - {name: e, allowFailure: true, task: {type: model_method, modelIdOrName: good, methodName: execute, inputs: {timeout: soon}}}
      - {name: f, allowFailure: true, driver: podman, task: {type: model_method, modelIdOrName: good, methodName: execute}}
      - {name: g, allowFailure: true, task: {type: model_method, modelIdOrName: good, methodName: execute}, dataOutputOverrides: [{specName: result, vary: [rack]}]}
      - {name: h, allowFailure: true, task: {type: workflow, workflowIdOrName: nowhere}}
",
    )]);
    let outcome = repo.run("trouble").unwrap();
    assert_eq!(outcome.status(), Status::Succeeded);
    let failures: Vec<(ErrorCategory, Phase, Option<String>, String)> = repo
        .events()
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::StepFailed { failure, allowed: true, call } => Some((
                failure.category,
                failure.phase,
                call.as_ref().map(|call| {
                    format!(
                        "{} {:?}",
                        call.model,
                        call.driver.as_ref().map(|driver| driver.name.to_string())
                    )
                }),
                failure.message.lines().next().unwrap().to_owned(),
            )),
            _ => None,
        })
        .collect();
    let categories: Vec<ErrorCategory> = failures.iter().map(|failure| failure.0).collect();
    assert_eq!(
        categories,
        [
            ErrorCategory::ModelNotFound,
            ErrorCategory::MethodNotFound,
            ErrorCategory::Expression,
            ErrorCategory::Expression,
            ErrorCategory::Arguments,
            ErrorCategory::Driver,
            ErrorCategory::Vary,
            ErrorCategory::Arguments,
        ]
    );
    assert!(failures.iter().all(|failure| failure.1 == Phase::BeforeMethod), "{failures:#?}");
    assert_eq!(failures[0].3, "Model not found: ghost");
    assert_eq!(failures[0].2.as_ref().unwrap(), "ghost Some(\"raw\")");
    assert!(failures[3].2.as_ref().unwrap().starts_with("${{ self.nope }} "));
    assert_eq!(failures[7].2, None, "a nested workflow is no method call");
    assert_eq!(failures[7].3, "Workflow not found: nowhere");
}

#[test]
fn lists_that_cannot_be_had_fail_their_job() {
    let job = |within: &str| {
        format!(
            "{{name: broken, steps: [{{name: s, forEach: {{item: x, in: {within}}}, task: {{type: model_method, modelIdOrName: good, methodName: execute}}}}]}}"
        )
    };
    let fine = "{name: fine, steps: [{name: s, task: {type: model_method, modelIdOrName: good, methodName: execute}}]}";
    let repo = Repo::new(&[
        ("no-list", &format!("jobs: [{}]", job("\"${{ 'text' }}\""))),
        ("no-expression", &format!("jobs: [{}]", job("'a,b'"))),
        ("collision", &format!("jobs: [{}]", job("\"${{ ['a', 'a'] }}\""))),
        ("two-jobs", &format!("jobs: [{}, {fine}]", job("\"${{ ['a', 'a'] }}\""))),
    ]);
    for (workflow, want) in [
        ("no-list", "forEach.in must evaluate to an array or object, got: string"),
        ("no-expression", "Invalid forEach.in expression: a,b. Must be in ${{ }} format."),
        ("collision", "Duplicate node names: s-a"),
    ] {
        let error = repo.run(workflow).unwrap_err();
        assert!(matches!(error, WorkflowError::NothingRan { .. }));
        assert_eq!(error.to_string(), want);
        let record = &repo.records(workflow)[0];
        assert_eq!(record["status"], "failed");
        assert_eq!(record["error"], want);
        assert_eq!(record["jobs"][0]["status"], "failed");
        assert_eq!(record["jobs"][0]["error"], want);
        assert_eq!(
            record["jobs"][0]["steps"],
            json!([{"stepName": "s", "status": "skipped", "completedAt": record["jobs"][0]["steps"][0]["completedAt"]}])
        );
        assert!(record["completedAt"].is_string());
    }
    let outcome = repo.run("two-jobs").unwrap();
    assert_eq!(outcome.status(), Status::Failed);
    let view = view(&outcome);
    assert_eq!(
        steps(&view),
        ["broken/s=skipped", "broken=failed", "fine/s=succeeded", "fine=succeeded"]
    );
    assert_eq!(view["jobs"][0]["error"], "Duplicate node names: s-a");
    assert_eq!(view["error"], "Duplicate node names: s-a");
    let told = "two-jobs: run failed 1/0/1/0: Duplicate node names: s-a";
    assert_eq!(repo.story().last().unwrap(), told);
}

#[test]
fn parallel_jobs_fail_independently() {
    let job = |name: &str, model: &str| {
        format!(
            "  - {{name: {name}, steps: [{{name: s, task: {{type: model_method, modelIdOrName: {model}, methodName: execute}}}}, {{name: t, dependsOn: [{{step: s, condition: {{type: succeeded}}}}], task: {{type: model_method, modelIdOrName: good, methodName: execute}}}}]}}\n"
        )
    };
    let yaml = format!("jobs:\n{}{}{}", job("a", "bad"), job("b", "good"), job("c", "bad"));
    let repo = Repo::new(&[("parallel", &yaml)]);
    let outcome = repo.run("parallel").unwrap();
    assert_eq!(outcome.status(), Status::Failed);
    assert_eq!(
        steps(&view(&outcome)),
        [
            "a/s=failed: Command exited with code 3",
            "a/t=skipped",
            "a=failed",
            "b/s=succeeded",
            "b/t=succeeded",
            "b=succeeded",
            "c/s=failed: Command exited with code 3",
            "c/t=skipped",
            "c=failed",
        ]
    );
    assert_eq!(outcome.totals().failed, 2);
    assert!(outcome.error().is_none(), "the run itself has no failure of its own");
}

#[test]
fn a_record_that_cannot_be_written_is_one_clear_error() {
    let yaml = "jobs: [{name: j, steps: [{name: s, task: {type: model_method, modelIdOrName: good, methodName: execute}}]}]";
    let repo = Repo::new(&[("plain", yaml)]);
    // A file where the directory of the records has to be.
    fs::create_dir_all(repo.path().join(".swamp")).unwrap();
    repo.write(".swamp/workflow-runs", "");
    let error = repo.run("plain").unwrap_err().to_string();
    assert!(error.contains("workflow-runs"), "{error}");
    assert!(!repo.story().iter().any(|line| line.contains("run started")));
}

#[test]
fn a_record_that_cannot_be_written_any_more_ends_the_run() {
    let repo = Repo::new(&[]);
    let runs = repo.path().join(".swamp/workflow-runs").join(id_of("workflows", "breaks"));
    let spoil = format!("rm -r {0}; : > {0}", runs.display());
    let yaml = format!(
        "jobs: [{{name: j, steps: [{{name: s, task: {{type: model_method, modelIdOrName: good, methodName: \
         execute, inputs: {{run: '{spoil}'}}}}}}]}}]"
    );
    repo.add_workflow("breaks", &yaml);
    let error = repo.run("breaks").unwrap_err();
    assert!(matches!(error, WorkflowError::Record { .. }), "{error}");
    assert!(error.to_string().contains("workflow-run-"), "{error}");
    let story = repo.story();
    let last = story.last().unwrap();
    assert!(last.starts_with("breaks: run failed 1/0/0/0: "), "{last}");
}
