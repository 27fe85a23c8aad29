//! `swamp workflow evaluate`

use serde_json::{Value, json};
use swamp_ident::DriverOrigin;
use swamp_workflow::{EvaluatedWorkflow, StepDriver, evaluate, load_all};

use super::search::warn_of_broken;
use crate::arguments::{InputArgs, RepoArgs};
use crate::cx::Cx;
use crate::ending::{CommandResult, Ending};
use crate::engine;
use crate::output::Level;

const CATEGORY: &str = "workflow·evaluate";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The workflow [default: all]
    #[arg(value_name = "workflow_id_or_name")]
    workflow: Option<String>,
    /// Evaluate all workflows
    #[arg(long, conflicts_with = "workflow")]
    all: bool,
    #[command(flatten)]
    inputs: InputArgs,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let repository = cx.repository(&self.repo)?;
        let engine = engine::build(cx, repository.clone())?;
        let inputs = self.inputs.read(cx)?;
        let had_inputs = !inputs.is_empty();
        if let Some(name) = &self.workflow {
            let evaluated = evaluate(&engine, name, inputs)?;
            warn(cx, &evaluated);
            one(cx, &evaluated, had_inputs);
            return Ok(Ending::SUCCESS);
        }
        let (workflows, broken) = load_all(&repository)?;
        warn_of_broken(cx, &broken);
        let mut evaluated = Vec::new();
        for loaded in &workflows {
            let result = evaluate(&engine, loaded.workflow.id.as_str(), inputs.clone())?;
            warn(cx, &result);
            evaluated.push(result);
        }
        all(cx, &evaluated);
        Ok(Ending::SUCCESS)
    }
}

fn warn(cx: &Cx<'_>, evaluated: &EvaluatedWorkflow) {
    for warning in &evaluated.warnings {
        cx.output.record(Level::Warning, CATEGORY, warning);
    }
}

fn one(cx: &Cx<'_>, evaluated: &EvaluatedWorkflow, had_inputs: bool) {
    if cx.output.is_json() {
        let mut document = item(evaluated);
        if evaluated.had_expressions || evaluated.for_each_expanded || had_inputs {
            document = json!({
                "id": evaluated.id,
                "name": evaluated.name,
                "hadExpressions": evaluated.had_expressions,
                "forEachExpanded": evaluated.for_each_expanded,
                "outputPath": evaluated.path,
                "jobs": evaluated.jobs,
            });
            if let Some(drivers) = drivers(evaluated) {
                document["drivers"] = drivers;
            }
        }
        cx.output.document(&document);
        return;
    }
    let record = |text: String| cx.output.record(Level::Info, CATEGORY, text);
    record(format!("Evaluated \"{}\"", evaluated.name));
    record(format!("  {}", expressions(evaluated)));
    if evaluated.for_each_expanded {
        record("  forEach steps expanded".to_owned());
    }
    for StepDriver { job, step, driver } in chosen(evaluated) {
        record(format!("  Driver of {job} › {step}: {} ({})", driver.name, driver.origin));
    }
    record(format!("  Output: {}", evaluated.path.display()));
}

/// The drivers that somebody chose.
fn chosen(evaluated: &EvaluatedWorkflow) -> impl Iterator<Item = &StepDriver> {
    evaluated.drivers.iter().filter(|step| step.driver.origin != DriverOrigin::Default)
}

/// Those as JSON; nothing if there are none.
fn drivers(evaluated: &EvaluatedWorkflow) -> Option<Value> {
    let drivers: Vec<Value> = chosen(evaluated)
        .map(|StepDriver { job, step, driver }| {
            json!({"job": job, "step": step, "driver": driver.name, "origin": driver.origin})
        })
        .collect();
    (!drivers.is_empty()).then_some(Value::Array(drivers))
}

fn all(cx: &Cx<'_>, list: &[EvaluatedWorkflow]) {
    let evaluated = list.iter().filter(|workflow| workflow.had_expressions).count();
    if cx.output.is_json() {
        cx.output.document(&json!({
            "items": list.iter().map(item).collect::<Vec<_>>(),
            "total": list.len(),
            "evaluated": evaluated,
        }));
        return;
    }
    let record = |text: String| cx.output.record(Level::Info, CATEGORY, text);
    record(format!("Evaluated {evaluated} of {} workflows", list.len()));
    for workflow in list {
        record(format!("  \"{}\": {}", workflow.name, expressions(workflow)));
        record(format!("    Output: {}", workflow.path.display()));
    }
}

fn item(evaluated: &EvaluatedWorkflow) -> Value {
    let mut item = json!({
        "id": evaluated.id,
        "name": evaluated.name,
        "hadExpressions": evaluated.had_expressions,
        "outputPath": evaluated.path,
    });
    if let Some(drivers) = drivers(evaluated) {
        item["drivers"] = drivers;
    }
    item
}

const fn expressions(evaluated: &EvaluatedWorkflow) -> &'static str {
    if evaluated.had_expressions { "expressions evaluated" } else { "no expressions" }
}
