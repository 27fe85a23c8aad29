//! `swamp data`: what methods have stored

mod delete;
mod gc;
mod get;
mod list;
mod query;
mod rename;
mod search;
mod versions;

use crate::commands::command_group;

command_group! { "data" => {
    /// Show a data item
    Get(get::Args),
    /// List the data of a model or a workflow run
    List(list::Args),
    /// Find data by its properties
    Search(search::Args),
    /// Find data by an expression
    Query(query::Args),
    /// List the versions of a data item
    Versions(versions::Args),
    /// Give a data item another name
    Rename(rename::Args),
    /// Remove a data item or one version of it
    Delete(delete::Args),
    /// Remove data that is no longer to be kept
    Gc(gc::Args),
} }
