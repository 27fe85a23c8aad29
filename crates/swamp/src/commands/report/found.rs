//! Stored reports.

use std::collections::HashMap;

use serde_json::{Value, json};
use swamp_store::{DataStore, Repository, StoredVersion};
use swamp_workflow::load_all;

use crate::cx::Cx;
use crate::ending::CommandError;
use crate::listing;

/// The JSON half of a report is a data item of its own, named like the report with this at its end.
pub(super) const JSON_SUFFIX: &str = "-json";

/// A stored report: its Markdown half.
pub(super) struct FoundReport {
    /// The newest version.
    pub(super) stored: StoredVersion,
    /// The report's name.
    pub(super) name: String,
    /// What it is about.
    pub(super) scope: String,
    /// The model or workflow it belongs to.
    pub(super) owner: String,
    /// Whether it belongs to a workflow.
    pub(super) of_workflow: bool,
    /// What tells it from reports of the same name about other iterations.
    pub(super) variant: Option<String>,
}

impl FoundReport {
    /// The report as listings show it.
    pub(super) fn to_json(&self) -> Value {
        let metadata = &self.stored.metadata;
        let mut entry = json!({
            "reportName": self.name,
            "reportScope": self.scope,
            "modelId": self.stored.key.model.id,
            "modelName": self.owner,
            "modelType": self.stored.key.model.type_name,
            "version": metadata.version,
            "createdAt": metadata.created_at,
        });
        if self.of_workflow {
            entry["workflowName"] = json!(self.owner);
        }
        entry["dataName"] = json!(self.stored.key.name);
        if let Some(variant) = &self.variant {
            entry["varySuffix"] = json!(variant);
        }
        entry
    }
}

/// Which reports are wanted.
#[derive(Debug, Default)]
pub(super) struct Wanted<'a> {
    /// Of this model, by name or id.
    pub(super) model: Option<&'a str>,
    /// Of this workflow, by name or id.
    pub(super) workflow: Option<&'a str>,
}

/// Every stored report that is wanted, newest first.
pub(super) fn all(
    cx: &Cx<'_>,
    repository: &Repository,
    data: &DataStore,
    wanted: &Wanted<'_>,
) -> Result<Vec<FoundReport>, CommandError> {
    let found = data.list_all()?;
    listing::warn_of(cx, &found.warnings);
    let mut names: HashMap<String, String> = HashMap::new();
    for definition in repository.definitions().scan()?.found {
        names.insert(definition.id.to_string(), definition.name.to_string());
    }
    for loaded in load_all(repository)?.0 {
        names.insert(loaded.workflow.id.to_string(), loaded.workflow.name.to_string());
    }
    let mut reports: Vec<FoundReport> = found
        .items
        .into_iter()
        .filter(|stored| {
            stored.metadata.data_type() == "report"
                && !stored.key.name.as_str().ends_with(JSON_SUFFIX)
        })
        .map(|stored| {
            let tag = |key: &str| stored.metadata.tags.get(key).cloned();
            let id = stored.key.model.id.as_str();
            FoundReport {
                name: tag("reportName").unwrap_or_default(),
                scope: tag("reportScope").unwrap_or_default(),
                owner: names.get(id).cloned().unwrap_or_else(|| id.to_owned()),
                of_workflow: stored.key.model.type_name.as_str() == "workflow",
                variant: tag("varySuffix"),
                stored,
            }
        })
        .filter(|report| {
            let is_owner =
                |name: &str| report.owner == name || report.stored.key.model.id.as_str() == name;
            wanted.model.is_none_or(|name| !report.of_workflow && is_owner(name))
                && wanted.workflow.is_none_or(|name| report.of_workflow && is_owner(name))
        })
        .collect();
    reports.sort_by_key(|report| std::cmp::Reverse(report.stored.metadata.created_at));
    Ok(reports)
}
