//! `swamp model method history`: earlier runs of methods

mod logs;

use crate::commands::command_group;

use crate::commands::model::output::{get, search};

command_group! { "model" "method" "history" => {
    /// Show a run of a method
    Get(get::Args),
    /// List runs of methods
    #[command(alias = "list")]
    Search(search::Args),
    /// Show the log of a run
    Logs(logs::Args),
} }
