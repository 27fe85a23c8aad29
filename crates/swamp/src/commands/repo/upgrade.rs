//! `swamp repo upgrade`

use std::path::PathBuf;

use swamp_store::UpgradeOptions;

use crate::commands::VERSION;
use crate::commands::init::ToolArgs;
use crate::cx::Cx;
use crate::ending::{CommandResult, Ending};
use crate::output::Level;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The repository [default: the working directory]
    #[arg(value_name = "path")]
    path: Option<PathBuf>,
    #[command(flatten)]
    tools: ToolArgs,
    /// Keep swamp's section of .gitignore up to date from now on
    #[arg(long)]
    include_gitignore: bool,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let path = match self.path {
            Some(path) => cx.cwd()?.join(path),
            None => cx.cwd()?,
        };
        let options = UpgradeOptions {
            tools: self.tools.selection()?,
            include_gitignore: self.include_gitignore,
            version: VERSION,
        };
        let report = swamp_store::upgrade(&path, &options, &*cx.clock)?;
        if cx.output.is_json() {
            cx.output.document(&report.to_json());
        } else {
            let message = format!("Upgraded {} to {VERSION}", report.path.display());
            cx.output.record(Level::Info, "repo·upgrade", message);
        }
        Ok(Ending::SUCCESS)
    }
}
