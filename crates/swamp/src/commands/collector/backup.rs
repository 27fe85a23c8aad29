//! `swamp collector backup`

use std::path::PathBuf;

use serde_json::json;
use swamp_collector::store::backup;

use super::StoreArgs;
use crate::cx::Cx;
use crate::ending::{CommandError, CommandResult, Ending};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    store: StoreArgs,
    /// The file to write; name it collector.db in a directory of its own to serve from it
    file: PathBuf,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        if self.store.address(cx).is_some() {
            return Err(CommandError::user("A ClickHouse is not copied into a file.").with_hint(
                "Use its own means: BACKUP DATABASE, or ALTER TABLE … FREEZE on old versions",
            ));
        }
        backup(&self.store.directory(cx)?, &self.file)?;
        if cx.output.is_json() {
            cx.output.document(&json!({ "file": self.file }));
        } else {
            cx.output.line(format!("Copied the store to {}", self.file.display()));
        }
        Ok(Ending::SUCCESS)
    }
}
