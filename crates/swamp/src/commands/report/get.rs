//! `swamp report get`

use serde_json::{Value, json};
use swamp_store::{DataStore, ItemKey};

use super::found::{self, FoundReport, JSON_SUFFIX, Wanted};
use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::ending::{CommandError, CommandResult, Ending};
use crate::output::{Stream, render_markdown};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The report's full name, such as @swamp/method-summary
    #[arg(value_name = "report_name")]
    report: String,
    /// The model it is about
    #[arg(long, value_name = "model_id_or_name")]
    model: Option<String>,
    /// The workflow it is about
    #[arg(long, value_name = "workflow_id_or_name")]
    workflow: Option<String>,
    /// Another version than the newest
    #[arg(long, value_name = "n")]
    version: Option<u64>,
    /// Which of several reports about iterations of a step
    #[arg(long, value_name = "suffix")]
    variant: Option<String>,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let repository = cx.repository(&self.repo)?;
        let data = DataStore::new(repository.paths().clone());
        let wanted = Wanted { model: self.model.as_deref(), workflow: self.workflow.as_deref() };
        let all = found::all(cx, &repository, &data, &wanted)?;
        let mut report = self.choose(all)?;
        if let Some(version) = self.version {
            report.stored = data.version(&report.stored.key, version)?.ok_or_else(|| {
                CommandError::user(format!(
                    "Report not found: \"{}\" version {version}",
                    self.report
                ))
            })?;
        }
        let markdown = report.stored.text()?;
        if cx.output.is_json() {
            let mut document = report.to_json();
            document["markdown"] = json!(markdown);
            document["json"] = json_half(&data, &report)?;
            cx.output.document(&document);
            return Ok(Ending::SUCCESS);
        }
        let paint = cx.output.paint(Stream::Out);
        let metadata = &report.stored.metadata;
        let kind = if report.of_workflow { "Workflow" } else { "Model" };
        let rule = paint.dim(&"─".repeat(60));
        cx.output.line(format!(
            "{rule}\n  {}  |  {kind}: {}  |  Scope: {}  |  v{}  |  {}\n{rule}",
            report.name, report.owner, report.scope, metadata.version, metadata.created_at
        ));
        render_markdown(paint, &markdown).iter().for_each(|line| cx.output.line(line));
        Ok(Ending::SUCCESS)
    }

    fn choose(&self, all: Vec<FoundReport>) -> Result<FoundReport, CommandError> {
        let mut reports: Vec<FoundReport> =
            all.into_iter().filter(|report| report.name == self.report).collect();
        let mut owners: Vec<String> = reports
            .iter()
            .map(|report| {
                let kind = if report.of_workflow { "workflow" } else { "model" };
                format!("{kind}:{}", report.owner)
            })
            .collect();
        owners.sort();
        owners.dedup();
        if owners.len() > 1 {
            return Err(CommandError::user(format!(
                "Report \"{}\" exists in multiple locations: {}. Use --model or --workflow to disambiguate.",
                self.report,
                owners.join(", ")
            )));
        }
        if let Some(variant) = &self.variant {
            reports.retain(|report| report.variant.as_ref() == Some(variant));
        } else if reports.len() > 1 {
            // Without a variant the report about the step itself is meant.
            if reports.iter().any(|report| report.variant.is_none()) {
                reports.retain(|report| report.variant.is_none());
            } else {
                let variants: Vec<&str> =
                    reports.iter().filter_map(|report| report.variant.as_deref()).collect();
                return Err(CommandError::user(format!(
                    "Report \"{}\" has multiple variants: {}. Use --variant to select one.",
                    self.report,
                    variants.join(", ")
                )));
            }
        }
        let report = reports.into_iter().next();
        report.ok_or_else(|| CommandError::user(format!("Report not found: {}", self.report)))
    }
}

/// The half for programs, of the same version; null if it is gone.
fn json_half(data: &DataStore, report: &FoundReport) -> Result<Value, CommandError> {
    let key = &report.stored.key;
    let name = format!("{}{JSON_SUFFIX}", key.name);
    let key = ItemKey { model: key.model.clone(), name: name.as_str().into() };
    let stored = data.version(&key, report.stored.metadata.version)?;
    let text = stored.map(|stored| stored.text()).transpose()?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}
