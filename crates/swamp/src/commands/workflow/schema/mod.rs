//! `swamp workflow schema`: the schema of workflow files

mod get;

use crate::commands::command_group;

command_group! { "workflow" "schema" => {
    /// Print the schema
    Get(get::Args),
} }
