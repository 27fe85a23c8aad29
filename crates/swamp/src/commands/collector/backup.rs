//! `swamp collector backup`

use std::path::PathBuf;

use serde_json::json;
use swamp_collector::store::backup;

use super::StoreArgs;
use crate::cx::Cx;
use crate::ending::{CommandResult, Ending};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    store: StoreArgs,
    /// The file to write; name it collector.db in a directory of its own to serve from it
    file: PathBuf,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        backup(&self.store.directory(cx)?, &self.file)?;
        if cx.output.is_json() {
            cx.output.document(&json!({ "file": self.file }));
        } else {
            cx.output.line(format!("Copied the store to {}", self.file.display()));
        }
        Ok(Ending::SUCCESS)
    }
}
