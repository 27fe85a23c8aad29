//! Many steps.

use std::collections::HashSet;
use std::num::NonZeroUsize;

use serde_json::json;
use swamp_events::EventKind;
use swamp_ident::Status;
use swamp_workflow::{Limits, RunRequest};

use crate::repo::{Repo, map, record_of, view};

const LOOP: &str = "
inputs: {properties: {items: {type: array}}}
jobs: [{name: j, steps: [{name: \"s-${{ self.i }}\", forEach: {item: i, in: \"${{ inputs.items }}\"}, task: {type: model_method, modelIdOrName: good, methodName: execute}}]}]
";

fn request(items: usize, maximum: usize) -> RunRequest {
    let items: Vec<String> = (0..items).map(|item| item.to_string()).collect();
    RunRequest {
        inputs: map(&json!({"items": items})),
        limits: Limits::new(NonZeroUsize::new(maximum), NonZeroUsize::MIN),
        ..Repo::request("many")
    }
}

#[test]
fn every_iteration_has_its_name_its_number_and_one_end() {
    let repo = Repo::new(&[("many", LOOP)]);
    let outcome = repo.run_with(&request(200, 0)).unwrap();
    assert_eq!(outcome.status(), Status::Succeeded);
    assert_eq!(outcome.totals().succeeded, 200);
    let mut names = HashSet::new();
    let mut numbers = HashSet::new();
    let mut versions = HashSet::new();
    for event in repo.events() {
        if let EventKind::StepCompleted { artifacts } = &event.kind {
            let step = event.scope.step.clone().unwrap();
            let for_each = step.for_each.unwrap();
            assert_eq!(step.name.as_str(), format!("s-{}", for_each.index));
            assert_eq!(step.template.as_str(), "s-${{ self.i }}");
            assert_eq!(for_each.value, for_each.index.to_string());
            assert!(names.insert(step.name));
            assert!(numbers.insert(for_each.index));
            assert!(versions.insert(artifacts[0].version), "every write has its version");
        }
    }
    assert_eq!((names.len(), numbers.len(), versions.len()), (200, 200, 200));
    let record = record_of(&outcome);
    let recorded: Vec<String> =
        record.jobs[0].steps.iter().map(|step| step.step_name.to_string()).collect();
    let want: Vec<String> = (0..200).map(|item| format!("s-{item}")).collect();
    assert_eq!(recorded, want, "the record keeps the order of the items");
    assert_eq!(view(&outcome)["jobs"][0]["steps"][199]["dataArtifacts"][0]["name"], "result");
}

#[test]
fn no_more_steps_run_at_a_time_than_are_allowed() {
    let repo = Repo::new(&[("many", LOOP)]);
    repo.run_with(&request(20, 3)).unwrap();
    let (mut running, mut most) = (0_usize, 0);
    for event in repo.events() {
        match event.kind {
            EventKind::StepStarted => running += 1,
            EventKind::StepCompleted { .. } => running -= 1,
            _ => {}
        }
        most = most.max(running);
    }
    assert!((1..=3).contains(&most), "{most}");
}

#[test]
fn a_level_of_nothing_is_over_at_once() {
    let repo = Repo::new(&[("many", LOOP)]);
    let outcome = repo.run_with(&request(0, 0)).unwrap();
    assert_eq!(outcome.status(), Status::Succeeded);
    assert_eq!(view(&outcome)["jobs"][0]["steps"], json!([]));
}
