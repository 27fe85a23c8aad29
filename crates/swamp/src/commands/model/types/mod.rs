//! `swamp model type`: model types

mod describe;
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
    /// List model types
    #[command(alias = "list")]
    Search(search::Args),
    /// Show a model type
    #[command(alias = "get")]
    Describe(describe::Args),
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        match self.command {
            None => help::print(cx, &["model", "type"]),
            Some(Subcommands::Search(args)) => args.run(cx),
            Some(Subcommands::Describe(args)) => args.run(cx),
        }
    }
}
