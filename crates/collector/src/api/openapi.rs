//! `GET /api/v1/openapi.json`: the API described for programs (OpenAPI 3.1), made of the same table as
//! the router.

use serde_json::{Map, Value, json};

use super::routes::{Content, ROUTES, Route, Verb};
use crate::dimension::Dimension;

/// A parameter in the query of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What may stand there.
    pub value: Kind,
    /// Whether it must be given.
    pub is_required: bool,
    /// What it does.
    pub about: &'static str,
}

/// What may stand in a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A number from 1 to this one.
    UpTo(u32),
    /// `true` or `false`.
    Switch,
    /// Dimensions, separated by commas.
    Dimensions,
    /// One dimension.
    Dimension,
    /// One of these words.
    Words(&'static [&'static str]),
    /// A time, a day, or a distance from now.
    Time,
    /// Any text.
    Text,
}

impl Kind {
    fn schema(self) -> Value {
        let names = || Dimension::ALL.map(Dimension::as_str);
        match self {
            Self::UpTo(most) => json!({"type": "integer", "minimum": 1, "maximum": most}),
            Self::Switch => json!({"type": "boolean"}),
            Self::Dimensions => {
                json!({"type": "array", "items": {"type": "string", "enum": names()}})
            }
            Self::Dimension => json!({"type": "string", "enum": names()}),
            Self::Words(words) => json!({"type": "string", "enum": words}),
            Self::Time => {
                let example = "2026-11-22T10:00:00Z, 2026-11-22, 15m, 24h or 7d";
                json!({"type": "string", "description": example})
            }
            Self::Text => json!({"type": "string"}),
        }
    }
}

/// What every question takes besides a filter for each dimension.
const RANGE: [Parameter; 3] = [
    Parameter { name: "since", value: Kind::Time, is_required: false, about: "The beginning" },
    Parameter { name: "until", value: Kind::Time, is_required: false, about: "The end" },
    Parameter {
        name: "project",
        value: Kind::Text,
        is_required: false,
        about: "The project, for callers without a key",
    },
];

/// The document.
pub(super) fn document() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for route in ROUTES {
        let verb = match route.verb {
            Verb::Get => "get",
            Verb::Post => "post",
        };
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[verb] = operation(route);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "swamp collector",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Telemetry of method calls. Durations are milliseconds, times are UTC.",
        },
        "paths": paths,
        "components": {
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
            "schemas": {"Error": closed(&[("error", text()), ("code", text())], &[])},
        },
        // The empty one: a collector that only its own machine can reach asks for no key.
        "security": [{"key": []}, {"bearer": []}, {}],
    })
}

fn operation(route: &Route) -> Value {
    let mut parameters: Vec<Value> = Vec::new();
    if let Some((_, rest)) = route.path.split_once('{') {
        let name = rest.trim_end_matches('}');
        let schema = json!({"type": "string"});
        parameters.push(json!({"name": name, "in": "path", "required": true, "schema": schema}));
    }
    let mut add = |parameter: &Parameter| {
        let mut value = json!({
            "name": parameter.name, "in": "query", "required": parameter.is_required,
            "description": parameter.about, "schema": parameter.value.schema(),
        });
        if parameter.value == Kind::Dimensions {
            (value["style"], value["explode"]) = (json!("form"), json!(false));
        }
        parameters.push(value);
    };
    if route.is_question {
        for parameter in &RANGE {
            add(parameter);
        }
    }
    for parameter in route.parameters {
        add(parameter);
    }
    if route.is_question {
        for dimension in Dimension::ALL {
            parameters.push(json!({
                "name": dimension.as_str(), "in": "query", "required": false,
                "description": "Any of these values; an empty one means \"has none\"",
                "schema": {"type": "array", "items": {"type": "string"}},
            }));
        }
    }
    let content = match route.answer {
        Content::Json(schema) => json!({"application/json": {"schema": schema()}}),
        Content::Other(kinds) => {
            kinds.iter().map(|kind| ((*kind).to_owned(), json!({}))).collect::<Map<_, _>>().into()
        }
    };
    let status = if route.verb == Verb::Post { "202" } else { "200" };
    let error = json!({"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}});
    let mut operation = json!({
        "summary": route.about,
        "parameters": parameters,
        "responses": {
            status: {"description": "The answer", "content": content},
            "default": {"description": "An error, in a sentence", "content": error},
        },
    });
    if route.verb == Verb::Post {
        let event = json!({
            "type": "object", "required": ["event", "properties"],
            "properties": {"event": {"const": swamp_wire::EVENT_NAME}, "insert_id": text(),
                "distinct_id": text(), "properties": {"type": "object"}},
        });
        let events = json!({"type": "object", "required": ["events"],
            "properties": {"events": {"type": "array", "items": event}}});
        let schema = json!({"oneOf": [event, events]});
        operation["requestBody"] =
            json!({"required": true, "content": {"application/json": {"schema": schema}}});
    }
    operation
}

fn text() -> Value {
    json!({"type": "string"})
}

fn number() -> Value {
    json!({"type": "integer", "minimum": 0})
}

fn signed() -> Value {
    json!({"type": "integer"})
}

fn share() -> Value {
    json!({"type": "number", "minimum": 0, "maximum": 1})
}

fn switch() -> Value {
    json!({"type": "boolean"})
}

fn time() -> Value {
    json!({"type": "string", "format": "date-time"})
}

fn words(words: &[&str]) -> Value {
    json!({"type": "string", "enum": words})
}

fn list(items: Value) -> Value {
    let mut schema = json!({"type": "array"});
    schema["items"] = items;
    schema
}

fn or_null(schema: Value) -> Value {
    let either = Value::Array(vec![schema, json!({"type": "null"})]);
    Value::Object(Map::from_iter([("anyOf".to_owned(), either)]))
}

type Fields<'a> = &'a [(&'a str, Value)];

/// An object with these keys, some of which may be absent, and no others.
fn closed(always: Fields<'_>, sometimes: Fields<'_>) -> Value {
    let properties: Map<String, Value> = always
        .iter()
        .chain(sometimes)
        .map(|(key, schema)| ((*key).to_owned(), schema.clone()))
        .collect();
    let required: Vec<&str> = always.iter().map(|(key, _)| *key).collect();
    json!({"type": "object", "properties": properties, "required": required,
        "additionalProperties": false})
}

fn period() -> Value {
    closed(&[], &[("since", time()), ("until", time())])
}

fn measures() -> Vec<(&'static str, Value)> {
    vec![
        ("count", number()),
        ("errors", number()),
        ("failureRate", share()),
        ("p50", or_null(number())),
        ("p95", or_null(number())),
        ("p99", or_null(number())),
        ("maxMs", number()),
        ("totalMs", number()),
    ]
}

fn dimensions() -> Vec<(&'static str, Value)> {
    Dimension::ALL.iter().map(|dimension| (dimension.as_str(), or_null(text()))).collect()
}

/// `POST /ingest`.
pub(super) fn results() -> Value {
    let status = words(&["ok", "duplicate", "invalid", "dropped"]);
    let result = closed(&[("id", or_null(text())), ("status", status)], &[("reason", text())]);
    closed(&[("accepted", number()), ("results", list(result))], &[])
}

/// [`Summary`](crate::answer::Summary).
pub(super) fn summary() -> Value {
    let mut numbers = measures();
    numbers.retain(|(key, _)| *key != "count");
    numbers.extend([
        ("runs", or_null(number())),
        ("failedRuns", or_null(number())),
        ("methods", number()),
    ]);
    let previous = closed(&numbers, &[]);
    numbers.push(("period", period()));
    closed(&numbers, &[("previous", previous)])
}

/// [`Breakdown`](crate::answer::Breakdown).
pub(super) fn breakdown() -> Value {
    let mut sometimes = dimensions();
    sometimes.push(("previous", closed(&measures(), &[])));
    let row = closed(&measures(), &sometimes);
    closed(
        &[("period", period()), ("by", list(text())), ("rows", list(row)), ("truncated", switch())],
        &[],
    )
}

/// [`TimeSeries`](crate::answer::TimeSeries).
pub(super) fn timeseries() -> Value {
    let mut always = measures();
    always.push(("at", time()));
    let interval = words(&["hour", "day"]);
    let points = list(closed(&always, &dimensions()));
    closed(&[("period", period()), ("interval", interval), ("points", points)], &[])
}

fn run_summary() -> Vec<(&'static str, Value)> {
    vec![
        ("id", text()),
        ("runId", or_null(text())),
        ("workflow", or_null(text())),
        ("status", or_null(text())),
        ("errorCategory", or_null(text())),
        ("startedAt", time()),
        ("durationMs", or_null(number())),
        ("methods", number()),
        ("errors", number()),
        ("totalMs", number()),
        ("platform", or_null(text())),
        ("agent", or_null(text())),
    ]
}

/// [`Runs`](crate::answer::Runs).
pub(super) fn runs() -> Value {
    closed(&[("runs", list(closed(&run_summary(), &[])))], &[("next", text())])
}

/// [`Run`](crate::answer::Run).
pub(super) fn run() -> Value {
    let call = closed(
        &[
            ("id", text()),
            ("job", or_null(text())),
            ("step", or_null(text())),
            ("stepTemplate", or_null(text())),
            ("forEachIndex", or_null(number())),
            ("attempt", or_null(number())),
            ("modelType", or_null(text())),
            ("method", or_null(text())),
            ("driver", or_null(text())),
            ("status", text()),
            ("errorCategory", or_null(text())),
            ("errorMessage", or_null(text())),
            ("phase", or_null(text())),
            ("allowedFailure", switch()),
            ("startedAt", time()),
            ("offsetMs", signed()),
            ("durationMs", number()),
        ],
        &[],
    );
    let node = closed(
        &[
            ("runId", or_null(text())),
            ("workflow", or_null(text())),
            ("depth", number()),
            ("offsetMs", signed()),
            ("durationMs", number()),
            ("methods", list(call)),
            // The same again, as deep as runs are nested.
            ("nested", list(json!({"type": "object"}))),
        ],
        &[],
    );
    let mut always = run_summary();
    always.extend([("parent", json!({"type": ["object", "null"]})), ("children", list(node))]);
    closed(&always, &[])
}

/// [`Errors`](crate::answer::Errors).
pub(super) fn errors() -> Value {
    let row = closed(
        &[
            ("errorCategory", or_null(text())),
            ("errorMessage", or_null(text())),
            ("count", number()),
            ("lastAt", or_null(time())),
        ],
        &[],
    );
    let categories = json!({"type": "object", "additionalProperties": number()});
    closed(&[("period", period()), ("rows", list(row)), ("categories", categories)], &[])
}

/// [`Slowest`](crate::answer::Slowest).
pub(super) fn slowest() -> Value {
    let mut always: Vec<(&str, Value)> =
        ["driver", "modelType", "method", "workflow", "job", "step", "status", "run"]
            .map(|key| (key, or_null(text())))
            .into();
    always.extend([("durationMs", number()), ("startedAt", time())]);
    closed(&[("period", period()), ("rows", list(closed(&always, &[])))], &[])
}

/// [`Regressions`](crate::answer::Regressions).
pub(super) fn regressions() -> Value {
    let row = closed(
        &[
            ("modelType", or_null(text())),
            ("method", or_null(text())),
            ("driver", or_null(text())),
            ("slower", switch()),
            ("failsMore", switch()),
            ("lostMs", number()),
            ("now", closed(&measures(), &[])),
            ("before", closed(&measures(), &[])),
        ],
        &[],
    );
    closed(&[("period", period()), ("baseline", period()), ("rows", list(row))], &[])
}

/// The values of a dimension.
pub(super) fn values() -> Value {
    let cardinality = closed(
        &[("dimension", text()), ("values", number()), ("limit", number()), ("other", number())],
        &[],
    );
    closed(&[("values", list(text())), ("cardinality", or_null(cardinality))], &[])
}

/// This document.
pub(super) fn openapi() -> Value {
    json!({"type": "object", "required": ["openapi", "info", "paths"]})
}

#[cfg(test)]
mod tests {
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
                    _ if schema["enum"].is_array() => {
                        schema["enum"][0].as_str().unwrap().to_owned()
                    }
                    _ if schema["type"] == "integer" => "5".to_owned(),
                    _ if schema["type"] == "boolean" => "true".to_owned(),
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
        let document = document();
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
}
