//! `swamp repo`: the repository itself

mod upgrade;

use clap::Subcommand;

use super::init;
use crate::cx::Cx;
use crate::ending::CommandResult;

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
#[group(skip)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Subcommands>,
    #[command(flatten)]
    init: init::Args,
}

#[derive(Debug, Subcommand)]
enum Subcommands {
    /// Make a directory a repository
    Init(init::Args),
    /// Bring a repository up to date
    Upgrade(upgrade::Args),
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        match self.command {
            None => self.init.run(cx),
            Some(Subcommands::Init(args)) => args.run(cx),
            Some(Subcommands::Upgrade(args)) => args.run(cx),
        }
    }
}
