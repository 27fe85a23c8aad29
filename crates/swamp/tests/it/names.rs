//! Names that look alike never meet.
//!
//! Names of jobs and steps are free text. Whoever joins two of them to a key takes job `a:b` with step
//! `c` for job `a` with step `b:c`; these tests would notice.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::environment::{TestEnvironment, call, jobs, nest, one_job, outline, text};

/// Shows the letter made of two characters, which looks like the one made of one.
fn visible(text: &str) -> String {
    text.replace("e\u{301}", "e+acute")
}

/// The names of the steps of the only job of a run record.
fn step_names(record: &Value) -> Vec<&str> {
    let steps = record["jobs"][0]["steps"].as_array().expect("steps");
    steps.iter().map(|step| text(&step["stepName"])).collect()
}

/// Weakness 19: a joined key is taken apart at the wrong colon.
#[test]
fn names_with_separators_are_kept_apart() {
    let environment = TestEnvironment::new();
    environment.shell("fine", "run: 'true'");
    environment.shell("bad", "run: 'exit 1'");
    let may_fail = ", allowFailure: true";
    environment.workflow(
        "w",
        &jobs(&[
            ("a:b", "", &[call("c", "fine", ""), call("c:d", "bad", may_fail)]),
            ("a", "", &[call("b:c", "bad", may_fail), call("b:c:d", "fine", "")]),
            ("a/b", "", &[call("c", "fine", "")]),
            ("a|b", "", &[call("c | d", "fine", "")]),
            ("a b", "", &[call("c", "fine", "")]),
            (
                "größe 日本",
                "",
                &[
                    call("naïve/…/🦀", "fine", ""),
                    call("e\u{301}", "fine", ""),
                    call("é", "bad", may_fail),
                ],
            ),
            ("\\n", "", &[call("\"'`", "fine", ""), call("-", "fine", ""), call("..", "fine", "")]),
        ]),
    );
    environment.ok(["workflow", "run", "w"]);

    let entries = environment.entries();
    insta::assert_snapshot!(visible(&entries.outline()), @r#"
    w | \n | "'` | success method
    w | \n | - | success method
    w | \n | .. | success method
    w | a b | c | success method
    w | a | b:c | user_error method method allowed
    w | a | b:c:d | success method
    w | a/b | c | success method
    w | a:b | c | success method
    w | a:b | c:d | user_error method method allowed
    w | a|b | c | d | success method
    w | größe 日本 | e+acute | success method
    w | größe 日本 | naïve/…/🦀 | success method
    w | größe 日本 | é | user_error method method allowed
    "#);
    assert_eq!(entries.child("größe 日本", "e\u{301}")["result"]["status"], "success");
    assert_eq!(entries.child("größe 日本", "é")["result"]["status"], "user_error");
    insta::assert_snapshot!(visible(&outline(&environment.run_record("w"))), @r#"
    w: succeeded
      a:b: succeeded
        c: succeeded
        c:d: failed (allowed) - Command exited with code 1
      a: succeeded
        b:c: failed (allowed) - Command exited with code 1
        b:c:d: succeeded
      a/b: succeeded
        c: succeeded
      a|b: succeeded
        c | d: succeeded
      a b: succeeded
        c: succeeded
      größe 日本: succeeded
        naïve/…/🦀: succeeded
        e+acute: succeeded
        é: failed (allowed) - Command exited with code 1
      \n: succeeded
        "'`: succeeded
        -: succeeded
        ..: succeeded
    "#);
}

/// Weakness 18: two runs of one workflow under way are taken for one.
#[test]
fn parallel_runs_of_the_same_workflow_are_told_apart_by_their_ids() {
    let environment = TestEnvironment::new();
    environment.definition(
        "worker",
        "inputs: {properties: {side: {type: string}}}\n\
         methods: {execute: {arguments: {run: 'sleep 0.2; echo ${{ inputs.side }} >> \"$EFFECTS/sides\"; \
         test ${{ inputs.side }} = left'}}}\n",
    );
    let work = "{name: work, task: {type: model_method, modelIdOrName: worker, methodName: execute, \
                inputs: {side: '${{ inputs.side }}'}}}";
    let body = format!("inputs: {{properties: {{side: {{type: string}}}}}}\n{}", one_job(&[work]));
    environment.workflow("inner", &body);
    let side = |side: &str| {
        nest(side, "inner", ", allowFailure: true").replace(
            "workflowIdOrName: \"inner\"",
            &format!("workflowIdOrName: inner, inputs: {{side: {side}}}"),
        )
    };
    environment.workflow("outer", &one_job(&[side("left"), side("right")]));
    environment.ok(["workflow", "run", "outer"]);

    assert_eq!(environment.effects("sides"), ["left", "right"]);
    let entries = environment.entries();
    let root = environment.run_record("outer");
    let mut records = environment.run_records();
    records.retain(|record| record["workflowName"] == "inner");
    assert_eq!(records.len(), 2);
    assert_eq!(entries.children().len(), 2, "{entries:#?}");
    for record in &records {
        let mut children = entries.children();
        children.retain(|child| child["workflowContext"]["runId"] == record["id"]);
        let [child] = children[..] else { panic!("children of {}: {children:#?}", record["id"]) };
        let status = if record["status"] == "succeeded" { "success" } else { "user_error" };
        assert_eq!(child["result"]["status"], status, "taken for the other run: {child:#}");
        let context = &child["workflowContext"];
        assert_eq!(context["workflowName"], "inner");
        assert_eq!((&context["jobName"], &context["stepName"]), (&json!("main"), &json!("work")));
        assert_eq!(context["rootRunId"], root["id"]);
        assert_eq!(context["rootWorkflowName"], "outer");
        assert_eq!(context["depth"], 1);
    }
    let statuses: BTreeSet<&str> = records.iter().map(|record| text(&record["status"])).collect();
    assert_eq!(statuses, BTreeSet::from(["failed", "succeeded"]));
    assert_eq!(
        entries.parent()["methodCounts"],
        json!({"total": 2, "success": 1, "error": 1, "skipped": 0})
    );
}

#[test]
fn a_nested_run_may_have_the_names_of_the_run_around_it() {
    let environment = TestEnvironment::new();
    environment.shell("fine", "run: 'sleep 0.2; exit 0'");
    environment.shell("bad", "run: 'sleep 0.1; exit 1'");
    // Job `main` with step `same` stands in both, at the same time.
    environment.workflow("inner", &one_job(&[call("same", "bad", ", allowFailure: true")]));
    environment
        .workflow("outer", &one_job(&[call("same", "fine", ""), nest("nested", "inner", "")]));
    environment.ok(["workflow", "run", "outer"]);

    let entries = environment.entries();
    insta::assert_snapshot!(entries.outline(), @r"
    inner | main | same | user_error method method allowed
    outer | main | same | success method
    ");
    for child in entries.children() {
        let context = &child["workflowContext"];
        let record = environment.run_record(text(&context["workflowName"]));
        assert_eq!(context["runId"], record["id"]);
    }
}

/// Weakness 17: steps after a nested run are recorded under its workflow.
#[test]
fn a_step_after_a_nested_run_belongs_to_the_run_around_it() {
    let environment = TestEnvironment::new();
    environment.shell("fine", "run: 'true'");
    environment.workflow("inner", &one_job(&[call("in", "fine", "")]));
    let after = ", dependsOn: [{step: nested, condition: {type: succeeded}}]";
    environment
        .workflow("outer", &one_job(&[nest("nested", "inner", ""), call("out", "fine", after)]));
    environment.ok(["workflow", "run", "outer"]);

    insta::assert_snapshot!(environment.entries().outline(), @r"
    inner | main | in | success method
    outer | main | out | success method
    ");
}

#[test]
fn names_of_for_each_steps() {
    let environment = TestEnvironment::new();
    environment.shell("fine", "run: 'true'");
    let cases: [(&str, &str, &[&str]); 8] = [
        ("plain", "['dev', 'prod', 'a b']", &["plain-dev", "plain-prod", "plain-a b"]),
        ("nums", "[1.5, 2.0, true, null]", &["nums-1.5", "nums-2", "nums-true", "nums-null"]),
        ("maps", "[{'h': 'x'}, {'h': 'y'}]", &["maps-0", "maps-1"]),
        ("on-${{ self.r.h }}", "[{'h': 'x'}, {'h': 'y'}]", &["on-x", "on-y"]),
        ("e", "{'k1': 1, 'k2': 2}", &["e-k1", "e-k2"]),
        ("${{ self.r.key }}=${{ self.r.value }}", "{'k': 'v', 'l': 'w'}", &["k=v", "l=w"]),
        ("odd:", "['a:b', 'ü/ö', '…']", &["odd:-a:b", "odd:-ü/ö", "odd:-…"]),
        ("none", "[]", &[]),
    ];
    for (number, (template, items, expected)) in cases.into_iter().enumerate() {
        let name = format!("w{number}");
        let each = ", forEach: {item: r, in: '${{ inputs.items }}'}";
        let inputs = format!("inputs: {{properties: {{items: {{default: {items}}}}}}}\n");
        environment.workflow(&name, &(inputs + &one_job(&[call(template, "fine", each)])));
        environment.ok(["workflow", "run", &name]);

        assert_eq!(
            step_names(&environment.run_record(&name)),
            expected,
            "in the record of {template}"
        );
        let entries = environment.entries();
        let mut children = entries.children();
        children.retain(|child| child["workflowContext"]["workflowName"] == *name);
        assert_eq!(children.len(), expected.len(), "{template}: {children:#?}");
        for (index, step) in expected.iter().enumerate() {
            let child = children
                .iter()
                .find(|child| child["workflowContext"]["stepName"] == **step)
                .unwrap_or_else(|| panic!("no entry of {step}: {children:#?}"));
            assert_eq!(child["workflowContext"]["stepTemplate"], template, "{child:#}");
            assert_eq!(child["workflowContext"]["forEachIndex"], index, "{child:#}");
        }
    }
}

#[test]
fn for_each_steps_that_would_have_the_same_name_do_not_run() {
    let environment = TestEnvironment::new();
    environment.shell("fine", "run: 'echo ran >> \"$EFFECTS/ran\"'");
    let each = ", forEach: {item: r, in: \"${{ ['x', 'y', 'x'] }}\"}";
    environment.workflow("w", &one_job(&[call("twice", "fine", each)]));
    let ran = environment.run(["workflow", "run", "w"]).expect_exit(1);

    let told = format!("{}{}", ran.stdout, ran.stderr);
    assert!(told.contains("twice-x"), "the name is not told:\n{told}");
    assert_eq!(environment.effects("ran"), [""; 0]);
    let entries = environment.entries();
    assert!(entries.children().is_empty(), "{entries:#?}");
    assert_eq!(entries.parent()["runStatus"], "failed");
    assert_eq!(environment.run_record("w")["status"], "failed");
}
