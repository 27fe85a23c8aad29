//! `swamp version`

use serde_json::json;

use crate::cx::Cx;
use crate::ending::{CommandResult, Ending};

/// The program's version.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        if cx.output.is_json() {
            cx.output.document(&json!({"version": VERSION}));
        } else {
            cx.output.line(format!("swamp {VERSION}"));
        }
        Ok(Ending::SUCCESS)
    }
}
