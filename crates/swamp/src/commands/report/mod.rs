//! `swamp report`: reports about runs

mod describe;
mod found;
mod get;
mod search;

use crate::commands::command_group;

command_group! { "report" => {
    /// List reports
    #[command(alias = "list")]
    Search(search::Args),
    /// Show a report
    Get(get::Args),
    /// Show what a report is about
    Describe(describe::Args),
} }
