//! Events as they arrive, as server-sent events: `GET /api/v1/tail`, and the rows of the live page.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_core::Stream;
use tokio::sync::{broadcast, mpsc};

use super::{ApiError, App};
use crate::event::Event;
use crate::query::Query;

/// Rows that wait for a slow client; beyond that it misses some.
const WAITING: usize = 64;

/// How often a stream with nothing to say shows that it is alive.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

/// How long a stream lasts. A browser comes again by itself, and shows anew that it may.
const LIFETIME: Duration = Duration::from_mins(10);

/// What is shown of an event; `None` if nothing is.
pub(crate) type Row = fn(&Event) -> Option<Bytes>;

/// An answer that goes on: events of a query as they are stored.
pub(crate) fn stream(app: &Arc<App>, query: Query, row: Row) -> Result<Response, ApiError> {
    let watcher = Arc::clone(&app.watchers).try_acquire_owned().map_err(|_| ApiError::busy())?;
    let (rows, body) = mpsc::channel(WAITING);
    let (tail, mut stopping) = (app.committer.tail(), app.stopping.subscribe());
    tokio::spawn(async move {
        let _watcher = watcher;
        tokio::select! {
            () = follow(tail, &query, row, &rows) => {}
            () = tokio::time::sleep(LIFETIME) => {}
            () = rows.closed() => {}
            _ = stopping.wait_for(|stopping| *stopping) => {}
        }
    });
    let headers =
        [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, Body::from_stream(Pieces(body))).into_response())
}

/// Sends what a query asks for until nobody listens.
async fn follow(
    mut tail: broadcast::Receiver<Arc<Event>>,
    query: &Query,
    row: Row,
    rows: &mpsc::Sender<io::Result<Bytes>>,
) {
    // The browser takes the connection for established when something comes.
    let mut next = Some(Bytes::from_static(b"retry: 3000\n\n"));
    loop {
        if let Some(row) = next.take()
            && rows.send(Ok(row)).await.is_err()
        {
            return;
        }
        next = match tokio::time::timeout(SIGN_OF_LIFE, tail.recv()).await {
            Err(_) => Some(Bytes::from_static(b": still here\n\n")),
            Ok(Ok(event)) if is_wanted(&event, query) => row(&event),
            // Not asked for; or the client was too slow and missed some: what comes now counts.
            Ok(Ok(_) | Err(broadcast::error::RecvError::Lagged(_))) => None,
            Ok(Err(broadcast::error::RecvError::Closed)) => return,
        };
    }
}

/// Whether a query asks for an event; when it began does not matter.
pub(super) fn is_wanted(event: &Event, query: &Query) -> bool {
    event.project == query.project
        && query.filters.iter().all(|filter| {
            let value = event.text(filter.dimension).unwrap_or_default();
            filter.values.iter().any(|wanted| wanted == value)
        })
}

/// An event as it was sent.
#[expect(clippy::unnecessary_wraps, reason = "it is a Row, and others show less")]
pub(super) fn as_sent(event: &Event) -> Option<Bytes> {
    // Line feeds can only stand between the tokens of JSON; in a stream they would end the event.
    let text = event.raw().replace(['\n', '\r'], " ");
    Some(Bytes::from(format!("event: event\ndata: {text}\n\n")))
}

/// Pieces of a body, on their way to a client.
pub(super) struct Pieces(pub(super) mpsc::Receiver<io::Result<Bytes>>);

impl Stream for Pieces {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context)
    }
}
