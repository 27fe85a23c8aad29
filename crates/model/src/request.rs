//! What a caller of a method asks for.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Map, Value};
use swamp_ident::{
    DriverName, DriverOrigin, JobName, MethodName, RunId, SpecName, StepName, WorkflowId,
    WorkflowName,
};

use crate::checks::CheckFilter;
use crate::reports::ReportFilter;

/// One method call.
#[derive(Clone, Debug)]
pub struct MethodRequest {
    /// The definition's name or id, as text; expressions in it are evaluated by the caller.
    pub model: String,
    /// The method.
    pub method: MethodName,
    /// Who calls, and with what.
    pub call: Call,
    /// Drivers asked for on the command line, at the step, its job or its workflow, strongest
    /// first. They beat the definition's, which beats the repository's default.
    pub drivers: Vec<DriverChoice>,
    /// Tags for everything this call stores, from the command line.
    pub tags: Vec<(String, String)>,
    /// Which pre-flight checks to leave out.
    pub checks: CheckFilter,
    /// Which reports to make.
    pub reports: ReportFilter,
    /// Take the evaluated copy of the definition instead of evaluating it.
    pub last_evaluated: bool,
    /// What the step changes about the data it stores.
    pub overrides: Vec<DataOverride>,
}

impl MethodRequest {
    /// A call with nothing special about it.
    pub fn new(model: impl Into<String>, method: MethodName, call: Call) -> Self {
        Self {
            model: model.into(),
            method,
            call,
            drivers: Vec::new(),
            tags: Vec::new(),
            checks: CheckFilter::default(),
            reports: ReportFilter::default(),
            last_evaluated: false,
            overrides: Vec::new(),
        }
    }
}

/// Who calls a method.
#[derive(Clone, Debug)]
pub enum Call {
    /// A person or program, directly.
    Direct {
        /// Inputs: those the definition declares feed its expressions, all others replace
        /// arguments of the method.
        inputs: Map<String, Value>,
    },
    /// A step of a workflow.
    Step(Box<StepCall>),
}

/// A step's call of a method.
#[derive(Clone, Debug)]
pub struct StepCall {
    /// The workflow in whose file the step stands.
    pub workflow_id: WorkflowId,
    /// Its name.
    pub workflow: WorkflowName,
    /// The innermost run.
    pub run_id: RunId,
    /// The job.
    pub job: JobName,
    /// The step, after `forEach` expansion.
    pub step: StepName,
    /// The workflow's own tags, evaluated.
    pub workflow_tags: Vec<(String, String)>,
    /// The run's log file, absolute.
    pub log_file: PathBuf,
    /// The workflow's inputs.
    pub inputs: Arc<Map<String, Value>>,
    /// `task.inputs` as written: expressions in it are evaluated here, with `inputs`, `self` (the
    /// definition, plus the `forEach` variable), `workflowRunId`, `model`, `data`, `file`, `env`
    /// and `vault`. Each becomes an argument of the method and part of the definition's `inputs`.
    pub task_inputs: Map<String, Value>,
    /// The `forEach` variable and its value.
    pub item: Option<(String, Value)>,
}

/// A driver asked for at some level, with that level's configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct DriverChoice {
    /// Its name as written.
    pub name: DriverName,
    /// `driverConfig` of the same level. Expressions in it are evaluated for the call.
    pub config: Option<Map<String, Value>>,
    /// The level.
    pub origin: DriverOrigin,
}

/// One item of a step's `dataOutputOverrides`.
#[derive(Clone, Debug, PartialEq)]
pub struct DataOverride {
    /// The output it is about. An output the type does not have is ignored.
    pub spec: SpecName,
    /// Another lifetime, as written (`2w`, `infinite`, …).
    pub lifetime: Option<String>,
    /// Another garbage collection policy, as written: a number or a duration text.
    pub garbage_collection: Option<Value>,
    /// More tags.
    pub tags: Vec<(String, String)>,
    /// Inputs whose values become part of the data's name.
    pub vary: Vec<String>,
}
