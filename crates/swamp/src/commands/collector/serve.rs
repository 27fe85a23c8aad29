//! `swamp collector serve`

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

use serde_json::json;
use swamp_collector::Limits;
use swamp_collector::serve::{ServeOptions, TlsFiles, serve};
use swamp_collector::store::Retention;

use super::StoreArgs;
use crate::cx::Cx;
use crate::ending::{CommandError, CommandResult, Ending};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    store: StoreArgs,
    /// Where to listen; port 0 is any that is free
    #[arg(long, value_name = "address:port", default_value = "127.0.0.1:7070")]
    listen: String,
    /// Speak TLS with this certificate (PEM), followed by those that vouch for it
    #[arg(long, value_name = "file", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The private key of the certificate (PEM)
    #[arg(long, value_name = "file", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// A proxy that speaks TLS stands in front: keys are needed even on a loopback address
    #[arg(long)]
    behind_proxy: bool,
    /// Show statistics by driver, model type and status in /metrics too
    #[arg(long)]
    rollup_metrics: bool,
    /// Remove events after so many days (0: never); statistics stay
    #[arg(long, value_name = "days", default_value_t = 90)]
    keep_events: u32,
    /// Remove the oldest events when they take more than so many bytes
    #[arg(long, value_name = "bytes")]
    keep_bytes: Option<u64>,
    /// Remove statistics after so many days (0: never)
    #[arg(long, value_name = "days", default_value_t = 400)]
    keep_statistics: u32,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let days = |days: u32| (days > 0).then_some(days);
        let options = ServeOptions {
            listen: address(&self.listen)?,
            tls: self
                .tls_cert
                .zip(self.tls_key)
                .map(|(certificate, key)| TlsFiles { certificate, key }),
            behind_proxy: self.behind_proxy,
            rollup_metrics: self.rollup_metrics,
            limits: Limits::default(),
            retention: Retention {
                raw_days: days(self.keep_events),
                raw_bytes: self.keep_bytes,
                rollup_days: days(self.keep_statistics),
            },
        };
        let store = self.store.open(cx)?;
        // It drains before it ends, whoever asks.
        cx.signals.leave();
        serve(&store, &options, |url| {
            if cx.output.is_json() {
                cx.output.document(&json!({ "url": url }));
            } else {
                cx.output.line(url);
            }
        })?;
        Ok(Ending::SUCCESS)
    }
}

/// An address and a port, or a name and a port.
fn address(text: &str) -> Result<SocketAddr, CommandError> {
    text.to_socket_addrs().ok().and_then(|mut found| found.next()).ok_or_else(|| {
        CommandError::usage(format!("{text:?} is no address to listen on."))
            .with_hint("An address and a port, like 127.0.0.1:7070 or 0.0.0.0:7070")
    })
}
