//! `swamp collector`: where telemetry of many machines comes together

mod backup;
mod demo;
mod import;
mod key;
mod project;
mod repair;
mod serve;

use std::path::PathBuf;
use std::sync::Arc;

use crate::commands::command_group;
use swamp_collector::keys::Directory;
use swamp_collector::store::SqliteDirectory;
use swamp_collector::store::clickhouse::ClickHouse;
use swamp_collector::{CollectorError, SqliteStore, Store};
use swamp_ident::Timestamp;

use crate::cx::Cx;
use crate::ending::CommandError;

command_group! { "collector" => {
    /// Accept events and answer questions about them
    Serve(serve::Args),
    /// Keys that let senders and readers in
    Key(key::Args),
    /// Projects, whose events never meet
    Project(project::Args),
    /// Take over entries and events from files
    Import(import::Args),
    /// Fill a collector with a month of made-up runs, to look at
    Demo(demo::Args),
    /// Copy the store while the collector runs
    Backup(backup::Args),
    /// Compare statistics with their events and put right what differs
    Repair(repair::Args),
} }

/// Which store is meant.
#[derive(Debug, clap::Args)]
struct StoreArgs {
    /// The directory of the store; by default in your data directory
    #[arg(long, value_name = "dir", conflicts_with = "store")]
    data: Option<PathBuf>,
    /// A store in a ClickHouse, by its address
    #[arg(long, value_name = "clickhouse://user:password@host:8123/database")]
    store: Option<String>,
}

impl StoreArgs {
    /// The address of a ClickHouse, if one is meant. In the environment it is not in process listings.
    fn address(&self, cx: &Cx<'_>) -> Option<String> {
        match (&self.data, &self.store) {
            (_, Some(address)) => Some(address.clone()),
            (Some(_), None) => None,
            (None, None) => cx.environment.get("SWAMP_COLLECTOR_STORE"),
        }
    }

    /// The store.
    fn open(&self, cx: &Cx<'_>) -> Result<Arc<dyn Store>, CommandError> {
        Ok(match self.address(cx) {
            Some(address) => Arc::new(ClickHouse::open(&address, now(cx))?),
            None => Arc::new(SqliteStore::open(&self.directory(cx)?)?),
        })
    }

    /// Its projects and keys, which can be had while a collector runs.
    fn open_directory(&self, cx: &Cx<'_>) -> Result<Box<dyn Directory>, CommandError> {
        Ok(match self.address(cx) {
            Some(address) => Box::new(ClickHouse::open(&address, now(cx))?),
            None => Box::new(SqliteDirectory::open(&self.directory(cx)?)?),
        })
    }

    /// The directory of a store in a file.
    fn directory(&self, cx: &Cx<'_>) -> Result<PathBuf, CommandError> {
        if let Some(data) = &self.data {
            return Ok(data.clone());
        }
        let home =
            || cx.environment.os("HOME").map(|home| PathBuf::from(home).join(".local/share"));
        let base = cx.environment.os("XDG_DATA_HOME").map(PathBuf::from).or_else(home);
        base.map(|base| base.join("swamp/collector")).ok_or_else(|| {
            CommandError::user("There is no data directory: neither XDG_DATA_HOME nor HOME is set.")
                .with_hint("Say where the store is: --data <dir>")
        })
    }
}

/// The time now, as the clock of this command has it.
fn now(cx: &Cx<'_>) -> Timestamp {
    cx.clock.now().wall
}

impl From<CollectorError> for CommandError {
    fn from(error: CollectorError) -> Self {
        let message = format!("{error}.");
        match error {
            CollectorError::Store(_) => Self::internal(message),
            _ => Self::user(message),
        }
    }
}
