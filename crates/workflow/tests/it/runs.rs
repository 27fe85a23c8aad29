//! Runs that go well: order, records, views, data, tags, reports.

use std::sync::Arc;

use serde_json::{Value, json};
use swamp_events::{ChannelSink, EventStream};
use swamp_ident::{Status, SystemClock};
use swamp_model::reports::ReportFilter;
use swamp_store::RunStore;
use swamp_workflow::{RunRequest, Runner, record_view};

use crate::repo::{Repo, id_of, map, record_of, steps, view};

const TWO_JOBS: &str = "
tags: {window: night}
jobs:
  - name: collect
    steps:
      - {name: disk, task: {type: model_method, modelIdOrName: good, methodName: execute, inputs: {run: echo 87}}}
      - name: dns
        dependsOn: [{step: disk, condition: {type: succeeded}}]
        task: {type: model_method, modelIdOrName: good, methodName: execute, inputs: {run: \"echo after ${{ data.latest('good', 'result').attributes.stdout }}\"}}
  - name: summarise
    dependsOn: [{job: collect, condition: {type: succeeded}}]
    steps:
      - {name: again, task: {type: model_method, modelIdOrName: good, methodName: execute}}
";

#[test]
fn a_run_tells_records_and_shows_the_same_story() {
    let repo = Repo::new(&[("nightly", TWO_JOBS)]);
    let outcome = repo.run("nightly").unwrap();
    assert_eq!(outcome.status(), Status::Succeeded);
    let step = |place: &str| {
        [
            "step started",
            "model good",
            "executing on raw",
            "finished well",
            "step completed [result log]",
        ]
        .map(|what| format!("nightly > {place}: {what}"))
    };
    let mut want =
        vec!["nightly: run started".to_owned(), "nightly > collect: job started".to_owned()];
    want.extend(step("collect > disk"));
    want.extend(step("collect > dns"));
    want.push("nightly > collect: job succeeded".to_owned());
    want.push("nightly > summarise: job started".to_owned());
    want.extend(step("summarise > again"));
    want.push("nightly > summarise: job succeeded".to_owned());
    want.push("nightly: run succeeded 3/0/0/0".to_owned());
    assert_eq!(repo.story(), want);

    let view = view(&outcome);
    assert_eq!(
        steps(&view),
        [
            "collect/disk=succeeded",
            "collect/dns=succeeded",
            "collect=succeeded",
            "summarise/again=succeeded",
            "summarise=succeeded",
        ]
    );
    let keys: Vec<&String> = view.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["id", "workflowId", "workflowName", "status", "jobs", "duration", "path"]);
    let artifact = &view["jobs"][0]["steps"][1]["dataArtifacts"][0];
    assert_eq!(artifact["name"], "result");
    assert_eq!(artifact["version"], 2);
    assert_eq!(
        artifact["tags"],
        json!({
            "type": "resource", "specName": "result", "modelName": "good", "window": "night",
            "source": "step-output", "workflow": "nightly", "workflowRunId": view["id"],
            "job": "collect", "step": "dns",
        })
    );

    // The record says the same, and in the shape that its readers know.
    let record = record_of(&outcome);
    let mut shown = record_view(&record, outcome.path());
    let mut told = view.clone();
    for value in [&mut shown, &mut told] {
        without_durations(value);
    }
    assert_eq!(shown, told);
    assert_eq!(record.tags["window"], "night");
    let text = std::fs::read_to_string(outcome.path()).unwrap();
    assert_eq!(text, swamp_yaml::to_string(&record.to_value()));
    let output = record.jobs[0].steps[1].output.as_ref().unwrap();
    assert_eq!(output["type"], "model_method");
    assert_eq!(output["resources"]["result"]["result"]["attributes"]["stdout"], "after 87");
    assert_eq!(output["resources"]["result"]["result"]["content"], "");
    assert_eq!(output["files"]["log"]["log"]["contentType"], "text/plain");
    assert_eq!(output["dataHandles"][0]["metadata"]["ownerDefinition"]["stepName"], "dns");
    assert_eq!(
        record.log_file.as_deref(),
        Some(&*format!(
            ".swamp/workflow-runs/{}/workflow-run-{}.log",
            id_of("workflows", "nightly"),
            outcome.run().id
        ))
    );
    let runs = RunStore::new(repo.engine.parts().repository.paths().clone());
    assert_eq!(runs.latest(outcome.workflow_id()).unwrap(), Some(record));
}

/// The record knows wall clock times, the run itself a better clock.
fn without_durations(value: &mut Value) {
    match value {
        Value::Object(entries) => {
            entries.shift_remove("duration");
            entries.values_mut().for_each(without_durations);
        }
        Value::Array(items) => items.iter_mut().for_each(without_durations),
        _ => {}
    }
}

#[test]
fn weights_and_names_decide_the_order_and_levels_are_barriers() {
    let step = |name: &str, more: &str| {
        format!(
            "      - {{name: {name}, {more} task: {{type: model_method, modelIdOrName: good, methodName: \
             execute, inputs: {{run: 'echo {name} >> $ORDER'}}}}}}\n"
        )
    };
    let yaml = format!(
        "concurrency: 1\njobs:\n  - name: zeta\n    steps:\n{}  - name: Beta\n    steps:\n{}{}{}{}  - name: \
         first\n    weight: -1\n    steps:\n{}",
        step("z", ""),
        step("n10", ""),
        step("n9", ""),
        step("early", "weight: -1.5,"),
        step("aa", "dependsOn: [{step: n9, condition: {type: succeeded}}],"),
        step("f", ""),
    );
    let repo = Repo::new(&[]);
    let order = repo.path().join("order.txt");
    let yaml = yaml.replace("$ORDER", order.to_str().unwrap());
    repo.add_workflow("ordered", &yaml);
    repo.run("ordered").unwrap();
    assert_eq!(repo.read("order.txt"), "f\nearly\nn10\nn9\naa\nz\n");
}

#[test]
fn inputs_are_coerced_defaulted_and_checked() {
    let repo = Repo::new(&[(
        "deploy",
        "
inputs:
  properties: {stage: {type: string, enum: [dev, prod]}, replicas: {type: integer, default: 2}}
  required: [stage]
jobs: [{name: j, steps: [{name: \"s-${{ inputs.replicas }}\", task: {type: model_method, modelIdOrName: good, methodName: execute, inputs: {run: \"echo ${{ inputs.stage }} ${{ inputs.replicas }}\"}}}]}]
",
    )]);
    let error = repo.run("deploy").unwrap_err();
    assert_eq!(error.to_string(), "Input validation failed:\n  stage is required");
    assert_eq!(error.code(), "input_validation_failed");
    let error = repo.run_inputs("deploy", &json!({"stage": "x", "replicas": "a"})).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Input validation failed:\n  stage must be one of: \"dev\", \"prod\"\n  replicas must be an integer"
    );
    assert!(repo.records("deploy").is_empty(), "nothing is recorded of what never began");

    let outcome = repo.run_inputs("deploy", &json!({"stage": "dev", "replicas": "5.9"})).unwrap();
    assert_eq!(steps(&view(&outcome)), ["j/s-5=succeeded", "j=succeeded"]);
    let record = record_of(&outcome);
    let output = record.jobs[0].steps[0].output.as_ref().unwrap();
    assert_eq!(output["resources"]["result"]["result"]["attributes"]["stdout"], "dev 5");
}

#[test]
fn what_can_be_evaluated_before_the_run_is_and_the_rest_stays_in_the_copy() {
    let repo = Repo::new(&[(
        "copy",
        "
inputs: {properties: {a: {default: left}, n: {default: 3}, evil: {default: \"${{ env.SITE }}\"}}}
description: \"n is ${{ inputs.n + 1 }}\"
tags: {n: \"${{ inputs.n }}\"}
jobs:
  - name: \"job-${{ inputs.a }}\"
    concurrency: 1
    steps:
      - {name: two, task: {type: model_method, modelIdOrName: \"${{ 'go' + 'od' }}\", methodName: execute, inputs: {run: \"${{ 'echo ' + inputs.a }}-${{ inputs.a }}\", timeout: \"${{ inputs.n * 1000 }}\"}}}
      - {name: env, task: {type: model_method, modelIdOrName: good, methodName: execute, inputs: {run: \"echo ${{ env.SITE }} ${{ inputs.a }} ${{ workflowRunId + '-' + env.SITE }}\"}}}
      - {name: text, task: {type: model_method, modelIdOrName: good, methodName: execute, inputs: {run: \"echo '${{ inputs.evil }}'\"}}}
      - {name: self, task: {type: model_method, modelIdOrName: good, methodName: execute, inputs: {run: \"echo ${{ self.name }}\"}}}
      - {name: query, task: {type: model_method, modelIdOrName: good, methodName: execute, inputs: {run: \"echo ${{ size(data.findBySpec('good', 'result')) }}\"}}}
",
    )]);
    let outcome = repo.run("copy").unwrap();
    let view = view(&outcome);
    assert_eq!(outcome.status(), Status::Succeeded, "{view}");
    assert_eq!(view["jobs"][0]["name"], "job-left");
    let record = record_of(&outcome);
    assert_eq!(record.tags["n"], "3");
    let stdout = |name: &str| {
        let step = record.jobs[0].steps.iter().find(|step| step.step_name == *name).unwrap();
        let output = step.output.as_ref().unwrap();
        output["resources"]["result"]["result"]["attributes"]["stdout"].as_str().unwrap().to_owned()
    };
    assert_eq!(stdout("two"), "left-left");
    assert_eq!(stdout("env"), format!("berlin left {}-berlin", outcome.run().id));
    assert_eq!(stdout("text"), "${{ env.SITE }}", "a text that comes in is no expression");
    assert_eq!(stdout("self"), "good");
    assert_eq!(stdout("query"), "1");

    let copy = repo.evaluated("copy");
    let inputs = |step: usize| copy["jobs"][0]["steps"][step]["task"]["inputs"].clone();
    assert_eq!(copy["description"], "n is 4");
    assert_eq!(copy["tags"], json!({"n": "3"}));
    assert_eq!(inputs(0), json!({"run": "echo left-left", "timeout": 3000}));
    assert_eq!(inputs(1)["run"], "echo ${{ env.SITE }} left ${{ workflowRunId + '-' + env.SITE }}");
    assert_eq!(inputs(3)["run"], "echo ${{ self.name }}");
    assert_eq!(inputs(4)["run"], "echo ${{ size(data.findBySpec('good', 'result')) }}");
    assert!(!copy.to_string().contains("berlin"), "the environment is not written to disk");

    // The copy runs as the workflow did.
    let request = RunRequest { last_evaluated: true, ..Repo::request("copy") };
    let again = repo.run_with(&request).unwrap();
    let record = record_of(&again);
    for (step, want) in [(0, "left-left"), (2, "${{ env.SITE }}"), (3, "good")] {
        let output = record.jobs[0].steps[step].output.as_ref().unwrap();
        let stdout = &output["resources"]["result"]["result"]["attributes"]["stdout"];
        assert_eq!(stdout, want);
    }
}

#[test]
fn without_an_evaluated_copy_it_cannot_be_run() {
    let repo = Repo::new(&[("nightly", TWO_JOBS)]);
    let request = RunRequest { last_evaluated: true, ..Repo::request("nightly") };
    let error = repo.run_with(&request).unwrap_err();
    assert!(
        error.to_string().starts_with("No previously evaluated workflow found for \"nightly\".")
    );
    assert_eq!(error.code(), "workflow_execution_failed");
}

#[test]
fn a_copy_of_a_loop_runs_with_its_items() {
    let repo = Repo::new(&[(
        "loop",
        "
inputs: {properties: {hosts: {type: array, default: [a, b]}}}
jobs: [{name: j, steps: [{name: \"s-${{ self.h }}\", forEach: {item: h, in: \"${{ inputs.hosts }}\"}, task: {type: model_method, modelIdOrName: good, methodName: execute, inputs: {run: \"echo host ${{ self.h }}\"}}}]}]
",
    )]);
    repo.run("loop").unwrap();
    let request = RunRequest {
        last_evaluated: true,
        inputs: map(&json!({"hosts": ["x"]})),
        ..Repo::request("loop")
    };
    let outcome = repo.run_with(&request).unwrap();
    assert_eq!(steps(&view(&outcome)), ["j/s-x=succeeded", "j=succeeded"]);
    let record = record_of(&outcome);
    let output = record.jobs[0].steps[0].output.as_ref().unwrap();
    assert_eq!(output["resources"]["result"]["result"]["attributes"]["stdout"], "host x");
}

#[test]
fn reports_are_made_of_methods_and_of_the_run() {
    let repo = Repo::new(&[("nightly", TWO_JOBS)]);
    let request = RunRequest {
        reports: ReportFilter::default(),
        keep_reports: true,
        tags: vec![("window".to_owned(), "day".to_owned()), ("by".to_owned(), "me".to_owned())],
        ..Repo::request("nightly")
    };
    let outcome = repo.run_with(&request).unwrap();
    let view = view(&outcome);
    let names: Vec<&str> = view["reports"]
        .as_array()
        .unwrap()
        .iter()
        .map(|report| report["name"].as_str().unwrap())
        .collect();
    let method = "@swamp/method-summary";
    assert_eq!(names, [method, method, method, "@swamp/workflow-summary"]);
    let summary = &view["reports"][3];
    assert_eq!(summary["scope"], "workflow");
    assert_eq!(summary["success"], true);
    assert_eq!(summary["json"]["totalSteps"], 3);
    assert_eq!(summary["json"]["steps"][1]["retrievalCommands"][0], "swamp data get good result");
    assert!(summary["markdown"].as_str().unwrap().starts_with("# nightly: succeeded\n"));
    let artifacts = view["jobs"][0]["steps"][0]["dataArtifacts"].as_array().unwrap();
    let names: Vec<&str> =
        artifacts.iter().map(|artifact| artifact["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        ["result", "log", "report-swamp-method-summary", "report-swamp-method-summary-json"]
    );
    assert_eq!(artifacts[0]["tags"]["window"], "day");
    let record = record_of(&outcome);
    assert_eq!((&*record.tags["window"], &*record.tags["by"]), ("day", "me"));
    let report = format!(
        ".swamp/data/workflow/{}/report-swamp-workflow-summary/1/raw",
        id_of("workflows", "nightly")
    );
    assert_eq!(repo.read(&report), summary["markdown"].as_str().unwrap());
    let story = repo.story();
    let end = &story[story.len() - 3..];
    assert_eq!(
        end,
        [
            "nightly: report @swamp/workflow-summary",
            "nightly: report done",
            "nightly: run succeeded 3/0/0/0",
        ]
    );
}

#[test]
fn equal_texts_of_job_and_step_names_are_different_steps() {
    let repo = Repo::new(&[(
        "twins",
        "
jobs:
  - {name: 'a:b', steps: [{name: c, task: {type: model_method, modelIdOrName: good, methodName: execute, inputs: {run: echo one}}}]}
  - {name: a, steps: [{name: 'b:c', task: {type: model_method, modelIdOrName: bad, methodName: execute, inputs: {run: echo two}}}]}
",
    )]);
    let outcome = repo.run("twins").unwrap();
    assert_eq!(
        steps(&view(&outcome)),
        ["a:b/c=succeeded", "a:b=succeeded", "a/b:c=succeeded", "a=succeeded"]
    );
    let story = repo.story();
    for place in ["a:b > c", "a > b:c"] {
        let own: Vec<&String> =
            story.iter().filter(|line| line.starts_with(&format!("twins > {place}: "))).collect();
        assert_eq!(own.len(), 5, "{story:?}");
    }
}

#[test]
fn inputs_of_a_step_are_not_seen_by_the_next() {
    let repo = Repo::new(&[(
        "leak",
        "
jobs:
  - name: j
    steps:
      - {name: a, task: {type: model_method, modelIdOrName: good, methodName: execute, inputs: {region: eu}}}
      - {name: b, dependsOn: [{step: a, condition: {type: succeeded}}], task: {type: model_method, modelIdOrName: second, methodName: execute}}
",
    )]);
    repo.add_model(
        "second",
        "methods: {execute: {arguments: {run: 'echo ${{ has(inputs.region) }}'}}}",
    );
    let outcome = repo.run("leak").unwrap();
    let record = record_of(&outcome);
    let output = record.jobs[0].steps[1].output.as_ref().unwrap();
    assert_eq!(output["resources"]["result"]["result"]["attributes"]["stdout"], "false");
}

#[test]
fn an_outcome_does_not_keep_the_stream_open() {
    let repo = Repo::new(&[("nightly", TWO_JOBS)]);
    let (sink, receiver) = ChannelSink::new(1000);
    let stream = EventStream::new(Arc::new(SystemClock::new()), vec![Arc::new(sink)]);
    let emitter = stream.emitter();
    drop(stream);
    let outcome = Runner::new(&repo.engine).run(&Repo::request("nightly"), &emitter).unwrap();
    drop(emitter);
    // Would wait for ever.
    assert!(receiver.iter().count() > 10);
    assert_eq!(outcome.status(), Status::Succeeded);
}
