//! Methods that steps call: provenance, names that vary, many at once.

mod common;

use std::collections::BTreeSet;

use common::{Collector, Repo, data, map, step};
use serde_json::json;
use swamp_ident::{ErrorCategory, SpecName, StepName};
use swamp_model::{Call, DataOverride, MethodRequest};

const METHOD: &str = "methods: {execute: {arguments: {run: 'echo ok'}}}\n";

#[test]
fn a_step_leaves_its_provenance() {
    let repo = Repo::with(&[("show", METHOD)]);
    let (mut request, _) = step("show", json!({}));
    request.tags = vec![("run".to_owned(), "weekly".to_owned())];
    let outcome = repo.request(&request);
    outcome.run();
    // What ends the step is for the workflow to tell, and the log is the run's.
    assert_eq!(outcome.kinds().first(), Some(&"resolved"));
    assert_eq!(outcome.kinds().last(), Some(&"reported"));
    assert!(repo.logs().is_empty());

    let metadata = repo.yaml(&data("show", "result/1/metadata.yaml"));
    let keys: Vec<&String> = metadata["tags"].as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "type",
            "specName",
            "modelName",
            "team",
            "source",
            "workflow",
            "workflowRunId",
            "job",
            "step",
            "run"
        ]
    );
    assert_eq!(
        metadata["ownerDefinition"],
        json!({
            "ownerType": "model-method", "ownerRef": common::id_of("show"),
            "workflowRunId": "22222222-2222-4222-8222-222222222222", "workflowName": "w",
            "jobName": "j", "stepName": "s", "source": "step-output",
        })
    );
    let record = &repo.records()[0];
    assert_eq!(record["provenance"]["triggeredBy"], "workflow");
    assert_eq!(record["provenance"]["workflowId"], "11111111-1111-4111-8111-111111111111");
    assert_eq!(record["provenance"]["stepName"], "s");
    assert_eq!(record["logFile"], "/nowhere/run.log");
}

#[test]
fn names_vary_and_data_is_kept_as_the_step_says() {
    let repo = Repo::with(&[("show", METHOD)]);
    let (mut request, _) = step("show", json!({"site": "ber", "rack": 7}));
    request.overrides = vec![
        DataOverride {
            spec: SpecName::new("result"),
            lifetime: Some("2w".to_owned()),
            garbage_collection: Some(json!(3)),
            tags: vec![
                ("kind".to_owned(), "sample".to_owned()),
                ("type".to_owned(), "x".to_owned()),
            ],
            vary: vec!["site".to_owned(), "rack".to_owned()],
        },
        DataOverride {
            spec: SpecName::new("unknown"),
            lifetime: Some("never".to_owned()),
            garbage_collection: None,
            tags: Vec::new(),
            vary: vec!["gone".to_owned()],
        },
    ];
    let outcome = repo.request(&request);
    let names: Vec<String> =
        outcome.run().artifacts.iter().map(|saved| saved.artifact.name.to_string()).collect();
    assert_eq!(names, ["result-ber-7", "log"]);
    let metadata = repo.yaml(&data("show", "result-ber-7/1/metadata.yaml"));
    assert_eq!((&metadata["lifetime"], &metadata["garbageCollection"]), (&json!("2w"), &json!(3)));
    assert_eq!(
        (&metadata["tags"]["kind"], &metadata["tags"]["type"]),
        (&json!("sample"), &json!("resource"))
    );

    // A dimension without a value fails before the method, with record and report.
    request.overrides[0].vary = vec!["gone".to_owned()];
    let outcome = repo.request(&request);
    let failure = &outcome.failure().failure;
    assert_eq!(failure.message, "Vary dimension 'gone' not found in step inputs for spec 'result'");
    assert_eq!(failure.category, ErrorCategory::Vary);
    assert_eq!(outcome.kinds(), ["resolved", "preparing", "report", "reported"]);
    assert_eq!(repo.records()[1]["status"], "failed");

    request.overrides[0].vary = Vec::new();
    request.overrides[0].lifetime = Some("soon".to_owned());
    assert_eq!(repo.request(&request).failure().failure.category, ErrorCategory::Arguments);
}

#[test]
fn without_an_evaluated_copy_there_is_nothing_to_run_from() {
    let repo = Repo::with(&[("show", METHOD)]);
    let (mut request, _) = step("show", json!({}));
    request.last_evaluated = true;
    let outcome = repo.request(&request);
    assert_eq!(
        outcome.failure().failure.message,
        "No previously evaluated definition found for \"show\". Run the workflow without --last-evaluated first."
    );
}

#[test]
fn many_steps_call_the_same_model_at_once() {
    const THREADS: usize = 8;
    const EACH: usize = 25;
    let repo =
        Repo::with(&[("show", "methods: {execute: {arguments: {run: 'echo ${{ inputs.n }}'}}}\n")]);
    let engine = repo.engine();
    let (collector, emitter) = Collector::stream();
    let versions: Vec<(String, u64, String)> = std::thread::scope(|threads| {
        let handles: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (engine, emitter) = (&engine, &emitter);
                threads.spawn(move || {
                    let call = |round: usize| {
                        let number = thread * EACH + round;
                        let (request, mut call) = step("show", json!({"n": number}));
                        call.step = StepName::new(format!("s{number}"));
                        call.inputs = map(json!({})).into();
                        let request = MethodRequest { call: Call::Step(Box::new(call)), ..request };
                        let run = engine.run_method(&request, emitter).unwrap();
                        let saved = &run.artifacts[0];
                        let printed = saved.attributes.as_ref().unwrap()["stdout"].to_string();
                        assert_eq!(printed, format!("\"{number}\""));
                        (run.output_id.to_string(), saved.artifact.version, printed)
                    };
                    (0..EACH).map(call).collect::<Vec<_>>()
                })
            })
            .collect();
        handles.into_iter().flat_map(|handle| handle.join().unwrap()).collect()
    });
    let numbers: BTreeSet<u64> = versions.iter().map(|(_, version, _)| *version).collect();
    assert_eq!(numbers, (1..=(THREADS * EACH) as u64).collect());
    let outputs: BTreeSet<&String> = versions.iter().map(|(output, ..)| output).collect();
    assert_eq!(outputs.len(), THREADS * EACH);
    assert_eq!(repo.records().len(), THREADS * EACH);
    assert!(repo.records().iter().all(|record| record["status"] == "succeeded"));
    assert!(collector.events().iter().zip(1..).all(|(event, seq)| event.seq == seq));
}
