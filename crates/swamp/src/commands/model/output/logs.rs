//! `swamp model output logs`

use serde_json::json;

use super::data;
use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::ending::{CommandError, CommandResult, Ending};
use crate::{runs_of_methods, tail};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The run's id or the beginning of it
    #[arg(value_name = "output_id")]
    output: String,
    /// Only the last lines; 0 for all
    #[arg(long, value_name = "n", default_value_t = 0)]
    tail: usize,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let repository = cx.repository(&self.repo)?;
        let output = runs_of_methods::by_id(&repository, &self.output)?;
        let record = &output.record;
        // What a type calls a log is data tagged so, or a file whose specification is named so.
        let logs = record.artifacts.iter().filter(|artifact| {
            let tag = |key: &str| artifact.tags.get(key).map(String::as_str);
            tag("type") == Some("log")
                || (tag("type") == Some("file") && tag("specName") == Some("log"))
        });
        let mut names = Vec::new();
        let mut lines = Vec::new();
        for artifact in logs {
            let text = data::version(&repository, &output, artifact, None)?.text()?;
            lines.extend(text.lines().map(str::to_owned));
            names.push(json!({"name": artifact.name, "version": artifact.version}));
        }
        if names.is_empty() {
            return Err(CommandError::user(format!(
                "Log artifacts not found: Output {} has no log artifacts. Status: {}, Method: {}",
                record.id, record.status, record.method_name
            )));
        }
        let total = lines.len();
        let lines = tail::last(lines, self.tail);
        if cx.output.is_json() {
            cx.output.document(&json!({
                "outputId": record.id,
                "methodName": record.method_name,
                "logArtifacts": names,
                "lines": lines,
                "totalLines": total,
                "showingLines": lines.len(),
            }));
        } else {
            for line in &lines {
                cx.output.line(line);
            }
        }
        Ok(Ending::SUCCESS)
    }
}
