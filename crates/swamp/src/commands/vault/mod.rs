//! `swamp vault`: where secrets are

mod create;
mod delete;
mod describe;
mod edit;
mod get;
mod list_keys;
mod migrate;
mod put;
mod read_secret;
mod rotate;
mod search;
mod types;

use crate::commands::command_group;
use serde_json::{Map, Value};
use swamp_vault::Vaults;

use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::ending::CommandError;
use crate::engine;

command_group! { "vault" => {
    /// Make a vault
    Create(create::Args),
    /// Show a vault and where its file is
    Get(get::Args),
    /// Show a vault
    Describe(describe::Args),
    /// List vaults
    #[command(alias = "list")]
    Search(search::Args),
    /// Change the file of a vault in an editor or from standard input
    Edit(edit::Args),
    /// Store a secret
    #[command(alias = "write-secret")]
    Put(put::Args),
    /// Show a secret
    ReadSecret(read_secret::Args),
    /// List the keys of a vault's secrets
    ListKeys(list_keys::Args),
    /// Remove a secret
    Delete(delete::Args),
    /// Give a secret a new value, or a whole vault a new key
    Rotate(rotate::Args),
    /// Move a vault to another type
    Migrate(migrate::Args),
    /// Types of vaults
    Type(types::Args),
} }

/// The vaults of the repository that is meant.
fn vaults(cx: &Cx<'_>, repo: &RepoArgs) -> Result<Vaults, CommandError> {
    let repository = cx.repository(repo)?;
    Ok(Vaults::new(engine::surroundings(cx, &repository)))
}

/// The value of `--config`.
fn settings(text: Option<&str>) -> Result<Option<Map<String, Value>>, CommandError> {
    let Some(text) = text else { return Ok(None) };
    match serde_json::from_str(text) {
        Ok(Value::Object(settings)) => Ok(Some(settings)),
        // The text may hold a secret; whoever typed it knows it.
        Ok(_) => Err(CommandError::user("Invalid JSON in --config: it must be an object")),
        Err(error) => Err(CommandError::user(format!("Invalid JSON in --config: {error}"))
            .with_hint("Write it like this: --config '{\"prefix\": \"APP_\"}'")),
    }
}
