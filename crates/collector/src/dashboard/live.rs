//! The live page, and the stream of server-sent events that keeps it going.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_core::Stream;
use serde_json::Value;
use swamp_dashboard::View;
use swamp_dashboard::page::{Arrival, Live};
use swamp_ident::Timestamp;
use tokio::sync::{broadcast, mpsc};

use super::{Request, fill};
use crate::api::auth::{Reader, now};
use crate::api::params::Params;
use crate::api::{ApiError, App};
use crate::error::CollectorError;
use crate::event::{Event, Kind};
use crate::query::Query;
use crate::store::Store;

/// Calls that the page begins with.
const FIRST: usize = 50;

/// Runs whose calls the page begins with.
const RUNS: usize = 5;

/// Rows that wait for a slow browser; beyond that it misses some.
const WAITING: usize = 64;

/// How often a stream with nothing to say shows that it is alive.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

/// How long a stream lasts. The browser comes again by itself, and shows anew that it may.
const LIFETIME: Duration = Duration::from_mins(10);

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
    let watcher = Arc::clone(&app.watchers).try_acquire_owned().map_err(|_| ApiError::busy())?;
    let (rows, body) = mpsc::channel(WAITING);
    let (tail, mut stopping) = (app.committer.tail(), app.stopping.subscribe());
    tokio::spawn(async move {
        let _watcher = watcher;
        tokio::select! {
            () = follow(tail, &query, &rows) => {}
            () = tokio::time::sleep(LIFETIME) => {}
            () = rows.closed() => {}
            _ = stopping.wait_for(|stopping| *stopping) => {}
        }
    });
    let headers =
        [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, Body::from_stream(Rows(body))).into_response())
}

/// Sends the calls that a query asks for until nobody listens.
async fn follow(
    mut tail: broadcast::Receiver<Arc<Event>>,
    query: &Query,
    rows: &mpsc::Sender<Bytes>,
) {
    // The browser takes the connection for established when something comes.
    let mut next = Some(Bytes::from_static(b"retry: 3000\n\n"));
    loop {
        if let Some(row) = next.take()
            && rows.send(row).await.is_err()
        {
            return;
        }
        next = match tokio::time::timeout(SIGN_OF_LIFE, tail.recv()).await {
            Err(_) => Some(Bytes::from_static(b": still here\n\n")),
            Ok(Ok(event)) => row(&event, query),
            // It was too slow and missed some: what comes now is what counts.
            Ok(Err(broadcast::error::RecvError::Lagged(_))) => None,
            Ok(Err(broadcast::error::RecvError::Closed)) => return,
        };
    }
}

/// A call as a server-sent event, if the query asks for it.
fn row(event: &Event, query: &Query) -> Option<Bytes> {
    let wanted = event.project == query.project
        && event.kind == Kind::Method
        && query.filters.iter().all(|filter| {
            let value = event.text(filter.dimension).unwrap_or_default();
            filter.values.iter().any(|wanted| wanted == value)
        });
    if !wanted {
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

/// Rows on their way to a browser.
struct Rows(mpsc::Receiver<Bytes>);

impl Stream for Rows {
    type Item = Result<Bytes, std::convert::Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|row| row.map(Ok))
    }
}
