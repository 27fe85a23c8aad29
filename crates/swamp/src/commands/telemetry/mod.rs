//! `swamp telemetry`: what is recorded about commands and methods

mod export;
mod place;
mod show;
mod stats;

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
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        match self.command {
            None => help::print(cx, &["telemetry"]),
            Some(Subcommands::Stats(args)) => args.run(cx),
            Some(Subcommands::Show(args)) => args.run(cx),
            Some(Subcommands::Export(args)) => args.run(cx),
        }
    }
}
