//! `swamp telemetry stats`

use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::ending::{CommandResult, Ending};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many days to look back
    #[arg(long, value_name = "n", default_value_t = 2.0, allow_negative_numbers = true)]
    days: f64,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let _ = (self.days, self.repo, cx);
        Ok(Ending::SUCCESS)
    }
}
