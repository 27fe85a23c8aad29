//! `swamp collector key`: keys that let senders and readers in

use clap::ValueEnum;
use serde_json::{Value, json};
use swamp_collector::keys::{DEFAULT_PROJECT, KeyId, Project, Scope, StoredKey, create, id_of};

use super::{StoreArgs, now};
use crate::commands::command_group;
use crate::cx::Cx;
use crate::ending::{CommandResult, Ending};
use crate::output::Table;

command_group! { "collector" "key" => {
    /// Make a key and show it, this once
    Create(Create),
    /// List the keys, without their secrets
    List(List),
    /// Make a key open nothing any more
    Revoke(Revoke),
} }

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ScopeArg {
    /// Send events
    Ingest,
    /// Ask questions and log in to the dashboard
    Read,
    /// See figures of the whole collector in /metrics
    Metrics,
}

#[derive(Debug, clap::Args)]
struct Create {
    #[command(flatten)]
    store: StoreArgs,
    /// What it may do
    #[arg(long, value_enum, default_value = "ingest")]
    scope: ScopeArg,
    /// The project
    #[arg(long, value_name = "name", default_value = DEFAULT_PROJECT)]
    project: String,
    /// What it is for
    #[arg(long, value_name = "text", default_value = "")]
    note: String,
}

#[derive(Debug, clap::Args)]
struct List {
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Debug, clap::Args)]
struct Revoke {
    #[command(flatten)]
    store: StoreArgs,
    /// The id of the key
    id: String,
}

impl Create {
    fn run(self, cx: &Cx<'_>) -> CommandResult {
        let directory = self.store.open_directory(cx)?;
        let project = directory.project(&self.project)?;
        let scope = match self.scope {
            ScopeArg::Ingest => Scope::Ingest,
            ScopeArg::Read => Scope::Read,
            ScopeArg::Metrics => Scope::Metrics,
        };
        let (secret, key) = create(project.number, scope, &self.note, now(cx))?;
        directory.insert_key(&key)?;
        if cx.output.is_json() {
            cx.output.document(&json!({
                "id": key.id, "key": secret.reveal(), "scope": scope, "project": project.name,
            }));
        } else {
            // The key alone, so that `KEY=$(swamp collector key create)` works.
            cx.output.line(secret.reveal());
        }
        Ok(Ending::SUCCESS)
    }
}

impl List {
    fn run(self, cx: &Cx<'_>) -> CommandResult {
        let directory = self.store.open_directory(cx)?;
        let (keys, projects) = (directory.keys()?, directory.projects()?);
        if cx.output.is_json() {
            let keys: Vec<Value> = keys.iter().map(|key| document(key, &projects)).collect();
            cx.output.document(&json!({ "keys": keys }));
        } else {
            let mut table = Table::new(&["KEY", "SCOPE", "PROJECT", "MADE", "REVOKED", "NOTE"]);
            for key in keys {
                table.row([
                    key.id.0.clone(),
                    key.scope.as_str().to_owned(),
                    name(&key, &projects).to_owned(),
                    key.created_at.to_string(),
                    key.revoked_at.map_or_else(|| "–".to_owned(), |at| at.to_string()),
                    key.note,
                ]);
            }
            table.lines().into_iter().for_each(|line| cx.output.line(line));
        }
        Ok(Ending::SUCCESS)
    }
}

fn name<'a>(key: &StoredKey, projects: &'a [Project]) -> &'a str {
    projects.iter().find(|project| project.number == key.project).map_or("?", |found| &found.name)
}

fn document(key: &StoredKey, projects: &[Project]) -> Value {
    json!({
        "id": key.id, "scope": key.scope, "project": name(key, projects), "note": key.note,
        "createdAt": key.created_at, "revokedAt": key.revoked_at,
    })
}

impl Revoke {
    fn run(self, cx: &Cx<'_>) -> CommandResult {
        let directory = self.store.open_directory(cx)?;
        // Whoever pastes the whole key means this key.
        let id = id_of(&self.id).unwrap_or(KeyId(self.id));
        directory.revoke_key(&id, now(cx))?;
        if cx.output.is_json() {
            cx.output.document(&json!({ "id": id, "revoked": true }));
        } else {
            cx.output.line(format!("Key {} opens nothing any more", id.0));
        }
        Ok(Ending::SUCCESS)
    }
}
