//! `swamp workflow delete`

use serde_json::json;
use swamp_store::{RunStore, WorkflowOrigin};
use swamp_workflow::load;

use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::ending::{CommandError, CommandResult, Ending};
use crate::output::Level;

const CATEGORY: &str = "workflow·delete";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The workflow
    #[arg(value_name = "workflow_id_or_name")]
    workflow: String,
    /// Do not ask
    #[arg(short, long)]
    force: bool,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let repository = cx.repository(&self.repo)?;
        let loaded = load(&repository, &self.workflow)?;
        let (id, name) = (&loaded.workflow.id, &loaded.workflow.name);
        if loaded.file.origin == WorkflowOrigin::Extension {
            return Err(CommandError::user(format!(
                "Cannot delete extension workflow '{name}': extension workflows are read-only."
            ))
            .with_hint(format!("Delete {} yourself.", loaded.file.path.display())));
        }
        let runs = RunStore::new(repository.paths().clone());
        if !self.force && !cx.output.is_json() {
            let also = match runs.list(id)?.runs.len() {
                0 => String::new(),
                1 => " This will also delete 1 run.".to_owned(),
                count => format!(" This will also delete {count} runs."),
            };
            if !cx.output.confirm(&format!("Delete workflow '{name}' ({id})?{also}")) {
                cx.output.record(Level::Warning, CATEGORY, "Deletion cancelled.");
                return Ok(Ending::SUCCESS);
            }
        }
        let mut notice = |notice| cx.tell_lock(&notice);
        let _lock = repository.locks(cx.lock_owner()).global(&mut notice, &|| false)?;
        let runs_deleted = runs.delete_all(id)?;
        let files = repository.workflow_files();
        files.delete_evaluated(id)?;
        files.delete(&loaded.file)?;
        if cx.output.is_json() {
            cx.output.document(&json!({
                "deleted": {"id": id, "name": name, "workflowPath": loaded.file.path},
                "runsDeleted": runs_deleted,
            }));
        } else {
            cx.output.record(Level::Info, CATEGORY, format!("Deleted workflow \"{name}\""));
            if runs_deleted > 0 {
                cx.output.record(Level::Info, CATEGORY, format!("Runs deleted: {runs_deleted}"));
            }
        }
        Ok(Ending::SUCCESS)
    }
}
