//! Which jobs and steps run, seen from outside.

use swamp_ident::Status;

use crate::repo::{Repo, record_of, steps, view};

#[test]
fn after_a_failure_handlers_run() {
    let repo = Repo::new(&[(
        "backup",
        "
jobs:
  - name: archive
    steps:
      - {name: copy, task: {type: model_method, modelIdOrName: bad, methodName: execute}}
      - {name: sibling, task: {type: model_method, modelIdOrName: good, methodName: execute}}
      - {name: verify, dependsOn: [{step: copy, condition: {type: succeeded}}], task: {type: model_method, modelIdOrName: good, methodName: execute}}
      - {name: cleanup, dependsOn: [{step: copy, condition: {type: failed}}], task: {type: model_method, modelIdOrName: good, methodName: execute}}
      - {name: report, dependsOn: [{step: sibling, condition: {type: succeeded}}], task: {type: model_method, modelIdOrName: good, methodName: execute}}
  - name: page
    dependsOn: [{job: archive, condition: {type: failed}}]
    steps: [{name: call, task: {type: model_method, modelIdOrName: good, methodName: execute}}]
  - name: publish
    dependsOn: [{job: archive, condition: {type: succeeded}}]
    steps: [{name: push, task: {type: model_method, modelIdOrName: good, methodName: execute}}]
",
    )]);
    let outcome = repo.run("backup").unwrap();
    assert_eq!(outcome.status(), Status::Failed);
    let want = [
        "archive/copy=failed: Command exited with code 3",
        "archive/sibling=succeeded",
        "archive/verify=skipped",
        "archive/cleanup=succeeded",
        "archive/report=skipped",
        "archive=failed",
        "page/call=succeeded",
        "page=succeeded",
        "publish/push=skipped",
        "publish=skipped",
    ];
    assert_eq!(steps(&view(&outcome)), want);
    let story = repo.story();
    for line in [
        "backup > archive > verify: step skipped (copy succeeded)",
        "backup > archive > report: step skipped (earlier failure)",
        "backup > publish: job skipped (archive succeeded)",
        "backup: run failed 3/1/3/0",
    ] {
        assert!(story.iter().any(|told| told == line), "{line}: {story:#?}");
    }
    let record = record_of(&outcome);
    let publish = &record.jobs[2].steps[0];
    assert_eq!((publish.status, publish.started_at), (Status::Skipped, None));
    assert!(publish.completed_at.is_some());
}

#[test]
fn unknown_names_are_told_and_their_conditions_are_false() {
    let repo = Repo::new(&[(
        "lost",
        "
jobs:
  - name: a
    dependsOn: [{job: ghost, condition: {type: always}}]
    steps:
      - {name: s, dependsOn: [{step: nowhere, condition: {type: succeeded}}], task: {type: model_method, modelIdOrName: good, methodName: execute}}
",
    )]);
    let outcome = repo.run("lost").unwrap();
    assert_eq!(outcome.status(), Status::Succeeded);
    assert_eq!(steps(&view(&outcome)), ["a/s=skipped", "a=succeeded"]);
    let warnings: Vec<String> =
        repo.story().into_iter().filter(|line| line.contains("warning")).collect();
    assert_eq!(
        warnings,
        [
            "lost > a: warning: job \"a\" depends on job \"ghost\", which does not exist",
            "lost > a: warning: step \"s\" of job \"a\" depends on step \"nowhere\", which does not exist",
        ]
    );
}

#[test]
fn dependents_wait_for_all_iterations_and_loops_obey_their_conditions() {
    let repo = Repo::new(&[(
        "gather",
        "
concurrency: 1
jobs:
  - name: j
    steps:
      - {name: scan, forEach: {item: h, in: \"${{ ['a', 'b'] }}\"}, task: {type: model_method, modelIdOrName: good, methodName: execute}}
      - {name: on-succeeded, dependsOn: [{step: scan, condition: {type: succeeded}}], task: {type: model_method, modelIdOrName: good, methodName: execute}}
      - {name: loop-on-failed, dependsOn: [{step: scan, condition: {type: failed}}], forEach: {item: h, in: \"${{ ['x'] }}\"}, task: {type: model_method, modelIdOrName: good, methodName: execute}}
  - name: one-fails
    steps:
      - {name: \"try-${{ self.h }}\", forEach: {item: h, in: \"${{ ['bad', 'good'] }}\"}, allowFailure: true, task: {type: model_method, modelIdOrName: \"${{ self.h }}\", methodName: execute}}
      - {name: after, dependsOn: [{step: \"try-${{ self.h }}\", condition: {type: failed}}], task: {type: model_method, modelIdOrName: good, methodName: execute}}
",
    )]);
    let outcome = repo.run("gather").unwrap();
    assert_eq!(
        steps(&view(&outcome)),
        [
            "j/scan-a=succeeded",
            "j/scan-b=succeeded",
            "j/on-succeeded=succeeded",
            "j/loop-on-failed-x=skipped",
            "j=succeeded",
            "one-fails/try-bad=failed!: Command exited with code 3",
            "one-fails/try-good=succeeded",
            "one-fails/after=succeeded",
            "one-fails=succeeded",
        ]
    );
}
