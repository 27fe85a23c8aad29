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

use crate::commands::command_group;

command_group! { "workflow" => {
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
} }
