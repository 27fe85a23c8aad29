//! `swamp workflow history`: earlier runs

mod get;
mod logs;
mod search;

use crate::commands::command_group;

command_group! { "workflow" "history" => {
    /// Show the latest run of a workflow
    Get(get::Args),
    /// List runs
    #[command(alias = "list")]
    Search(search::Args),
    /// Show the log of a run
    Logs(logs::Args),
} }
