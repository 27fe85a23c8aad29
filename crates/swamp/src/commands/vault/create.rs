//! `swamp vault create`

use serde_json::json;
use swamp_vault::VaultType;

use super::{settings, vaults};
use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::ending::{CommandError, CommandResult, Ending};
use crate::output::Level;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The type; see `swamp vault type search`
    #[arg(value_name = "type")]
    type_name: String,
    /// What expressions call it
    #[arg(value_name = "name")]
    name: Option<String>,
    /// The settings of its type, as JSON
    #[arg(long, value_name = "json")]
    config: Option<String>,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let repository = cx.repository(&self.repo)?;
        let vaults = vaults(cx, &self.repo)?;
        let Some(name) = self.name else {
            return Err(CommandError::usage("The vault needs a name.")
                .with_hint("Usage: swamp vault create <type> <name>"));
        };
        let ty = VaultType::parse_creatable(&self.type_name)?;
        let config = settings(self.config.as_deref())?;
        let mut notice = |notice| cx.tell_lock(&notice);
        let _lock = repository.locks(cx.lock_owner()).global(&mut notice, &|| false)?;
        let (id, now) = (cx.ids.uuid().to_string(), cx.clock.now().wall);
        let vault = vaults.create(ty, &name, config, id, now)?;
        if cx.output.is_json() {
            cx.output.document(&json!({
                "id": vault.id,
                "name": vault.name,
                "type": vault.type_name,
                "typeName": ty.title(),
                "config": vault.config,
            }));
        } else {
            let message = format!("Created vault \"{}\" ({})", vault.name, ty.title());
            cx.output.record(Level::Info, "vault·create", message);
        }
        Ok(Ending::SUCCESS)
    }
}
