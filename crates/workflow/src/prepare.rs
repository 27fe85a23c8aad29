//! From a workflow as written to a workflow that can run: inputs, expressions, plan.
//!
//! Every expression of the file is evaluated before the run begins, and one that fails keeps it from
//! beginning, except those that cannot be known yet:
//!
//! | Expression | is evaluated |
//! |---|---|
//! | mentions `self` | when its step runs |
//! | mentions `env` or `vault` | when its step runs, and never on disk |
//! | in `forEach.in` | when its job begins |
//! | in `task.inputs` and may depend on what earlier steps produce | when its step runs |
//!
//! What can be evaluated gives the evaluated copy on disk, and the names, drivers, tags and
//! conditions the run goes by. `task.inputs` are handed to the method as they were written and
//! evaluated there, once, with everything known: a text that came in through an input is never taken
//! for an expression.

use std::collections::HashMap;
use std::path::Path;

use serde_json::{Map, Value};
use swamp_expr::{
    Context, DocumentPath, Failure, PathItem, Site, Template, Treatment, keep_runtime, substitute,
};
use swamp_ident::ErrorCategory;
use swamp_yaml::Document;

use crate::error::WorkflowError;
use crate::schema::{Job, SchemaError, Step, Workflow};

/// A workflow whose expressions are evaluated as far as possible.
#[derive(Clone, Debug)]
pub(crate) struct Evaluated {
    /// The workflow to go by; also the evaluated copy for the disk.
    pub(crate) workflow: Workflow,
    /// `task.inputs` as they were written, where they held expressions: by job and step.
    pub(crate) written_inputs: HashMap<(usize, usize), Map<String, Value>>,
    /// What failed.
    pub(crate) failures: Vec<Failure>,
    /// Whether there was any expression.
    pub(crate) had_expressions: bool,
}

/// Evaluates what can be evaluated before the run. `context` has `inputs`, `model`, `data`, `file`.
///
/// Parts of the workflow that hold no expression, most steps of a long one, are only copied.
pub(crate) fn evaluate(
    written: &Workflow,
    context: &Context<'_>,
) -> Result<Evaluated, WorkflowError> {
    let mut evaluation = Evaluation { context, failures: Vec::new(), had_expressions: false };
    let mut written_inputs = HashMap::new();
    let head = written.head();
    let top = DocumentPath::default();
    let mut workflow = evaluation
        .part(&head.to_value(), Part::Workflow, &top, Workflow::head_from_value)?
        .unwrap_or(head);
    for (job_index, job) in written.jobs.iter().enumerate() {
        let place =
            DocumentPath(vec![PathItem::Key("jobs".to_owned()), PathItem::Index(job_index)]);
        let head = job.head();
        let mut evaluated = evaluation
            .part(&head.to_value(), Part::Job, &place, Job::head_from_value)?
            .unwrap_or(head);
        for (index, step) in job.steps.iter().enumerate() {
            let mut place = place.clone();
            place.0.extend([PathItem::Key("steps".to_owned()), PathItem::Index(index)]);
            let value = step.to_value();
            let step = match evaluation.part(&value, Part::Step, &place, Step::from_value)? {
                None => step.clone(),
                Some(evaluated) => {
                    if let Some(inputs) = step.task.inputs() {
                        written_inputs.insert((job_index, index), inputs.clone());
                    }
                    evaluated
                }
            };
            evaluated.steps.push(step);
        }
        workflow.jobs.push(evaluated);
    }
    let Evaluation { failures, had_expressions, .. } = evaluation;
    Ok(Evaluated { workflow, written_inputs, failures, had_expressions })
}

struct Evaluation<'c> {
    context: &'c Context<'c>,
    failures: Vec<Failure>,
    had_expressions: bool,
}

impl Evaluation<'_> {
    /// A part of the workflow with its expressions evaluated; nothing if it holds none.
    fn part<T>(
        &mut self,
        written: &Value,
        part: Part,
        place: &DocumentPath,
        read: impl FnOnce(&Value) -> Result<T, SchemaError>,
    ) -> Result<Option<T>, WorkflowError> {
        if !holds_template(written) {
            return Ok(None);
        }
        self.had_expressions = true;
        let treatment = |site: &Site<'_>| treatment(site, part);
        let substitution = substitute(written, self.context, &treatment);
        let mut evaluated = substitution.persistable;
        keep_texts(written, &mut evaluated, part, &mut Vec::new());
        let below =
            |path: DocumentPath| DocumentPath(place.0.iter().cloned().chain(path.0).collect());
        let failures = substitution.failures.into_iter();
        self.failures.extend(
            failures.map(|failure| Failure { path: below(failure.path), error: failure.error }),
        );
        read(&evaluated).map(Some).map_err(|error| {
            let lines: Vec<String> = error.issues.iter().map(ToString::to_string).collect();
            WorkflowError::Expression {
                message: format!(
                    "evaluated, this says what it must not say:\n{}",
                    lines.join("\n")
                ),
                path: place.to_string(),
                file: None,
                position: None,
                category: ErrorCategory::Expression,
            }
        })
    }
}

fn holds_template(value: &Value) -> bool {
    match value {
        Value::String(text) => Template::is_template(text),
        Value::Array(items) => items.iter().any(holds_template),
        Value::Object(entries) => entries.values().any(holds_template),
        _ => false,
    }
}

/// An expression that failed, with its place in the file.
pub(crate) fn expression_error(failure: &Failure, file: Option<&Path>) -> WorkflowError {
    let place: Vec<swamp_yaml::PathItem> = failure
        .path
        .items()
        .iter()
        .map(|item| match item {
            PathItem::Key(key) => swamp_yaml::PathItem::Key(key.clone()),
            PathItem::Index(index) => swamp_yaml::PathItem::Index(*index),
        })
        .collect();
    // The places of a file are not kept while its workflow runs: it is read once more.
    let document = file
        .and_then(|path| std::fs::read_to_string(path).ok())
        .and_then(|text| Document::parse(&text).ok());
    WorkflowError::Expression {
        message: failure.error.render(),
        path: failure.path.to_string(),
        file: file.map(ToOwned::to_owned),
        position: document.and_then(|document| document.position(&place)),
        category: failure.error.category(),
    }
}

/// What of a workflow is evaluated in one go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// All but its jobs.
    Workflow,
    /// A job without its steps.
    Job,
    /// A step.
    Step,
}

/// Where in a part a text stands, as far as that matters for its expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spot {
    /// The schema of the workflow's inputs: nothing is evaluated.
    Inputs,
    /// `forEach.in`.
    ForEachIn,
    /// In `task.inputs`.
    TaskInputs,
    /// In `driverConfig`.
    DriverConfig,
    /// Anywhere else, where only text may stand.
    Text,
}

fn spot(part: Part, path: &[PathItem]) -> Spot {
    let key = |place: usize| match path.get(place) {
        Some(PathItem::Key(key)) => key.as_str(),
        _ => "",
    };
    match (part, key(0), key(1)) {
        (Part::Workflow, "inputs", _) => Spot::Inputs,
        (Part::Step, "forEach", "in") => Spot::ForEachIn,
        (Part::Step, "task", "inputs") => Spot::TaskInputs,
        (_, "driverConfig", _) => Spot::DriverConfig,
        _ => Spot::Text,
    }
}

fn treatment(site: &Site<'_>, part: Part) -> Treatment {
    let spot = spot(part, site.path.items());
    if matches!(spot, Spot::Inputs | Spot::ForEachIn) || keep_runtime(site) == Treatment::Keep {
        return Treatment::Keep;
    }
    let references = site.program.references();
    let later = references.roots.contains("self")
        || (spot == Spot::TaskInputs && references.is_step_output_dependent());
    if later { Treatment::Keep } else { Treatment::Evaluate }
}

/// Where only text may stand, a number or truth value that an expression gave becomes its text.
fn keep_texts(written: &Value, evaluated: &mut Value, part: Part, path: &mut Vec<PathItem>) {
    match (written, evaluated) {
        (Value::Object(written), Value::Object(evaluated)) => {
            for (key, value) in evaluated {
                path.push(PathItem::Key(key.clone()));
                if let Some(written) = written.get(key) {
                    keep_texts(written, value, part, path);
                }
                path.pop();
            }
        }
        (Value::Array(written), Value::Array(evaluated)) => {
            for (index, (written, value)) in written.iter().zip(evaluated).enumerate() {
                path.push(PathItem::Index(index));
                keep_texts(written, value, part, path);
                path.pop();
            }
        }
        (Value::String(_), value @ (Value::Number(_) | Value::Bool(_)))
            if spot(part, path) == Spot::Text =>
        {
            let text = swamp_expr::Value::from_json(value).to_text();
            *value = Value::String(text.unwrap_or_else(|_| value.to_string()));
        }
        _ => {}
    }
}

/// `inputs` as expressions see them.
pub(crate) fn inputs_value(inputs: &Map<String, Value>) -> swamp_expr::Value {
    let entries =
        inputs.iter().map(|(name, value)| (name.as_str(), swamp_expr::Value::from_json(value)));
    swamp_expr::Value::Map(entries.collect())
}
