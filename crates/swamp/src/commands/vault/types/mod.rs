//! `swamp vault type`: types of vaults

mod search;

use crate::commands::command_group;

command_group! { "vault" "type" => {
    /// List types of vaults
    #[command(alias = "list")]
    Search(search::Args),
} }
