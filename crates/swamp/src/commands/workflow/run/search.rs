//! `swamp workflow run search`

use std::collections::HashSet;

use serde_json::{Value, json};
use swamp_store::{Repository, RunStore, RunSummary};
use swamp_workflow::load_all;

use super::summary;
use crate::arguments::{RepoArgs, TagArgs};
use crate::cx::Cx;
use crate::ending::{CommandError, CommandResult, Ending};
use crate::{listing, times};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Part of a workflow's name, a run's id or a status
    #[arg(value_name = "query")]
    query: Option<String>,
    /// Only runs younger than this: 1h, 7d, 1w, 1mo
    #[arg(long, value_name = "duration")]
    since: Option<String>,
    /// Only runs with this status
    #[arg(long, value_name = "status")]
    status: Option<String>,
    /// Only runs of this workflow
    #[arg(long, value_name = "name")]
    workflow: Option<String>,
    #[command(flatten)]
    tags: TagArgs,
    /// Show at most so many
    #[arg(long, value_name = "n", default_value_t = 50)]
    limit: usize,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let repository = cx.repository(&self.repo)?;
        let since = self
            .since
            .as_deref()
            .map(|text| times::since(text, cx.clock.now().wall))
            .transpose()?;
        let tags = self.tags.read()?;
        let is = |wanted: &Option<String>, value: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(value))
        };
        let query = self.query.unwrap_or_default();
        let runs = all(cx, &repository)?;
        let results: Vec<Value> = runs
            .iter()
            .filter(|run| {
                since.is_none_or(|since| run.started_at.is_some_and(|started| started >= since))
                    && is(&self.status, run.status.as_str())
                    && is(&self.workflow, run.workflow_name.as_str())
                    && tags.iter().all(|(key, value)| run.tags.get(key) == Some(value))
                    && matches(run, &query)
            })
            .take(self.limit)
            .map(summary)
            .collect();
        show(cx, &query, &results);
        Ok(Ending::SUCCESS)
    }
}

/// The runs of all workflows there still are, newest first.
pub(in crate::commands::workflow) fn all(
    cx: &Cx<'_>,
    repository: &Repository,
) -> Result<Vec<RunSummary>, CommandError> {
    let (workflows, _) = load_all(repository)?;
    let known: HashSet<_> = workflows.into_iter().map(|loaded| loaded.workflow.id).collect();
    let mut listing = RunStore::new(repository.paths().clone()).list_all()?;
    listing::warn_of_broken(cx, &listing.broken);
    listing.runs.retain(|run| known.contains(&run.workflow_id));
    Ok(listing.runs)
}

/// Whether a run is meant by a query.
pub(in crate::commands::workflow) fn matches(run: &RunSummary, query: &str) -> bool {
    let texts = [run.workflow_name.as_str(), run.id.as_str(), run.status.as_str()];
    listing::matches(query, texts)
}

/// Shows a listing of runs.
pub(in crate::commands::workflow) fn show(cx: &Cx<'_>, query: &str, results: &[Value]) {
    let document = json!({"query": query, "results": results});
    let columns = [
        ("STARTED", "startedAt"),
        ("WORKFLOW", "workflowName"),
        ("STATUS", "status"),
        ("MS", "duration"),
        ("RUN", "runId"),
    ];
    listing::show(cx, &document, &columns);
}
