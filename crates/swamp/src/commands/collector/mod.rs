//! `swamp collector`: where telemetry of many machines comes together

mod backup;
mod demo;
mod import;
mod key;
mod project;
mod serve;

use std::path::PathBuf;

use clap::Subcommand;
use swamp_collector::CollectorError;
use swamp_ident::Timestamp;

use crate::commands::help;
use crate::cx::Cx;
use crate::ending::{CommandError, CommandResult};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Subcommands>,
}

#[derive(Debug, Subcommand)]
enum Subcommands {
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
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        match self.command {
            None => help::print(cx, &["collector"]),
            Some(Subcommands::Serve(args)) => args.run(cx),
            Some(Subcommands::Key(args)) => args.run(cx),
            Some(Subcommands::Project(args)) => args.run(cx),
            Some(Subcommands::Import(args)) => args.run(cx),
            Some(Subcommands::Demo(args)) => args.run(cx),
            Some(Subcommands::Backup(args)) => args.run(cx),
        }
    }
}

/// Which store is meant.
#[derive(Debug, clap::Args)]
struct StoreArgs {
    /// The directory of the store; by default in your data directory
    #[arg(long, value_name = "dir")]
    data: Option<PathBuf>,
}

impl StoreArgs {
    /// The directory.
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
