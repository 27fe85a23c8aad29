//! `swamp datastore lock`: locks

mod release;
mod status;

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
    /// Show the locks that are taken
    Status(status::Args),
    /// Remove the lock of a structural command or of a model
    Release(release::Args),
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        match self.command {
            None => help::print(cx, &["datastore", "lock"]),
            Some(Subcommands::Status(args)) => args.run(cx),
            Some(Subcommands::Release(args)) => args.run(cx),
        }
    }
}
