//! Who chooses a driver, what is used of its configuration, and where that can be seen.

use serde_json::{Value, json};

use crate::environment::{TestEnvironment, call, read_yaml, text};

#[test]
fn the_first_who_chooses_wins_and_everybody_is_told() {
    let environment = TestEnvironment::new();
    environment.mark("defaultDriver: by-marker");
    environment.shell("plain", "run: 'true'");
    environment.definition(
        "defined",
        "driver: by-definition\nmethods: {execute: {arguments: {run: 'true'}}}\n",
    );
    let step = |name: &str, model: &str, more: &str| {
        call(name, model, &format!(", allowFailure: true{more}"))
    };
    let id = environment.workflow(
        "levels",
        &format!(
            "jobs:\n- name: a\n  steps: [{}, {}, {}]\n- name: b\n  driver: by-job\n  steps: [{}, {}]\n",
            step("marker", "plain", ""),
            step("definition", "defined", ""),
            step("raw", "defined", ", driver: raw"),
            step("job", "defined", ""),
            step("step", "plain", ", driver: by-step"),
        ),
    );
    environment.workflow(
        "whole",
        &format!(
            "driver: by-workflow\njobs:\n- name: a\n  steps: [{}]\n",
            step("s", "defined", "")
        ),
    );
    environment.ok(["workflow", "run", "levels"]);
    environment.ok(["workflow", "run", "whole"]);
    let entries = environment.entries();
    for (job, step, driver, origin) in [
        ("a", "marker", "by-marker", "repository"),
        ("a", "definition", "by-definition", "definition"),
        ("a", "raw", "raw", "step"),
        ("b", "job", "by-job", "job"),
        ("b", "step", "by-step", "step"),
        ("a", "s", "by-workflow", "workflow"),
    ] {
        let context = &entries.child(job, step)["workflowContext"];
        // A name that is none of ours is what somebody typed, and stays here.
        let recorded = if driver == "raw" { json!("raw") } else { Value::Null };
        let told = json!([context["driver"], context["driverOrigin"]]);
        assert_eq!(told, json!([recorded, origin]), "{job} {step}");
        let workflow = text(&context["workflowName"]);
        let record = environment.run_record(workflow);
        let steps = record["jobs"].as_array().expect("jobs").iter();
        let mut steps = steps.flat_map(|job| job["steps"].as_array().expect("steps"));
        let record =
            steps.find(|record| record["stepName"] == step && record["driverOrigin"] == origin);
        assert_eq!(record.expect("a step")["driver"], driver, "{job} {step}");
    }

    let evaluated = environment.ok(["workflow", "evaluate", "levels", "--json"]).json();
    assert_eq!(
        evaluated["drivers"],
        json!([
            {"job": "a", "step": "marker", "driver": "by-marker", "origin": "repository"},
            {"job": "a", "step": "definition", "driver": "by-definition", "origin": "definition"},
            {"job": "a", "step": "raw", "driver": "raw", "origin": "step"},
            {"job": "b", "step": "job", "driver": "by-job", "origin": "job"},
            {"job": "b", "step": "step", "driver": "by-step", "origin": "step"},
        ])
    );
    assert_eq!(evaluated["id"], *id);
}

#[test]
fn the_command_line_beats_everything_and_brings_no_configuration() {
    let environment = TestEnvironment::new();
    environment.definition(
        "boxed",
        "driver: docker\ndriverConfig: {image: x}\nmethods: {execute: {arguments: {run: 'echo ran'}}}\n",
    );
    let run = ["model", "method", "run", "boxed", "execute", "--json"];
    let with = |driver: &str| environment.run(run.iter().copied().chain(["--driver", driver]));
    with("raw").expect_exit(0);
    let refused = with("docker").expect_exit(1).json();
    let error = text(&refused["error"]);
    assert!(error.contains("'image' is missing"), "{error}");
    assert!(error.contains("--driver comes without a configuration"), "{error}");
    assert!(error.contains("defaultDriverConfig"), "{error}");

    let unknown = with("dokcer").expect_exit(1).json();
    assert_eq!(
        unknown["error"],
        "Unknown execution driver 'dokcer'. Available drivers: raw, docker, ssh. Did you mean 'docker'?"
    );
    // Case matters.
    let upper = with("RAW").expect_exit(1).json();
    assert!(text(&upper["error"]).ends_with("Did you mean 'raw'?"), "{upper}");
    let entries = environment.entries();
    let entry = entries.parents().into_iter().find(|entry| entry["result"]["exitCode"] == 0);
    let context = &entry.expect("an entry")["methodContext"];
    assert_eq!(context["driver"], "raw");
    assert_eq!(context["driverOrigin"], "command_line");
}

#[test]
fn what_is_wrong_with_a_configuration_is_told_with_its_place() {
    let environment = TestEnvironment::new();
    let id = environment.definition(
        "boxed",
        "driver: docker\ndriverConfig:\n  image: x\n  memry: 64m\n  volumes: /a:/b\nmethods: {execute: {arguments: {run: 'true'}}}\n",
    );
    environment.shell("plain", "run: 'echo ran > \"$EFFECTS/ran\"'");
    let ran = environment.run(["model", "method", "run", "boxed", "execute", "--json"]);
    let error = ran.expect_exit(1).json();
    let error = text(&error["error"]);
    for part in [
        "'volumes' must be a list of texts, but is a text",
        "there is no key 'memry': did you mean 'memory'?",
        &format!("models/command/shell/{id}.yaml:7:3"),
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    environment.workflow(
        "w",
        &format!(
            "jobs:\n- name: j\n  driver: ssh\n  driverConfig: {{hots: db1}}\n  steps: [{}]\n",
            call("s", "plain", "")
        ),
    );
    environment.run(["workflow", "run", "w"]).expect_exit(1);
    let record = environment.run_record("w");
    let error = text(&record["jobs"][0]["steps"][0]["error"]);
    assert!(error.contains("'host' is missing"), "{error}");
    assert!(error.contains("driverConfig of job \"j\" of workflow \"w\""), "{error}");
    assert!(!environment.effects.join("ran").exists());
    let entries = environment.entries();
    let child = entries.child("j", "s");
    assert_eq!(child["result"]["errorCategory"], "driver");
    assert_eq!(child["workflowContext"]["phase"], "before_method");
}

#[test]
fn expressions_in_a_configuration_are_evaluated_and_secrets_stay_off_command_lines() {
    let mut environment = TestEnvironment::new();
    environment.set("IMAGE_TAG", "3");
    // Stands for an engine: shows what it was called with, and does what a container would.
    let engine = environment.write(
        "engine",
        "#!/bin/sh\nprintf '%s\\n' \"$@\" >> \"$EFFECTS/arguments\"\nwhile [ \"$1\" != sh ]; do shift; done\nexec \"$@\"\n",
    );
    make_executable(&engine);
    environment.secret("hunter2-and-more");
    environment.shell("show", "run: 'echo \"$STAGE ${#TOKEN}\"'");
    environment.workflow(
        "w",
        &format!(
            "inputs: {{properties: {{stage: {{type: string}}}}}}\njobs:\n- name: j\n  steps:\n  - {{name: \"on ${{{{ self.item }}}}\", forEach: {{item: item, in: '${{{{ [\"a\", \"b\"] }}}}'}}, driver: docker, driverConfig: {{command: {}, image: \"tools-${{{{ self.item }}}}:${{{{ env.IMAGE_TAG }}}}\", env: {{STAGE: \"${{{{ inputs.stage }}}}\", TOKEN: \"${{{{ vault.get('v', 'K') }}}}\"}}}}, task: {{type: model_method, modelIdOrName: show, methodName: execute}}}}\n",
            engine.display()
        ),
    );
    environment.ok(["workflow", "run", "w", "--input", "stage=test"]);
    let arguments = std::fs::read_to_string(environment.effects.join("arguments")).expect("a file");
    for part in ["tools-a:3\n", "tools-b:3\n", "STAGE=test\n"] {
        assert!(arguments.contains(part), "{part}: {arguments}");
    }
    assert!(!arguments.contains("hunter2") && !arguments.contains("VSEC"), "{arguments}");
    let output = environment.ok(["data", "get", "show", "result", "--json"]).json();
    // The stand-in sets no variables; the secret does not come with them.
    assert_eq!(output["content"]["stdout"], " 16");

    environment.workflow(
        "leaky",
        &format!(
            "jobs:\n- name: j\n  driver: docker\n  driverConfig: {{command: {}, image: \"x:${{{{ vault.get('v', 'K') }}}}\"}}\n  steps: [{}]\n",
            engine.display(),
            call("s", "show", "")
        ),
    );
    environment.run(["workflow", "run", "leaky"]).expect_exit(1);
    let record = environment.run_record("leaky");
    let error = text(&record["jobs"][0]["steps"][0]["error"]);
    assert!(error.starts_with("driverConfig.image holds a secret"), "{error}");
}

#[test]
fn an_evaluated_copy_holds_no_value_of_this_machine() {
    let mut environment = TestEnvironment::new();
    environment.set("REGISTRY", "registry.internal");
    environment.definition(
        "boxed",
        "driver: docker\ndriverConfig: {image: '${{ env.REGISTRY }}/tools', command: 'no-such-engine'}\nmethods: {execute: {arguments: {run: 'true'}}}\n",
    );
    let ran = environment.run(["model", "method", "run", "boxed", "execute", "--json"]);
    let error = ran.expect_exit(1).json();
    assert!(text(&error["error"]).starts_with("Cannot start the container engine"), "{error}");
    let copies = environment.files(".swamp/definitions-evaluated");
    assert_eq!(copies.len(), 1);
    for file in copies {
        let copy = read_yaml(&environment.repo.join(".swamp/definitions-evaluated").join(file));
        assert_eq!(copy["driverConfig"]["image"], "${{ env.REGISTRY }}/tools");
    }
}

fn make_executable(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(path, mode).expect("permissions");
}
