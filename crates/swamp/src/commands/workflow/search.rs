//! `swamp workflow search`

use serde_json::json;
use swamp_workflow::{BrokenWorkflow, load_all};

use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::ending::{CommandResult, Ending};
use crate::listing;
use crate::output::Level;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Part of a name, an id or a description
    #[arg(value_name = "query")]
    query: Option<String>,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let repository = cx.repository(&self.repo)?;
        let (workflows, broken) = load_all(&repository)?;
        warn_of_broken(cx, &broken);
        let query = self.query.unwrap_or_default();
        let mut results = Vec::new();
        for workflow in workflows.iter().map(|loaded| &loaded.workflow) {
            let description = workflow.description.as_deref().unwrap_or_default();
            let texts = [workflow.name.as_str(), workflow.id.as_str(), description];
            if !listing::matches(&query, texts) {
                continue;
            }
            let mut entry = json!({"id": workflow.id, "name": workflow.name});
            if let Some(description) = &workflow.description {
                entry["description"] = json!(description);
            }
            entry["jobCount"] = json!(workflow.jobs.len());
            results.push(entry);
        }
        let document = json!({"query": query, "results": results});
        let columns =
            [("NAME", "name"), ("JOBS", "jobCount"), ("DESCRIPTION", "description"), ("ID", "id")];
        listing::show(cx, &document, &columns);
        Ok(Ending::SUCCESS)
    }
}

/// Tells of workflow files that were left out because they cannot be used.
pub(super) fn warn_of_broken(cx: &Cx<'_>, broken: &[BrokenWorkflow]) {
    for file in broken {
        cx.output.record(Level::Warning, "workflow", format!("Left out: {}", file.error));
    }
}
