//! One entry for each method call, true to how it went.

use serde_json::json;
use swamp_events::{DriverUse, EventKind, SkipReason};
use swamp_ident::{DriverOrigin, ErrorCategory, Failure, Fault, MethodName, Phase, Status};
use swamp_telemetry::Outcome;
use swamp_wire::{ResultStatus, Word};

use super::support::*;

#[test]
fn a_call_that_succeeds() {
    let mut rig = Rig::new();
    rig.clock.pass(5);
    let run = rig.run("nightly");
    let step = step(&job(&run, "main"), "backup");
    succeeds(&rig, &step, 91);
    rig.clock.pass(4);
    run.emit(EventKind::RunCompleted {
        status: Status::Succeeded,
        error: None,
        totals: swamp_events::RunTotals::default(),
    });
    let entries = rig.entries(&Outcome::success());
    assert_eq!(
        serde_json::to_value(&entries).unwrap(),
        json!([
            {
                "id": "00000000-0000-0000-0000-000000000000",
                "invocation": {
                    "command": "workflow",
                    "args": ["<REDACTED>"],
                    "optionKeys": [],
                    "globalOptions": ["--json"],
                    "subcommand": "run",
                },
                "result": {"status": "success", "exitCode": 0},
                "startedAt": "2026-11-22T09:58:10.000Z",
                "completedAt": "2026-11-22T09:58:10.100Z",
                "durationMs": 100,
                "swampVersion": "1.2.3",
                "denoVersion": "0.0.0",
                "platform": swamp_telemetry::platform(),
                "invocationContext": {"agentSessionDetected": false, "isInteractive": false},
                "runtime": {"name": "rust", "version": env!("CARGO_PKG_RUST_VERSION")},
                "runId": "run-of-nightly",
                "runStatus": "succeeded",
                "methodCounts": {"total": 1, "success": 1, "error": 0, "skipped": 0},
            },
            {
                "id": "00000000-0000-0000-0000-000000000001",
                "invocation": {
                    "command": "model",
                    "args": ["run", "<REDACTED>", "execute"],
                    "optionKeys": [],
                    "globalOptions": [],
                    "subcommand": "method",
                },
                "result": {"status": "success", "exitCode": 0},
                "startedAt": "2026-11-22T09:58:10.005Z",
                "completedAt": "2026-11-22T09:58:10.096Z",
                "durationMs": 91,
                "swampVersion": "1.2.3",
                "denoVersion": "0.0.0",
                "platform": swamp_telemetry::platform(),
                "invocationContext": {"agentSessionDetected": false, "isInteractive": false},
                "parentInvocationId": "00000000-0000-0000-0000-000000000000",
                "workflowContext": {
                    "workflowName": "nightly",
                    "runId": "run-of-nightly",
                    "jobName": "main",
                    "stepName": "backup",
                    "modelType": "command/shell",
                    "driver": "raw",
                    "driverOrigin": "default",
                    "phase": "method",
                },
                "runtime": {"name": "rust", "version": env!("CARGO_PKG_RUST_VERSION")},
            },
        ])
    );
    assert_eq!(journals(&rig.spool()), [""; 0]);
    assert_eq!(rig.faults.lock().unwrap().as_slice(), [""; 0]);
}

#[test]
fn saving_data_is_not_the_methods_time() {
    let mut rig = Rig::new();
    let run = rig.run("w");
    let step = step(&job(&run, "j"), "s");
    step.emit(executing());
    rig.clock.pass(20);
    step.emit(finished());
    rig.clock.pass(1000);
    step.emit(completed());
    let entries = rig.entries(&Outcome::success());
    assert_eq!(entries[1].duration_ms, 20);
}

/// Weakness 20: no duration may or may not mean that the method ran.
#[test]
fn a_method_that_takes_no_time_still_ran() {
    let mut rig = Rig::new();
    let run = rig.run("w");
    succeeds(&rig, &step(&job(&run, "j"), "s"), 0);
    let entries = rig.entries(&Outcome::success());
    assert_eq!(entries[1].duration_ms, 1, "0 says that the method never ran");
}

/// Weakness 22: the same mistake is the user's in a command and the program's in a step.
#[test]
fn a_call_that_fails_is_the_users_error_here_as_anywhere() {
    let mut rig = Rig::new();
    let run = rig.run("w");
    exits_with_3(&rig, &step(&job(&run, "j"), "a"), 30, false);
    exits_with_3(&rig, &step(&job(&run, "j"), "b"), 40, true);
    let internal = Failure {
        fault: Fault::Internal,
        ..failure(ErrorCategory::Internal, "cannot write /home/bob/x")
    };
    let other = step(&job(&run, "j"), "c");
    other.emit(executing());
    other.emit(failed(internal, Some(call())));

    let entries = rig.entries(&Outcome::exit(1));
    let result = serde_json::to_value(&entries[1].result).unwrap();
    assert_eq!(
        result,
        json!({
            "status": "user_error",
            "exitCode": 1,
            "errorType": "UserError",
            "errorMessage": "Command exited with code 3",
            "errorCategory": "method",
        })
    );
    let context = |index: usize| entries[index].workflow_context.as_ref().unwrap();
    assert_eq!((entries[1].duration_ms, context(1).allowed_failure), (30, None));
    assert_eq!((entries[2].duration_ms, context(2).allowed_failure), (40, Some(true)));
    assert_eq!(entries[3].result.status, ResultStatus::Error);
    assert_eq!(entries[3].result.error_type.as_deref(), Some("Error"));
    assert_eq!(entries[3].result.error_message.as_deref(), Some("cannot write <path>"));
    // The command's own entry tells the first failure that counted.
    assert_eq!(serde_json::to_value(&entries[0].result).unwrap(), result);
    let counts = entries[0].method_counts.as_ref().unwrap();
    assert_eq!((counts.total, counts.success, counts.error), (3, 0, 3));
}

/// Weakness 23: early failures name a driver that was not resolved, and a template as the method.
#[test]
fn what_fails_before_its_method_has_no_duration_and_names_what_is_known() {
    let mut rig = Rig::new();
    let run = rig.run("w");
    let known = call();
    let mut no_model = known.clone();
    (no_model.model_type, no_model.driver) = (None, None);
    let mut no_driver = known.clone();
    no_driver.driver = None;
    let mut typed = known.clone();
    typed.driver = Some(DriverUse { name: "acme-mainframe".into(), origin: DriverOrigin::Job });
    let mut template = known.clone();
    template.method = "${{ inputs.acme }}".into();
    for (name, category, method) in [
        ("model", ErrorCategory::ModelNotFound, &no_model),
        ("method", ErrorCategory::MethodNotFound, &no_driver),
        ("expression", ErrorCategory::Expression, &template),
        ("vault", ErrorCategory::Vault, &known),
        ("vary", ErrorCategory::Vary, &known),
        ("env", ErrorCategory::Env, &known),
        ("arguments", ErrorCategory::Arguments, &known),
        ("driver", ErrorCategory::Driver, &typed),
    ] {
        let failure =
            Failure { phase: Phase::BeforeMethod, ..failure(category, "Model not found: ghost") };
        rig.clock.pass(10);
        step(&job(&run, "j"), name).emit(failed(failure, Some(method.clone())));
        let mut allowed = rig.stream.emitter().for_run(super::support::run("w"));
        allowed = step(&job(&allowed, "k"), name);
        allowed.emit(EventKind::StepFailed {
            failure: super::support::failure(category, "x"),
            allowed: true,
            call: Some(method.clone()),
        });
    }
    let entries = rig.entries(&Outcome::exit(1));
    assert_eq!(entries.len(), 1 + 16);
    for entry in &entries[1..] {
        let context = entry.workflow_context.as_ref().unwrap();
        assert_eq!(entry.duration_ms, 0);
        assert_eq!(context.phase, Some(Phase::BeforeMethod.into()));
        assert_eq!(entry.result.status, ResultStatus::UserError);
        assert_eq!(context.allowed_failure.is_some(), context.job_name == "k");
        let name = context.step_name.as_str();
        assert_eq!(context.model_type.is_some(), name != "model", "{name}");
        // What could not be resolved is no method's name.
        let method = if name == "expression" { "<REDACTED>" } else { "execute" };
        assert_eq!(entry.invocation.args, ["run", "<REDACTED>", method]);
        // A driver that does not exist is a word of somebody's own.
        let is_resolved = !["model", "method", "driver"].contains(&name);
        assert_eq!(context.driver.is_some(), is_resolved, "{name}");
        let origin = context.driver_origin.as_ref().and_then(Word::known);
        let is_of_job = origin == Some(DriverOrigin::Job);
        assert_eq!(is_of_job, name == "driver", "who chose it is told all the same");
        let category = entry.result.error_category.as_ref().unwrap().as_str();
        assert!(category.starts_with(name), "{category} {name}");
    }
    // Named after the model, masked after "not found:".
    assert_eq!(entries[6].result.error_message.as_deref(), Some("Model not found: <name>"));
}

#[test]
fn structural_failures_and_skipped_steps_have_no_entry() {
    let mut rig = Rig::new();
    let run = rig.run("w");
    let main = job(&run, "j");
    step(&main, "cycle").emit(failed(failure(ErrorCategory::Internal, "a cycle"), None));
    for reason in [SkipReason::JobSkipped, SkipReason::EarlierFailure] {
        step(&main, "skipped").emit(EventKind::StepSkipped { reason });
    }
    let reason = SkipReason::EarlierFailure;
    job(&run, "other").emit(EventKind::JobSkipped { reason, steps: 3 });
    // A step that ran another workflow.
    step(&main, "nested").emit(completed());
    succeeds(&rig, &step(&main, "s"), 1);
    let entries = rig.entries(&Outcome::exit(1));
    assert_eq!(entries.len(), 2);
    let counts = entries[0].method_counts.as_ref().unwrap();
    assert_eq!((counts.total, counts.success, counts.error, counts.skipped), (6, 1, 0, 5));
    assert_eq!(entries[0].result.error_category, Some(ErrorCategory::Internal.into()));
}

#[test]
fn for_each_items_know_their_template_and_place() {
    let mut rig = Rig::new();
    let main = job(&rig.run("w"), "j");
    for (index, name) in ["fan-a", "fan-b"].into_iter().enumerate() {
        succeeds(&rig, &item(&main, name, "fan-${{ self.item }}", index), 1);
    }
    let entries = rig.entries(&Outcome::success());
    for (index, name) in ["fan-a", "fan-b"].into_iter().enumerate() {
        let context = entries[1 + index].workflow_context.as_ref().unwrap();
        assert_eq!(context.step_name, name);
        assert_eq!(context.step_template.as_ref().unwrap(), "fan-${{ self.item }}");
        assert_eq!(context.for_each_index, Some(index as u64));
    }
}

#[test]
fn a_second_attempt_is_a_call_of_its_own() {
    let mut rig = Rig::new();
    let first = step(&job(&rig.run("w"), "j"), "s");
    exits_with_3(&rig, &first, 1, true);
    let mut scope = swamp_events::Scope::clone(first.scope());
    scope.attempt = 2;
    let event = |kind| {
        std::sync::Arc::new(swamp_events::RunEvent {
            seq: 0,
            at: swamp_ident::Clock::now(&*rig.clock),
            scope: std::sync::Arc::new(scope.clone()),
            kind,
        })
    };
    let sink = rig.session.as_ref().unwrap().sink();
    sink.accept(&event(executing()));
    sink.accept(&event(completed()));
    let entries = rig.entries(&Outcome::success());
    let attempts: Vec<_> =
        entries[1..].iter().map(|entry| entry.workflow_context.as_ref().unwrap().attempt).collect();
    assert_eq!(attempts, [None, Some(2)]);
}

#[test]
fn failing_after_the_method_is_another_phase() {
    let mut rig = Rig::new();
    let step = step(&job(&rig.run("w"), "j"), "s");
    step.emit(executing());
    rig.clock.pass(7);
    step.emit(finished());
    rig.clock.pass(9);
    let failure = Failure {
        phase: Phase::AfterMethod,
        fault: Fault::Internal,
        ..failure(ErrorCategory::Internal, "no space left")
    };
    step.emit(failed(failure, Some(call())));
    let entries = rig.entries(&Outcome::exit(1));
    assert_eq!(entries[1].duration_ms, 7);
    assert_eq!(
        entries[1].workflow_context.as_ref().unwrap().phase,
        Some(Phase::AfterMethod.into())
    );
    assert_eq!(entries[1].result.status, ResultStatus::Error);
}

#[test]
fn error_texts_of_calls_do_not_name_the_model() {
    let mut rig = Rig::new();
    let step = step(&job(&rig.run("w"), "j"), "s");
    let mut method = call();
    method.method = MethodName::new("restart");
    let text = "Unknown method 'restart' for type 'command/shell' of billing-db\nmore";
    step.emit(failed(failure(ErrorCategory::MethodNotFound, text), Some(method)));
    let entries = rig.entries(&Outcome::exit(1));
    assert_eq!(
        entries[1].result.error_message.as_deref(),
        Some("Unknown method 'restart' for type 'command/shell' of <name>")
    );
    assert_eq!(entries[1].invocation.args, ["run", "<REDACTED>", "restart"]);
}

/// Weakness 21: durations go negative when the clock is set.
#[test]
fn the_wall_clock_may_jump() {
    const YEAR: i64 = 31_536_000_000;
    for (first, second) in [(-3_600_000, 7_200_000), (YEAR, -YEAR), (-YEAR, -1), (0, -51), (1, 1)] {
        let mut rig = Rig::new();
        let step = step(&job(&rig.run("w"), "j"), "s");
        step.emit(executing());
        rig.clock.set_wall(first);
        rig.clock.pass(50);
        step.emit(finished());
        rig.clock.set_wall(second);
        step.emit(completed());
        let entries = rig.entries(&Outcome::success());
        for entry in &entries {
            assert_eq!(entry.duration_ms, 50, "{first} {second}");
            assert_eq!(entry.started_at.as_millis(), START);
            assert_eq!(entry.completed_at.as_millis(), START + 50);
        }
    }
}
