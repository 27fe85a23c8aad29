//! What is really sent, and what is really answered, against the published schemas.

use std::path::Path;

use jsonschema::{Registry, Validator};
use serde_json::{Value, json};

use crate::environment::{TestEnvironment, call, one_job, until};
use crate::telemetry_server::{Reply, Server};

/// A schema of `schemas/`.
fn schema(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas").join(name);
    let text = std::fs::read_to_string(path).expect("a schema");
    serde_json::from_str(&text).expect("JSON")
}

/// A validator for it; schemas that it refers to are taken from the same directory.
fn validator(name: &str) -> Validator {
    let base = "swamp:///schemas/";
    let entry = "telemetry-entry.schema.json";
    let registry = Registry::new()
        .add(format!("{base}{entry}"), schema(entry))
        .and_then(jsonschema::RegistryBuilder::prepare)
        .expect("a schema");
    jsonschema::options()
        .with_base_uri(format!("{base}{name}"))
        .with_registry(&registry)
        .build(&schema(name))
        .expect("a schema")
}

#[track_caller]
fn fits(validator: &Validator, document: &Value) {
    let faults: Vec<String> =
        validator.iter_errors(document).map(|error| error.to_string()).collect();
    assert_eq!(faults, [""; 0], "{document:#}");
}

#[test]
fn what_is_sent_fits_the_schema() {
    let server = Server::always(Reply::Take);
    let mut environment = TestEnvironment::new();
    environment.shell("fine", "run: 'true'");
    environment.shell("bad", "run: 'exit 3'");
    environment.workflow("w", &one_job(&[call("a", "fine", ""), call("b", "bad", "")]));
    environment.set("SWAMP_TELEMETRY_FLUSH", "off");
    environment.set("SWAMP_TELEMETRY_ENDPOINT", server.url());
    environment.ok(["version"]);
    environment.ok(["telemetry", "flush"]);
    environment.run(["workflow", "run", "w"]);
    environment.run(["model", "get", "nothing"]);
    environment.ok(["telemetry", "flush"]);
    until("five events", || server.taken().len() == 5);
    let bodies: Vec<Value> = server
        .requests()
        .iter()
        .map(|request| serde_json::from_slice(&request.body).expect("JSON"))
        .collect();
    let ingest = validator("telemetry-ingest.schema.json");
    // One bare event, and a list.
    assert_eq!(bodies.iter().filter(|body| body.get("events").is_some()).count(), 1);
    assert_eq!(bodies.len(), 2);
    for body in &bodies {
        fits(&ingest, body);
    }
    let mut nameless = bodies[0].clone();
    nameless["properties"]["platform"] = Value::Null;
    for bad in [nameless, json!({}), json!({"events": [{}]}), json!([])] {
        assert!(!ingest.is_valid(&bad), "{bad}");
    }
}

#[test]
fn answers_fit_the_schema() {
    let results = validator("telemetry-results.schema.json");
    let answer = json!({"results": [
        {"id": "a", "status": "ok"}, {"id": "b", "status": "invalid", "reason": "no platform"},
        {"id": "c", "status": "duplicate"}, {"id": "d", "status": "dropped", "reason": "quota"},
    ]});
    fits(&results, &answer);
    // What the schema allows is what senders read.
    let read: swamp_wire::IngestResults = serde_json::from_value(answer).expect("results");
    assert!(read.results.iter().all(|result| result.status.known().is_some()));
    for bad in [
        json!({}),
        json!({"results": [{"id": "a"}]}),
        json!({"results": [{"id": 1, "status": "ok"}]}),
    ] {
        assert!(!results.is_valid(&bad), "{bad}");
    }
}
