//! Any run: what begins ends, once.

use std::collections::HashSet;

use proptest::prelude::*;
use swamp_events::{Emitter, EventKind};
use swamp_ident::{CancelCause, ErrorCategory, RunId};
use swamp_telemetry::Outcome;

use super::support::*;

/// What happens to one step.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Succeeds,
    Fails,
    FailsEarly,
    FailsSaving,
    Structural,
    Skipped,
    NeverEnds,
    FinishesOnly,
}

impl Fate {
    /// Whether the step leaves an entry.
    fn leaves_entry(self) -> bool {
        !matches!(self, Self::Structural | Self::Skipped)
    }

    fn succeeds(self) -> bool {
        matches!(self, Self::Succeeds | Self::FinishesOnly)
    }

    /// The step's events, in order.
    fn events(self) -> Vec<EventKind> {
        let failure = failure(ErrorCategory::Method, "Command exited with code 3");
        let ended_badly = EventKind::MethodFinished { result: Err(failure.clone()) };
        let failed_call = failed(failure.clone(), Some(call()));
        match self {
            Self::Succeeds => vec![executing(), finished(), completed()],
            Self::Fails => vec![executing(), ended_badly, failed_call],
            Self::FailsEarly => vec![failed_call],
            Self::FailsSaving => vec![executing(), finished(), failed_call],
            Self::Structural => vec![failed(failure, None)],
            Self::Skipped => {
                vec![EventKind::StepSkipped { reason: swamp_events::SkipReason::JobSkipped }]
            }
            Self::NeverEnds => vec![executing()],
            Self::FinishesOnly => vec![executing(), finished()],
        }
    }
}

fn fate() -> impl Strategy<Value = Fate> {
    prop::sample::select(vec![
        Fate::Succeeds,
        Fate::Succeeds,
        Fate::Fails,
        Fate::FailsEarly,
        Fate::FailsSaving,
        Fate::Structural,
        Fate::Skipped,
        Fate::NeverEnds,
        Fate::FinishesOnly,
    ])
}

/// Few names, so that they meet each other often.
fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a:]{1,3}", "[a/:\u{e4} \"]{0,3}"]
}

/// A step: which of a few runs it is in, job, name and fate.
fn steps() -> impl Strategy<Value = Vec<(usize, String, String, Fate)>> {
    prop::collection::vec((0..4_usize, name(), name(), fate()), 0..40)
}

/// Four runs: the outermost, two of the same workflow in it, and one in the second of those.
fn runs(rig: &Rig) -> [Emitter; 4] {
    let outer = rig.run("a");
    let nested = |emitter: &Emitter, id: &str| {
        let mut run = run("b");
        run.id = RunId::new(id);
        let nested = step(&job(emitter, "nest"), id).for_run(run);
        nested.emit(started("b"));
        nested
    };
    let first = nested(&outer, "first");
    let second = nested(&outer, "second");
    let third = nested(&second, "third");
    [outer, first, second, third]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Weakness 47: what ends a call was described, not seen.
    #[test]
    fn each_call_that_begins_has_exactly_one_entry(
        steps in steps(),
        order in any::<u64>(),
        cancelled in any::<bool>(),
    ) {
        let mut rig = Rig::new();
        let runs = runs(&rig);
        let mut seen = HashSet::new();
        let mut queues: Vec<(Emitter, Fate, Vec<EventKind>)> = steps
            .into_iter()
            .filter(|(run, job, step, _)| seen.insert((*run, job.clone(), step.clone())))
            .map(|(run, job_name, name, fate)| {
                let mut events = fate.events();
                events.reverse();
                (step(&job(&runs[run], &job_name), &name), fate, events)
            })
            .collect();
        let fates: Vec<Fate> = queues.iter().map(|(_, fate, _)| *fate).collect();
        // All steps at once, in some order that keeps each step's own.
        let mut dice = order;
        while !queues.is_empty() {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let pick = usize::try_from(dice >> 33).unwrap() % queues.len();
            let (emitter, _, events) = &mut queues[pick];
            if let Some(event) = events.pop() {
                emitter.emit(event);
            } else {
                queues.swap_remove(pick);
            }
        }
        if cancelled {
            runs[0].emit(EventKind::Cancelled { cause: CancelCause::Interrupt });
        }
        let entries = rig.entries(&Outcome::exit(1));
        let (parents, calls): (Vec<_>, Vec<_>) = entries.iter().partition(|entry| !entry.is_child());
        prop_assert_eq!(parents.len(), 1);
        prop_assert_eq!(calls.len(), fates.iter().filter(|fate| fate.leaves_entry()).count());
        let ids: HashSet<_> = calls.iter().map(|entry| entry.id.clone()).collect();
        prop_assert_eq!(ids.len(), calls.len());
        let steps: HashSet<_> = calls
            .iter()
            .map(|entry| {
                let context = entry.workflow_context.clone().unwrap();
                (context.run_id, context.job_name, context.step_name)
            })
            .collect();
        prop_assert_eq!(steps.len(), calls.len());
        let succeeded = calls.iter().filter(|entry| entry.result.exit_code == 0).count();
        prop_assert_eq!(succeeded, fates.iter().filter(|fate| fate.succeeds()).count());
        for entry in &calls {
            let early = entry.workflow_context.as_ref().unwrap().phase
                == Some(swamp_ident::Phase::BeforeMethod.into());
            prop_assert_eq!(entry.duration_ms == 0, early);
            prop_assert_eq!(entry.parent_invocation_id.as_ref(), Some(&parents[0].id));
        }
        let counts = parents[0].method_counts.clone().unwrap();
        prop_assert_eq!(counts.success + counts.error, calls.len() as u64);
        let open = fates.iter().filter(|fate| matches!(fate, Fate::NeverEnds)).count();
        let want = if cancelled { ErrorCategory::Cancelled } else { ErrorCategory::Terminated };
        let stopped =
            calls.iter().filter(|entry| entry.result.error_category == Some(want.into())).count();
        prop_assert_eq!(stopped, open);
    }
}
