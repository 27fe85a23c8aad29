//! `swamp model method history`: earlier runs of methods

mod logs;

use clap::Subcommand;

use crate::commands::help;
use crate::commands::model::output::{get, search};
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
    /// Show the log of a run
    Logs(logs::Args),
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        match self.command {
            None => help::print(cx, &["model", "method", "history"]),
            Some(Subcommands::Get(args)) => args.run(cx),
            Some(Subcommands::Search(args)) => args.run(cx),
            Some(Subcommands::Logs(args)) => args.run(cx),
        }
    }
}
