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

use crate::commands::command_group;

command_group! { "model" => {
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
} }
