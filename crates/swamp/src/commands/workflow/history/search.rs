//! `swamp workflow history search`

use serde_json::Value;

use crate::arguments::RepoArgs;
use crate::commands::workflow::run::{search, summary};
use crate::cx::Cx;
use crate::ending::{CommandResult, Ending};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Part of a workflow's name, a run's id or a status
    #[arg(value_name = "query")]
    query: Option<String>,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let repository = cx.repository(&self.repo)?;
        let query = self.query.unwrap_or_default();
        let runs = search::all(cx, &repository)?;
        let results: Vec<Value> =
            runs.iter().filter(|run| search::matches(run, &query)).map(summary).collect();
        search::show(cx, &query, &results);
        Ok(Ending::SUCCESS)
    }
}
