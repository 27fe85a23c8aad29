//! Which pre-flight checks and reports are made: what the command line, definitions and workflows
//! choose.
//!
//! No built-in type has checks, so choosing among them changes nothing; what types with checks do is
//! shown in the crate of models.

use serde_json::{Value, json};

use crate::environment::{TestEnvironment, call, one_job};

const METHOD: &str = "@swamp/method-summary";
const WORKFLOW: &str = "@swamp/workflow-summary";

/// Of `plain`, `strict` and `mute`.
type Three = [bool; 3];

/// Three models and three workflows of them. The definition `strict` requires its report, `mute` skips it;
/// so do the workflows of these names.
fn repository() -> TestEnvironment {
    let environment = TestEnvironment::new();
    let arguments = "methods: {execute: {arguments: {run: 'true'}}}\n";
    for (name, rules) in [("plain", ""), ("strict", "require"), ("mute", "skip")] {
        let of = |report: &str| match rules {
            "" => String::new(),
            rules => format!("reports: {{{rules}: ['{report}']}}\n"),
        };
        environment.definition(name, &format!("{}{arguments}", of(METHOD)));
        let steps = ["plain", "strict", "mute"].map(|model| call(model, model, ""));
        environment.workflow(name, &format!("{}{}", of(WORKFLOW), one_job(&steps)));
    }
    environment
}

/// The reports of a call, by name; `None` if the document says nothing about reports.
fn of_call(environment: &TestEnvironment, model: &str, options: &[&str]) -> Option<Vec<String>> {
    let args = ["model", "method", "run", model, "execute", "--json"]
        .into_iter()
        .chain(options.iter().copied());
    let document = environment.ok(args).json();
    let reports = document.get("reports")?.as_object().expect("an object");
    assert!(reports.values().all(|report| report["success"] == true), "{document:#}");
    Some(reports.keys().cloned().collect())
}

/// How many reports of methods and of workflows a run makes.
fn of_run(environment: &TestEnvironment, workflow: &str, options: &[&str]) -> (usize, usize) {
    let args = ["workflow", "run", workflow, "--json"].into_iter().chain(options.iter().copied());
    let document = environment.ok(args).json();
    let reports = document["reports"].as_array().cloned().unwrap_or_default();
    let count = |name: &str| reports.iter().filter(|report| report["name"] == name).count();
    assert_eq!(count(METHOD) + count(WORKFLOW), reports.len(), "{document:#}");
    (count(METHOD), count(WORKFLOW))
}

#[test]
fn options_choose_reports_and_files_are_stronger() {
    let environment = repository();
    // Options; whether `plain`, `strict` and `mute` have a report; how many reports of methods a run
    // of all three makes, and whether the workflows `plain`, `strict` and `mute` have one.
    let cases: [(&[&str], Three, usize, Three); 10] = [
        (&[], [true, true, false], 2, [true, true, false]),
        (&["--skip-reports"], [false; 3], 0, [false; 3]),
        (&["--skip-report", METHOD], [false, true, false], 1, [true, true, false]),
        (&["--skip-report", WORKFLOW], [true, true, false], 2, [false, true, false]),
        (&["--skip-report", "@swamp/none"], [true, true, false], 2, [true, true, false]),
        (&["--skip-report-label", "summary"], [false, true, false], 1, [false, true, false]),
        (&["--report", METHOD], [true, true, false], 2, [false, true, false]),
        (&["--report", WORKFLOW], [false, true, false], 1, [true, true, false]),
        (&["--report-label", "cost"], [false, true, false], 1, [false, true, false]),
        (
            &["--report", METHOD, "--report", WORKFLOW, "--skip-report", METHOD],
            [false, true, false],
            1,
            [true, true, false],
        ),
    ];
    let names = ["plain", "strict", "mute"];
    for (options, calls, of_methods, of_workflows) in cases {
        for (model, has) in names.into_iter().zip(calls) {
            let made = of_call(&environment, model, options).unwrap_or_default();
            let wanted: &[&str] = if has { &[METHOD] } else { &[] };
            assert_eq!(made, wanted, "{model} {options:?}");
        }
        for (workflow, has) in names.into_iter().zip(of_workflows) {
            let made = of_run(&environment, workflow, options);
            assert_eq!(made, (of_methods, usize::from(has)), "{workflow} {options:?}");
        }
    }
}

#[test]
fn a_report_that_was_not_made_is_not_stored() {
    let environment = repository();
    let stored = || -> Vec<Value> {
        let found = environment.json(["report", "search"], 0);
        let results = found["results"].as_array().cloned().expect("results");
        results.into_iter().map(|result| result["reportName"].clone()).collect()
    };
    of_call(&environment, "plain", &["--skip-reports"]);
    of_run(&environment, "plain", &["--skip-reports"]);
    assert_eq!(stored(), Vec::<Value>::new());
    of_run(&environment, "plain", &["--skip-report", METHOD]);
    let mut found = stored();
    found.sort_by_key(ToString::to_string);
    assert_eq!(found, [json!(METHOD), json!(WORKFLOW)], "one is required by a definition");
}

#[test]
fn a_requirement_may_be_for_certain_methods() {
    let environment = TestEnvironment::new();
    for (name, method) in [("ours", "execute"), ("other", "create")] {
        environment.definition(
            name,
            &format!(
                "reports: {{require: [{{name: '{METHOD}', methods: [{method}]}}]}}\nmethods: {{execute: {{arguments: {{run: 'true'}}}}}}\n"
            ),
        );
    }
    let skip = ["--skip-report", METHOD];
    assert_eq!(of_call(&environment, "ours", &skip).unwrap_or_default(), [METHOD]);
    assert_eq!(of_call(&environment, "other", &skip).unwrap_or_default(), [""; 0]);
}

#[test]
fn options_about_checks_are_taken_where_there_are_none() {
    let environment = repository();
    for options in [
        &["--skip-checks"][..],
        &["--skip-check", "quota"],
        &["--skip-check", "quota", "--skip-check", "size"],
        &["--skip-check-label", "slow"],
        &["--skip-checks", "--skip-check", "quota", "--skip-check-label", "slow"],
    ] {
        assert!(of_call(&environment, "plain", options).is_some(), "{options:?}");
        assert_eq!(of_run(&environment, "plain", options), (2, 1), "{options:?}");
    }
    for option in ["--skip-check", "--skip-check-label"] {
        let args = ["model", "method", "run", "plain", "execute", option];
        let ran = environment.run(args);
        assert_ne!(ran.exit, Some(0), "{option} needs a value");
        assert!(ran.stderr.contains(option), "{}", ran.stderr);
    }
}

#[test]
fn a_definition_that_names_checks_its_type_has_not_runs_but_is_not_valid() {
    let environment = TestEnvironment::new();
    environment.definition(
        "checked",
        "checks: {require: [quota, both], skip: [size, both]}\nmethods: {execute: {arguments: {run: 'true'}}}\n",
    );
    of_call(&environment, "checked", &[]);
    let document = environment.json(["model", "validate", "checked"], 1);
    let validations = document["validations"].as_array().expect("validations");
    let selection = validations.iter().find(|check| check["name"] == "Check selection");
    assert_eq!(
        selection.expect("a check")["error"],
        "Required check \"quota\" not found on model type \"command/shell\"; \
         Required check \"both\" not found on model type \"command/shell\"; \
         Skipped check \"size\" not found on model type \"command/shell\"; \
         Skipped check \"both\" not found on model type \"command/shell\"; \
         Check \"both\" is in both require and skip lists — skip takes precedence"
    );
}
