//! Arguments and data that a type calls sensitive.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use swamp_events::{EventKind, Notice};
use swamp_ident::{DataName, ErrorCategory, MethodName, Phase, SpecName, TypeName};
use swamp_model::{
    Call, MethodBody, MethodCall, MethodError, MethodRequest, MethodType, ModelType, OutputSpec,
    Produced, ResourceSpec, Schema, TypeRegistry,
};

use common::{Outcome, Repo, map};

/// Gives back what it was called with.
struct Login;

impl MethodBody for Login {
    fn execute(&self, call: &MethodCall<'_>) -> Result<Vec<Produced>, MethodError> {
        let text = |name: &str| {
            call.reveal(call.arguments[name].as_str().unwrap_or_default()).into_owned()
        };
        if text("user") == "nobody" {
            return Err(MethodError::failed(format!("{} is no good", text("password"))));
        }
        let attributes = map(json!({
            "user": text("user"),
            "echo": format!("logged in with {}", text("password")),
            "token": format!("token-of-{}", text("user")),
            "nested": {"pin": 1234, "none": null},
        }));
        let (spec, name) = (SpecName::new("session"), DataName::new("session"));
        Ok(vec![Produced::Resource { spec, name, attributes, free_form: false }])
    }
}

fn login(sensitive_output: bool, vault: Option<&str>) -> ModelType {
    let text = json!({"type": "string"});
    let hidden = json!({"type": "string", "sensitive": true});
    let object = |properties: Value| {
        Schema::new(
            json!({"type": "object", "properties": properties, "additionalProperties": false}),
        )
    };
    ModelType {
        name: TypeName::normalised("@acme/login"),
        version: "2026.01.01.1".into(),
        global_arguments: Some(object(json!({"api": hidden, "site": text}))),
        methods: vec![MethodType {
            name: MethodName::new("execute"),
            description: "Log in".into(),
            kind: None,
            arguments: object(json!({"user": text, "password": hidden})),
            body: Arc::new(Login),
        }],
        outputs: vec![OutputSpec::Resource(ResourceSpec {
            name: SpecName::new("session"),
            description: None,
            schema: object(json!({
                "user": text,
                "echo": text,
                "token": {"type": "string", "sensitive": true, "vaultName": "spare", "vaultKey": "tok"},
                "nested": {"type": "object", "properties": {
                    "pin": {"type": "integer", "sensitive": true},
                    "none": {"type": "string", "sensitive": true},
                }},
            })),
            sensitive_output,
            vault: vault.map(str::to_owned),
            lifetime: "infinite".into(),
            garbage_collection: json!(10),
            tags: Vec::new(),
        })],
        checks: Vec::new(),
        reports: Vec::new(),
    }
}

const ID: &str = "00000000-0000-4000-8000-00000000abcd";

fn repo(sensitive_output: bool, vault: Option<&str>) -> Repo {
    let mut repo = Repo::with(&[]);
    let builtin = TypeRegistry::builtin();
    let shell = ModelType::clone(builtin.iter().next().unwrap());
    repo.types = TypeRegistry::new(vec![shell, login(sensitive_output, vault)]);
    repo.write(
        &format!("models/@acme/login/{ID}.yaml"),
        &format!(
            "type: '@acme/login'\nid: {ID}\nname: login\nversion: 1\nglobalArguments: {{api: api-key-value, site: here}}\nmethods: {{}}\n"
        ),
    );
    repo
}

fn call(repo: &Repo, user: &str) -> Outcome {
    let inputs: Map<String, Value> = map(json!({"user": user, "password": "correct horse"}));
    repo.request(&MethodRequest::new("login", MethodName::new("execute"), Call::Direct { inputs }))
}

#[test]
fn sensitive_fields_go_to_a_vault_and_leave_a_reference() {
    let repo = repo(false, None);
    let outcome = call(&repo, "u");
    let attributes = outcome.run().artifacts[0].attributes.clone().unwrap();
    let pin = format!("acme-login-{ID}-execute-nested.pin");
    let stored = json!({
        "user": "u",
        "echo": "logged in with ***",
        "token": "${{ vault.get('spare', 'tok') }}",
        "nested": {"pin": format!("${{{{ vault.get('main', '{pin}') }}}}"), "none": null},
    });
    assert_eq!(attributes, stored);
    let raw = repo.text(&format!(".swamp/data/@acme/login/{ID}/session/1/raw"));
    assert_eq!(serde_json::from_str::<Value>(&raw).unwrap(), stored);
    assert_eq!(repo.vaults.get("spare", "tok").as_deref(), Some("token-of-u"));
    assert_eq!(repo.vaults.get("main", &pin).as_deref(), Some("1234"));
    let told: Vec<String> = outcome
        .events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::MethodNotice(Notice::SecretStored { field, vault, .. }) => {
                Some(format!("{field} in {vault}"))
            }
            _ => None,
        })
        .collect();
    assert_eq!(told, ["token in spare", "nested.pin in main"]);
    // The reference works like any other expression, and the secret is nowhere.
    let id = common::id_of("user");
    repo.write(
        &format!("models/command/shell/{id}.yaml"),
        &format!(
            "type: command/shell\nid: {id}\nname: user\nversion: 1\nmethods: {{execute: {{arguments: {{run: 'printf %s \"$T\" | wc -c; echo \"$T\"', env: {{T: \"${{{{ vault.get('spare', 'tok') }}}}\"}}}}}}}}\n"
        ),
    );
    assert_eq!(repo.call("user", json!({})).stdout(), "10\n***");
    for secret in ["correct horse", "token-of-u", "1234\"", "api-key-value"] {
        for file in repo.files(".swamp") {
            // Global arguments are literals in the definition, which is the user's own file; the
            // copy of it is not scrubbed.
            if file.contains("definitions-evaluated") {
                continue;
            }
            let content = fs::read(repo.root().join(&file)).unwrap();
            let text = String::from_utf8_lossy(&content);
            assert!(!text.contains(secret), "{secret} in {file}: {text}");
        }
    }
}

#[test]
fn everything_of_a_sensitive_output_goes_to_the_vault_of_its_type() {
    let repo = repo(true, Some("spare"));
    let outcome = call(&repo, "u");
    let attributes = outcome.run().artifacts[0].attributes.clone().unwrap();
    let nested = format!("acme-login-{ID}-execute-nested");
    assert_eq!(attributes["nested"], format!("${{{{ vault.get('spare', '{nested}') }}}}"));
    assert_eq!(attributes["token"], "${{ vault.get('spare', 'tok') }}");
    let stored = repo.vaults.get("spare", &nested).unwrap();
    assert_eq!(stored, "{\"pin\":1234,\"none\":null}");
}

#[test]
fn data_that_no_vault_takes_is_not_stored() {
    let repo = repo(true, Some("nowhere"));
    let outcome = call(&repo, "u");
    let failure = &outcome.failure().failure;
    assert_eq!((failure.category, failure.phase), (ErrorCategory::Vault, Phase::AfterMethod));
    let message = &failure.message;
    assert!(
        message.starts_with("Cannot persist data: fields 'user', 'echo', 'token'"),
        "{message}"
    );
    assert!(!repo.root().join(format!(".swamp/data/@acme/login/{ID}/session")).exists());
}

#[test]
fn sensitive_arguments_are_redacted_everywhere() {
    let repo = repo(false, None);
    let outcome = call(&repo, "nobody");
    assert_eq!(outcome.failure().failure.message, "*** is no good");
    let report = outcome.failure().reports[0].result.clone().unwrap();
    let json = report.1.to_string();
    assert!(json.contains(r#""password":"***""#) && json.contains(r#""api":"***""#), "{json}");
    assert!(json.contains(r#""site":"here""#), "{json}");
    assert!(!report.0.contains("correct horse") && !report.0.contains("api-key-value"));
    let record = repo.records()[0].to_string();
    assert!(record.contains("*** is no good"), "{record}");
}
