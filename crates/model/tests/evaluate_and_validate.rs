//! `model evaluate` and `model validate`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::Repo;
use serde_json::json;
use swamp_model::{ValidateOptions, Validation};

#[test]
fn evaluating_leaves_what_it_cannot_tell() {
    let mut repo = Repo::with(&[
        (
            "region",
            "globalArguments: {code: eu-1, size: 3, twice: '${{ self.globalArguments.size * 2 }}'}\n",
        ),
        (
            "fleet",
            "globalArguments:\n  name: fleet-${{ model.region.input.globalArguments.code }}\n  \
             nodes: ${{ model.region.input.globalArguments.size * 2 }}\n  \
             missing: ${{ model.nowhere.input.globalArguments.code }}\n  \
             nodata: ${{ model.region.resource.result.result.attributes.stdout }}\n  \
             later: ${{ env.SITE }}\n  secret: ${{ vault.get(\"main\", \"key\") }}\n  \
             input: ${{ inputs.size }}\n  raw: ${{ self.globalArguments.nodes }}\n  \
             twice: ${{ model.region.definition.globalArguments.twice }}\n\
             methods: {execute: {arguments: {run: 'echo ${{ self.name }} ${{ self.globalArguments.nodes }}'}}}\n",
        ),
    ]);
    repo.env.insert("SITE".into(), "berlin".into());
    let engine = repo.engine();
    let copy = engine.evaluate("fleet").unwrap();
    assert!(copy.had_expressions);
    let mut want = json!({
        "name": "fleet-eu-1",
        "nodes": 6,
        "missing": "${{ model.nowhere.input.globalArguments.code }}",
        "nodata": "${{ model.region.resource.result.result.attributes.stdout }}",
        "later": "${{ env.SITE }}",
        "secret": "${{ vault.get(\"main\", \"key\") }}",
        "input": "${{ inputs.size }}",
        "raw": "${{ model.region.input.globalArguments.size * 2 }}",
        "twice": "${{ self.globalArguments.size * 2 }}",
    });
    assert_eq!(json!(copy.definition.global_arguments), want);
    assert_eq!(repo.copy("fleet")["globalArguments"], want);
    assert_eq!(repo.copy("fleet")["methods"]["execute"]["arguments"]["run"], "echo fleet 6");
    assert!(!engine.evaluate("region").unwrap().path.as_os_str().is_empty());

    // Together, the one that is referred to comes first and is seen evaluated.
    let copies = engine.evaluate_all().unwrap();
    let names: Vec<&str> = copies.iter().map(|copy| copy.definition.name.as_str()).collect();
    assert_eq!(names, ["region", "fleet"]);
    want["twice"] = json!(6);
    assert_eq!(json!(copies[1].definition.global_arguments), want);

    let error = engine.evaluate("nobody").unwrap_err();
    assert_eq!(error.to_string(), "Model not found: nobody");
}

#[test]
fn definitions_that_need_each_other_cannot_be_evaluated_together() {
    let repo = Repo::with(&[
        (
            "right",
            "globalArguments: {other: '${{ model.left.input.globalArguments.mine }}', mine: r}\n",
        ),
        (
            "left",
            "globalArguments: {other: '${{ model.right.input.globalArguments.mine }}', mine: l}\n",
        ),
    ]);
    let engine = repo.engine();
    let copy = engine.evaluate("left").unwrap();
    assert_eq!(json!(copy.definition.global_arguments), json!({"other": "r", "mine": "l"}));
    let error = engine.evaluate_all().unwrap_err();
    assert_eq!(error.to_string(), "Cyclic dependency detected: left -> right -> left");
}

fn error<'a>(validation: &'a Validation, name: &str) -> &'a str {
    let check = validation.checks.iter().find(|check| check.name == name).unwrap();
    check.error.as_deref().unwrap_or("")
}

#[test]
fn validation_tells_everything_that_is_wrong() {
    let repo = Repo::with(&[
        (
            "fine",
            "globalArguments: {threshold: 80}\nmethods: {execute: {arguments: {run: 'df | head', timeout: 2000}}}\n",
        ),
        (
            "shell",
            "methods: {execute: {arguments: {run: 'echo {{ .Names }} ${HOME} ${{ env.SITE }} ${{ inputs.x }}'}}}\n",
        ),
        (
            "bad-args",
            "methods: {execute: {arguments: {run: '', timeout: -1, env: {DEPTH: 2}, colour: red}}}\n",
        ),
        ("bad-method", "methods: {restart: {arguments: {run: echo}}}\n"),
        ("braces", "methods: {execute: {arguments: {run: 'echo {{ self.name }} ${HOME}'}}}\n"),
        (
            "bad-refs",
            "methods: {execute: {arguments: {run: '${{ model.ghost.resource.result.result.attributes.stdout }} ${{ model.fine.resource.nope.x.attributes.a }} ${{ model.fine.resource.result.result.attributes.stdoot }} ${{ model.fine.resource.result.result.nope }} ${{ model.fine.execution.x }} ${{ self.nope }} ${{ plain }} ${{ plain.path }} ${{ -1 }}', workingDir: '${{ 1 + }}'}}}\n",
        ),
        (
            "checks",
            "checks: {require: [quota], skip: [quota, other]}\nmethods: {execute: {arguments: {run: echo}}}\n",
        ),
    ]);
    let engine = repo.engine();
    let options = ValidateOptions::default();
    let validate = |name: &str| engine.validate(name, &options).unwrap();
    let names = |validation: &Validation| {
        validation.checks.iter().map(|check| check.name.clone()).collect::<Vec<_>>()
    };
    let fine = validate("fine");
    assert!(fine.passed(), "{fine:?}");
    assert_eq!(
        names(&fine),
        [
            "Definition schema",
            "Global arguments",
            "Method arguments",
            "Expression paths",
            "Check selection"
        ]
    );
    let shell = validate("shell");
    assert!(shell.passed(), "{shell:?}");
    assert_eq!(shell.warnings[0].env_uses[0].variable, "SITE");

    let bad = validate("bad-args");
    for part in [
        "Method \"execute\": Unknown argument(s): colour. Valid arguments are: run, workingDir, timeout, env, ignoreExitCode",
        ">=1 characters at \"run\"",
        ">0 at \"timeout\"",
        "received number at \"env.DEPTH\"",
    ] {
        assert!(error(&bad, "Method arguments").contains(part), "{part}: {bad:?}");
    }
    assert_eq!(
        error(&validate("bad-method"), "Method arguments"),
        "Unknown method 'restart' for type 'command/shell'. Available methods: execute"
    );
    let braces = validate("braces");
    let braces = error(&braces, "Expression paths");
    assert!(braces.contains("{{ self.name }}") && !braces.contains("HOME"), "{braces}");
    let refs = validate("bad-refs");
    for part in [
        "Referenced model \"ghost\" not found",
        "Unknown resource spec \"nope\" on model \"fine\"\n    Available resource specs: result",
        "Property \"stdoot\" not found\n    Did you mean \"stdout\" instead of \"stdoot\"?\n    Available: command, durationMs, executedAt, exitCode, stderr, ... (1 more)",
        "Invalid field \"nope\" on resource \"result\"",
        "Invalid path segment \"execution\"",
        "  - self.nope\n    Invalid self reference segment \"nope\". Valid segments: ",
        "  - ${{ plain }}\n    Invalid expression \"plain\" at \"methods.execute.arguments.run\". Expression must reference model, self, or env",
        "Missing \"model.\" prefix and path structure",
        "Expression \"-1\" at",
        "  - ${{ 1 + }}\n",
    ] {
        assert!(
            error(&refs, "Expression paths").contains(part),
            "{part}: {}",
            error(&refs, "Expression paths")
        );
    }
    assert_eq!(
        error(&validate("checks"), "Check selection"),
        "Required check \"quota\" not found on model type \"command/shell\"; Skipped check \"quota\" not found on model type \"command/shell\"; Skipped check \"other\" not found on model type \"command/shell\"; Check \"quota\" is in both require and skip lists — skip takes precedence"
    );

    repo.write(
        "models/net/ping/x.yaml",
        "id: 00000000-0000-4000-8000-000000000001\nname: pinger\nversion: 1\n",
    );
    repo.write("models/command/shell/broken.yaml", "id: [\n");
    let error_text = engine.validate("pinger", &options).unwrap_err().to_string();
    assert_eq!(error_text, "Model type not found: net/ping");
    let all = engine.validate_all(&options).unwrap();
    let failed: Vec<&str> = all
        .iter()
        .filter(|validation| !validation.passed())
        .map(|validation| validation.model_name.as_str())
        .collect();
    assert_eq!((all.len(), failed.len()), (9, 7), "{failed:?}");
    assert!(failed.contains(&"pinger") && failed.contains(&"models/command/shell/broken.yaml"));
}
