//! `swamp workflow`: workflows and their runs

mod create;
mod delete;
mod edit;
mod evaluate;
mod get;
mod history;
pub(crate) mod run;
mod schema;
mod search;
mod show;
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
    /// Make a workflow
    Create(create::Args),
    /// Show a workflow
    Get(get::Args),
    /// List workflows
    #[command(alias = "list")]
    Search(search::Args),
    /// Change a workflow in an editor or from standard input
    Edit(edit::Args),
    /// Remove a workflow and the records of its runs
    Delete(delete::Args),
    /// Check workflows without running anything
    Validate(validate::Args),
    /// Evaluate the expressions of workflows
    Evaluate(evaluate::Args),
    /// Run a workflow
    Run(run::Args),
    /// Earlier runs
    History(history::Args),
    /// The schema of workflow files
    Schema(schema::Args),
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        match self.command {
            None => help::print(cx, &["workflow"]),
            Some(Subcommands::Create(args)) => args.run(cx),
            Some(Subcommands::Get(args)) => args.run(cx),
            Some(Subcommands::Search(args)) => args.run(cx),
            Some(Subcommands::Edit(args)) => args.run(cx),
            Some(Subcommands::Delete(args)) => args.run(cx),
            Some(Subcommands::Validate(args)) => args.run(cx),
            Some(Subcommands::Evaluate(args)) => args.run(cx),
            Some(Subcommands::Run(args)) => args.run(cx),
            Some(Subcommands::History(args)) => args.run(cx),
            Some(Subcommands::Schema(args)) => args.run(cx),
        }
    }
}
