//! `swamp collector demo`

use serde_json::json;
use swamp_collector::demo::fill;
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
    /// Another number makes another month
    #[arg(long, value_name = "number", default_value_t = 1)]
    seed: u64,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let store = self.store.open(cx)?;
        let project = store.project(&self.project)?.number;
        let stored = fill(&*store, project, self.seed, now(cx))?;
        store.close()?;
        if cx.output.is_json() {
            let data = self.store.address(cx).is_none().then(|| self.store.directory(cx));
            cx.output.document(&json!({ "stored": stored, "data": data.transpose()? }));
        } else {
            cx.output.line(format!("{stored} made-up events of a month stored"));
            let place = match self.store.address(cx) {
                // The address may hold a password.
                Some(_) => "--store <address>".to_owned(),
                None => format!("--data {}", self.store.directory(cx)?.display()),
            };
            cx.output.line(format!("Look at them: swamp collector serve {place}"));
        }
        Ok(Ending::SUCCESS)
    }
}
