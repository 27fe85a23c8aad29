//! Looking at a workflow without running it.

use std::collections::HashSet;
use std::fmt::Write as _;

use serde_json::{Map, Value, json};
use swamp_ident::{MethodName, WorkflowId, WorkflowName};
use swamp_model::Engine;
use swamp_model::inputs::Declaration;

use crate::library::{LoadedWorkflow, load};
use crate::plan::{StepGraph, job_levels, refuse_duplicates};
use crate::schema::{Dependency, Job, Step, Task, Workflow};

/// What validation found out about a workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkflowValidation {
    /// The workflow.
    pub id: WorkflowId,
    /// Its name.
    pub name: WorkflowName,
    /// Everything that was looked at, in order.
    pub checks: Vec<WorkflowCheck>,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkflowCheck {
    /// What was looked at, for people.
    pub name: String,
    /// What is wrong.
    pub error: Option<String>,
}

impl WorkflowValidation {
    /// Whether nothing is wrong.
    pub fn passed(&self) -> bool {
        self.checks.iter().all(|check| check.error.is_none())
    }

    /// `{workflowId, workflowName, validations: [{name, passed, error?}], passed}`.
    pub fn to_value(&self) -> Value {
        let checks = self.checks.iter().map(|check| match &check.error {
            None => json!({"name": check.name, "passed": true}),
            Some(error) => json!({"name": check.name, "passed": false, "error": error}),
        });
        json!({
            "workflowId": self.id,
            "workflowName": self.name,
            "validations": checks.collect::<Vec<_>>(),
            "passed": self.passed(),
        })
    }
}

/// Checks a workflow: names, references, cycles, and the inputs of its steps against what the called
/// methods and workflows want. References that hold expressions, and those that lead nowhere, are
/// passed over: they may be right when the workflow runs.
pub fn validate(engine: &Engine, loaded: &LoadedWorkflow) -> WorkflowValidation {
    let workflow = &loaded.workflow;
    let mut checks = Checks::default();
    checks.add("Schema validation", None);
    checks.add(
        "Unique job names",
        repeated("job", workflow.jobs.iter().map(|job| job.name.as_str())),
    );
    for job in &workflow.jobs {
        let names = job.steps.iter().map(|step| step.name.as_str());
        checks.add(format!("Unique step names in job '{}'", job.name), repeated("step", names));
    }
    checks.add("Valid job dependency references", unknown_jobs(workflow));
    for job in &workflow.jobs {
        let name = format!("Valid step dependency references in job '{}'", job.name);
        checks.add(name, unknown_steps(job));
    }
    let jobs = job_levels(&workflow.jobs).err().map(|error| error.to_string());
    checks.add("No cyclic job dependencies", jobs);
    for job in &workflow.jobs {
        let name = format!("No cyclic step dependencies in job '{}'", job.name);
        checks.add(name, no_order(job));
    }
    for job in &workflow.jobs {
        for step in &job.steps {
            checks.add_step(engine, job, step);
        }
    }
    WorkflowValidation { id: workflow.id.clone(), name: workflow.name.clone(), checks: checks.0 }
}

#[derive(Default)]
struct Checks(Vec<WorkflowCheck>);

impl Checks {
    fn add(&mut self, name: impl Into<String>, error: Option<String>) {
        self.0.push(WorkflowCheck { name: name.into(), error });
    }

    fn add_step(&mut self, engine: &Engine, job: &Job, step: &Step) {
        let called = match &step.task {
            Task::ModelMethod { model, method, .. } => format!("{model}.{method}"),
            Task::Workflow { workflow, .. } => format!("workflow: {workflow}"),
        };
        let mut name = format!("Step inputs for '{}' in job '{}' ({called})", step.name, job.name);
        let given = step.task.inputs();
        let verdict = match &step.task {
            Task::ModelMethod { model, method, .. } => {
                if is_dynamic(model) || is_dynamic(method) {
                    Verdict::Fine
                } else {
                    method_inputs(engine, model, method, given)
                }
            }
            Task::Workflow { workflow, .. } if is_dynamic(workflow) => Verdict::Fine,
            Task::Workflow { workflow, .. } => workflow_inputs(engine, workflow, given),
        };
        let error = match verdict {
            Verdict::Fine => None,
            Verdict::Wrong(error) => Some(error),
            Verdict::PassedOver(why) => {
                let _ = write!(name, " ({why}, skipped)");
                None
            }
        };
        self.add(name, error);
    }
}

/// What there is to say about the inputs of a step.
enum Verdict {
    Fine,
    Wrong(String),
    /// It cannot be known, and why.
    PassedOver(&'static str),
}

fn is_dynamic(reference: &str) -> bool {
    reference.contains("${{")
}

fn method_inputs(
    engine: &Engine,
    model: &str,
    method: &str,
    given: Option<&Map<String, Value>>,
) -> Verdict {
    let Ok(definition) = engine.find_definition(model) else {
        return Verdict::PassedOver("model not found");
    };
    let Ok(model_type) = engine.parts().types.get(&definition.type_name) else {
        return Verdict::PassedOver("model type not resolved");
    };
    let Some(method_type) = model_type.method(&MethodName::new(method)) else {
        let type_name = &model_type.name;
        return Verdict::Wrong(format!("Method '{method}' not found on model type '{type_name}'"));
    };
    let stored = (definition.methods.get(method))
        .and_then(|method| method.get("arguments"))
        .and_then(Value::as_object);
    let schema = method_type.arguments.as_json();
    let has = |name: &str| {
        let default = schema.get("properties").and_then(|all| all.get(name)?.get("default"));
        default.is_some()
            || given.is_some_and(|given| given.contains_key(name))
            || stored.is_some_and(|stored| stored.contains_key(name))
            || definition.global_arguments.contains_key(name)
    };
    let required = schema.get("required").and_then(Value::as_array);
    let required = required.into_iter().flatten().filter_map(Value::as_str);
    missing("inputs", required.filter(|name| !has(name)))
}

fn workflow_inputs(
    engine: &Engine,
    reference: &str,
    given: Option<&Map<String, Value>>,
) -> Verdict {
    let Ok(nested) = load(&engine.parts().repository, reference) else {
        return Verdict::PassedOver("workflow not found");
    };
    let schema = nested.workflow.inputs.map(Value::Object);
    let declaration = Declaration::new(schema.as_ref());
    let has = |name: &str| {
        let mut properties = declaration.properties();
        given.is_some_and(|given| given.contains_key(name))
            || properties.any(|(known, schema)| known == name && schema.get("default").is_some())
    };
    missing("workflow inputs", declaration.required().filter(|name| !has(name)))
}

fn missing<'n>(what: &str, names: impl Iterator<Item = &'n str>) -> Verdict {
    let names: Vec<&str> = names.collect();
    if names.is_empty() {
        return Verdict::Fine;
    }
    Verdict::Wrong(format!("Missing required {what}: {}", names.join(", ")))
}

/// Names that come again, once per time they come again.
fn repeated<'n>(what: &str, names: impl Iterator<Item = &'n str>) -> Option<String> {
    let mut seen = HashSet::new();
    let again: Vec<&str> = names.filter(|name| !seen.insert(*name)).collect();
    (!again.is_empty()).then(|| format!("Duplicate {what} names: {}", again.join(", ")))
}

fn unknown_jobs(workflow: &Workflow) -> Option<String> {
    let known: HashSet<&str> = workflow.jobs.iter().map(|job| job.name.as_str()).collect();
    let jobs = workflow.jobs.iter().map(|job| (job.name.as_str(), job.depends_on.as_slice()));
    unknown("job", &known, jobs)
}

fn unknown_steps(job: &Job) -> Option<String> {
    let known: HashSet<&str> = job.steps.iter().map(|step| step.name.as_str()).collect();
    unknown(
        "step",
        &known,
        job.steps.iter().map(|step| (step.name.as_str(), step.depends_on.as_slice())),
    )
}

fn unknown<'w>(
    what: &str,
    known: &HashSet<&str>,
    things: impl Iterator<Item = (&'w str, &'w [Dependency])>,
) -> Option<String> {
    let arrows: Vec<String> = things
        .flat_map(|(name, on)| on.iter().map(move |dependency| (name, dependency.on.as_str())))
        .filter(|(_, on)| !known.contains(on))
        .map(|(name, on)| format!("{name} -> {on}"))
        .collect();
    (!arrows.is_empty()).then(|| format!("Invalid {what} references: {}", arrows.join(", ")))
}

/// Why the steps of a job have no order.
fn no_order(job: &Job) -> Option<String> {
    let names = job.steps.iter().map(|step| step.name.as_str());
    let unique = refuse_duplicates(names, Some(&job.name));
    unique.and_then(|()| StepGraph::new(job)).err().map(|error| error.to_string())
}
