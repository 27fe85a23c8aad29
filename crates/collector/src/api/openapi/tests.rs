//! What the document says, held against what the routes do.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use swamp_ident::Timestamp;
use tower::ServiceExt as _;

use super::*;
use crate::api::{App, auth, router};
use crate::event::ProjectId;
use crate::ingest::Limits;
use crate::store::{SqliteStore, Store};
use crate::{commit, demo};

async fn ask(app: &Arc<App>, path: &str) -> (StatusCode, Vec<u8>) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = router(Arc::clone(app)).oneshot(request).await.unwrap();
    let status = response.status();
    (status, to_bytes(response.into_body(), 64 << 20).await.unwrap().to_vec())
}

#[test]
fn every_route_answers_what_the_document_says() {
    let directory = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(directory.path()).unwrap());
    let now = auth::now();
    demo::fill(&*store, ProjectId(1), 3, now).unwrap();
    let (committer, _thread) = commit::start(Arc::clone(&store)).unwrap();
    let access = auth::Access::Loopback;
    let app = App::new(Arc::clone(&store), committer, Limits::default(), access, false, true);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(every_route(&app, now));
}

async fn every_route(app: &Arc<App>, now: Timestamp) {
    let (status, body) = ask(app, "/api/v1/openapi.json").await;
    let document: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((status, &document["openapi"]), (StatusCode::OK, &json!("3.1.0")));
    let run = {
        let runs: Value = serde_json::from_slice(&ask(app, "/api/v1/runs").await.1).unwrap();
        runs["runs"][0]["id"].as_str().unwrap().to_owned()
    };
    let since = now.plus_millis(-3 * crate::query::DAY);
    for (path, operations) in document["paths"].as_object().unwrap() {
        let Some(operation) = operations.get("get") else { continue };
        // A stream has no end; the end-to-end tests look at it.
        if path == "/api/v1/tail" {
            continue;
        }
        // Every parameter is given, with a value that the document allows.
        let mut query = Vec::new();
        for parameter in operation["parameters"].as_array().unwrap() {
            let (name, schema) = (parameter["name"].as_str().unwrap(), &parameter["schema"]);
            let value = match name {
                "id" | "after" => continue,
                "since" => since.to_string(),
                "until" => now.to_string(),
                "baseline" => "30d".to_owned(),
                "project" => "default".to_owned(),
                "by" => "driver".to_owned(),
                "platform" => "linux".to_owned(),
                _ if schema["enum"].is_array() => schema["enum"][0].as_str().unwrap().to_owned(),
                _ if schema["type"] == "integer" => "5".to_owned(),
                _ if schema["anyOf"][0]["type"] == "boolean" => "true".to_owned(),
                _ => continue,
            };
            query.push(format!("{name}={value}"));
        }
        let address = format!("{}?{}", path.replace("{id}", &run), query.join("&"));
        let (status, body) = ask(app, &address).await;
        let text = String::from_utf8(body).unwrap();
        assert_eq!(status, StatusCode::OK, "{address}: {text}");
        let content = &operation["responses"]["200"]["content"];
        if let Some(schema) = content.pointer("/application~1json/schema") {
            let answer: Value = serde_json::from_str(&text).unwrap();
            let validator = jsonschema::validator_for(schema).unwrap();
            let faults: Vec<String> =
                validator.iter_errors(&answer).map(|error| error.to_string()).collect();
            assert!(faults.is_empty(), "{address}: {faults:?}");
            // What has rows has some here: an empty list would fit any schema.
            for key in ["rows", "points", "runs", "children", "values"] {
                if let Some(rows) = answer.get(key).and_then(Value::as_array) {
                    assert!(!rows.is_empty(), "{address}: {key}");
                }
            }
        }
    }
}

#[test]
fn what_a_route_takes_is_in_the_document() {
    let document = document(auth::Access::KeysOnly);
    for route in ROUTES {
        let verb = if route.verb == Verb::Post { "post" } else { "get" };
        let operation = &document["paths"][route.path][verb];
        let names: Vec<&str> = operation["parameters"]
            .as_array()
            .unwrap()
            .iter()
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        for parameter in route.parameters {
            assert!(names.contains(&parameter.name), "{}: {names:?}", route.path);
        }
        assert_eq!(names.contains(&"driver"), route.is_question, "{}", route.path);
        assert_eq!(names.contains(&"id"), route.path.contains("{id}"), "{}", route.path);
    }
}
