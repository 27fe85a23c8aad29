//! Listening, and coming to a proper end.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, crypto};

use crate::api::auth::{Access, now};
use crate::api::{App, router};
use crate::commit;
use crate::error::CollectorError;
use crate::ingest::Limits;
use crate::patience::Patient;
use crate::store::{Retention, Store};

/// Connections at a time; more have to wait.
const CONNECTIONS: usize = 2048;

/// How long a client may take for the head of a request, and stay without one.
const HEAD_TIME: Duration = Duration::from_secs(20);

/// Header fields and bytes of a head that are read at all. What is beyond what is accepted
/// (`api::edges`) and within these gets an answer that says so; beyond these, the connection ends
/// with a bare status.
const HEAD_FIELDS: usize = 200;
const HEAD_BYTES: usize = 96 << 10;

/// How long a client may take to agree on keys.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// How long requests that are being answered have when the collector stops.
const GRACE: Duration = Duration::from_secs(10);

/// How often what is too old is looked for, and what is not right.
const HOUSEKEEPING_PERIOD: Duration = Duration::from_hours(1);

/// How long nothing must have come for an hour before its statistics are compared with its events.
pub const SETTLED: Duration = Duration::from_mins(15);

/// Days whose statistics are compared each time; once a day it is all of them. What a server was at
/// when it was killed is mostly of today.
const COMPARED_DAYS: u32 = 2;

/// A certificate and its key, in PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, followed by those that vouch for it.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// How to serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServeOptions {
    /// Where to listen; port 0 is any that is free.
    pub listen: SocketAddr,
    /// Speaks TLS with these.
    pub tls: Option<TlsFiles>,
    /// A proxy that speaks TLS stands in front.
    pub behind_proxy: bool,
    /// Shows statistics in `/metrics` too.
    pub rollup_metrics: bool,
    /// How much of anything is accepted.
    pub limits: Limits,
    /// How long things are kept.
    pub retention: Retention,
}

/// Serves until SIGTERM or SIGINT; then answers what was asked, makes everything durable and
/// returns. `listening` gets the address once connections are accepted.
pub fn serve(
    store: &Arc<dyn Store>,
    options: &ServeOptions,
    listening: impl FnOnce(&str),
) -> Result<(), CollectorError> {
    let tls = options.tls.as_ref().map(load_tls).transpose()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(16)
        .thread_name("collector")
        .build()
        .map_err(|error| CollectorError::io("The collector cannot start its threads", error))?;
    let (committer, commit_thread) = commit::start(Arc::clone(store))?;
    let loopback = options.listen.ip().is_loopback() && !options.behind_proxy;
    let app = App::new(
        Arc::clone(store),
        committer,
        options.limits,
        if loopback { Access::Loopback } else { Access::KeysOnly },
        tls.is_some() || options.behind_proxy,
        options.rollup_metrics,
    );
    let served = runtime.block_on(listen(app, tls, options, listening));
    // Whatever still runs is cut off; with that the last way to the commit thread is gone.
    runtime.shutdown_timeout(Duration::from_secs(1));
    commit_thread.join();
    served.and(store.close())
}

async fn listen(
    app: Arc<App>,
    tls: Option<TlsAcceptor>,
    options: &ServeOptions,
    listening: impl FnOnce(&str),
) -> Result<(), CollectorError> {
    let cannot = |error| {
        let what = format!("The collector cannot listen on {}", options.listen);
        CollectorError::io(what, error)
    };
    let mut terminate = signal(SignalKind::terminate()).map_err(cannot)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(cannot)?;
    let listener = TcpListener::bind(options.listen).await.map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    tokio::spawn(keep_house(Arc::clone(&app.store), options.retention));
    let router = router(Arc::clone(&app));
    listening(&format!("{scheme}://{address}"));

    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
        };
        let Ok((stream, place)) = accepted else {
            // Out of file descriptors, most likely: connections that end give some back.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let (router, watcher, tls) = (router.clone(), graceful.watcher(), tls.clone());
        let counted = app.requests.connection();
        tokio::spawn(async move {
            let _place = (place, counted);
            let stream = Patient::new(stream);
            match tls {
                None => converse(stream, router, watcher).await,
                Some(tls) => {
                    let handshake = tokio::time::timeout(HANDSHAKE_TIME, tls.accept(stream));
                    if let Ok(Ok(stream)) = handshake.await {
                        converse(stream, router, watcher).await;
                    }
                }
            }
        });
    }
    drop(listener);
    app.stopping.send_replace(true);
    // Clients that do not come to an end in time are cut off; what they sent is in the queue.
    let _ = tokio::time::timeout(GRACE, graceful.shutdown()).await;
    Ok(())
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> std::io::Result<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, place))
}

/// Answers the requests of one connection.
async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    watcher: hyper_util::server::graceful::Watcher,
) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_headers(HEAD_FIELDS)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    // A client that goes away or sends nonsense is its own affair.
    let _ = watcher.watch(connection).await;
}

/// Removes what is too old and puts right what is not, from time to time.
async fn keep_house(store: Arc<dyn Store>, retention: Retention) {
    let mut interval = tokio::time::interval(HOUSEKEEPING_PERIOD);
    // The first tick is at once; start-up has better things to do.
    interval.tick().await;
    for round in 1_u32.. {
        interval.tick().await;
        let store = Arc::clone(&store);
        let days = if round.is_multiple_of(24) { u32::MAX } else { COMPARED_DAYS };
        // A failure leaves things where they are; the next round tries again.
        let _ = tokio::task::spawn_blocking(move || {
            let removed = store.retain(retention, now());
            removed.and(store.repair(days, SETTLED, now()))
        })
        .await;
    }
}

fn load_tls(files: &TlsFiles) -> Result<TlsAcceptor, CollectorError> {
    let bad = |path: &Path, why: String| {
        CollectorError::Invalid(format!("{} cannot be used for TLS: {why}", path.display()))
    };
    let certificates = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| bad(&files.certificate, error.to_string()))?;
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|error| bad(&files.key, error.to_string()))?;
    let config = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(certificates, key))
        .map_err(|error| bad(&files.certificate, error.to_string()))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
