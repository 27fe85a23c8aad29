//! `swamp model output`: what single method runs left behind

pub(crate) mod data;
pub(crate) mod get;
mod logs;
pub(crate) mod search;

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
    /// Show a run of a method
    Get(get::Args),
    /// List runs of methods
    #[command(alias = "list")]
    Search(search::Args),
    /// Show what a run stored
    Data(data::Args),
    /// Show what the command of a run printed
    Logs(logs::Args),
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        match self.command {
            None => help::print(cx, &["model", "output"]),
            Some(Subcommands::Get(args)) => args.run(cx),
            Some(Subcommands::Search(args)) => args.run(cx),
            Some(Subcommands::Data(args)) => args.run(cx),
            Some(Subcommands::Logs(args)) => args.run(cx),
        }
    }
}
