//! Whose step is it?

use swamp_events::EventKind;
use swamp_ident::RunId;
use swamp_telemetry::Outcome;

use super::support::*;

/// Weakness 17: steps of nested runs are recorded under the wrong workflow.
#[test]
fn steps_belong_to_the_workflow_they_stand_in() {
    let mut rig = Rig::new();
    let outer = rig.run("outer");
    let main = job(&outer, "main");
    let slow = step(&main, "slow");
    slow.emit(executing());
    succeeds(&rig, &step(&main, "before"), 1);
    let nesting = step(&main, "nesting");
    let inner = nesting.for_run(run("inner"));
    inner.emit(started("inner"));
    succeeds(&rig, &step(&job(&inner, "main"), "slow"), 1);
    nesting.emit(completed());
    succeeds(&rig, &step(&main, "after"), 1);
    slow.emit(finished());
    slow.emit(completed());

    let entries = rig.entries(&Outcome::success());
    let parent = &entries[0];
    assert_eq!(parent.run_id, Some(RunId::new("run-of-outer")));
    let told: Vec<_> = entries[1..]
        .iter()
        .map(|entry| {
            assert_eq!(entry.parent_invocation_id.as_ref(), Some(&parent.id));
            let context = entry.workflow_context.as_ref().unwrap();
            (context.workflow_name.as_str(), context.step_name.as_str(), context.depth)
        })
        .collect();
    assert_eq!(
        told,
        [
            ("inner", "slow", Some(1)),
            ("outer", "after", None),
            ("outer", "before", None),
            ("outer", "slow", None),
        ]
    );
    let inner = entries[1].workflow_context.as_ref().unwrap();
    assert_eq!(inner.run_id, RunId::new("run-of-inner"));
    assert_eq!(inner.root_workflow_name.as_ref().unwrap(), "outer");
    assert_eq!(inner.root_run_id, Some(RunId::new("run-of-outer")));
    let outer = entries[2].workflow_context.as_ref().unwrap();
    assert_eq!((&outer.root_workflow_name, &outer.root_run_id), (&None, &None));
}

/// Weakness 18: two calls under way with equal names are taken for one.
#[test]
fn equal_names_in_parallel_are_different_steps() {
    let mut rig = Rig::new();
    let outer = rig.run("outer");
    // Two runs of the same workflow at once, and names that would be equal if they were joined.
    let twins = ["x", "y"].map(|at| {
        let mut twin = run("inner");
        twin.id = RunId::new(format!("run-{at}"));
        step(&job(&outer, "main"), at).for_run(twin)
    });
    let steps = [
        step(&job(&twins[0], "main"), "in1"),
        step(&job(&twins[1], "main"), "in1"),
        step(&job(&outer, "main"), "in1"),
        step(&job(&outer, "a:b"), "c"),
        step(&job(&outer, "a"), "b:c"),
        step(&job(&outer, "a/b"), "\u{e4}\u{1f980} \"q\"\n"),
    ];
    for step in &steps {
        step.emit(executing());
    }
    for (step, ms) in steps.iter().zip([1, 2, 4, 8, 16, 32]) {
        rig.clock.pass(ms);
        step.emit(finished());
    }
    for step in steps.iter().rev() {
        step.emit(completed());
    }
    let entries = rig.entries(&Outcome::success());
    let mut durations: Vec<_> = entries[1..].iter().map(|entry| entry.duration_ms).collect();
    durations.sort_unstable();
    assert_eq!(durations, [1, 3, 7, 15, 31, 63]);
    let strange =
        &entries.iter().find(|entry| entry.duration_ms == 63 && entry.is_child()).unwrap();
    let context = strange.workflow_context.as_ref().unwrap();
    assert_eq!(context.step_name, "\u{e4}\u{1f980} \"q\"\n");
}

/// Weakness 44: the command does not know its run.
#[test]
fn the_outermost_run_names_the_command() {
    let mut rig = Rig::new();
    let outer = rig.run("outer");
    let inner = step(&job(&outer, "j"), "s").for_run(run("inner"));
    inner.emit(started("inner"));
    inner.emit(EventKind::RunCompleted {
        status: swamp_ident::Status::Succeeded,
        error: None,
        totals: swamp_events::RunTotals::default(),
    });
    outer.emit(EventKind::RunCompleted {
        status: swamp_ident::Status::Failed,
        error: Some(failure(swamp_ident::ErrorCategory::Internal, "no reason given")),
        totals: swamp_events::RunTotals::default(),
    });
    let entry = rig.entries(&Outcome::exit(1)).remove(0);
    assert_eq!(entry.run_id, Some(RunId::new("run-of-outer")));
    assert_eq!(entry.run_status, Some(swamp_ident::Status::Failed.into()));
    assert_eq!(entry.result.error_message.as_deref(), Some("no reason given"));
}
