//! `swamp data gc`

use serde_json::{Value, json};
use swamp_store::{DataStore, GcPlan, GcReport};

use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::ending::{CommandResult, Ending};
use crate::listing;
use crate::output::Level;

const CATEGORY: &str = "data·gc";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only say what would go
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    force: bool,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let repository = cx.repository(&self.repo)?;
        let data = DataStore::new(repository.paths().clone());
        let mut notice = |notice| cx.tell_lock(&notice);
        let _lock = if self.dry_run {
            None
        } else {
            Some(repository.locks(cx.lock_owner()).global(&mut notice, &|| false)?)
        };
        let plan = data.plan_collection(cx.clock.now().wall)?;
        listing::warn_of(cx, &plan.warnings);
        if cx.output.is_json() {
            let report = if self.dry_run { plan.totals() } else { data.collect(&plan)? };
            cx.output.document(&document(&plan, report, self.dry_run));
            return Ok(Ending::SUCCESS);
        }
        let say = |text: String| cx.output.record(Level::Info, CATEGORY, text);
        if plan.is_empty() {
            say("Nothing to clean up.".to_owned());
            return Ok(Ending::SUCCESS);
        }
        if self.dry_run || !self.force {
            say(format!("Would delete {}", counted(plan.totals())));
        }
        if self.dry_run {
            return Ok(Ending::SUCCESS);
        }
        if !self.force && !cx.output.confirm("Proceed with garbage collection?") {
            say("GC cancelled.".to_owned());
            return Ok(Ending::SUCCESS);
        }
        say(format!("Deleted {}", counted(data.collect(&plan)?)));
        Ok(Ending::SUCCESS)
    }
}

fn counted(report: GcReport) -> String {
    format!("{} expired item(s), {} version(s) in all", report.items, report.versions)
}

fn document(plan: &GcPlan, report: GcReport, dry_run: bool) -> Value {
    let expired = plan.expired.iter().map(|item| {
        json!({
            "type": item.key.model.type_name,
            "modelId": item.key.model.id,
            "dataName": item.key.name,
            "reason": item.reason.as_str(),
            "versionCount": item.versions,
        })
    });
    json!({
        "dataEntriesExpired": report.items,
        "versionsDeleted": report.versions,
        "bytesReclaimed": report.bytes,
        "dryRun": dry_run,
        "expiredEntries": expired.collect::<Vec<_>>(),
        "walPagesTotal": report.wal_pages,
        "walPagesCheckpointed": report.wal_pages_checkpointed,
    })
}
