//! `swamp summarise`

use std::collections::HashMap;

use indexmap::IndexMap;
use serde_json::{Value, json};
use swamp_ident::{Status, Timestamp};
use swamp_store::{DataStore, Repository, RunRecord, RunStore, StoredOutput};

use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::ending::{CommandError, CommandResult, Ending};
use crate::output::{Level, Paint, Stream};
use crate::progress::duration;
use crate::{listing, runs_of_methods, times};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How far to look back: 1h, 7d, 1w, 1mo
    #[arg(long, value_name = "duration", default_value = "7d")]
    since: String,
    /// Show at most so many runs of each method and workflow
    #[arg(long, value_name = "n", allow_negative_numbers = true)]
    limit: Option<i64>,
    #[command(flatten)]
    repo: RepoArgs,
}

/// How runs ended.
#[derive(Clone, Copy, Default)]
struct Tally {
    succeeded: usize,
    failed: usize,
    total: usize,
}

impl Tally {
    fn count(&mut self, status: Status) {
        self.total += 1;
        match status {
            Status::Succeeded => self.succeeded += 1,
            Status::Failed | Status::Cancelled => self.failed += 1,
            _ => {}
        }
    }

    fn add(&mut self, other: Self) {
        self.succeeded += other.succeeded;
        self.failed += other.failed;
        self.total += other.total;
    }

    fn show(self, paint: Paint) -> String {
        let mut text = String::new();
        if self.succeeded > 0 {
            text.push_str(&paint.green(&format!("  ✓ {}", self.succeeded)));
        }
        if self.failed > 0 {
            text.push_str(&paint.red(&format!("  ✗ {}", self.failed)));
        }
        text
    }

    fn words(self) -> String {
        let mut text = format!("{} total", self.total);
        for (number, word) in [(self.succeeded, "succeeded"), (self.failed, "failed")] {
            if number > 0 {
                text.push_str(&format!(", {number} {word}"));
            }
        }
        text
    }
}

/// Runs of the methods of one model, newest first.
struct Model {
    name: String,
    type_name: String,
    methods: IndexMap<String, Vec<StoredOutput>>,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let repository = cx.repository(&self.repo)?;
        let since = times::since(&self.since, cx.clock.now().wall)?;
        let limit = match self.limit {
            None => usize::MAX,
            Some(limit) => usize::try_from(limit)
                .ok()
                .filter(|limit| *limit > 0)
                .ok_or_else(|| CommandError::user("--limit must be a positive integer"))?,
        };
        let models = models(cx, &repository, since)?;
        let workflows = workflows(cx, &repository, since)?;
        let data = DataStore::new(repository.paths().clone()).counts()?;
        if models.is_empty() && workflows.is_empty() {
            if cx.output.is_json() {
                cx.output.document(&json!({"message": "No activity found."}));
            } else {
                let message = format!("No activity found in the last {}.", self.since);
                cx.output.record(Level::Info, "summarise", message);
            }
            return Ok(Ending::SUCCESS);
        }
        let by_type: Vec<Value> = data
            .iter()
            .map(|count| {
                json!({
                    "modelType": count.type_name,
                    "items": count.items,
                    "versions": count.versions,
                })
            })
            .collect();
        let items: usize = data.iter().map(|count| count.items).sum();
        let versions: usize = data.iter().map(|count| count.versions).sum();
        let unique: usize = data.iter().map(|count| count.models).sum();
        if cx.output.is_json() {
            cx.output.document(&json!({
                "since": since,
                "methodExecutions": models.iter().map(|model| model_json(model, limit)).collect::<Vec<_>>(),
                "workflows": workflows
                    .iter()
                    .map(|(name, runs)| workflow_json(name, runs, limit))
                    .collect::<Vec<_>>(),
                "data": {
                    "totalItems": items,
                    "totalVersions": versions,
                    "uniqueModels": unique,
                    "byModelType": by_type,
                },
            }));
            return Ok(Ending::SUCCESS);
        }
        cx.output.line(format!("Activity summary (last {})\n", self.since));
        show_models(cx, &models, limit);
        show_workflows(cx, &workflows, limit);
        cx.output.line(format!("Data ({items} items, {versions} versions, {unique} models)"));
        Ok(Ending::SUCCESS)
    }
}

/// Methods that were called directly since then.
fn models(
    cx: &Cx<'_>,
    repository: &Repository,
    since: Timestamp,
) -> Result<Vec<Model>, CommandError> {
    let names: HashMap<_, _> = repository
        .definitions()
        .scan()?
        .found
        .into_iter()
        .map(|definition| (definition.id, definition.name.to_string()))
        .collect();
    let mut models: IndexMap<String, Model> = IndexMap::new();
    for output in runs_of_methods::all(cx, repository)?.outputs {
        let record = &output.record;
        if record.started_at < since || record.provenance.workflow.is_some() {
            continue;
        }
        let id = &record.definition_id;
        let model = models.entry(id.to_string()).or_insert_with(|| Model {
            name: names.get(id).cloned().unwrap_or_else(|| id.to_string()),
            type_name: output.type_name.to_string(),
            methods: IndexMap::new(),
        });
        model.methods.entry(record.method_name.to_string()).or_default().push(output);
    }
    Ok(models.into_values().collect())
}

/// Runs since then by workflow, newest first.
fn workflows(
    cx: &Cx<'_>,
    repository: &Repository,
    since: Timestamp,
) -> Result<IndexMap<String, Vec<RunRecord>>, CommandError> {
    let store = RunStore::new(repository.paths().clone());
    let listing = store.list_all()?;
    listing::warn_of_broken(cx, &listing.broken);
    let mut workflows: IndexMap<String, Vec<RunRecord>> = IndexMap::new();
    for run in listing.runs {
        if run.started_at.is_none_or(|started| started < since) {
            continue;
        }
        if let Some(record) = store.load(&run.workflow_id, &run.id)? {
            workflows.entry(run.workflow_name.to_string()).or_default().push(record);
        }
    }
    Ok(workflows)
}

fn tally_of(runs: &[StoredOutput]) -> Tally {
    let mut tally = Tally::default();
    for output in runs {
        tally.count(output.record.status);
    }
    tally
}

fn tally_of_model(model: &Model) -> Tally {
    let mut tally = Tally::default();
    model.methods.values().for_each(|runs| tally.add(tally_of(runs)));
    tally
}

fn model_json(model: &Model, limit: usize) -> Value {
    let tally = tally_of_model(model);
    let methods = model.methods.iter().map(|(method, runs)| {
        let tally = tally_of(runs);
        let mut entry = json!({
            "method": method,
            "succeeded": tally.succeeded,
            "failed": tally.failed,
            "total": tally.total,
            "runs": runs.iter().take(limit).map(run_json).collect::<Vec<_>>(),
        });
        if runs.len() > limit {
            entry["truncated"] = json!(true);
        }
        entry
    });
    json!({
        "modelName": model.name,
        "type": model.type_name,
        "succeeded": tally.succeeded,
        "failed": tally.failed,
        "total": tally.total,
        "methods": methods.collect::<Vec<_>>(),
    })
}

fn run_json(output: &StoredOutput) -> Value {
    let record = &output.record;
    let mut entry = json!({
        "id": record.id,
        "definitionId": record.definition_id,
        "startedAt": record.started_at,
    });
    if let Some(duration) = record.duration_ms {
        entry["durationMs"] = json!(duration);
    }
    entry["status"] = json!(record.status.as_str());
    if let Some(error) = &record.error {
        entry["error"] = json!(error.message);
    }
    entry["triggeredBy"] = json!("manual");
    entry
}

fn tally_of_runs(runs: &[RunRecord]) -> Tally {
    let mut tally = Tally::default();
    for run in runs {
        tally.count(run.status);
    }
    tally
}

fn workflow_json(name: &str, runs: &[RunRecord], limit: usize) -> Value {
    let tally = tally_of_runs(runs);
    let mut entry = json!({
        "workflowName": name,
        "succeeded": tally.succeeded,
        "failed": tally.failed,
        "total": tally.total,
        "runs": runs.iter().take(limit).map(workflow_run_json).collect::<Vec<_>>(),
    });
    if runs.len() > limit {
        entry["truncated"] = json!(true);
    }
    entry
}

fn workflow_run_json(run: &RunRecord) -> Value {
    let mut entry = json!({"id": run.id, "startedAt": run.started_at});
    if let Some(completed) = run.completed_at {
        entry["completedAt"] = json!(completed);
    }
    entry["status"] = json!(run.status.as_str());
    let mut steps = Vec::new();
    let mut first_failed = None;
    for job in &run.jobs {
        for step in &job.steps {
            let mut item = json!({"jobName": job.job_name, "stepName": step.step_name});
            let model = step.output.as_ref().and_then(|output| output.get("model"));
            if let Some(model) = model {
                item["modelName"] = model.clone();
            }
            item["status"] = json!(step.status.as_str());
            if let (Some(start), Some(end)) = (step.started_at, step.completed_at) {
                item["durationMs"] = json!((end.as_millis() - start.as_millis()).max(0));
            }
            if let Some(error) = &step.error {
                item["error"] = json!(error);
            }
            if step.status == Status::Failed {
                first_failed.get_or_insert_with(|| step.step_name.clone());
            }
            steps.push(item);
        }
    }
    if let Some(step) = first_failed {
        entry["firstFailedStep"] = json!(step);
    }
    entry["steps"] = Value::Array(steps);
    entry
}

fn show_models(cx: &Cx<'_>, models: &[Model], limit: usize) {
    let paint = cx.output.paint(Stream::Out);
    let mut total = Tally::default();
    for model in models {
        total.add(tally_of_model(model));
    }
    cx.output.line(format!("{} ({})", paint.bold("Methods called directly"), total.words()));
    for model in models {
        cx.output.line(format!("  {} ({})", model.name, model.type_name));
        for (method, runs) in &model.methods {
            cx.output.line(format!("    {method}{}", tally_of(runs).show(paint)));
            // Newest first, so this is the latest failure.
            let error = runs.iter().find_map(|output| output.record.error.as_ref());
            if let Some(error) = error {
                cx.output.line(format!("      last error: {}", error.message));
            }
            if cx.global.verbose {
                for output in runs.iter().take(limit) {
                    let record = &output.record;
                    let took = record.duration_ms.map_or_else(String::new, duration::show);
                    let (at, status, id) = (record.started_at, record.status, &record.id);
                    cx.output.line(format!("      {at}  {status}  {took}  {id}"));
                }
            }
        }
    }
    cx.output.line("");
}

fn show_workflows(cx: &Cx<'_>, workflows: &IndexMap<String, Vec<RunRecord>>, limit: usize) {
    let paint = cx.output.paint(Stream::Out);
    let mut total = Tally::default();
    workflows.values().for_each(|runs| total.add(tally_of_runs(runs)));
    cx.output.line(format!("{} ({})", paint.bold("Workflow runs"), total.words()));
    for (name, runs) in workflows {
        cx.output.line(format!("  {name}{}", tally_of_runs(runs).show(paint)));
        if cx.global.verbose {
            for run in runs.iter().take(limit) {
                let at = run.started_at.map_or_else(String::new, |at| at.to_string());
                cx.output.line(format!("    {at}  {}  {}", run.status, run.id));
            }
        }
    }
    cx.output.line("");
}
