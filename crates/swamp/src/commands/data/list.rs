//! `swamp data list`

use std::collections::BTreeMap;

use serde_json::{Value, json};
use swamp_store::{DataStore, ModelKey, Repository, StoredVersion};

use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::data_items::{self, Owner, RunItem, group_rank};
use crate::ending::{CommandError, CommandResult, Ending};
use crate::listing;
use crate::output::Table;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The model
    #[arg(value_name = "model_id_or_name")]
    model: Option<String>,
    /// Only data of this kind: log, file, resource, data, report, …
    #[arg(long = "type", value_name = "type")]
    kind: Option<String>,
    /// A workflow: data of its latest run
    #[arg(long, value_name = "workflow")]
    workflow: Option<String>,
    /// Another run of the workflow
    #[arg(long, value_name = "run_id", requires = "workflow")]
    run: Option<String>,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let repository = cx.repository(&self.repo)?;
        let data = DataStore::new(repository.paths().clone());
        match (&self.model, &self.workflow) {
            (Some(_), Some(_)) => Err(CommandError::usage(
                "Cannot specify both a model and --workflow. Use one or the other.",
            )),
            (None, None) => {
                Err(CommandError::usage("Either a model name or --workflow is required."))
            }
            (Some(model), None) => self.of_model(cx, &repository, &data, model),
            (None, Some(workflow)) => self.of_workflow(cx, &repository, &data, workflow),
        }
    }

    fn wants(&self, stored: &StoredVersion) -> bool {
        self.kind.as_deref().is_none_or(|kind| stored.metadata.data_type() == kind)
    }

    fn of_model(
        &self,
        cx: &Cx<'_>,
        repository: &Repository,
        data: &DataStore,
        model: &str,
    ) -> CommandResult {
        let owner = Owner::find(repository, model)?;
        let key = ModelKey { type_name: owner.type_name.clone(), id: owner.id.clone() };
        let found = data.list(&key)?;
        listing::warn_of(cx, &found.warnings);
        let mut groups = Groups::default();
        for stored in found.items.iter().filter(|stored| self.wants(stored)) {
            let day = stored.metadata.created_at.date();
            groups.add(stored, item(stored), [String::new(), day]);
        }
        if cx.output.is_json() {
            cx.output.document(&json!({
                "modelId": owner.id,
                "modelName": owner.name,
                "modelType": owner.type_name,
                "groups": groups.to_json(),
                "total": groups.total(),
            }));
        } else {
            cx.output.line(format!("Data for {} ({})\n", owner.name, owner.type_name));
            groups.show(cx);
        }
        Ok(Ending::SUCCESS)
    }

    fn of_workflow(
        &self,
        cx: &Cx<'_>,
        repository: &Repository,
        data: &DataStore,
        workflow: &str,
    ) -> CommandResult {
        let found = data_items::of_run(repository, data, workflow, self.run.as_deref())?;
        let mut groups = Groups::default();
        for run_item in found.items.iter().filter(|item| self.wants(&item.stored)) {
            let place = format!("{}.{}", run_item.job, run_item.step);
            let model = run_item.owner.name.to_string();
            groups.add(&run_item.stored, item_of_run(run_item), [model, place]);
        }
        if cx.output.is_json() {
            cx.output.document(&json!({
                "workflowId": found.workflow.id,
                "workflowName": found.workflow.name,
                "runId": found.run.id,
                "runStatus": found.run.status.as_str(),
                "groups": groups.to_json(),
                "total": groups.total(),
            }));
        } else {
            let id = found.run.id.as_str();
            let short = id.get(..8).unwrap_or(id);
            cx.output.line(format!("Data for workflow {} (run {short})\n", found.workflow.name));
            groups.show(cx);
        }
        Ok(Ending::SUCCESS)
    }
}

fn item(stored: &StoredVersion) -> Value {
    let metadata = &stored.metadata;
    let mut item = json!({
        "id": metadata.id,
        "name": stored.key.name,
        "version": metadata.version,
        "contentType": metadata.content_type,
        "type": metadata.data_type(),
        "streaming": metadata.streaming,
    });
    if let Some(size) = metadata.size {
        item["size"] = json!(size);
    }
    item["createdAt"] = json!(metadata.created_at);
    item
}

fn item_of_run(run_item: &RunItem) -> Value {
    let mut item = item(&run_item.stored);
    item["modelId"] = json!(run_item.owner.id);
    item["modelName"] = json!(run_item.owner.name);
    item["modelType"] = json!(run_item.owner.type_name);
    item["jobName"] = json!(run_item.job);
    item["stepName"] = json!(run_item.step);
    item
}

/// Items by their kind.
#[derive(Default)]
struct Groups(BTreeMap<String, Vec<Entry>>);

struct Entry {
    name: String,
    json: Value,
    row: Vec<String>,
}

impl Groups {
    fn add(&mut self, stored: &StoredVersion, json: Value, last: [String; 2]) {
        let metadata = &stored.metadata;
        let size = metadata.size.map_or_else(String::new, data_items::size);
        let mut row = vec![
            format!("  {}", stored.key.name),
            format!("v{}", metadata.version),
            metadata.content_type.clone(),
            size,
        ];
        row.extend(last.into_iter().filter(|cell| !cell.is_empty()));
        let entry = Entry { name: stored.key.name.to_string(), json, row };
        self.0.entry(metadata.data_type().to_owned()).or_default().push(entry);
    }

    /// The groups in the order of listings, each by name.
    fn sorted(&self) -> Vec<(&str, Vec<&Entry>)> {
        let mut groups: Vec<(&str, Vec<&Entry>)> = self
            .0
            .iter()
            .map(|(kind, entries)| (kind.as_str(), entries.iter().collect()))
            .collect();
        groups.sort_by_key(|(kind, _)| group_rank(kind));
        for (_, entries) in &mut groups {
            entries.sort_by(|left, right| left.name.cmp(&right.name));
        }
        groups
    }

    fn to_json(&self) -> Value {
        let groups = self.sorted().into_iter().map(|(kind, entries)| {
            let items: Vec<Value> = entries.iter().map(|entry| entry.json.clone()).collect();
            json!({"type": kind, "items": items})
        });
        groups.collect()
    }

    fn total(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    fn show(&self, cx: &Cx<'_>) {
        if self.0.is_empty() {
            cx.output.line("No data.");
        }
        for (kind, entries) in self.sorted() {
            let count = entries.len();
            let noun = if count == 1 { "item" } else { "items" };
            let mut table = Table::default();
            for entry in entries {
                table.row(entry.row.clone());
            }
            cx.output.line(format!("{kind} ({count} {noun}):"));
            for line in &table.lines() {
                cx.output.line(line);
            }
            cx.output.line("");
        }
    }
}
