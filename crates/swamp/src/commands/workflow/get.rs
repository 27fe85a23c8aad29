//! `swamp workflow get`

use serde_json::json;
use swamp_workflow::load;

use super::show;
use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::ending::{CommandResult, Ending};

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
        let loaded = load(&repository, &self.workflow)?;
        let workflow = &loaded.workflow;
        let mut document = json!({"id": workflow.id, "name": workflow.name});
        if let Some(description) = &workflow.description {
            document["description"] = json!(description);
        }
        document["version"] = json!(workflow.version);
        document["jobs"] = show::full(workflow);
        document["path"] = json!(loaded.file.path);
        cx.output.document(&document);
        Ok(Ending::SUCCESS)
    }
}
