//! Random workflows: every method that began has exactly one entry, and every entry its parent.
//!
//! Each command appends a line when it begins, which is the truth the entries are held against.
//! Names are drawn from a few that look alike, so that equal and similar ones meet in jobs, steps and
//! nested runs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;

use crate::environment::{TestEnvironment, jobs, number, text};

const NAMES: [&str; 8] = ["a", "a:b", "b", "b:c", "a/b", "é", "e\u{301}", " a "];

/// What a step does.
#[derive(Clone, Debug)]
enum Deed {
    /// Begins and ends with this exit code.
    Run(u8),
    /// Becomes as many steps.
    FanOut(u8),
    /// Fails before its method.
    Ghost,
    /// Runs the workflow of the next level.
    Nest,
}

#[derive(Clone, Debug)]
struct Step {
    name: usize,
    deed: Deed,
    may_fail: bool,
    /// Whether it waits for the step before it, and for which end.
    after: Option<&'static str>,
}

/// A workflow: jobs, each a list of steps. The first of the list is the outermost.
type Plan = Vec<Vec<Vec<Step>>>;

fn step() -> impl Strategy<Value = Step> {
    let deed = prop_oneof![
        5 => Just(Deed::Run(0)),
        2 => Just(Deed::Run(3)),
        1 => (0u8..4).prop_map(Deed::FanOut),
        1 => Just(Deed::Ghost),
        2 => Just(Deed::Nest),
    ];
    let after = prop_oneof![
        3 => Just(None),
        1 => Just(Some("succeeded")),
        1 => Just(Some("failed")),
        1 => Just(Some("always")),
    ];
    (0..NAMES.len(), deed, any::<bool>(), after).prop_map(|(name, deed, may_fail, after)| Step {
        name,
        deed,
        may_fail,
        after,
    })
}

fn plan() -> impl Strategy<Value = Plan> {
    let workflow = prop::collection::vec(prop::collection::vec(step(), 1..4), 1..3);
    prop::collection::vec(workflow, 1..4)
}

/// The name of item `position` of a list; the same drawn name twice in a list becomes another one.
fn name_of(drawn: usize, earlier: &[String]) -> String {
    let mut name = NAMES[drawn].to_owned();
    while earlier.contains(&name) {
        name.push('\'');
    }
    name
}

/// Writes the workflows of a plan, `level-0` the outermost.
fn write(environment: &TestEnvironment, plan: &Plan) {
    environment.definition(
        "worker",
        "inputs: {properties: {code: {type: integer}}}\nmethods: {execute: {arguments: {run: \
         'echo begun >> \"$EFFECTS/begun\"; exit ${{ inputs.code }}'}}}\n",
    );
    for (level, workflow) in plan.iter().enumerate() {
        let mut job_names: Vec<String> = Vec::new();
        let mut texts: Vec<Vec<String>> = Vec::new();
        for (position, steps) in workflow.iter().enumerate() {
            job_names.push(name_of(position * 3 % NAMES.len(), &job_names));
            let mut step_names: Vec<String> = Vec::new();
            let mut lines: Vec<String> = Vec::new();
            for step in steps {
                let name = name_of(step.name, &step_names);
                let call = |model: &str, code: u8| {
                    format!(
                        "task: {{type: model_method, modelIdOrName: {model}, methodName: execute, \
                         inputs: {{code: {code}}}}}"
                    )
                };
                let task = match step.deed {
                    Deed::Run(code) => call("worker", code),
                    Deed::FanOut(count) => {
                        let items: Vec<u8> = (0..count).collect();
                        format!(
                            "forEach: {{item: i, in: '${{{{ {items:?} }}}}'}}, {}",
                            call("worker", 0)
                        )
                    }
                    Deed::Ghost => call("ghost", 0),
                    Deed::Nest if level + 1 < plan.len() => {
                        format!("task: {{type: workflow, workflowIdOrName: level-{}}}", level + 1)
                    }
                    Deed::Nest => "task: {type: workflow, workflowIdOrName: nowhere}".to_owned(),
                };
                let mut line = format!("{{name: {}, {task}", Value::from(name.as_str()));
                if step.may_fail {
                    line += ", allowFailure: true";
                }
                if let (Some(condition), Some(before)) = (step.after, step_names.last()) {
                    let before = Value::from(before.as_str());
                    write!(
                        line,
                        ", dependsOn: [{{step: {before}, condition: {{type: {condition}}}}}]"
                    )
                    .expect("a longer text");
                }
                line += "}";
                lines.push(line);
                step_names.push(name);
            }
            texts.push(lines);
        }
        let list: Vec<(&str, &str, &[String])> = job_names
            .iter()
            .zip(&texts)
            .map(|(name, steps)| (name.as_str(), "", &steps[..]))
            .collect();
        environment.workflow(&format!("level-{level}"), &jobs(&list));
    }
}

/// Checks the entries of a run against what happened.
fn check(plan: &Plan) {
    let environment = TestEnvironment::new();
    write(&environment, plan);
    let ran = environment.run(["workflow", "run", "level-0", "--json", "--skip-reports"]);
    let document = ran.json();
    let exit = i32::from(document["status"] != "succeeded");
    assert_eq!(ran.exit, Some(exit), "{document:#}");

    let entries = environment.entries();
    let parent = entries.parent();
    let records: BTreeMap<String, Value> = environment
        .run_records()
        .into_iter()
        .map(|record| (text(&record["id"]).to_owned(), record))
        .collect();
    let root = &records[text(&document["id"])];
    assert_eq!(parent["runId"], root["id"]);
    assert_eq!(parent["runStatus"], root["status"]);
    assert_eq!(parent["result"]["status"] == "success", exit == 0, "{parent:#}");

    // What began has one entry, and nothing else has one that says so.
    let begun = environment.effects("begun").len();
    let children = entries.children();
    let recorded = children
        .iter()
        .filter(|child| child["workflowContext"]["phase"] != "before_method")
        .count();
    assert_eq!(recorded, begun, "{entries:#?}");
    let counts = &parent["methodCounts"];
    assert_eq!(
        number(&counts["success"]) + number(&counts["error"]),
        u64::try_from(children.len()).expect("a small number")
    );

    // Every entry belongs to a step of a record, and says what the record says.
    let mut seen = BTreeSet::new();
    for child in entries.children() {
        assert_eq!(child["parentInvocationId"], parent["id"]);
        let context = &child["workflowContext"];
        let record = &records[text(&context["runId"])];
        assert_eq!(context["workflowName"], record["workflowName"]);
        if record["id"] != root["id"] {
            assert_eq!(context["rootRunId"], root["id"]);
        }
        let key = ["runId", "jobName", "stepName"].map(|key| text(&context[key]).to_owned());
        let job = find(&record["jobs"], "jobName", &key[1]);
        let step = find(&job["steps"], "stepName", &key[2]);
        let expected = if step["status"] == "succeeded" { "success" } else { "user_error" };
        assert_eq!(child["result"]["status"], expected, "{child:#}\n{step:#}");
        assert!(seen.insert(key), "two entries of one step: {child:#}");
    }

    // Everything in the records came to an end, and who ended with a method has an entry.
    let mut calls = 0;
    for record in records.values() {
        for job in record["jobs"].as_array().expect("jobs") {
            for step in job["steps"].as_array().expect("steps") {
                let status = text(&step["status"]);
                assert!(["succeeded", "failed", "skipped"].contains(&status), "{record:#}");
                let is_call = step["output"]["type"] == "model_method"
                    || status == "failed" && !text(&step["error"]).contains("orkflow");
                calls += usize::from(is_call);
            }
        }
    }
    assert_eq!(calls, entries.children().len(), "{records:#?}\n{entries:#?}");
}

fn find<'a>(list: &'a Value, key: &str, name: &str) -> &'a Value {
    let list = list.as_array().expect("a list");
    list.iter().find(|item| item[key] == name).unwrap_or_else(|| panic!("no {name}: {list:#?}"))
}

/// Weakness 19: a joined key loses or mixes up calls, whatever they are called.
#[test]
fn what_began_has_one_entry() {
    let config =
        Config { cases: 24, failure_persistence: None, max_shrink_iters: 60, ..Config::default() };
    TestRunner::new(config)
        .run(&plan(), |plan| {
            check(&plan);
            Ok(())
        })
        .expect("every plan keeps the promise");
}
