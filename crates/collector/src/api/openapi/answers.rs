//! The shapes of bodies: what is sent, and what answers.

use serde_json::{Map, Value, json};

use crate::dimension::Dimension;

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

/// What went wrong.
pub(super) fn error() -> Value {
    closed(&[("error", text()), ("code", text())], &[])
}

/// An object with these keys, some of which may be absent, and any others.
fn open(always: Fields<'_>, sometimes: Fields<'_>) -> Value {
    let mut schema = closed(always, sometimes);
    schema["additionalProperties"] = json!(true);
    schema
}

/// An event: what the collector reads of it. It keeps the rest as it was sent.
pub(super) fn event() -> Value {
    let id = || json!({"type": "string", "minLength": 1, "maxLength": 200});
    let result = open(
        &[("status", words(&["success", "error", "user_error"]))],
        &[("errorCategory", or_null(text())), ("errorMessage", or_null(text()))],
    );
    let invocation =
        open(&[("command", text())], &[("subcommand", or_null(text())), ("args", list(text()))]);
    let entry = open(
        &[
            ("id", id()),
            ("invocation", invocation),
            ("result", result),
            ("startedAt", time()),
            ("durationMs", json!({"type": "number", "minimum": 0})),
        ],
        &[
            ("platform", or_null(text())),
            ("parentInvocationId", or_null(text())),
            ("runId", or_null(text())),
        ],
    );
    open(
        &[("event", json!({"const": swamp_wire::EVENT_NAME})), ("properties", entry)],
        &[("insert_id", id()), ("distinct_id", text())],
    )
}

/// The body of `POST /ingest`: an object with a list of events, or one event. What is no event is
/// answered as such, and does not sink the others; so anything may stand in the list.
pub(super) fn events() -> Value {
    let event = || json!({"$ref": "#/components/schemas/Event"});
    let items = json!({"anyOf": [event(), {}]});
    let list = json!({"type": "array", "items": items, "maxItems": 10_000});
    let several = open(&[("events", list)], &[]);
    let other = json!({"type": "object", "not": {"required": ["events"]},
        "description": "Anything else is one event, and answered as invalid if it is none"});
    json!({"anyOf": [several, event(), other]})
}

/// `POST /ingest`.
pub(crate) fn results() -> Value {
    let status = words(&["ok", "duplicate", "invalid", "dropped"]);
    let result = closed(&[("id", or_null(text())), ("status", status)], &[("reason", text())]);
    closed(&[("accepted", number()), ("results", list(result))], &[])
}

/// [`Summary`](crate::answer::Summary).
pub(crate) fn summary() -> Value {
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
pub(crate) fn breakdown() -> Value {
    let mut sometimes = dimensions();
    sometimes.push(("previous", closed(&measures(), &[])));
    let row = closed(&measures(), &sometimes);
    closed(
        &[("period", period()), ("by", list(text())), ("rows", list(row)), ("truncated", switch())],
        &[],
    )
}

/// [`TimeSeries`](crate::answer::TimeSeries).
pub(crate) fn timeseries() -> Value {
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
pub(crate) fn runs() -> Value {
    closed(&[("runs", list(closed(&run_summary(), &[])))], &[("next", text())])
}

/// [`Run`](crate::answer::Run).
pub(crate) fn run() -> Value {
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
pub(crate) fn errors() -> Value {
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
pub(crate) fn slowest() -> Value {
    let mut always: Vec<(&str, Value)> =
        ["driver", "modelType", "method", "workflow", "job", "step", "status", "run"]
            .map(|key| (key, or_null(text())))
            .into();
    always.extend([("durationMs", number()), ("startedAt", time())]);
    closed(&[("period", period()), ("rows", list(closed(&always, &[])))], &[])
}

/// [`Regressions`](crate::answer::Regressions).
pub(crate) fn regressions() -> Value {
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
pub(crate) fn values() -> Value {
    let cardinality = closed(
        &[("dimension", text()), ("values", number()), ("limit", number()), ("other", number())],
        &[],
    );
    closed(&[("values", list(text())), ("cardinality", or_null(cardinality))], &[])
}

/// This document.
pub(crate) fn openapi() -> Value {
    json!({"type": "object", "required": ["openapi", "info", "paths"]})
}
