//! `swamp model`: definitions and their methods

mod create;
mod delete;
pub(crate) mod describe_type;
mod edit;
mod evaluate;
mod get;
mod method;
pub(crate) mod output;
mod search;
mod types;
mod validate;

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
    /// Make a definition
    Create(create::Args),
    /// Show a definition
    Get(get::Args),
    /// List definitions
    #[command(alias = "list")]
    Search(search::Args),
    /// Change a definition in an editor or from standard input
    Edit(edit::Args),
    /// Remove a definition and what it has stored
    Delete(delete::Args),
    /// Check definitions without running anything
    Validate(validate::Args),
    /// Evaluate the expressions of definitions
    Evaluate(evaluate::Args),
    /// Model types
    Type(types::Args),
    /// Methods: run them, look at their runs
    Method(method::Args),
    /// What single method runs left behind
    Output(output::Args),
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        match self.command {
            None => help::print(cx, &["model"]),
            Some(Subcommands::Create(args)) => args.run(cx),
            Some(Subcommands::Get(args)) => args.run(cx),
            Some(Subcommands::Search(args)) => args.run(cx),
            Some(Subcommands::Edit(args)) => args.run(cx),
            Some(Subcommands::Delete(args)) => args.run(cx),
            Some(Subcommands::Validate(args)) => args.run(cx),
            Some(Subcommands::Evaluate(args)) => args.run(cx),
            Some(Subcommands::Type(args)) => args.run(cx),
            Some(Subcommands::Method(args)) => args.run(cx),
            Some(Subcommands::Output(args)) => args.run(cx),
        }
    }
}
