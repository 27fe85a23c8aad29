use serde_json::json;
use swamp_yaml::Document;

use super::*;

fn parse(text: &str) -> Result<Workflow, SchemaError> {
    Workflow::parse(&Document::parse(text).unwrap())
}

fn issues(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

const FULL: &str = r#"
id: 5d0c8f0e-4a53-4c55-9b0a-0f3f2f9f1c11
name: fleet-audit
description: audit each host, then summarise
trigger: { schedule: "15 2 * * 1-5" }
tags: { owner: platform }
inputs:
  type: object
  properties:
    hosts: { type: array, items: { type: string }, minItems: 1 }
    depth: { type: integer, default: 2 }
  required: [hosts]
  kept: { as: it is }
colour: dropped
concurrency: 4
reports: { require: [a, {name: b, methods: [m]}], skip: ["@swamp/workflow-summary"] }
driver: raw
driverConfig: { a: 1 }
jobs:
  - name: scan
    weight: 1.5
    concurrency: 2
    colour: dropped
    steps:
      - name: "scan-${{ self.host }}"
        forEach: { item: host, in: "${{ inputs.hosts }}" }
        allowFailure: true
        task:
          type: model_method
          modelIdOrName: scanner
          methodName: execute
          inputs: { run: "scan ${{ self.host }}", host: "${{ self.host }}" }
          colour: dropped
        dataOutputOverrides:
          - { specName: result, vary: [host], lifetime: 30d, garbageCollection: 3 }
          - { specName: log, lifetime: infinite, garbageCollection: 2w, tags: { a: b } }
  - name: summarise
    dependsOn: [ { job: scan, condition: { type: not, condition: { type: skipped } } } ]
    steps:
      - name: roll-up
        task: { type: workflow, workflowIdOrName: roll-up, inputs: { n: "${{ inputs.depth }}" } }
      - name: last
        concurrency: 0
        weight: -2
        driver: docker
        dependsOn:
          - step: roll-up
            condition: { type: or, conditions: [ {type: failed}, {type: always} ] }
        task: { type: model_method, modelIdOrName: a, methodName: b }
"#;

#[test]
fn a_workflow_is_written_with_defaults_in_fixed_order_and_without_unknown_keys() {
    let workflow = parse(FULL).unwrap();
    let value = workflow.to_value();
    let want = json!({
        "id": "5d0c8f0e-4a53-4c55-9b0a-0f3f2f9f1c11",
        "name": "fleet-audit",
        "description": "audit each host, then summarise",
        "trigger": {"schedule": "15 2 * * 1-5"},
        "tags": {"owner": "platform"},
        "inputs": {
            "type": "object",
            "properties": {
                "hosts": {"type": "array", "items": {"type": "string"}, "minItems": 1},
                "depth": {"type": "integer", "default": 2},
            },
            "required": ["hosts"],
            "kept": {"as": "it is"},
        },
        "jobs": [
            {
                "name": "scan",
                "steps": [{
                    "name": "scan-${{ self.host }}",
                    "task": {
                        "type": "model_method",
                        "modelIdOrName": "scanner",
                        "methodName": "execute",
                        "inputs": {"run": "scan ${{ self.host }}", "host": "${{ self.host }}"},
                    },
                    "forEach": {"item": "host", "in": "${{ inputs.hosts }}"},
                    "dependsOn": [],
                    "weight": 0,
                    "dataOutputOverrides": [
                        {
                            "specName": "result",
                            "lifetime": "30d",
                            "garbageCollection": 3,
                            "vary": ["host"],
                        },
                        {
                            "specName": "log",
                            "lifetime": "infinite",
                            "garbageCollection": "2w",
                            "tags": {"a": "b"},
                        },
                    ],
                    "allowFailure": true,
                }],
                "dependsOn": [],
                "weight": 1.5,
                "concurrency": 2,
            },
            {
                "name": "summarise",
                "steps": [
                    {
                        "name": "roll-up",
                        "task": {
                            "type": "workflow",
                            "workflowIdOrName": "roll-up",
                            "inputs": {"n": "${{ inputs.depth }}"},
                        },
                        "dependsOn": [],
                        "weight": 0,
                        "allowFailure": false,
                    },
                    {
                        "name": "last",
                        "task": {
                            "type": "model_method",
                            "modelIdOrName": "a",
                            "methodName": "b",
                        },
                        "dependsOn": [{
                            "step": "roll-up",
                            "condition": {
                                "type": "or",
                                "conditions": [{"type": "failed"}, {"type": "always"}],
                            },
                        }],
                        "weight": -2,
                        "concurrency": 0,
                        "allowFailure": false,
                        "driver": "docker",
                    },
                ],
                "dependsOn": [{
                    "job": "scan",
                    "condition": {"type": "not", "condition": {"type": "skipped"}},
                }],
                "weight": 0,
            },
        ],
        "version": 1,
        "concurrency": 4,
        "reports": {
            "require": ["a", {"name": "b", "methods": ["m"]}],
            "skip": ["@swamp/workflow-summary"],
        },
        "driver": "raw",
        "driverConfig": {"a": 1},
    });
    assert_eq!(
        serde_json::to_string_pretty(&value).unwrap(),
        serde_json::to_string_pretty(&want).unwrap()
    );
    assert_eq!(Workflow::from_value(&value), Ok(workflow));
}

#[test]
fn every_mistake_is_named_with_its_place() {
    let text = "\
name: ../x
version: 0
tags: {a: 1}
concurrency: -1
trigger: {schedule: often}
inputs: {properties: {p: {type: str}}}
jobs:
  - name: ''
    dependsOn: [{job: a}, b]
    steps:
      - name: s
        concurrency: 1.5
        weight: heavy
        allowFailure: 'yes'
        forEach: {item: x}
        dataOutputOverrides: [{specName: r, lifetime: soon, garbageCollection: 0d}]
        dependsOn:
          - {step: a, condition: {type: and, conditions: [{type: succeeded}]}}
          - {step: b, condition: {type: sometimes}}
        task: {type: magic}
      - name: t
        task: {type: model_method, modelIdOrName: m}
";
    let want = "\
the key 'id' is missing (line 1, column 1)
name: a name must not contain '..', '\\' or null bytes (path traversal); '/' is only allowed in \
scoped @collective/name patterns (line 1, column 7)
version: must be at least 1 (line 2, column 10)
tags.a: expected text, found 1 (line 3, column 11)
concurrency: must be at least 0 (line 4, column 14)
trigger.schedule: \"often\" is not a cron expression of five or six fields (line 5, column 21)
inputs.properties.p.type: unknown type \"str\"; expected one of string, number, integer, boolean, \
array, object (line 6, column 33)
jobs[0].name: must have at least one character (line 8, column 11)
jobs[0].dependsOn[0]: the key 'condition' is missing (line 9, column 17)
jobs[0].dependsOn[1]: expected a map with 'job' and 'condition', found text (line 9, column 27)
jobs[0].steps[0].concurrency: expected a whole number, found 1.5 (line 12, column 22)
jobs[0].steps[0].weight: expected a number, found text (line 13, column 17)
jobs[0].steps[0].allowFailure: expected true or false, found text (line 14, column 23)
jobs[0].steps[0].forEach: the key 'in' is missing (line 15, column 18)
jobs[0].steps[0].dataOutputOverrides[0].lifetime: \"soon\" is not a lifetime; expected ephemeral, \
infinite, job, workflow or a duration like '1h', '5m', '10d', '2w', '1mo', '10y' \
(line 16, column 55)
jobs[0].steps[0].dataOutputOverrides[0].garbageCollection: a garbage collection duration must be \
greater than zero (line 16, column 80)
jobs[0].steps[0].dependsOn[0].condition.conditions: must have at least 2 items \
(line 18, column 58)
jobs[0].steps[0].dependsOn[1].condition.type: unknown condition \"sometimes\"; expected always, \
succeeded, failed, completed, skipped, and, or, not (line 19, column 41)
jobs[0].steps[0].task.type: unknown task type \"magic\"; expected model_method or workflow \
(line 20, column 22)
jobs[0].steps[1].task: the key 'methodName' is missing (line 22, column 15)";
    assert_eq!(issues(text), want);
}

#[test]
fn small_mistakes() {
    let with = |jobs: &str| {
        issues(&format!("id: 5d0c8f0e-4a53-4c55-9b0a-0f3f2f9f1c11\nname: a\njobs: {jobs}\n"))
    };
    for (jobs, want) in [
        ("[]", "jobs: must have at least 1 item"),
        ("{}", "jobs: expected a list, found a map"),
        ("[{name: j, steps: []}]", "jobs[0].steps: must have at least 1 item"),
        ("[j]", "jobs[0]: expected a map, found text"),
        (
            "[{name: j, steps: [{name: s, task: {type: shell, command: x}}]}]",
            "jobs[0].steps[0].task.type: step task type \"shell\" is no longer supported",
        ),
        (
            "[{name: j, steps: [{name: s, task: {type: workflow, workflowIdOrName: x, inputs: 1}}]}]",
            "jobs[0].steps[0].task.inputs: expected a map, found 1",
        ),
    ] {
        assert!(with(jobs).starts_with(want), "{jobs}: {}", with(jobs));
    }
    assert!(issues("3").starts_with("expected a map, found 3"));
}

#[test]
fn ids_are_uuids() {
    for (id, good) in [
        ("5d0c8f0e-4a53-4c55-9b0a-0f3f2f9f1c11", true),
        ("5D0C8F0E-4A53-7C55-BB0A-0F3F2F9F1C11", true),
        ("00000000-0000-0000-0000-000000000000", true),
        ("ffffffff-ffff-ffff-ffff-ffffffffffff", true),
        ("5d0c8f0e-4a53-9c55-9b0a-0f3f2f9f1c11", false),
        ("5d0c8f0e-4a53-4c55-7b0a-0f3f2f9f1c11", false),
        ("5d0c8f0e4a534c559b0a0f3f2f9f1c11", false),
        ("nightly", false),
    ] {
        let text = format!(
            "id: '{id}'\nname: a\njobs: [{{name: j, steps: [{{name: s, task: {{type: workflow, \
             workflowIdOrName: x}}}}]}}]\n"
        );
        assert_eq!(parse(&text).is_ok(), good, "{id}");
    }
}

#[test]
fn conditions_may_not_be_nested_without_end() {
    let nested = |depth: usize| {
        let mut condition = json!({"type": "always"});
        for _ in 0..depth {
            condition = json!({"type": "not", "condition": condition});
        }
        json!({
            "id": "5d0c8f0e-4a53-4c55-9b0a-0f3f2f9f1c11", "name": "a",
            "jobs": [{
                "name": "j",
                "dependsOn": [{"job": "x", "condition": condition}],
                "steps": [{"name": "s", "task": {"type": "workflow", "workflowIdOrName": "x"}}],
            }],
        })
    };
    assert!(Workflow::from_value(&nested(64)).is_ok());
    let error = Workflow::from_value(&nested(65)).unwrap_err();
    assert!(error.to_string().contains("nested too deeply"), "{error}");
}

#[test]
fn a_workflow_written_step_by_step_is_the_same() {
    let workflow = parse(FULL).unwrap();
    let mut bytes = Vec::new();
    workflow.write_yaml(&mut bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert_eq!(text, swamp_yaml::to_string(&workflow.to_value()));
    let mut empty = Workflow { jobs: vec![workflow.jobs[0].head()], ..workflow };
    for _ in 0..2 {
        let mut bytes = Vec::new();
        empty.write_yaml(&mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text, swamp_yaml::to_string(&empty.to_value()));
        let read = Workflow::parse_evaluated(&Document::parse(&text).unwrap());
        assert_eq!(read.as_ref(), Ok(&empty));
        empty.jobs.clear();
    }
}
