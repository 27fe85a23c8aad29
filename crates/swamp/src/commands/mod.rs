//! The command table: one file per command.
//!
//! A command takes its own arguments and a [`Cx`], prints its result through it and gives back how
//! it ended. No command ends the process, reads the clock or the environment on its own, or knows
//! about telemetry.

mod collector;
mod completions;
mod data;
mod datastore;
mod doctor;
mod group;
mod help;
mod init;
mod model;
mod repo;
mod report;
mod summarise;
mod telemetry;
mod vault;
mod version;
mod workflow;

use clap::Subcommand;

use crate::cx::Cx;
use crate::ending::CommandResult;

pub(crate) use group::command_group;
pub(crate) use version::VERSION;

/// Prints what commands there are.
pub(crate) fn print_help(cx: &Cx<'_>) -> CommandResult {
    help::print(cx, &[])
}

/// Every command.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print the version
    Version(version::Args),
    /// Definitions of models and their methods
    Model(model::Args),
    /// Make a directory a repository
    Init(init::Args),
    /// The repository itself
    Repo(repo::Args),
    /// Workflows and their runs
    Workflow(workflow::Args),
    /// Where secrets are
    Vault(vault::Args),
    /// What methods have stored
    Data(data::Args),
    /// Reports about runs
    Report(report::Args),
    /// What happened lately
    #[command(alias = "summarize")]
    Summarise(summarise::Args),
    /// What is recorded about commands and methods
    Telemetry(telemetry::Args),
    /// Where telemetry of many machines comes together
    Collector(collector::Args),
    /// Where data is kept
    Datastore(datastore::Args),
    /// Look for what is wrong around the repository, and put it right
    Doctor(doctor::Args),
    /// Print a completion script for a shell
    Completions(completions::Args),
    /// Print help about a command
    Help(help::Args),
}

impl Command {
    /// Does what the command says.
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        match self {
            Self::Version(args) => args.run(cx),
            Self::Model(args) => args.run(cx),
            Self::Init(args) => args.run(cx),
            Self::Repo(args) => args.run(cx),
            Self::Workflow(args) => args.run(cx),
            Self::Vault(args) => args.run(cx),
            Self::Data(args) => args.run(cx),
            Self::Report(args) => args.run(cx),
            Self::Summarise(args) => args.run(cx),
            Self::Telemetry(args) => args.run(cx),
            Self::Collector(args) => args.run(cx),
            Self::Datastore(args) => args.run(cx),
            Self::Doctor(args) => args.run(cx),
            Self::Completions(args) => args.run(cx),
            Self::Help(args) => args.run(cx),
        }
    }
}
