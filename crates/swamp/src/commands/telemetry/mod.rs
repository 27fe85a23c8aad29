//! `swamp telemetry`: what is recorded about commands and methods

mod clear;
mod connect;
mod export;
mod flush;
mod off;
mod on;
mod place;
mod preview;
mod show;
mod stats;
mod status;
mod switching;
mod trust;

use clap::Subcommand;

use crate::commands::help;
use crate::cx::Cx;
use crate::ending::CommandResult;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Subcommands>,
}

#[derive(Debug, Subcommand)]
enum Subcommands {
    /// Counts, failures and durations per type, driver, method and step
    Stats(stats::Args),
    /// The last commands and the methods they called
    Show(show::Args),
    /// All entries, for other programs
    Export(export::Args),
    /// Whether anything is recorded and sent, where to, and how that goes
    Status(status::Args),
    /// What would be sent next, to the byte
    Preview(preview::Args),
    /// Send now what waits
    Flush(flush::Args),
    /// Remove what waits
    Clear(clear::Args),
    /// Switch telemetry on again
    On(on::Args),
    /// Switch telemetry off
    Off(off::Args),
    /// Send what you run to a collector, once it has answered
    Connect(connect::Args),
    /// Let the key go to the endpoint this repository names
    Trust(trust::Args),
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        match self.command {
            None => help::print(cx, &["telemetry"]),
            Some(Subcommands::Stats(args)) => args.run(cx),
            Some(Subcommands::Show(args)) => args.run(cx),
            Some(Subcommands::Export(args)) => args.run(cx),
            Some(Subcommands::Status(args)) => args.run(cx),
            Some(Subcommands::Preview(args)) => args.run(cx),
            Some(Subcommands::Flush(args)) => args.run(cx),
            Some(Subcommands::Clear(args)) => args.run(cx),
            Some(Subcommands::On(args)) => args.run(cx),
            Some(Subcommands::Off(args)) => args.run(cx),
            Some(Subcommands::Connect(args)) => args.run(cx),
            Some(Subcommands::Trust(args)) => args.run(cx),
        }
    }
}
