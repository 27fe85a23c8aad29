//! `swamp report search`

use serde_json::{Value, json};
use swamp_store::DataStore;

use super::describe::KNOWN;
use super::found::{self, Wanted};
use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::ending::{CommandResult, Ending};
use crate::listing;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Part of a report's name or of its model's or workflow's
    #[arg(value_name = "query")]
    query: Option<String>,
    /// Only reports about this model
    #[arg(long, value_name = "model_id_or_name")]
    model: Option<String>,
    /// Only reports about this workflow
    #[arg(long, value_name = "workflow_id_or_name")]
    workflow: Option<String>,
    /// Only reports with this scope: method, model or workflow
    #[arg(long, value_name = "scope")]
    scope: Option<String>,
    /// Only reports with this label; may be repeated
    #[arg(long = "label", value_name = "label")]
    labels: Vec<String>,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let repository = cx.repository(&self.repo)?;
        let data = DataStore::new(repository.paths().clone());
        let wanted = Wanted { model: self.model.as_deref(), workflow: self.workflow.as_deref() };
        let query = self.query.as_deref().unwrap_or_default();
        let has_labels = |name: &str| {
            let known = KNOWN.iter().find(|known| known.name == name);
            let labels = known.map_or(&[][..], |known| known.labels);
            self.labels.iter().all(|label| labels.contains(&label.as_str()))
        };
        let results: Vec<Value> = found::all(cx, &repository, &data, &wanted)?
            .iter()
            .filter(|report| {
                self.scope.as_deref().is_none_or(|scope| scope == report.scope)
                    && has_labels(&report.name)
                    && listing::matches(query, [report.name.as_str(), &report.owner])
            })
            .map(found::FoundReport::to_json)
            .collect();
        let document = json!({"query": query, "results": results});
        let columns = [
            ("REPORT", "reportName"),
            ("ABOUT", "modelName"),
            ("VERSION", "version"),
            ("CREATED", "createdAt"),
        ];
        listing::show(cx, &document, &columns);
        Ok(Ending::SUCCESS)
    }
}
