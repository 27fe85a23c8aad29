//! A bug of the program itself: told to the user, recorded, and no excuse to leave things behind.

use serde_json::json;

use crate::environment::{TestEnvironment, call, jobs, number, outline};

/// A workflow with a step that panics while another is under way.
fn workflow(environment: &TestEnvironment) {
    environment.shell("endless", r#"run: 'echo $$ >> "$EFFECTS/pids"; exec sleep 600'"#);
    environment.shell("fine", "run: 'until test -s \"$EFFECTS/pids\"; do sleep 0.01; done'");
    let after = ", dependsOn: [{step: before, condition: {type: always}}]";
    environment.workflow(
        "w",
        &jobs(&[
            ("other", "", &[call("long", "endless", "")]),
            (
                "main",
                "",
                &[
                    call("before", "fine", ""),
                    call("panics", "fine", after),
                    call("later", "fine", &after.replace("before", "panics")),
                ],
            ),
        ]),
    );
}

/// Weakness 1: a run that fails leaves by a short cut, past the recording.
#[test]
fn a_panic_on_the_thread_of_a_step_leaves_by_the_one_way_out() {
    let mut environment = TestEnvironment::new();
    workflow(&environment);
    environment.set("SWAMP_TEST_PANIC", "during");
    let ran = environment.run(["workflow", "run", "w"]).expect_exit(70);
    assert!(ran.stderr.contains("Error: swamp itself failed: "), "{}", ran.stderr);
    assert_eq!(ran.stderr.matches("swamp itself failed").count(), 1, "{}", ran.stderr);

    let entries = environment.entries();
    let parent = entries.parent();
    assert_eq!(
        parent["result"],
        json!({
            "status": "error", "exitCode": 70, "errorType": "Error",
            "errorMessage": "swamp itself failed", "errorCategory": "internal",
        })
    );
    assert_eq!(entries.children().len(), 3, "each call that began has ended: {entries:#?}");
    assert_eq!(entries.child("main", "before")["result"]["status"], "success");
    for (job, step, category) in [("other", "long", "cancelled"), ("main", "panics", "terminated")]
    {
        let child = entries.child(job, step);
        assert_eq!(child["result"]["errorCategory"], category, "{child:#}");
        assert!(number(&child["durationMs"]) > 0);
    }
    assert_eq!(environment.files(".swamp/telemetry/sessions"), [""; 0]);

    // Nothing says "running" any more, and nothing runs.
    // Whether the stopped step still came to say why is a matter of moments.
    let record = outline(&environment.run_record("w"));
    let record = record.replace(" - Operation was cancelled: asked to terminate", "");
    insta::assert_snapshot!(record, @r"
    w: failed - swamp itself failed during this run
      other: cancelled
        long: cancelled
      main: cancelled
        before: succeeded
        panics: cancelled
        later: cancelled
    ");
    let pid = environment.effects("pids").remove(0);
    assert!(!std::path::Path::new("/proc").join(pid).join("root").exists(), "a method still runs");
    // Its lock was given back.
    environment.set("SWAMP_TEST_PANIC", "");
    environment.ok(["model", "method", "run", "endless", "execute", "--input", "run=true"]);
}

#[test]
fn a_panic_of_a_command_without_methods_is_recorded_too() {
    let mut environment = TestEnvironment::new();
    environment.set("SWAMP_TEST_PANIC", "before");
    let ran = environment.run(["model", "search"]).expect_exit(70);
    assert_eq!(ran.stderr.matches("swamp itself failed").count(), 1, "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
    let document = environment.json(["model", "search"], 70);
    assert!(document["error"].as_str().expect("a text").starts_with("swamp itself failed"));
    let entries = environment.entries();
    assert_eq!(entries.0.len(), 2);
    for entry in &entries.0 {
        assert_eq!(entry["result"]["exitCode"], 70, "{entry:#}");
        assert_eq!(entry["result"]["errorCategory"], "internal", "{entry:#}");
    }
}

#[test]
fn a_panic_beside_the_command_changes_its_exit_code_and_nothing_else() {
    let mut environment = TestEnvironment::new();
    environment.shell("fine", "run: 'true'");
    environment.workflow("w", &jobs(&[("main", "", &[call("s", "fine", "")])]));
    environment.set("SWAMP_TEST_PANIC", "console");
    environment.run(["workflow", "run", "w"]).expect_exit(70);
    assert_eq!(environment.run_record("w")["status"], "succeeded");
    let entries = environment.entries();
    assert_eq!(entries.parent()["result"]["errorCategory"], "internal");
    assert_eq!(entries.parent()["runStatus"], "succeeded");
    assert_eq!(entries.child("main", "s")["result"]["status"], "success");
}
