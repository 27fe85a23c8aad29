//! One step that becomes a thousand.

use std::collections::BTreeSet;

use serde_json::json;

use crate::environment::{TestEnvironment, call, number, one_job, text};

/// How many.
const STEPS: usize = 1000;

/// Weakness 44: the command does not know how its calls went.
#[test]
fn a_thousand_steps_have_a_thousand_entries() {
    let environment = TestEnvironment::new();
    environment.definition(
        "worker",
        "inputs: {properties: {n: {type: string}}}\n\
         methods: {execute: {arguments: {run: 'echo ${{ inputs.n }} >> \"$EFFECTS/begun\"'}}}\n",
    );
    let items: Vec<String> = (0..STEPS).map(|n| n.to_string()).collect();
    let body = format!(
        "inputs: {{properties: {{items: {{type: array}}}}}}\n{}",
        one_job(&["{name: 'do ${{ self.n }}', forEach: {item: n, in: '${{ inputs.items }}'}, \
                  task: {type: model_method, modelIdOrName: worker, methodName: execute, \
                  inputs: {n: 'item ${{ self.n }}'}}}"])
    );
    environment.workflow("w", &body);
    environment.write("items.yaml", format!("items: {}", json!(items)));
    let ran = environment.ok([
        "workflow",
        "run",
        "w",
        "--input-file",
        "items.yaml",
        "--json",
        "--skip-reports",
    ]);

    let begun: BTreeSet<String> = environment.effects("begun").into_iter().collect();
    let expected: BTreeSet<String> = (0..STEPS).map(|n| format!("item {n}")).collect();
    assert_eq!(begun, expected);
    assert_eq!(environment.effects("begun").len(), STEPS, "a step ran twice");

    let document = ran.json();
    assert_eq!(document["jobs"][0]["steps"].as_array().expect("steps").len(), STEPS);

    let entries = environment.entries();
    let parent = entries.parent();
    assert_eq!(parent["runId"], document["id"]);
    assert_eq!(
        parent["methodCounts"],
        json!({"total": STEPS, "success": STEPS, "error": 0, "skipped": 0})
    );
    let children = entries.children();
    assert_eq!(children.len(), STEPS);
    let names: BTreeSet<&str> =
        children.iter().map(|child| text(&child["workflowContext"]["stepName"])).collect();
    assert_eq!(names.len(), STEPS);
    let indices: BTreeSet<u64> =
        children.iter().map(|child| number(&child["workflowContext"]["forEachIndex"])).collect();
    assert_eq!(indices, (0..STEPS as u64).collect());
    let ids: BTreeSet<&str> = children.iter().map(|child| text(&child["id"])).collect();
    assert_eq!(ids.len(), STEPS);
    for child in children {
        assert_eq!(child["parentInvocationId"], parent["id"]);
        let context = &child["workflowContext"];
        assert_eq!(context["runId"], document["id"]);
        assert_eq!(context["stepTemplate"], "do ${{ self.n }}");
        let index = number(&context["forEachIndex"]);
        assert_eq!(text(&context["stepName"]), format!("do {index}"));
    }

    // The same data name was written a thousand times at once, and every version is there.
    let versions = environment.json(["data", "versions", "worker", "result"], 0);
    assert_eq!(versions["versions"].as_array().expect("versions").len(), STEPS);
    // No working file is left behind.
    let left: Vec<String> =
        environment.files(".swamp").into_iter().filter(|name| name.contains("tmp")).collect();
    assert_eq!(left, [""; 0]);
}

#[test]
fn the_limit_of_steps_at_once_is_kept() {
    let mut environment = TestEnvironment::new();
    // Each command counts those that run with it, itself included.
    environment.shell(
        "worker",
        r#"run: 'touch "$EFFECTS/running-$$"; ls "$EFFECTS" | grep -c running >> "$EFFECTS/counts"; sleep 0.05; rm "$EFFECTS/running-$$"'"#,
    );
    let each = ", forEach: {item: n, in: '${{ [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] }}'}";
    let limited = format!("{each}, concurrency: 2");
    environment.workflow("by-step", &one_job(&[call("s", "worker", &limited)]));
    environment.workflow("by-variable", &one_job(&[call("s", "worker", each)]));
    let most = |environment: &TestEnvironment| -> u32 {
        let counts = environment.effects("counts");
        std::fs::remove_file(environment.effects.join("counts")).expect("counts");
        assert_eq!(counts.len(), 10);
        counts.iter().map(|count| count.parse().expect("a number")).max().expect("a count")
    };

    environment.ok(["workflow", "run", "by-step"]);
    assert_eq!(most(&environment), 2);
    environment.set("SWAMP_MAX_CONCURRENT_STEPS", "3");
    environment.ok(["workflow", "run", "by-variable"]);
    assert_eq!(most(&environment), 3);
}
