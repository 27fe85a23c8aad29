//! `swamp model output`: what single method runs left behind

pub(crate) mod data;
pub(crate) mod get;
mod logs;
pub(crate) mod search;

use crate::commands::command_group;

command_group! { "model" "output" => {
    /// Show a run of a method
    Get(get::Args),
    /// List runs of methods
    #[command(alias = "list")]
    Search(search::Args),
    /// Show what a run stored
    Data(data::Args),
    /// Show what the command of a run printed
    Logs(logs::Args),
} }
