//! `swamp workflow run`

pub(super) mod search;

use std::num::NonZeroUsize;

use clap::Subcommand;
use serde_json::{Value, json};
use swamp_ident::{DriverName, Status};
use swamp_workflow::{Limits, RunOutcome, RunRequest, Runner, WorkflowError};

use crate::arguments::{CheckArgs, ExecutionArgs, InputArgs, RepoArgs, ReportArgs, TagArgs};
use crate::conduct::{Conduct, View};
use crate::cx::Cx;
use crate::ending::{CommandError, CommandResult, Ending};
use crate::output::Level;
use crate::{engine, exit_code, times};

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Subcommands>,
    /// The workflow
    #[arg(value_name = "workflow_id_or_name", required = true)]
    workflow: Option<String>,
    #[command(flatten)]
    inputs: InputArgs,
    #[command(flatten)]
    execution: ExecutionArgs,
    #[command(flatten)]
    tags: TagArgs,
    #[command(flatten)]
    checks: CheckArgs,
    #[command(flatten)]
    reports: ReportArgs,
    #[command(flatten)]
    repo: RepoArgs,
}

#[derive(Debug, Subcommand)]
enum Subcommands {
    /// List runs
    #[command(alias = "list")]
    Search(search::Args),
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        if let Some(Subcommands::Search(args)) = self.command {
            return args.run(cx);
        }
        let repository = cx.repository(&self.repo)?;
        let most = cx.environment.get("SWAMP_MAX_CONCURRENT_STEPS");
        let request = RunRequest {
            inputs: self.inputs.read(cx)?,
            last_evaluated: self.execution.last_evaluated,
            tags: self.tags.read()?,
            driver: self.execution.driver.as_deref().map(DriverName::new),
            reports: self.reports.into(),
            checks: self.checks.into(),
            timeout: self.execution.timeout.as_deref().map(times::timeout).transpose()?,
            keep_reports: cx.output.is_json(),
            ..RunRequest::new(self.workflow.unwrap_or_default(), limits(most.as_deref()))
        };
        let conduct = Conduct::prepare(cx, View::of_workflow(cx), None)?;
        let engine = engine::with_cancel(cx, repository, conduct.cancel().clone());
        let result = Runner::new(&engine).run(&request, &conduct.emitter());
        let stopped = conduct.finish();
        match result {
            Ok(outcome) => {
                if cx.output.is_json() {
                    cx.output.document(&outcome);
                } else {
                    hints(cx, &outcome);
                }
                Ok(ending(&outcome))
            }
            Err(error) => {
                let mut own = failure(&error);
                if let Some(cause) = stopped {
                    own.exit = exit_code::of_cause(cause);
                }
                Err(own)
            }
        }
    }
}

/// `most` is the value of `SWAMP_MAX_CONCURRENT_STEPS`.
fn limits(most: Option<&str>) -> Limits {
    let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    Limits::new(most.and_then(Limits::maximum_from_text), cores)
}

/// A failed run is a result; its exit code says so. Telemetry takes the cause from the events.
fn ending(outcome: &RunOutcome) -> Ending {
    let exit = match (outcome.status(), outcome.cancelled()) {
        (Status::Succeeded, _) => exit_code::SUCCESS,
        (_, Some(cause)) => exit_code::of_cause(cause),
        _ => exit_code::FAILURE,
    };
    Ending { exit, failure: outcome.error().cloned() }
}

fn failure(error: &WorkflowError) -> CommandError {
    let mut failure = error.failure();
    failure.message = error.as_execution_failure();
    CommandError::from(failure).with_code(error.code())
}

/// Says where to look next.
fn hints(cx: &Cx<'_>, outcome: &RunOutcome) {
    let category = "workflow·run";
    let name = &outcome.run().workflow;
    let say = |text: String| cx.output.record(Level::Info, category, text);
    say(format!("Data: swamp data list --workflow \"{name}\""));
    if let Some(spool) = cx.recorder.spool() {
        say(format!("What each method did: {}", spool.display()));
        say("Counts and durations: swamp telemetry stats".to_owned());
    }
}

/// A run as `{runId, …}` for listings.
pub(super) fn summary(run: &swamp_store::RunSummary) -> Value {
    let mut entry = json!({
        "runId": run.id,
        "workflowId": run.workflow_id,
        "workflowName": run.workflow_name,
        "status": run.status.as_str(),
    });
    if let Some(started) = run.started_at {
        entry["startedAt"] = json!(started);
    }
    if let Some(completed) = run.completed_at {
        entry["completedAt"] = json!(completed);
    }
    if let (Some(started), Some(completed)) = (run.started_at, run.completed_at) {
        entry["duration"] = json!((completed.as_millis() - started.as_millis()).max(0));
    }
    if !run.tags.is_empty() {
        entry["tags"] = json!(run.tags);
    }
    entry
}
