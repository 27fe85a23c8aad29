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

use serde_json::{Map, Value};
use swamp_expr::{Context, DocumentPath, PathItem, Site, Treatment, keep_runtime, substitute};
use swamp_ident::ErrorCategory;
use swamp_yaml::Document;

use crate::error::WorkflowError;
use crate::schema::Workflow;

/// A workflow whose expressions are evaluated as far as possible.
#[derive(Clone, Debug)]
pub(crate) struct Evaluated {
    /// The workflow to go by.
    pub(crate) workflow: Workflow,
    /// The evaluated copy for the disk.
    pub(crate) copy: Value,
    /// What failed.
    pub(crate) failures: Vec<swamp_expr::Failure>,
    /// Whether there was any expression.
    pub(crate) had_expressions: bool,
}

/// Evaluates what can be evaluated before the run. `context` has `inputs`, `model`, `data`, `file`.
pub(crate) fn evaluate(
    written: &Workflow,
    context: &Context<'_>,
) -> Result<Evaluated, WorkflowError> {
    let document = written.to_value();
    let substitution = substitute(&document, context, &treatment);
    let mut copy = substitution.persistable;
    keep_texts(&document, &mut copy, &mut Vec::new());
    let workflow = Workflow::from_value(&copy).map_err(|error| {
        let lines = error.issues.iter().map(ToString::to_string);
        WorkflowError::Expression {
            message: format!(
                "evaluated, the workflow says what it must not say:\n{}",
                lines.collect::<Vec<_>>().join("\n")
            ),
            path: error.issues.first().map_or_else(String::new, |issue| issue.path.clone()),
            file: None,
            position: None,
            category: ErrorCategory::Expression,
        }
    })?;
    let failures = substitution.failures;
    Ok(Evaluated { workflow, copy, failures, had_expressions: substitution.had_expressions })
}

/// An expression that failed, with its place in the file.
pub(crate) fn expression_error(
    failure: &swamp_expr::Failure,
    file: Option<(&std::path::Path, &Document)>,
) -> WorkflowError {
    let place: Vec<swamp_yaml::PathItem> = failure
        .path
        .items()
        .iter()
        .map(|item| match item {
            PathItem::Key(key) => swamp_yaml::PathItem::Key(key.clone()),
            PathItem::Index(index) => swamp_yaml::PathItem::Index(*index),
        })
        .collect();
    WorkflowError::Expression {
        message: failure.error.render(),
        path: failure.path.to_string(),
        file: file.map(|(path, _)| path.to_owned()),
        position: file.and_then(|(_, document)| document.position(&place)),
        category: failure.error.category(),
    }
}

/// Where in a workflow a text stands, as far as that matters for its expressions.
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

fn spot(path: &DocumentPath) -> Spot {
    let key = |place: usize| match path.items().get(place) {
        Some(PathItem::Key(key)) => Some(key.as_str()),
        _ => None,
    };
    // jobs[0].steps[0].task.inputs
    let in_step = key(0) == Some("jobs") && key(2) == Some("steps");
    let config_keys =
        [key(0), key(2).filter(|_| key(0) == Some("jobs")), key(4).filter(|_| in_step)];
    if key(0) == Some("inputs") {
        Spot::Inputs
    } else if in_step && key(4) == Some("forEach") && key(5) == Some("in") {
        Spot::ForEachIn
    } else if in_step && key(4) == Some("task") && key(5) == Some("inputs") {
        Spot::TaskInputs
    } else if config_keys.contains(&Some("driverConfig")) {
        Spot::DriverConfig
    } else {
        Spot::Text
    }
}

fn treatment(site: &Site<'_>) -> Treatment {
    let spot = spot(site.path);
    if matches!(spot, Spot::Inputs | Spot::ForEachIn) || keep_runtime(site) == Treatment::Keep {
        return Treatment::Keep;
    }
    let references = site.program.references();
    let later = references.roots.contains("self")
        || (spot == Spot::TaskInputs && references.is_step_output_dependent());
    if later { Treatment::Keep } else { Treatment::Evaluate }
}

/// Where only text may stand, a number or truth value that an expression gave becomes its text.
fn keep_texts(written: &Value, evaluated: &mut Value, path: &mut Vec<PathItem>) {
    match (written, evaluated) {
        (Value::Object(written), Value::Object(evaluated)) => {
            for (key, value) in evaluated {
                path.push(PathItem::Key(key.clone()));
                if let Some(written) = written.get(key) {
                    keep_texts(written, value, path);
                }
                path.pop();
            }
        }
        (Value::Array(written), Value::Array(evaluated)) => {
            for (index, (written, value)) in written.iter().zip(evaluated).enumerate() {
                path.push(PathItem::Index(index));
                keep_texts(written, value, path);
                path.pop();
            }
        }
        (Value::String(_), value @ (Value::Number(_) | Value::Bool(_)))
            if spot(&DocumentPath(path.clone())) == Spot::Text =>
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
