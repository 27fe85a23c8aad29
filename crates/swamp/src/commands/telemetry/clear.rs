//! `swamp telemetry clear`

use std::time::{Duration, Instant};

use serde_json::json;
use swamp_telemetry::{clear, status};

use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::delivery;
use crate::ending::{CommandError, CommandResult, Ending};
use crate::output::Level;

const CATEGORY: &str = "telemetry·clear";

/// How long to wait for somebody who is sending.
const PATIENCE: Duration = Duration::from_secs(15);

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Do not ask
    #[arg(short, long, visible_short_alias = 'y', visible_alias = "yes")]
    force: bool,
    /// Forget the counts of what was sent and removed before, too
    #[arg(long)]
    statistics: bool,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let setup = delivery::setup(cx, &self.repo)?;
        let refused = |error: swamp_telemetry::SpoolError| CommandError::user(error.to_string());
        let Some(spool) = setup.spool.as_deref() else {
            return Err(CommandError::user("There is no place for telemetry here."));
        };
        if !self.force && cx.output.is_json() {
            let message = "With --json nobody can be asked whether to remove telemetry entries.";
            return Err(CommandError::user(message).with_hint("Add --force."));
        }
        if !self.force {
            let now = status(spool).map_err(refused)?;
            let entries = now.waiting + now.kept + now.set_aside;
            let also = if self.statistics { " and all statistics" } else { "" };
            let question = format!(
                "About to remove {entries} telemetry entries{also} from {}. Proceed?",
                spool.display()
            );
            if !cx.output.confirm(&question) {
                cx.output.record(Level::Info, CATEGORY, "Cancelled.");
                return Ok(Ending::SUCCESS);
            }
        }
        let (until, now) = (Instant::now() + PATIENCE, cx.clock.now().wall);
        let cleared = clear(spool, self.statistics, until, now).map_err(refused)?;
        let Some(cleared) = cleared else {
            let message = "Another process is sending these entries; try again when it has ended.";
            return Err(CommandError::user(message));
        };
        if cx.output.is_json() {
            cx.output.document(&json!({
                "entries": cleared.entries,
                "setAside": cleared.set_aside,
                "statistics": cleared.rollup,
            }));
        } else {
            let aside = match cleared.set_aside {
                0 => String::new(),
                number => format!(" and {number} that were set aside"),
            };
            let text = format!("Removed {} entries{aside}", cleared.entries);
            cx.output.record(Level::Info, CATEGORY, text);
        }
        Ok(Ending::SUCCESS)
    }
}
