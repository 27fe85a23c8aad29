//! `swamp datastore lock release`

use serde_json::json;
use swamp_ident::{DefinitionId, TypeName};
use swamp_store::{LockInfo, ModelKey};

use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::ending::{CommandError, CommandResult, Ending};
use crate::output::Level;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Yes, although its owner may still be at work
    #[arg(long, required = true)]
    force: bool,
    /// The lock of a model instead of that of structural commands
    #[arg(long, value_name = "type/id")]
    model: Option<String>,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let repository = cx.repository(&self.repo)?;
        let locks = repository.locks(cx.lock_owner());
        let released = match &self.model {
            None => locks.force_release_global()?,
            Some(model) => locks.force_release_model(&key(model)?)?,
        };
        if cx.output.is_json() {
            cx.output.document(&match &released {
                Some(info) => json!({"released": true, "previousHolder": LockInfo::to_json(info)}),
                None => json!({"released": false, "reason": "no lock held"}),
            });
        } else {
            let message = match &released {
                Some(info) => format!("Released the lock of {} (pid {})", info.holder, info.pid),
                None => "No lock is held".to_owned(),
            };
            cx.output.record(Level::Info, "datastore·lock", message);
        }
        Ok(Ending::SUCCESS)
    }
}

fn key(text: &str) -> Result<ModelKey, CommandError> {
    let (type_name, id) = text.rsplit_once('/').ok_or_else(|| {
        CommandError::usage(format!("\"{text}\" names no model: expected <type>/<id>"))
    })?;
    Ok(ModelKey { type_name: TypeName::normalised(type_name), id: DefinitionId::new(id) })
}
