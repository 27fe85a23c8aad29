//! `swamp collector import`

use std::path::PathBuf;

use swamp_collector::import::import;
use swamp_collector::keys::DEFAULT_PROJECT;

use super::{StoreArgs, now};
use crate::cx::Cx;
use crate::ending::{CommandResult, Ending};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    store: StoreArgs,
    /// The project
    #[arg(long, value_name = "name", default_value = DEFAULT_PROJECT)]
    project: String,
    /// A file of entries or events, or a directory of such files
    path: PathBuf,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let store = self.store.open(cx)?;
        let project = store.project(&self.project)?.number;
        let imported = import(&*store, project, &self.path, now(cx))?;
        store.close()?;
        if cx.output.is_json() {
            cx.output.document(&imported);
        } else {
            cx.output.line(format!(
                "{} event(s) from {} file(s) stored; {} were there already, {} could not be read",
                imported.stored, imported.files, imported.duplicates, imported.unreadable
            ));
        }
        Ok(Ending::SUCCESS)
    }
}
