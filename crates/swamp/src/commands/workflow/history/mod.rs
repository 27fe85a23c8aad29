//! `swamp workflow history`: earlier runs

mod get;
mod logs;
mod search;

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
    /// Show the latest run of a workflow
    Get(get::Args),
    /// List runs
    #[command(alias = "list")]
    Search(search::Args),
    /// Show the log of a run
    Logs(logs::Args),
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        match self.command {
            None => help::print(cx, &["workflow", "history"]),
            Some(Subcommands::Get(args)) => args.run(cx),
            Some(Subcommands::Search(args)) => args.run(cx),
            Some(Subcommands::Logs(args)) => args.run(cx),
        }
    }
}
