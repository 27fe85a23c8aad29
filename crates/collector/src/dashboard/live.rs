//! The live page, and the stream of server-sent events that keeps it going.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use serde_json::Value;
use swamp_dashboard::View;
use swamp_dashboard::page::{Arrival, Live};
use swamp_ident::Timestamp;

use super::{Request, fill};
use crate::api::auth::{Reader, now};
use crate::api::params::Params;
use crate::api::{ApiError, App, tail};
use crate::error::CollectorError;
use crate::event::{Event, Kind};
use crate::store::Store;

/// Calls that the page begins with.
const FIRST: usize = 50;

/// Runs whose calls the page begins with.
const RUNS: usize = 5;

/// The page, with the latest calls of the latest runs.
pub(super) fn page(store: &dyn Store, request: &Request) -> Result<String, CollectorError> {
    let query = &request.query;
    let mut arrivals = Vec::new();
    for run in store.runs(query, None, RUNS)? {
        let Some(found) = store.run(query.project, &run.id)? else { continue };
        for event in &found.events {
            // What was accepted is JSON.
            let Ok(event) = serde_json::from_str::<Value>(event) else { continue };
            let entry = &event["properties"];
            if entry["workflowContext"].is_object() {
                arrivals.extend(arrival(entry, Some(run.id.clone())));
            }
        }
    }
    arrivals.sort_by_key(|arrival| std::cmp::Reverse(arrival.started));
    arrivals.truncate(FIRST);
    Ok(Live { arrivals }.render(&request.shell))
}

/// The rows of calls as they arrive.
pub(super) async fn events(
    State(app): State<Arc<App>>,
    reader: Reader,
    query: RawQuery,
) -> Result<Response, ApiError> {
    let params = Params::parse(&query.0.unwrap_or_default());
    let view = View::read(params.pairs(), now())
        .map_err(|error| ApiError::bad_request(error.to_string()))?;
    let query = fill::query(&view, reader.project, now());
    tail::stream(&app, query, row)
}

/// A call as a server-sent event.
fn row(event: &Event) -> Option<Bytes> {
    if event.kind != Kind::Method {
        return None;
    }
    let entry = serde_json::from_str::<Value>(event.raw()).ok()?;
    let run = event.group_id().map(str::to_owned);
    let row = arrival(&entry["properties"], run)?.row().into_string();
    Some(Bytes::from(format!("event: call\ndata: {row}\n\n")))
}

/// A call, from its entry.
fn arrival(entry: &Value, run: Option<String>) -> Option<Arrival> {
    let text = |pointer: &str| entry.pointer(pointer).and_then(Value::as_str);
    let own = |pointer: &str| text(pointer).map(str::to_owned);
    let context = |key: &str| {
        own(&format!("/workflowContext/{key}")).or_else(|| own(&format!("/methodContext/{key}")))
    };
    let allowed = entry.pointer("/workflowContext/allowedFailure").and_then(Value::as_bool);
    Some(Arrival {
        started: Timestamp::parse(text("/startedAt")?).ok()?,
        outcome: fill::outcome(
            text("/result/status"),
            text("/result/errorCategory"),
            context("phase").as_deref(),
            allowed.unwrap_or(false),
        ),
        model_type: context("modelType"),
        method: own("/invocation/args/2"),
        driver: context("driver"),
        workflow: context("workflowName"),
        job: context("jobName"),
        step: context("stepName"),
        duration_ms: entry["durationMs"].as_u64().unwrap_or(0),
        message: own("/result/errorMessage"),
        run,
    })
}
