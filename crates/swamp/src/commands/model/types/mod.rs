//! `swamp model type`: model types

mod describe;
mod search;

use crate::commands::command_group;

command_group! { "model" "type" => {
    /// List model types
    #[command(alias = "list")]
    Search(search::Args),
    /// Show a model type
    #[command(alias = "get")]
    Describe(describe::Args),
} }
