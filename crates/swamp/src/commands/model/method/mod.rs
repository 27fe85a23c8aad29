//! `swamp model method`: methods of models

mod describe;
mod history;
mod run;

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
    /// Run a method
    Run(run::Args),
    /// Show a method
    Describe(describe::Args),
    /// Earlier runs of methods
    History(history::Args),
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        match self.command {
            None => help::print(cx, &["model", "method"]),
            Some(Subcommands::Run(args)) => args.run(cx),
            Some(Subcommands::Describe(args)) => args.run(cx),
            Some(Subcommands::History(args)) => args.run(cx),
        }
    }
}
