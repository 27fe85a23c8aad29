//! `swamp data`: what methods have stored

mod delete;
mod gc;
mod get;
mod list;
mod query;
mod rename;
mod search;
mod versions;

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
    /// Show a data item
    Get(get::Args),
    /// List the data of a model or a workflow run
    List(list::Args),
    /// Find data by its properties
    Search(search::Args),
    /// Find data by an expression
    Query(query::Args),
    /// List the versions of a data item
    Versions(versions::Args),
    /// Give a data item another name
    Rename(rename::Args),
    /// Remove a data item or one version of it
    Delete(delete::Args),
    /// Remove data that is no longer to be kept
    Gc(gc::Args),
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        match self.command {
            None => help::print(cx, &["data"]),
            Some(Subcommands::Get(args)) => args.run(cx),
            Some(Subcommands::List(args)) => args.run(cx),
            Some(Subcommands::Search(args)) => args.run(cx),
            Some(Subcommands::Query(args)) => args.run(cx),
            Some(Subcommands::Versions(args)) => args.run(cx),
            Some(Subcommands::Rename(args)) => args.run(cx),
            Some(Subcommands::Delete(args)) => args.run(cx),
            Some(Subcommands::Gc(args)) => args.run(cx),
        }
    }
}
