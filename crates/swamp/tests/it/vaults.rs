//! `swamp vault`, and secrets in runs.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::environment::{TestEnvironment, call, one_job, text};

fn vault_file(environment: &TestEnvironment, ty: &str, name: &str, config: &Value) {
    environment.write(
        &format!("vaults/{ty}/{name}.yaml"),
        format!(
            "id: id-of-{name}\nname: {name}\ntype: {ty}\nconfig: {config}\ncreatedAt: '2026-03-01T00:00:00.000Z'\n"
        ),
    );
}

/// An `exec` vault whose command leaves a line behind each time it runs.
fn telltale(environment: &TestEnvironment) {
    let script = "echo \"$0\" >> \"$EFFECTS/ran\"; echo \"value of $0\"";
    vault_file(environment, "exec", "told", &json!({"command": ["sh", "-c", script, "{key}"]}));
}

#[test]
fn looking_at_a_repository_runs_nothing() {
    let environment = TestEnvironment::new();
    telltale(&environment);
    let secret = "${{ vault.get('told', 'K') }}";
    let id = environment.definition(
        "m",
        &format!(
            "globalArguments: {{token: \"{secret}\"}}\nmethods: {{execute: {{arguments: {{run: \"echo {secret}\"}}}}}}\n"
        ),
    );
    environment.workflow(
        "w",
        &one_job(&[
            call("a", "m", ""),
            format!("{{name: b, task: {{type: model_method, modelIdOrName: m, methodName: execute, inputs: {{run: \"echo {secret}\"}}}}}}"),
        ]),
    );
    environment.workflow(
        "each",
        &one_job(&["{name: \"s-${{ self.i }}\", forEach: {item: i, in: \"${{ [vault.get('told', 'K')] }}\"}, task: {type: model_method, modelIdOrName: m, methodName: execute}}"]),
    );
    for line in [
        "vault get told",
        "vault describe told",
        "vault search",
        "vault search told --json",
        "vault list-keys told",
        "vault type search",
        "vault migrate told --to-type env --dry-run",
        "vault put told K -f",
        "vault delete told K -f",
        "vault rotate told",
        "model search",
        "model get m",
        "model validate m",
        "model validate",
        "model evaluate m",
        "model evaluate",
        "model create command/shell other",
        "workflow search",
        "workflow get w",
        "workflow validate w",
        "workflow validate",
        "workflow evaluate w",
        "workflow evaluate each",
        "workflow evaluate",
        "data query true",
        "data search m",
        "summarise",
        "report search",
    ] {
        environment.run(line.split(' '));
        assert_eq!(environment.effects("ran"), [""; 0], "swamp {line}");
    }
    // And it would have been noticed.
    let value = environment.ok(["vault", "read-secret", "told", "K", "-f"]);
    assert_eq!(value.stdout, "value of K\n");
    assert_eq!(environment.effects("ran"), ["K"]);
    assert!(environment.files("models").iter().any(|file| file.contains(&id)));
}

#[test]
fn a_secret_is_fetched_once_per_command_and_only_if_it_is_used() {
    let environment = TestEnvironment::new();
    telltale(&environment);
    environment.definition(
        "m",
        "globalArguments: {unused: \"${{ vault.get('told', 'UNUSED') }}\"}\nmethods:\n  other: {arguments: {run: \"${{ vault.get('told', 'OTHER') }}\"}}\n  execute: {arguments: {run: \"echo ${{ vault.get('told', 'A') }} ${{ vault.get('told', 'A') }}\"}}\n",
    );
    let steps: Vec<String> = (0..6).map(|number| call(&format!("s{number}"), "m", "")).collect();
    environment.workflow("w", &one_job(&steps));
    environment.ok(["workflow", "run", "w"]);
    assert_eq!(environment.effects("ran"), ["A"]);
    environment.ok(["model", "method", "run", "m", "execute"]);
    assert_eq!(environment.effects("ran"), ["A", "A"]);
}

#[test]
fn what_is_missing_fails_the_step_before_its_method() {
    let environment = TestEnvironment::new();
    environment.ok(["vault", "create", "local_encryption", "main"]);
    vault_file(&environment, "env", "ci", &json!({"prefix": "CI_"}));
    environment.write("vaults/broken.yaml", "name: gone\n");
    for (name, expression, want) in [
        ("vault", "vault.get('gone', 'K')", "Vault not found: gone.\nAvailable vaults: ci, main."),
        ("key", "vault.get('main', 'K')", "store it with: swamp vault put main K"),
        ("variable", "vault.get('ci', 'K')", "environment variable CI_K is not set"),
    ] {
        environment.shell(name, &format!("run: \"echo ${{{{ {expression} }}}} >> $EFFECTS/ran\""));
        environment.workflow(&format!("w-{name}"), &one_job(&[call("s", name, "")]));
        let document = environment.json(["workflow", "run", &format!("w-{name}")], 1);
        let error = text(&document["jobs"][0]["steps"][0]["error"]);
        assert!(error.contains(want) && error.contains("vault.get("), "{error}");
        let document = environment.json(["model", "method", "run", name, "execute"], 1);
        assert!(text(&document["error"]).contains(want), "{document}");
    }
    assert_eq!(environment.effects("ran"), [""; 0]);
    let entries = environment.files(".swamp/telemetry");
    let children: Vec<Value> = entries
        .iter()
        .filter_map(|file| fs::read(environment.spool().join(file)).ok())
        .filter_map(|bytes| serde_json::from_slice(&bytes).ok())
        .filter(|entry: &Value| !entry["parentInvocationId"].is_null())
        .collect();
    assert_eq!(children.len(), 3);
    for child in children {
        assert_eq!(child["result"]["errorCategory"], "vault", "{child:#}");
        assert_eq!(child["durationMs"], 0);
    }
    // The broken file is named, and the others are listed.
    let ran = environment.ok(["vault", "search", "--json"]);
    assert!(ran.stderr.contains("broken.yaml"), "{}", ran.stderr);
    assert_eq!(ran.json()["results"].as_array().map(Vec::len), Some(2));
}

#[test]
fn values_come_from_pipes_and_arguments_are_warned_about() {
    let environment = TestEnvironment::new();
    environment.ok(["vault", "create", "local_encryption", "main"]);
    let ran = environment.run_with_stdin(["vault", "put", "main", "A"], "one\ntwo\n");
    assert_eq!(ran.expect_exit(0).stderr, "");
    for args in
        [["vault", "put", "main", "B", "hunter2"], ["vault", "put", "main", "C=hunter2", "-f"]]
    {
        let ran = environment.ok(args);
        assert!(ran.stderr.starts_with("Warning: The value is on the command line"));
        assert!(!ran.stderr.contains("hunter2") && !ran.stdout.contains("hunter2"));
    }
    let show = |key| environment.ok(["vault", "read-secret", "main", key, "-f"]).stdout;
    assert_eq!((show("A").as_str(), show("B").as_str()), ("one\ntwo\n", "hunter2\n"));
    // Without -f, an existing secret stays unless somebody says yes.
    let ran = environment.run_with_stdin(["vault", "put", "main", "A"], "three");
    assert!(ran.expect_exit(1).stderr.contains("Use --force (-f)"));
    environment.run_with_stdin(["vault", "put", "main", "A", "three"], "n\n").expect_exit(0);
    assert_eq!(show("A"), "one\ntwo\n");
    environment.run_with_stdin(["vault", "put", "main", "A", "three"], "y\n").expect_exit(0);
    assert_eq!(show("A"), "three\n");
    let ran = environment.run_with_stdin(["vault", "read-secret", "main", "A"], "n\n");
    assert_eq!(ran.expect_exit(0).stdout.matches("three").count(), 0);
    environment.run_with_stdin(["vault", "delete", "main", "A"], "n\n").expect_exit(0);
    assert_eq!(show("A"), "three\n");
    let document = environment.json(["vault", "delete", "main", "A"], 0);
    assert_eq!((&document["vaultName"], &document["secretKey"]), (&json!("main"), &json!("A")));
    environment.run(["vault", "read-secret", "main", "A", "-f"]).expect_exit(1);
}

#[test]
fn a_vault_gets_a_new_key_and_a_secret_a_new_value() {
    let environment = TestEnvironment::new();
    environment.ok(["vault", "create", "local_encryption", "main"]);
    environment.run_with_stdin(["vault", "put", "main", "A"], "one").expect_exit(0);
    let key = environment.repo.join(".swamp/secrets/local_encryption/main/.key");
    let before = fs::read(&key).expect("a key");
    let document = environment.json(["vault", "rotate", "main"], 0);
    assert_eq!(document["secretsReencrypted"], 1);
    assert_ne!(fs::read(&key).expect("a key"), before);
    assert_eq!(fs::metadata(&key).expect("a key").permissions().mode() & 0o777, 0o600);
    let value = || environment.json(["vault", "read-secret", "main", "A"], 0)["value"].clone();
    assert_eq!(value(), "one");
    environment.run_with_stdin(["vault", "rotate", "main", "A"], "two\n").expect_exit(0);
    assert_eq!(value(), "two");
    let ran = environment.ok(["vault", "rotate", "main", "A", "--generate", "40"]);
    assert_eq!(text(&value()).len(), 40);
    assert!(!ran.stdout.contains(text(&value())));
    environment.run_with_stdin(["vault", "rotate", "main", "NEW"], "x").expect_exit(1);
    let document = environment.json(["vault", "migrate", "main", "--to-type", "file"], 1);
    assert!(text(&document["error"]).contains("/run/secrets"), "{document}");
}

#[test]
fn a_vault_of_another_repository_cannot_be_read() {
    let victim = TestEnvironment::new();
    victim.ok(["vault", "create", "local_encryption", "main"]);
    victim.run_with_stdin(["vault", "put", "main", "A"], "of another").expect_exit(0);
    let environment = TestEnvironment::new();
    let config = json!({"auto_generate": true, "base_dir": victim.repo});
    vault_file(&environment, "local_encryption", "main", &config);
    environment.shell("m", "run: \"echo ${{ vault.get('main', 'A') }} > $EFFECTS/stolen\"");
    for args in [
        &["vault", "read-secret", "main", "A", "-f"][..],
        &["vault", "list-keys", "main"],
        &["model", "method", "run", "m", "execute"],
    ] {
        let ran = environment.run(args).expect_exit(1);
        assert!(ran.stderr.contains("outside this repository"), "{}", ran.stderr);
        assert!(!ran.stdout.contains("of another") && !ran.stderr.contains("of another"));
    }
    assert!(!environment.effects.join("stolen").exists());
}

#[test]
fn vault_files_can_be_replaced_from_standard_input() {
    let environment = TestEnvironment::new();
    vault_file(&environment, "env", "ci", &json!({"prefix": "CI_"}));
    let new = "id: x\nname: ci\ntype: env\nconfig: {prefix: APP_}\ncreatedAt: '2026-03-01T00:00:00.000Z'\n";
    environment.run_with_stdin(["vault", "edit", "ci"], new).expect_exit(0);
    let document = environment.json(["vault", "get", "ci"], 0);
    assert_eq!(
        (&document["id"], &document["config"]),
        (&json!("id-of-ci"), &json!({"prefix": "APP_"}))
    );
    let wrong = new.replace("type: env", "type: exec");
    let ran = environment.run_with_stdin(["vault", "edit", "ci"], &wrong).expect_exit(1);
    assert!(ran.stderr.contains("swamp vault migrate"), "{}", ran.stderr);
    environment.run(["vault", "edit", "ci"]).expect_exit(1);
}

#[test]
fn mistakes_are_told_with_what_to_do() {
    let environment = TestEnvironment::new();
    environment.ok(["vault", "create", "local_encryption", "there"]);
    let told = |line: &str, stdin: &[u8]| {
        let mut command = environment.command(line.split(' '));
        let input = environment.write("input", stdin);
        command.stdin(fs::File::open(input).expect("a file"));
        let ran = environment.finish(command).expect_exit(1);
        assert_eq!(ran.stdout, "", "{line}");
        ran.stderr
    };
    for (line, stdin, expected) in [
        (
            "vault create local_encryptoin v",
            b"".as_slice(),
            "Error: Unknown vault type: local_encryptoin. Available types: local_encryption, env, file, exec, age. Use 'swamp vault type search' to see available types. Did you mean 'local_encryption'?\n",
        ),
        (
            "vault create env v --config {\"prefx\":\"A\"}",
            b"".as_slice(),
            "Error: Vault 'v' is not set up correctly: there is no setting 'prefx': did you mean 'prefix'?\n",
        ),
        (
            "vault create env v --config {\"colour\":\"A\"}",
            b"".as_slice(),
            "Error: Vault 'v' is not set up correctly: there is no setting 'colour': 'env' has prefix\n",
        ),
        (
            "vault create env v --config {prefix:A}",
            b"".as_slice(),
            "Error: Invalid JSON in --config: key must be a string at line 1 column 2\nHint: Write it like this: --config '{\"prefix\": \"APP_\"}'\n",
        ),
        (
            "vault put nowhere K",
            b"x",
            "Error: Vault not found: nowhere.\nAvailable vaults: there.\nCreate it with: swamp vault create <type> nowhere\n",
        ),
        (
            "vault put there K",
            b"",
            "Error: No value for the secret.\nHint: Pipe it in: echo \"<value>\" | swamp vault put there K\n",
        ),
        (
            "vault put there ../K",
            b"x",
            "Error: Invalid secret key '../K': must not contain '..', '/', '\\', or null bytes\n",
        ),
        (
            "vault put there K",
            b"\xff\xfe",
            "Error: The value is no text: secrets are UTF-8.\nHint: Encode it, and decode it where it is used: base64 -w0 <file> | swamp vault put …\n",
        ),
    ] {
        assert_eq!(told(line, stdin), expected, "{line}");
    }
    assert!(!environment.repo.join("vaults/env").exists(), "nothing was made");
}
