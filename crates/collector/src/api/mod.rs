//! The HTTP side: who may ask, what is asked, and the documents that answer.
//!
//! [`router`] puts everything together. A page or an endpoint gets at what it needs through
//! [`App`]: the store, the way to the commit thread, and [`auth`].

pub mod auth;
mod errors;
mod export;
mod ingest;
mod metrics;
mod openapi;
pub mod params;
pub mod questions;
mod routes;
pub(crate) mod tail;
mod tree;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use tokio::sync::{Semaphore, watch};

pub use errors::ApiError;

use crate::commit::Committer;
use crate::dashboard;
use crate::error::CollectorError;
use crate::ingest::Limits;
use crate::store::Store;

/// Memory that request bodies may take together, in units of [`BODY_UNIT`].
const BODY_UNITS: usize = 4096;

/// How finely the memory for bodies is dealt out, in bytes.
const BODY_UNIT: usize = 64 << 10;

/// Exports at a time: each holds a thread and a view of the store as it was.
const EXPORTS: usize = 4;

/// Browsers that may watch the live page at a time.
const WATCHERS: usize = 64;

/// What every request can get at.
pub struct App {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The way to the commit thread.
    pub committer: Committer,
    /// How much of anything is accepted.
    pub limits: Limits,
    /// Who gets in without a key.
    pub access: auth::Access,
    /// Whether answers travel over TLS, here or at the proxy in front.
    pub secure: bool,
    /// Whether `/metrics` shows statistics too.
    pub rollup_metrics: bool,
    /// Requests and what became of them.
    pub requests: RequestCounters,
    /// Becomes true when the collector stops, so that answers without end come to one.
    pub stopping: watch::Sender<bool>,
    /// Places for those who watch the live page.
    pub watchers: Arc<Semaphore>,
    /// Places for those who take everything with them.
    exports: Arc<Semaphore>,
    bodies: Semaphore,
}

/// What became of requests, for metrics.
#[derive(Debug, Default)]
pub struct RequestCounters {
    /// Requests to ingest that were answered with what became of each event.
    pub accepted: AtomicU64,
    /// Bytes of their bodies, as they came.
    pub body_bytes: AtomicU64,
    /// Events that are no telemetry.
    pub dropped: AtomicU64,
    /// Events that could not be understood.
    pub invalid: AtomicU64,
    /// Requests to ingest that were refused as a whole.
    pub refused: AtomicU64,
    /// Questions answered.
    pub questions: AtomicU64,
}

impl App {
    /// Puts the parts together.
    pub fn new(
        store: Arc<dyn Store>,
        committer: Committer,
        limits: Limits,
        access: auth::Access,
        secure: bool,
        rollup_metrics: bool,
    ) -> Arc<Self> {
        Arc::new(Self {
            store,
            committer,
            limits,
            access,
            secure,
            rollup_metrics,
            requests: RequestCounters::default(),
            stopping: watch::Sender::new(false),
            watchers: Arc::new(Semaphore::new(WATCHERS)),
            exports: Arc::new(Semaphore::new(EXPORTS)),
            bodies: Semaphore::new(BODY_UNITS),
        })
    }

    /// Asks the store something on a thread that may block.
    pub async fn ask<T: Send + 'static>(
        self: &Arc<Self>,
        question: impl FnOnce(&dyn Store) -> Result<T, CollectorError> + Send + 'static,
    ) -> Result<T, ApiError> {
        self.requests.questions.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let store = Arc::clone(&self.store);
        let answer = tokio::task::spawn_blocking(move || question(&*store)).await;
        match answer {
            Ok(answer) => answer.map_err(ApiError::from),
            Err(_) => Err(ApiError::internal("The question could not be answered")),
        }
    }
}

/// The whole of the HTTP side.
pub fn router(app: Arc<App>) -> Router {
    routes::router()
        .merge(dashboard::router())
        .fallback(async || ApiError::not_found("There is nothing at this address"))
        .method_not_allowed_fallback(async || ApiError::wrong_method())
        .layer(middleware::map_response_with_state(Arc::clone(&app), headers))
        .layer(middleware::from_fn(close_after_chunks))
        .with_state(app)
}

/// Ends the connection after a request whose body came in chunks. It may have had a length as well,
/// which is not used and cannot be seen here any more; if a proxy in front did use it, what follows
/// on the connection is not what the proxy takes it for (RFC 9112, 6.1).
async fn close_after_chunks(request: Request, next: Next) -> Response {
    let in_chunks = request.headers().contains_key(header::TRANSFER_ENCODING);
    let mut response = next.run(request).await;
    if in_chunks {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// What browsers are told about every answer.
async fn headers(State(app): State<Arc<App>>, mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, swamp_dashboard::CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if app.secure {
        let value = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    response
}
