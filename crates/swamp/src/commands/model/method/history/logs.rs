//! `swamp model method history logs`

use serde_json::json;

use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::ending::{CommandResult, Ending};
use crate::{runs_of_methods, tail};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The run's id or the beginning of it, or a model for its latest run
    #[arg(value_name = "output_or_model")]
    run: String,
    /// Only the last lines; 0 for all
    #[arg(long, value_name = "n", default_value_t = 0)]
    tail: usize,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let repository = cx.repository(&self.repo)?;
        let output = runs_of_methods::find(
            &repository,
            &self.run,
            "No method run or model found",
            "Run not found: for model",
        )?;
        let record = &output.record;
        let Some(path) = &record.log_file else {
            if cx.output.is_json() {
                cx.output.document(&json!({
                    "outputId": record.id,
                    "methodName": record.method_name,
                    "error": "This run has no log file",
                }));
            } else {
                cx.output.line(format!("The run {} has no log file.", record.id));
            }
            return Ok(Ending::SUCCESS);
        };
        let text = std::fs::read_to_string(repository.root().join(path)).unwrap_or_default();
        let lines = tail::last(text.lines().collect(), self.tail);
        if cx.output.is_json() {
            let mut document = json!({"path": path, "lines": lines, "lineCount": lines.len()});
            if lines.is_empty() {
                document["outputId"] = json!(record.id);
                document["methodName"] = json!(record.method_name);
            }
            cx.output.document(&document);
        } else if lines.is_empty() {
            cx.output.line(format!("Log file not found or empty: {path}"));
        } else {
            for line in &lines {
                cx.output.line(line);
            }
        }
        Ok(Ending::SUCCESS)
    }
}
