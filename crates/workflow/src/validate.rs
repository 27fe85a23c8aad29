//! Looking at a workflow without running it.

use serde_json::{Value, json};
use swamp_ident::{WorkflowId, WorkflowName};
use swamp_model::Engine;

use crate::library::LoadedWorkflow;

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
/// methods and workflows want.
pub fn validate(engine: &Engine, loaded: &LoadedWorkflow) -> WorkflowValidation {
    let _ = (engine, loaded);
    todo!()
}
