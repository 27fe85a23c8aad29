//! `swamp workflow schema get`

use swamp_workflow::json_schema;

use crate::cx::Cx;
use crate::ending::{CommandResult, Ending};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        cx.output.document(&json_schema());
        Ok(Ending::SUCCESS)
    }
}
