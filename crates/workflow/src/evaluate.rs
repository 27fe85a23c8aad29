//! Evaluating a workflow without running it.

use std::path::PathBuf;

use serde_json::{Map, Value};
use swamp_events::DriverUse;
use swamp_expr::{Context, Site, Template, Treatment, keep_runtime, substitute};
use swamp_ident::{JobName, StepName, WorkflowId, WorkflowName};
use swamp_model::Engine;
use swamp_model::inputs::{Declaration, RequiredRule};

use crate::error::WorkflowError;
use crate::for_each::{self, ForEachError};
use crate::library::load;
use crate::plan::refuse_duplicates;
use crate::prepare::{self, inputs_value};
use crate::run::driver_levels;
use crate::schema::{Dependency, ForEach, Job, Step, Task, Workflow};

/// A workflow whose expressions were evaluated, `forEach` steps expanded, and the result written as
/// the evaluated copy.
#[derive(Clone, Debug)]
pub struct EvaluatedWorkflow {
    /// The workflow.
    pub id: WorkflowId,
    /// Its name.
    pub name: WorkflowName,
    /// Whether it held expressions.
    pub had_expressions: bool,
    /// Whether it held `forEach` steps.
    pub for_each_expanded: bool,
    /// The names of the iterations of `forEach` steps, in file order.
    pub iterations: Vec<StepName>,
    /// The evaluated copy, absolute.
    pub path: PathBuf,
    /// `jobs` of the evaluated copy.
    pub jobs: Value,
    /// The driver of every step that calls a method, in file order, as far as it is known before a
    /// run: without `--driver`, and with the definition's as written.
    pub drivers: Vec<StepDriver>,
    /// What could not be evaluated and stayed text, and other remarks: one line or more each.
    pub warnings: Vec<String>,
}

/// The driver of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepDriver {
    /// The job.
    pub job: JobName,
    /// The step.
    pub step: StepName,
    /// The driver, and who chose it.
    pub driver: DriverUse,
}

/// Evaluates a workflow and writes the evaluated copy. Inputs are processed as for a run, except
/// that required ones may be absent when none is given at all. What cannot be evaluated stays text,
/// with a warning; a `forEach` list that cannot be evaluated is an error.
pub fn evaluate(
    engine: &Engine,
    name_or_id: &str,
    inputs: Map<String, Value>,
) -> Result<EvaluatedWorkflow, WorkflowError> {
    let repository = &engine.parts().repository;
    let written = load(repository, name_or_id)?.workflow;
    let schema = written.inputs.clone().map(Value::Object);
    let none_given = inputs.is_empty();
    let enforced = |_: &str| !none_given;
    let inputs =
        Declaration::new(schema.as_ref()).process(inputs, RequiredRule::Used(&enforced))?;
    let context = engine.sealed_context().with("inputs", inputs_value(&inputs));

    let evaluated = prepare::evaluate(&written, &context)?;
    let mut expansion = Expansion { context, warnings: Vec::new(), iterations: Vec::new() };
    for failure in &evaluated.failures {
        expansion.warnings.push(format!(
            "could not evaluate the expression at {}: {}",
            failure.path,
            failure.error.render()
        ));
    }
    let mut workflow = evaluated.workflow;
    let mut for_each_expanded = false;
    for (index, job) in workflow.jobs.iter_mut().enumerate() {
        if job.steps.iter().any(|step| step.for_each.is_some()) {
            for_each_expanded = true;
            expansion.expand(job, index)?;
        }
    }
    let copy = workflow.to_value();
    let path = repository.workflow_files().save_evaluated(&workflow.id, &copy)?;
    let drivers = drivers(engine, &workflow);
    Ok(EvaluatedWorkflow {
        id: workflow.id,
        name: workflow.name,
        had_expressions: evaluated.had_expressions,
        for_each_expanded,
        iterations: expansion.iterations,
        path,
        jobs: copy.get("jobs").cloned().unwrap_or_default(),
        drivers,
        warnings: expansion.warnings,
    })
}

fn drivers(engine: &Engine, workflow: &Workflow) -> Vec<StepDriver> {
    let mut drivers = Vec::new();
    for job in &workflow.jobs {
        for step in &job.steps {
            let Task::ModelMethod { model, .. } = &step.task else { continue };
            let chosen = driver_levels(workflow, job, step).next();
            let driver =
                chosen.map(|choice| DriverUse { name: choice.name, origin: choice.origin });
            // A model that cannot be found asks for none.
            let driver = driver.unwrap_or_else(|| {
                engine.driver_without_workflow(engine.find_definition(model).ok().as_ref())
            });
            drivers.push(StepDriver { job: job.name.clone(), step: step.name.clone(), driver });
        }
    }
    drivers
}

struct Expansion<'c> {
    context: Context<'c>,
    warnings: Vec<String>,
    iterations: Vec<StepName>,
}

impl Expansion<'_> {
    /// Replaces the `forEach` steps of a job by their iterations. Who waited for such a step waits
    /// for each iteration.
    fn expand(&mut self, job: &mut Job, job_index: usize) -> Result<(), WorkflowError> {
        let mut steps: Vec<Step> = Vec::with_capacity(job.steps.len());
        let mut expanded: Vec<(StepName, Vec<StepName>)> = Vec::new();
        for (index, mut step) in std::mem::take(&mut job.steps).into_iter().enumerate() {
            let Some(for_each) = step.for_each.take() else {
                steps.push(step);
                continue;
            };
            let place = format!("jobs[{job_index}].steps[{index}].forEach.in");
            let error =
                |error: ForEachError| WorkflowError::ForEach { place: place.clone(), error };
            let template = Template::parse(step.name.as_str())
                .map_err(|inner| error(ForEachError::from(inner)))?;
            let mut names = Vec::new();
            for item in for_each::items(&for_each, &self.context).map_err(error)? {
                let context =
                    for_each::with_item(self.context.clone(), &for_each.item, &item.value);
                let name = item.name(&template, &for_each.item, &context);
                self.warnings.extend(name.remark);
                let name = StepName::new(name.text);
                names.push(name.clone());
                steps.push(self.iteration(&step, name, &for_each, &context));
            }
            self.iterations.extend(names.iter().cloned());
            expanded.push((step.name, names));
        }
        refuse_duplicates(steps.iter().map(|step| step.name.as_str()), Some(&job.name))?;
        for step in &mut steps {
            let written = std::mem::take(&mut step.depends_on);
            step.depends_on =
                written.into_iter().flat_map(|dependency| each(dependency, &expanded)).collect();
        }
        job.steps = steps;
        Ok(())
    }

    /// One iteration as a step of its own: `self.<item>` gives way to the item.
    fn iteration(
        &mut self,
        template: &Step,
        name: StepName,
        for_each: &ForEach,
        context: &Context<'_>,
    ) -> Step {
        let mut step = Step { name, ..template.clone() };
        let mut fill = |text: &mut Value| {
            let substitution = substitute(text, context, &mentions_item);
            for failure in substitution.failures {
                self.warnings.push(format!(
                    "could not evaluate an expression of step '{}': {}",
                    step.name,
                    failure.error.render()
                ));
            }
            *text = substitution.persistable;
            if uses_item(text, &for_each.item) {
                self.warnings.push(format!(
                    "step '{}' uses self.{} in an expression that must not be evaluated here; the \
                     evaluated copy cannot run it",
                    step.name, for_each.item
                ));
            }
        };
        let mut fill_text = |text: &mut String| {
            let mut value = Value::from(text.as_str());
            fill(&mut value);
            *text = match value {
                Value::String(text) => text,
                other => swamp_expr::Value::from_json(&other).to_text().unwrap_or_default(),
            };
        };
        let inputs = match &mut step.task {
            Task::ModelMethod { model, method, inputs } => {
                fill_text(model);
                fill_text(method);
                inputs
            }
            Task::Workflow { workflow, inputs } => {
                fill_text(workflow);
                inputs
            }
        };
        for value in inputs.iter_mut().flat_map(Map::values_mut) {
            fill(value);
        }
        step
    }
}

/// Policy: only what needs the item is evaluated here.
fn mentions_item(site: &Site<'_>) -> Treatment {
    if keep_runtime(site) == Treatment::Evaluate && site.program.references().roots.contains("self")
    {
        Treatment::Evaluate
    } else {
        Treatment::Keep
    }
}

/// Whether an expression that is left still needs the item.
fn uses_item(value: &Value, item: &str) -> bool {
    let mut uses = false;
    swamp_expr::for_each_template(value, &mut |_, template| {
        uses |=
            template.is_ok_and(|template| template.references().fields_of("self").contains(item));
    });
    uses
}

/// A dependency on a `forEach` step as dependencies on its iterations.
fn each(dependency: Dependency, expanded: &[(StepName, Vec<StepName>)]) -> Vec<Dependency> {
    let names: Vec<&StepName> = expanded
        .iter()
        .filter(|(template, _)| *template == *dependency.on)
        .flat_map(|(_, names)| names)
        .collect();
    if expanded.iter().all(|(template, _)| *template != *dependency.on) {
        return vec![dependency];
    }
    let on = |name: &StepName| Dependency {
        on: name.as_str().to_owned(),
        condition: dependency.condition.clone(),
    };
    names.into_iter().map(on).collect()
}
