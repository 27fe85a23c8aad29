//! `swamp datastore`: where data is kept

mod lock;

use crate::commands::command_group;

command_group! { "datastore" => {
    /// Locks
    Lock(lock::Args),
} }
