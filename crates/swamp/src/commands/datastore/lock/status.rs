//! `swamp datastore lock status`

use serde_json::Value;
use swamp_store::LockInfo;

use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::ending::{CommandResult, Ending};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let repository = cx.repository(&self.repo)?;
        let locks = repository.locks(cx.lock_owner());
        let models = locks.model_status()?;
        let global = locks.global_status()?;
        if cx.output.is_json() {
            let global = global.as_ref().map_or(Value::Null, LockInfo::to_json);
            // One lock is an object, several are a list with that of structural commands at its end.
            let document = if models.is_empty() {
                global
            } else {
                let mut list: Vec<Value> = models.iter().map(|(_, info)| info.to_json()).collect();
                list.push(global);
                Value::Array(list)
            };
            cx.output.document(&document);
            return Ok(Ending::SUCCESS);
        }
        for (key, info) in &models {
            cx.output.line(format!("Lock: held [{}/{}]", key.type_name, key.id));
            lines(cx, info);
        }
        match &global {
            Some(info) => {
                cx.output.line("Lock: held [structural commands]");
                lines(cx, info);
            }
            None if models.is_empty() => cx.output.line("No lock is held."),
            None => {}
        }
        Ok(Ending::SUCCESS)
    }
}

fn lines(cx: &Cx<'_>, info: &LockInfo) {
    cx.output.line(format!("  Holder: {} (pid {} on {})", info.holder, info.pid, info.hostname));
    cx.output.line(format!("  Since: {}, for {}ms", info.acquired_at, info.ttl_ms));
}
