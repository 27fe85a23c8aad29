//! `swamp workflow history logs`

use serde_json::json;
use swamp_ident::{RunId, WorkflowName};
use swamp_store::{Lookup, Repository, RunStore};
use swamp_workflow::{WorkflowError, load};

use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::ending::{CommandError, CommandResult, Ending};
use crate::tail;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The run's id or the beginning of it, or a workflow for its latest run
    #[arg(value_name = "run_id_or_workflow")]
    run: String,
    /// Only the last lines; 0 for all
    #[arg(long, value_name = "n", default_value_t = 0)]
    tail: usize,
    #[command(flatten)]
    repo: RepoArgs,
}

struct Found {
    id: RunId,
    workflow: WorkflowName,
    log: Option<String>,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let repository = cx.repository(&self.repo)?;
        let Found { id, workflow, log } = find(&repository, &self.run)?;
        let Some(path) = log else {
            if cx.output.is_json() {
                let error = "This run has no log file";
                cx.output.document(&json!({"runId": id, "workflowName": workflow, "error": error}));
            } else {
                cx.output.line(format!("The run {id} has no log file."));
            }
            return Ok(Ending::SUCCESS);
        };
        let text = std::fs::read_to_string(repository.root().join(&path)).unwrap_or_default();
        let lines = tail::last(text.lines().collect(), self.tail);
        if cx.output.is_json() {
            cx.output.document(&if lines.is_empty() {
                json!({
                    "runId": id,
                    "workflowName": workflow,
                    "path": path,
                    "lines": lines,
                    "lineCount": 0,
                })
            } else {
                json!({"path": path, "lines": lines, "lineCount": lines.len()})
            });
        } else if lines.is_empty() {
            cx.output.line(format!("Log file not found or empty: {path}"));
        } else {
            for line in &lines {
                cx.output.line(line);
            }
        }
        Ok(Ending::SUCCESS)
    }
}

fn find(repository: &Repository, text: &str) -> Result<Found, CommandError> {
    let runs = RunStore::new(repository.paths().clone());
    match runs.find(text)? {
        Lookup::One(run) => {
            return Ok(Found { id: run.id, workflow: run.workflow_name, log: run.log_file });
        }
        Lookup::Ambiguous(ids) => {
            return Err(CommandError::user(format!(
                "Ambiguous ID prefix \"{text}\" matches:\n  {}",
                ids.join("\n  ")
            )));
        }
        Lookup::None => {}
    }
    let workflow = load(repository, text).map_err(|error| match error {
        WorkflowError::NotFound(_) => {
            CommandError::user(format!("No workflow run or workflow found: {text}"))
        }
        other => other.into(),
    })?;
    let workflow = workflow.workflow;
    let run = runs.latest(&workflow.id)?.ok_or_else(|| {
        CommandError::user(format!("Run not found: for workflow: {}", workflow.name))
    })?;
    Ok(Found { id: run.id, workflow: run.workflow_name, log: run.log_file })
}
