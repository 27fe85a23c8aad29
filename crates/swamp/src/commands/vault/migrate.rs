//! `swamp vault migrate`

use serde_json::json;
use swamp_vault::VaultType;

use super::{settings, vaults};
use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::ending::{CommandResult, Ending};
use crate::output::Level;

const CATEGORY: &str = "vault·migrate";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The vault
    #[arg(value_name = "vault_name")]
    vault: String,
    /// The type it gets
    #[arg(long, value_name = "type")]
    to_type: String,
    /// The settings of that type, as JSON
    #[arg(long, value_name = "json")]
    config: Option<String>,
    /// Do not ask
    #[arg(short, long, visible_short_alias = 'y')]
    force: bool,
    /// Only tell what would be done
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let repository = cx.repository(&self.repo)?;
        let vaults = vaults(cx, &self.repo)?;
        let to = VaultType::parse_creatable(&self.to_type)?;
        let config = settings(self.config.as_deref())?;
        let mut notice = |notice| cx.tell_lock(&notice);
        let lock = repository.locks(cx.lock_owner());
        let lock = (!self.dry_run).then(|| lock.global(&mut notice, &|| false)).transpose()?;
        let vault = vaults.find(&self.vault)?;
        let now = cx.clock.now().wall;
        let plan = vaults.plan_migration(&vault, to, config.clone(), now)?;
        let (name, from) = (&vault.name, plan.from);
        let record = |message: String| cx.output.record(Level::Info, CATEGORY, message);
        if self.dry_run {
            if cx.output.is_json() {
                cx.output.document(&json!({
                    "dryRun": true,
                    "vaultName": name,
                    "currentType": from.as_str(),
                    "currentTypeName": from.title(),
                    "targetType": to.as_str(),
                    "targetTypeName": to.title(),
                    "secretCount": plan.secrets,
                }));
            } else {
                record(format!(
                    "Vault \"{name}\" ({}) has {} secret(s)",
                    from.title(),
                    plan.secrets
                ));
                record(format!("Target: {} ({})", to.title(), to.as_str()));
                record("Dry run: nothing was changed".to_owned());
            }
            return Ok(Ending::SUCCESS);
        }
        if !self.force && !cx.output.is_json() {
            let (count, from, to) = (plan.secrets, from.as_str(), to.as_str());
            let question =
                format!("Move vault '{name}' with {count} secret(s) from {from} to {to}?");
            if !cx.output.confirm(&question) {
                record("Cancelled.".to_owned());
                return Ok(Ending::SUCCESS);
            }
        }
        let mut on_copy = |number: usize, of: usize, key: &str| {
            record(format!("Copying secret {number}/{of}: {key}"));
        };
        let done = vaults.migrate(&vault, to, config, now, &mut on_copy)?;
        drop(lock);
        if cx.output.is_json() {
            cx.output.document(&json!({
                "vaultName": name,
                "previousType": from.as_str(),
                "newType": to.as_str(),
                "newTypeName": to.title(),
                "secretsMigrated": done.secrets,
                "timestamp": cx.clock.now().wall,
            }));
        } else {
            let (from, to) = (from.as_str(), to.as_str());
            record(format!(
                "Moved vault \"{name}\" from {from} to {to}: {} secret(s)",
                done.secrets
            ));
            record(format!(
                "The secrets are still in the {from} vault too: remove them when all is well"
            ));
        }
        Ok(Ending::SUCCESS)
    }
}
