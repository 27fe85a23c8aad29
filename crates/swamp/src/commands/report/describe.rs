//! `swamp report describe`

use serde_json::json;

use crate::cx::Cx;
use crate::ending::{CommandError, CommandResult, Ending};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The report
    #[arg(value_name = "report_name")]
    report: String,
}

/// A report that this program makes.
pub(super) struct Known {
    pub(super) name: &'static str,
    scope: &'static str,
    description: &'static str,
    pub(super) labels: &'static [&'static str],
}

/// Every report that this program makes.
pub(super) const KNOWN: [Known; 2] = [
    Known {
        name: "@swamp/method-summary",
        scope: "method",
        description: "What one method run was given and what it stored",
        labels: &["summary"],
    },
    Known {
        name: "@swamp/workflow-summary",
        scope: "workflow",
        description: "How each step of a workflow run ended and where its data is",
        labels: &["summary"],
    },
];

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let known = KNOWN
            .iter()
            .find(|known| known.name == self.report)
            .ok_or_else(|| CommandError::user(format!("Report not found: {}", self.report)))?;
        if cx.output.is_json() {
            cx.output.document(&json!({
                "name": known.name,
                "description": known.description,
                "scope": known.scope,
                "labels": known.labels,
            }));
        } else {
            cx.output.line(format!("Report: {}", known.name));
            cx.output.line(format!("Description: {}", known.description));
            cx.output.line(format!("Scope: {}", known.scope));
            cx.output.line(format!("Labels: {}", known.labels.join(", ")));
        }
        Ok(Ending::SUCCESS)
    }
}
