//! The HTTP side: who may ask, what is asked, and the documents that answer.
//!
//! [`router`] puts everything together. A page or an endpoint gets at what it needs through
//! [`App`]: the store, the way to the commit thread, and [`auth`].

pub mod auth;
mod edges;
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
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::middleware;
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
    /// Connections that are open.
    pub connections: Arc<AtomicU64>,
}

impl RequestCounters {
    /// Counts a connection for as long as the value lasts.
    pub(crate) fn connection(&self) -> Connected {
        self.connections.fetch_add(1, Ordering::Relaxed);
        Connected(Arc::clone(&self.connections))
    }
}

/// A connection that is open.
#[derive(Debug)]
pub(crate) struct Connected(Arc<AtomicU64>);

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
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
        self.requests.questions.fetch_add(1, Ordering::Relaxed);
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
        .fallback(edges::nothing_here)
        .method_not_allowed_fallback(async || ApiError::wrong_method())
        .layer(middleware::from_fn(edges::check_head))
        .layer(middleware::map_response_with_state(Arc::clone(&app), edges::headers))
        .layer(middleware::from_fn(edges::close_after_chunks))
        .with_state(app)
}
