//! `swamp datastore lock`: locks

mod release;
mod status;

use crate::commands::command_group;

command_group! { "datastore" "lock" => {
    /// Show the locks that are taken
    Status(status::Args),
    /// Remove the lock of a structural command or of a model
    Release(release::Args),
} }
