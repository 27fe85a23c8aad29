//! The command's own entry.

use serde_json::json;
use swamp_events::EventKind;
use swamp_ident::{ErrorCategory, Failure, Fault, Phase, RepoId};
use swamp_telemetry::{CommandWords, Masks, Outcome, Usage};
use tempfile::TempDir;

use super::support::*;

#[test]
fn the_result_is_that_of_the_command() {
    let words =
        || CommandWords::new(["model", "get"]).argument("acme-billing").declared_word("model_id");
    let internal =
        Failure { fault: Fault::Internal, ..failure(ErrorCategory::Internal, "disk full") };
    for (outcome, want) in [
        (Outcome::success(), json!({"status": "success", "exitCode": 0})),
        (
            Outcome::failure(
                1,
                failure(ErrorCategory::ModelNotFound, "No model acme-billing here"),
            ),
            json!({
                "status": "user_error", "exitCode": 1, "errorType": "UserError",
                "errorMessage": "No model <name> here", "errorCategory": "model_not_found",
            }),
        ),
        (
            Outcome::failure(70, internal),
            json!({
                "status": "error", "exitCode": 70, "errorType": "Error",
                "errorMessage": "disk full", "errorCategory": "internal",
            }),
        ),
        (
            Outcome::usage(1, Usage::Invalid, "Missing argument(s): model_id"),
            json!({
                "status": "error", "exitCode": 1, "errorType": "ValidationError",
                "errorMessage": "Missing argument(s): model_id", "errorCategory": "arguments",
            }),
        ),
        (
            Outcome::usage(1, Usage::TooManyArguments, "Too many arguments: acme-billing b"),
            json!({
                "status": "error", "exitCode": 1, "errorType": "TooManyArgumentsError",
                "errorMessage": "Too many arguments: <name>", "errorCategory": "arguments",
            }),
        ),
        (
            Outcome::exit(9),
            json!({
                "status": "error", "exitCode": 9, "errorType": "Error",
                "errorMessage": "The command ended with exit code 9", "errorCategory": "internal",
            }),
        ),
    ] {
        let mut rig = Rig::of(words());
        let entries = rig.entries(&outcome);
        assert_eq!(serde_json::to_value(&entries[0].result).unwrap(), want);
    }
}

/// Weakness 43: the same call has another shape in another part of the program.
#[test]
fn a_method_called_directly_is_the_command_itself() {
    let words =
        || CommandWords::new(["model", "method", "run"]).argument("billing-db").argument("execute");
    // It ran and succeeded.
    let mut rig = Rig::of(words());
    let emitter = rig.stream.emitter();
    succeeds(&rig, &emitter, 30);
    assert_eq!(journals(&rig.spool()).len(), 1, "it could have died");
    let entries = rig.entries(&Outcome::success());
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].method(), Some("execute"));
    let context = serde_json::to_value(&entries[0].method_context).unwrap();
    assert_eq!(
        context,
        json!({"modelType": "command/shell", "driver": "raw", "driverOrigin": "default", "phase": "method"})
    );
    assert_eq!((&entries[0].run_id, &entries[0].method_counts), (&None, &None));

    // It ran and failed: as a step of a workflow would have.
    let mut rig = Rig::of(words());
    exits_with_3(&rig, &rig.stream.emitter(), 30, false);
    let direct = rig.entries(&Outcome::exit(1)).remove(0);
    let mut rig = Rig::new();
    exits_with_3(&rig, &step(&job(&rig.run("w"), "j"), "s"), 30, false);
    let step = rig.entries(&Outcome::exit(1)).remove(1);
    assert_eq!(direct.result, step.result);

    // It never ran.
    let mut rig = Rig::of(words());
    let mut unresolved = call();
    (unresolved.model_type, unresolved.driver) = (None, None);
    let failure = Failure {
        phase: Phase::BeforeMethod,
        ..failure(ErrorCategory::ModelNotFound, "Model not found: billing-db")
    };
    rig.stream.emitter().emit(failed(failure.clone(), Some(unresolved)));
    let entries = rig.entries(&Outcome::failure(1, failure));
    let context = serde_json::to_value(&entries[0].method_context).unwrap();
    assert_eq!(context, json!({"phase": "before_method"}));
    assert_eq!(entries[0].result.error_message.as_deref(), Some("Model not found: <name>"));

    // Its data could not be saved.
    let mut rig = Rig::of(words());
    let emitter = rig.stream.emitter();
    emitter.emit(executing());
    emitter.emit(finished());
    let failure = Failure {
        phase: Phase::AfterMethod,
        ..super::support::failure(ErrorCategory::Internal, "x")
    };
    emitter.emit(failed(failure, Some(call())));
    let context = rig.entries(&Outcome::exit(1)).remove(0).method_context.unwrap();
    assert_eq!(context.phase, Some(Phase::AfterMethod.into()));
}

/// Weakness 2: a failed run is recorded as a success; the right cause is found, too.
#[test]
fn the_cause_of_a_failed_run_is_found_where_it_counts() {
    let mut rig = Rig::new();
    let outer = rig.run("outer");
    let inner = job(&outer, "j").for_run(run("inner"));
    inner.emit(started("inner"));
    // An inner failure that the outer workflow allows.
    exits_with_3(&rig, &step(&job(&inner, "i"), "a"), 1, false);
    step(&job(&outer, "j"), "nested").emit(EventKind::StepFailed {
        failure: failure(ErrorCategory::Method, "nested run failed"),
        allowed: true,
        call: None,
    });
    let cause = failure(ErrorCategory::Vault, "No such vault");
    step(&job(&outer, "k"), "b").emit(failed(cause, Some(call())));
    let entries = rig.entries(&Outcome::exit(1));
    assert_eq!(entries[0].result.error_category, Some(ErrorCategory::Vault.into()));
}

#[test]
fn repository_and_secrets_come_from_the_configuration() {
    let words = CommandWords::new(["workflow", "run"]);
    let mut rig = Rig::in_home(TempDir::new().unwrap(), words, |config| {
        config.repo_id = Some(RepoId::new("repo-1"));
        let redact = |text: &str| text.replace("s3cret", "***");
        config.masks = Masks::default().with_redaction(std::sync::Arc::new(redact));
    });
    let step = step(&job(&rig.run("w"), "j"), "s");
    step.emit(executing());
    step.emit(failed(failure(ErrorCategory::Method, "the s3cret is out"), Some(call())));
    let journal = rig.spool().join("sessions").join(&journals(&rig.spool())[0]);
    let journal = std::fs::read_to_string(journal).unwrap();
    assert!(journal.contains("the *** is out") && !journal.contains("s3cret"));
    for entry in rig.entries(&Outcome::exit(1)) {
        assert_eq!(entry.repo_id, Some(RepoId::new("repo-1")));
        assert_eq!(entry.result.error_message.as_deref(), Some("the *** is out"));
    }
}
