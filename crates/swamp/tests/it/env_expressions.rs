//! `env.NAME` in expressions.

use serde_json::json;

use crate::environment::{TestEnvironment, call, one_job, text};

/// A value that is nowhere else.
const VALUE: &str = "eu-north-77";

/// A directory's files that contain the value.
fn files_with_the_value(environment: &TestEnvironment) -> Vec<String> {
    let mut files = environment.files(".");
    files.retain(|path| {
        let bytes = std::fs::read(environment.repo.join(path)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).contains(VALUE)
    });
    files
}

#[test]
fn a_missing_variable_fails_the_step_before_the_method() {
    let environment = TestEnvironment::new();
    let run = "run: 'echo ran >> $EFFECTS/ran'";
    for (name, expression) in [
        ("field", "env.MISSING_HERE"),
        ("key", "env[\"MISSING_HERE\"]"),
        ("part", "\"a\" + env.MISSING_HERE"),
    ] {
        environment.shell(name, &format!("{run}, env: {{A: '${{{{ {expression} }}}}'}}"));
        environment.workflow(name, &one_job(&[call("s", name, "")]));
        let ran = environment.run(["workflow", "run", name]).expect_exit(1);
        assert!(ran.stderr.contains("MISSING_HERE"), "{}", ran.stderr);
        let entries = environment.entries();
        let calls = entries.children();
        let child = calls.iter().find(|child| child["workflowContext"]["workflowName"] == name);
        let child = child.expect("an entry");
        assert_eq!(child["result"]["errorCategory"], "env", "{child:#}");
        assert_eq!(child["workflowContext"]["phase"], "before_method");
        assert_eq!(child["durationMs"], 0);
        let error = environment.run_record(name)["jobs"][0]["steps"][0]["error"].clone();
        assert!(text(&error).contains("MISSING_HERE"), "{error}");
        let direct = environment.run(["model", "method", "run", name, "execute", "--json"]);
        let error = direct.expect_exit(1).json()["error"].clone();
        assert!(text(&error).contains("MISSING_HERE"), "{error}");
    }
    assert_eq!(environment.effects("ran"), [""; 0]);
}

#[test]
fn what_a_method_does_not_use_may_be_missing() {
    let environment = TestEnvironment::new();
    environment.definition(
        "m",
        "methods:\n  execute: {arguments: {run: '${{ true ? \"echo fine\" : env.MISSING_HERE }}'}}\n  other: {arguments: {run: '${{ env.MISSING_HERE }}'}}\n",
    );
    environment.definition(
        "overridden",
        "methods: {execute: {arguments: {run: 'echo ${{ env.MISSING_HERE }}'}}}\n",
    );
    let document = environment.json(["model", "method", "run", "m", "execute"], 0);
    assert_eq!(document["dataArtifacts"][0]["attributes"]["stdout"], "fine", "{document:#}");
    let args = ["model", "method", "run", "overridden", "execute", "--input", "run=echo given"];
    let document = environment.ok(args.iter().chain(&["--json"])).json();
    assert_eq!(document["dataArtifacts"][0]["attributes"]["stdout"], "given", "{document:#}");
}

#[test]
fn a_variable_is_warned_about_and_not_kept() {
    let mut environment = TestEnvironment::new();
    environment.set("REGION", VALUE);
    environment.definition(
        "m",
        "globalArguments: {list: ['${{ env.REGION }}']}\nmethods: {execute: {arguments: {run: 'test \"$R\" = eu-north-$((76 + 1))', env: {R: '${{ env[\"REGION\"] }}'}}}}\n",
    );
    environment.workflow("w", &one_job(&[call("s", "m", "")]));
    let uses = json!([
        {"path": "globalArguments.list[0]", "envVar": "REGION"},
        {"path": "methods.execute.arguments.env.R", "envVar": "REGION"},
    ]);
    let document = environment.json(["model", "method", "run", "m", "execute"], 0);
    assert_eq!(document["warnings"][0]["warning"], "env_var_usage");
    assert_eq!(document["warnings"][0]["modelName"], "m");
    assert_eq!(document["warnings"][0]["envVars"], uses);

    for args in [&["model", "method", "run", "m", "execute"][..], &["workflow", "run", "w"]] {
        let ran = environment.ok(args.iter().chain(&["--log"]));
        for place in ["globalArguments.list[0]", "methods.execute.arguments.env.R"] {
            let warning = format!("The definition reads the environment: {place} uses REGION");
            assert!(ran.stderr.contains(&warning), "{}", ran.stderr);
        }
    }

    let document = environment.json(["model", "validate", "m"], 0);
    assert_eq!(document["passed"], true);
    assert_eq!(document["warnings"][0]["name"], "Environment variables detected");
    assert_eq!(document["warnings"][0]["envVars"], uses, "{document:#}");

    environment.ok(["model", "evaluate", "m"]);
    environment.ok(["workflow", "evaluate", "w"]);
    assert!(environment.files(".swamp").iter().any(|path| path.contains("evaluated")));
    assert_eq!(files_with_the_value(&environment), [""; 0]);
}
