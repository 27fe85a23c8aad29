//! Runs that end before their methods do.

use swamp_events::EventKind;
use swamp_ident::{CancelCause, ErrorCategory, Failure, Fault, Phase, Status};
use swamp_telemetry::{CommandWords, Outcome};
use swamp_wire::ResultStatus;

use super::support::*;

/// Weakness 4: a deadline is recorded as an error of the method.
#[test]
fn whatever_stops_a_run_is_what_its_open_calls_say() {
    for (cause, exit_code, category) in [
        (CancelCause::Interrupt, 130, ErrorCategory::Cancelled),
        (CancelCause::Terminate, 143, ErrorCategory::Cancelled),
        (CancelCause::Deadline, 124, ErrorCategory::Timeout),
    ] {
        let mut rig = Rig::new();
        let run = rig.run("w");
        let main = job(&run, "j");
        succeeds(&rig, &step(&main, "a-done"), 10);
        let silent = step(&main, "b-silent");
        silent.emit(executing());
        let stopped = step(&main, "c-stopped");
        stopped.emit(executing());
        let saving = step(&main, "d-saving");
        saving.emit(executing());
        rig.clock.pass(25);
        saving.emit(finished());
        run.emit(EventKind::Cancelled { cause });
        rig.clock.pass(5);
        // The engine says that it stopped this one, and blames nobody.
        let failure = Failure { fault: Fault::User, ..failure(category, "Command was stopped") };
        stopped.emit(failed(failure, Some(call())));
        run.emit(EventKind::RunCompleted {
            status: Status::Cancelled,
            error: None,
            totals: swamp_events::RunTotals::default(),
        });
        rig.clock.pass(70);

        let entries = rig.entries(&Outcome::exit(exit_code));
        assert_eq!(entries.len(), 5);
        let own = &entries[0];
        assert_eq!(own.result.exit_code, i64::from(exit_code));
        assert_eq!(own.result.error_category, Some(category.into()));
        assert_eq!(own.result.status, ResultStatus::Error);
        assert_eq!(own.run_status, Some(Status::Cancelled.into()));
        assert_eq!(entries[1].result.status, ResultStatus::Success);
        for (index, ms) in [(2, 100), (3, 30)] {
            assert_eq!(entries[index].result.status, ResultStatus::Error);
            assert_eq!(entries[index].result.error_category, Some(category.into()), "{cause:?}");
            assert_eq!(entries[index].duration_ms, ms);
            let context = entries[index].workflow_context.as_ref().unwrap();
            assert_eq!(context.phase, Some(Phase::Method.into()));
        }
        // This method did its work before the run was stopped.
        assert_eq!(entries[4].result.status, ResultStatus::Success);
        assert_eq!(entries[4].duration_ms, 25);
        let counts = own.method_counts.as_ref().unwrap();
        assert_eq!((counts.total, counts.success, counts.error), (4, 2, 2));
    }
}

#[test]
fn a_methods_own_timeout_is_the_users_affair() {
    let mut rig = Rig::new();
    let step = step(&job(&rig.run("w"), "j"), "s");
    step.emit(executing());
    step.emit(failed(failure(ErrorCategory::Timeout, "Command timed out after 2s"), Some(call())));
    let entries = rig.entries(&Outcome::exit(1));
    for entry in &entries {
        assert_eq!(entry.result.status, ResultStatus::UserError);
        assert_eq!(entry.result.error_category, Some(ErrorCategory::Timeout.into()));
    }
}

#[test]
fn a_stream_that_just_ends_leaves_no_call_without_an_entry() {
    let mut rig = Rig::new();
    let main = job(&rig.run("w"), "deploy:us-east-1");
    for name in ["validate", "x:y:z"] {
        step(&main, name).emit(executing());
    }
    rig.clock.pass(12);
    let entries = rig.entries(&Outcome::failure(
        1,
        Failure { fault: Fault::Internal, ..failure(ErrorCategory::Internal, "engine fault") },
    ));
    let names: Vec<_> = entries[1..]
        .iter()
        .map(|entry| {
            assert_eq!(entry.result.error_category, Some(ErrorCategory::Terminated.into()));
            assert_eq!(entry.duration_ms, 12);
            entry.workflow_context.as_ref().unwrap().step_name.as_str()
        })
        .collect();
    assert_eq!(names, ["validate", "x:y:z"]);
    assert_eq!(entries[0].run_status, None);
}

#[test]
fn a_step_that_begins_twice_loses_neither_call() {
    let mut rig = Rig::new();
    let step = step(&job(&rig.run("w"), "j"), "s");
    step.emit(executing());
    rig.clock.pass(3);
    succeeds(&rig, &step, 4);
    let mut entries = rig.entries(&Outcome::success());
    entries.sort_by_key(|entry| entry.started_at);
    assert_eq!(entries.len(), 3);
    let results: Vec<_> =
        entries.iter().map(|entry| (entry.duration_ms, entry.result.exit_code)).collect();
    assert!(results.contains(&(3, 1)) && results.contains(&(4, 0)), "{results:?}");
}

#[test]
fn what_comes_after_the_end_is_ignored() {
    let mut rig = Rig::new();
    let run = rig.run("w");
    let late = step(&job(&run, "j"), "s");
    late.emit(executing());
    assert_eq!(rig.close(&Outcome::success()).written, 2);
    late.emit(finished());
    late.emit(completed());
    succeeds(&rig, &step(&job(&run, "j"), "t"), 1);
    assert_eq!(files(&rig.spool()).len(), 2);
}

#[test]
fn a_session_that_is_dropped_closes_itself() {
    let mut rig = Rig::new();
    step(&job(&rig.run("w"), "j"), "s").emit(executing());
    drop(rig.session.take());
    let entries = entries(&rig.spool());
    assert_eq!(entries.len(), 2);
    for entry in entries {
        assert_eq!(entry.result.error_category, Some(ErrorCategory::Terminated.into()));
    }
    assert_eq!(journals(&rig.spool()), [""; 0]);
}

#[test]
fn a_session_without_a_run_writes_its_entry_and_nothing_else() {
    let mut rig = Rig::of(CommandWords::new(["version"]));
    assert_eq!(files(&rig.spool()), [""; 0], "only its journal, should it die");
    assert_eq!(journals(&rig.spool()).len(), 1);
    rig.clock.pass(2);
    let entries = rig.entries(&Outcome::success());
    assert_eq!(entries.len(), 1);
    assert_eq!((entries[0].duration_ms, &entries[0].method_counts), (2, &None));
    assert_eq!(journals(&rig.spool()), [""; 0]);
}
