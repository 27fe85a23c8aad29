//! `swamp report`: reports about runs

mod describe;
mod found;
mod get;
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
    /// List reports
    #[command(alias = "list")]
    Search(search::Args),
    /// Show a report
    Get(get::Args),
    /// Show what a report is about
    Describe(describe::Args),
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        match self.command {
            None => help::print(cx, &["report"]),
            Some(Subcommands::Search(args)) => args.run(cx),
            Some(Subcommands::Get(args)) => args.run(cx),
            Some(Subcommands::Describe(args)) => args.run(cx),
        }
    }
}
