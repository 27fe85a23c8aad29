//! `swamp vault type`: types of vaults

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
    /// List types of vaults
    #[command(alias = "list")]
    Search(search::Args),
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        match self.command {
            None => help::print(cx, &["vault", "type"]),
            Some(Subcommands::Search(args)) => args.run(cx),
        }
    }
}
