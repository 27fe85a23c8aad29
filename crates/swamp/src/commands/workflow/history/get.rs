//! `swamp workflow history get`

use serde_json::Value;
use swamp_ident::Status;
use swamp_store::{RunRecord, RunStore};
use swamp_workflow::{load, record_view};

use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::ending::{CommandError, CommandResult, Ending};
use crate::output::{Paint, Stream};
use crate::progress::duration;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The workflow
    #[arg(value_name = "workflow_id_or_name")]
    workflow: String,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let repository = cx.repository(&self.repo)?;
        let workflow = load(&repository, &self.workflow)?.workflow;
        let record = RunStore::new(repository.paths().clone()).latest(&workflow.id)?;
        let record = record.ok_or_else(|| {
            CommandError::user(format!(
                "Workflow run not found: no runs for workflow: {}",
                workflow.name
            ))
        })?;
        let path = repository.paths().run_record(&record.workflow_id, &record.id);
        if cx.output.is_json() {
            cx.output.document(&record_view(&record, &path));
            return Ok(Ending::SUCCESS);
        }
        let view = record_view(&record, &path);
        lines(cx.output.paint(Stream::Out), &record, &view)
            .iter()
            .for_each(|line| cx.output.line(line));
        cx.output.line(format!("Saved to: {}", path.display()));
        Ok(Ending::SUCCESS)
    }
}

fn lines(paint: Paint, record: &RunRecord, view: &Value) -> Vec<String> {
    let took = |value: &Value| {
        value["duration"]
            .as_u64()
            .map_or_else(String::new, |ms| format!("  {}", duration::show(ms)))
    };
    let mut lines =
        vec![format!("{}  run {}", paint.bold(record.workflow_name.as_str()), record.id)];
    for (job, job_view) in record.jobs.iter().zip(view["jobs"].as_array().into_iter().flatten()) {
        lines.push(format!("  {} {}{}", sign(paint, job.status), job.job_name, took(job_view)));
        let views = job_view["steps"].as_array().into_iter().flatten();
        for (step, step_view) in job.steps.iter().zip(views) {
            let allowed = if step.allowed_failure { " (allowed)" } else { "" };
            let sign = sign(paint, step.status);
            lines.push(format!("    {sign} {}{}{allowed}", step.step_name, took(step_view)));
            if let Some(error) = &step.error {
                lines.push(format!("      {}", error.replace('\n', "\n      ")));
            }
        }
    }
    lines.push(format!("{} {}{}", sign(paint, record.status), record.status, took(view)));
    lines
}

fn sign(paint: Paint, status: Status) -> String {
    match status {
        Status::Pending => paint.dim("○"),
        Status::Running => paint.cyan("◐"),
        Status::Succeeded => paint.green("✓"),
        Status::Failed => paint.red("✗"),
        Status::Skipped => paint.dim("⊘"),
        Status::Cancelled => paint.yellow("■"),
    }
}
