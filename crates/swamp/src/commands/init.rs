//! `swamp init`, also `swamp repo init` and plain `swamp repo`

use std::path::PathBuf;

use swamp_store::{InitOptions, ToolSelection};

use super::VERSION;
use crate::cx::Cx;
use crate::ending::{CommandError, CommandResult, Ending};
use crate::output::Level;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The directory; made when it does not exist [default: the working directory]
    #[arg(value_name = "path")]
    path: Option<PathBuf>,
    /// Start over if this is a repository already
    #[arg(short, long)]
    force: bool,
    #[command(flatten)]
    tools: ToolArgs,
}

/// Which AI tools are enrolled.
#[derive(Debug, clap::Args)]
pub(crate) struct ToolArgs {
    /// An AI tool to enrol: claude, cursor, opencode, codex, copilot, kiro, or none; may be repeated
    #[arg(short, long = "tool", value_name = "tool")]
    tools: Vec<String>,
}

impl ToolArgs {
    /// The tools that were named; `None` if none were.
    pub(crate) fn selection(&self) -> Result<Option<ToolSelection>, CommandError> {
        if self.tools.is_empty() {
            return Ok(None);
        }
        let names: Vec<&str> = self.tools.iter().map(String::as_str).collect();
        Ok(Some(ToolSelection::parse(&names)?))
    }
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let path = match self.path {
            Some(path) => cx.cwd()?.join(path),
            None => cx.cwd()?,
        };
        let tools = self.tools.selection()?.unwrap_or_default();
        let options = InitOptions { force: self.force, tools, version: VERSION };
        let report = swamp_store::init(&path, &options, &*cx.clock, &*cx.ids)?;
        if cx.output.is_json() {
            cx.output.document(&report.to_json());
            return Ok(Ending::SUCCESS);
        }
        let place = report.path.display();
        let message = format!("Initialized swamp repository in {place}");
        cx.output.record(Level::Info, "repo·init", message);
        Ok(Ending::SUCCESS)
    }
}
