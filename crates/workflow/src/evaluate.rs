//! Evaluating a workflow.

use std::path::PathBuf;

use serde_json::{Map, Value};
use swamp_ident::{WorkflowId, WorkflowName};
use swamp_model::Engine;

use crate::error::WorkflowError;

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
    /// The evaluated copy, absolute.
    pub path: PathBuf,
    /// `jobs` of the evaluated copy.
    pub jobs: Value,
    /// What could not be evaluated and stayed text, and other remarks: one line or more each.
    pub warnings: Vec<String>,
}

/// Evaluates a workflow and writes the evaluated copy. What cannot be evaluated stays text, with a
/// warning; a `forEach` list that cannot be evaluated is an error.
pub fn evaluate(
    engine: &Engine,
    name_or_id: &str,
    inputs: Map<String, Value>,
) -> Result<EvaluatedWorkflow, WorkflowError> {
    let _ = (engine, name_or_id, inputs);
    todo!()
}
