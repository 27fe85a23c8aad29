//! `swamp collector repair`

use std::time::Duration;

use serde_json::json;
use swamp_collector::serve::SETTLED;

use super::{StoreArgs, now};
use crate::cx::Cx;
use crate::ending::{CommandResult, Ending};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    store: StoreArgs,
    /// Leave hours alone in which events arrived less than so many minutes ago; 0 if nobody is writing
    #[arg(long, value_name = "minutes", default_value_t = SETTLED.as_secs() / 60)]
    settled: u64,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let settled = Duration::from_secs(self.settled.saturating_mul(60));
        let hours = self.store.open(cx)?.repair(u32::MAX, settled, now(cx))?;
        if cx.output.is_json() {
            cx.output.document(&json!({ "hours": hours }));
        } else if hours == 0 {
            cx.output.line("Statistics and events agree");
        } else {
            let s = if hours == 1 { "" } else { "s" };
            cx.output.line(format!("Put the statistics of {hours} hour{s} right"));
        }
        Ok(Ending::SUCCESS)
    }
}
