//! Looking at workflows without running them: validation, evaluation, the library.

use serde_json::{Map, json};
use swamp_workflow::{evaluate, load, load_all, validate};

use crate::repo::{Repo, map, record_of};

fn check(repo: &Repo, workflow: &str) -> Vec<String> {
    let loaded = load(&repo.engine.parts().repository, workflow).unwrap();
    let validation = validate(&repo.engine, &loaded);
    let lines = validation.checks.iter().map(|check| match &check.error {
        None => format!("✓ {}", check.name),
        Some(error) => format!("✗ {}: {error}", check.name),
    });
    lines.collect()
}

#[test]
fn validation_names_everything_that_is_wrong() {
    let repo = Repo::new(&[
        (
            "dup-jobs",
            "jobs:\n  - &j {name: j, steps: [{name: s, task: {type: model_method, modelIdOrName: good, methodName: execute}}, {name: s, task: {type: model_method, modelIdOrName: ghost, methodName: execute}}]}\n  - *j\n  - *j",
        ),
        (
            "bad-refs",
            "jobs: [{name: a, dependsOn: [{job: ghost, condition: {type: always}}, {job: phantom, condition: {type: always}}], steps: [{name: s, dependsOn: [{step: nowhere, condition: {type: succeeded}}, {step: s, condition: {type: succeeded}}], task: {type: workflow, workflowIdOrName: nowhere}}]}]",
        ),
        (
            "bad-steps",
            "jobs: [{name: j, steps: [{name: stored, task: {type: model_method, modelIdOrName: good, methodName: execute}}, {name: no-run, task: {type: model_method, modelIdOrName: empty, methodName: execute}}, {name: no-method, task: {type: model_method, modelIdOrName: good, methodName: restart}}, {name: nested, task: {type: workflow, workflowIdOrName: child, inputs: {other: 1}}}, {name: dynamic, task: {type: model_method, modelIdOrName: \"x-${{ inputs.x }}\", methodName: execute}}]}]",
        ),
        (
            "child",
            "inputs: {properties: {zone: {type: string}, depth: {type: integer, default: 2}}, required: [zone, depth]}\njobs: [{name: j, steps: [{name: s, task: {type: model_method, modelIdOrName: good, methodName: execute}}]}]",
        ),
    ]);
    repo.add_model("empty", "methods: {}");
    assert_eq!(
        check(&repo, "dup-jobs")[..9],
        [
            "✓ Schema validation",
            "✗ Unique job names: Duplicate job names: j, j",
            "✗ Unique step names in job 'j': Duplicate step names: s",
            "✗ Unique step names in job 'j': Duplicate step names: s",
            "✗ Unique step names in job 'j': Duplicate step names: s",
            "✓ Valid job dependency references",
            "✓ Valid step dependency references in job 'j'",
            "✓ Valid step dependency references in job 'j'",
            "✓ Valid step dependency references in job 'j'",
        ]
    );
    assert_eq!(
        check(&repo, "dup-jobs")[9..11],
        [
            "✗ No cyclic job dependencies: Duplicate node names: j",
            "✗ No cyclic step dependencies in job 'j': Duplicate node names: s",
        ]
    );
    assert_eq!(
        check(&repo, "dup-jobs").last().unwrap(),
        "✓ Step inputs for 's' in job 'j' (ghost.execute) (model not found, skipped)"
    );
    assert_eq!(
        check(&repo, "bad-refs")[3..],
        [
            "✗ Valid job dependency references: Invalid job references: a -> ghost, a -> phantom",
            "✗ Valid step dependency references in job 'a': Invalid step references: s -> nowhere",
            "✓ No cyclic job dependencies",
            "✗ No cyclic step dependencies in job 'a': Cyclic dependency detected: s -> s",
            "✓ Step inputs for 's' in job 'a' (workflow: nowhere) (workflow not found, skipped)",
        ]
    );
    assert_eq!(
        check(&repo, "bad-steps")[7..],
        [
            "✓ Step inputs for 'stored' in job 'j' (good.execute)",
            "✗ Step inputs for 'no-run' in job 'j' (empty.execute): Missing required inputs: run",
            "✗ Step inputs for 'no-method' in job 'j' (good.restart): Method 'restart' not found on model type 'command/shell'",
            "✗ Step inputs for 'nested' in job 'j' (workflow: child): Missing required workflow inputs: zone",
            "✓ Step inputs for 'dynamic' in job 'j' (x-${{ inputs.x }}.execute)",
        ]
    );
}

#[test]
fn evaluation_expands_loops_and_keeps_what_it_cannot_know() {
    let repo = Repo::new(&[(
        "loop",
        "
inputs: {properties: {hosts: {type: array, default: [a, b]}, n: {type: integer, default: 20000}}}
description: \"${{ inputs.missing }}\"
jobs:
  - name: j
    steps:
      - name: ping-${{ self.h }}
        forEach: {item: h, in: \"${{ inputs.hosts }}\"}
        task: {type: model_method, modelIdOrName: good, methodName: execute, inputs: {run: \"echo ${{ self.h }} ${{ env.SITE }} end\", timeout: \"${{ inputs.n }}\"}}
      - {name: after, dependsOn: [{step: \"ping-${{ self.h }}\", condition: {type: succeeded}}], task: {type: model_method, modelIdOrName: good, methodName: execute}}
      - {name: never, forEach: {item: x, in: \"${{ [] }}\"}, task: {type: model_method, modelIdOrName: good, methodName: execute}}
",
    )]);
    let inputs = map(&json!({"hosts": ["x", "y"], "n": "30000"}));
    let evaluated = evaluate(&repo.engine, "loop", inputs).unwrap();
    assert!(evaluated.had_expressions && evaluated.for_each_expanded);
    let names: Vec<&str> = evaluated.iterations.iter().map(swamp_ident::StepName::as_str).collect();
    assert_eq!(names, ["ping-x", "ping-y"]);
    assert_eq!(evaluated.warnings.len(), 1, "{:?}", evaluated.warnings);
    assert!(evaluated.warnings[0].contains("No such key: missing"));
    let steps = evaluated.jobs[0]["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 3);
    assert_eq!(
        steps[0]["task"]["inputs"],
        json!({"run": "echo x ${{ env.SITE }} end", "timeout": 30000})
    );
    assert!(steps[0].get("forEach").is_none());
    assert_eq!(
        steps[2]["dependsOn"],
        json!([
            {"step": "ping-x", "condition": {"type": "succeeded"}},
            {"step": "ping-y", "condition": {"type": "succeeded"}},
        ])
    );
    assert_eq!(repo.evaluated("loop")["jobs"], evaluated.jobs);

    let request = swamp_workflow::RunRequest { last_evaluated: true, ..Repo::request("loop") };
    // A run from copies needs the definition's copy too.
    repo.engine.evaluate("good").unwrap();
    evaluate(&repo.engine, "loop", map(&json!({"hosts": ["z"]}))).unwrap();
    let outcome = repo.run_with(&request).unwrap();
    let record = record_of(&outcome);
    let output = record.jobs[0].steps[0].output.as_ref().unwrap_or_else(|| panic!("{record:#?}"));
    let stdout = &output["resources"]["result"]["result"]["attributes"]["stdout"];
    assert_eq!(stdout, "z berlin end");
}

#[test]
fn evaluation_without_inputs_asks_for_none_and_bad_lists_are_errors() {
    let repo = Repo::new(&[
        (
            "needs",
            "inputs: {properties: {a: {type: string}}, required: [a]}\njobs: [{name: j, steps: [{name: s, task: {type: model_method, modelIdOrName: good, methodName: execute, inputs: {run: \"echo ${{ inputs.a }}\"}}}]}]",
        ),
        (
            "list",
            "jobs: [{name: j, steps: [{name: s, forEach: {item: x, in: \"${{ 'text' }}\"}, task: {type: model_method, modelIdOrName: good, methodName: execute}}]}]",
        ),
        (
            "plain",
            "jobs: [{name: j, steps: [{name: s, task: {type: model_method, modelIdOrName: good, methodName: execute}}]}]",
        ),
    ]);
    let evaluated = evaluate(&repo.engine, "needs", Map::new()).unwrap();
    assert_eq!(evaluated.warnings.len(), 1);
    assert_eq!(evaluated.jobs[0]["steps"][0]["task"]["inputs"]["run"], "echo ${{ inputs.a }}");
    let error = evaluate(&repo.engine, "needs", map(&json!({"b": 1}))).unwrap_err();
    assert_eq!(error.to_string(), "Input validation failed:\n  a is required");
    let error = evaluate(&repo.engine, "list", Map::new()).unwrap_err().to_string();
    assert!(error.starts_with("forEach.in must evaluate to an array or object, got: string"));
    let plain = evaluate(&repo.engine, "plain", Map::new()).unwrap();
    assert!(!plain.had_expressions && !plain.for_each_expanded);
}

#[test]
fn broken_files_are_listed_beside_the_others() {
    let good = "jobs: [{name: j, steps: [{name: s, task: {type: workflow, workflowIdOrName: x}}]}]";
    let repo = Repo::new(&[("fine", good), ("no-jobs", "jobs: []")]);
    repo.write("workflows/workflow-x.yaml", "name: [");
    let (workflows, broken) = load_all(&repo.engine.parts().repository).unwrap();
    assert_eq!(workflows.len(), 1);
    let mut names: Vec<Option<&str>> = broken.iter().map(|broken| broken.name.as_deref()).collect();
    names.sort_unstable();
    assert_eq!(names, [None, Some("no-jobs")]);
    assert!(load(&repo.engine.parts().repository, "no-jobs").is_err());
}
