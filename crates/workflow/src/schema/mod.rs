//! A workflow file as types.
//!
//! [`Workflow::parse`] reads what people write and says, with line and column, everything that is
//! wrong with it at once; [`Workflow::to_value`] writes it back with defaults filled in and keys in
//! their fixed order. Strings may still hold expressions: the types say what may stand where, not
//! what it evaluates to. Numbers, booleans and enumerations can never be expressions.

mod cron;
mod json;
mod read;
mod reader;
mod write;

#[cfg(test)]
mod tests;

use indexmap::IndexMap;
use serde_json::{Map, Value};
use swamp_ident::{JobName, StepName, WorkflowId, WorkflowName};
use swamp_yaml::{Document, Position};

use crate::Condition;

pub use json::json_schema;

/// A workflow.
#[derive(Clone, Debug, PartialEq)]
pub struct Workflow {
    /// Its id.
    pub id: WorkflowId,
    /// Its name.
    pub name: WorkflowName,
    /// A line for people.
    pub description: Option<String>,
    /// When a scheduler starts it.
    pub trigger: Option<Trigger>,
    /// Tags for its runs and the data they produce.
    pub tags: IndexMap<String, String>,
    /// The schema of its inputs, as written.
    pub inputs: Option<Map<String, Value>>,
    /// Its jobs, in file order; at least one.
    pub jobs: Vec<Job>,
    /// Its version, from 1.
    pub version: u64,
    /// How many jobs of a level run at a time; the default for the steps of its jobs too.
    pub concurrency: Option<u64>,
    /// Which workflow-scope reports it wants.
    pub reports: Option<Reports>,
    /// Where its methods run.
    pub driver: Option<DriverChoice>,
}

/// When a scheduler starts a workflow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trigger {
    /// A cron text of five fields, or six with seconds first.
    pub schedule: Option<String>,
}

/// A driver and what it is told. Either of the two can be absent; without a name the configuration
/// has no effect.
#[derive(Clone, Debug, PartialEq)]
pub struct DriverChoice {
    /// The driver's name.
    pub name: Option<String>,
    /// Its configuration, as written.
    pub config: Option<Map<String, Value>>,
}

/// Which reports a workflow wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reports {
    /// Reports to make whatever the command line filters out.
    pub require: Option<Vec<RequiredReport>>,
    /// Reports not to make.
    pub skip: Option<Vec<String>>,
}

/// A report that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequiredReport {
    /// Its name.
    pub name: String,
    /// The methods it is wanted for; absent means all. Not used at workflow level.
    pub methods: Option<Vec<String>>,
}

/// A job: steps that are run together.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Its name, unique in the workflow.
    pub name: JobName,
    /// A line for people.
    pub description: Option<String>,
    /// Its steps, in file order; at least one.
    pub steps: Vec<Step>,
    /// The jobs it waits for, and how they have to end.
    pub depends_on: Vec<Dependency>,
    /// Its place in its level: small comes first.
    pub weight: f64,
    /// How many of its steps run at a time.
    pub concurrency: Option<u64>,
    /// Where its methods run.
    pub driver: Option<DriverChoice>,
}

/// A step: one call of a method or workflow, or one per item of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Its name, unique in the job; with `for_each` a template for the names of the iterations.
    pub name: StepName,
    /// A line for people.
    pub description: Option<String>,
    /// What it does.
    pub task: Task,
    /// The list it does it for.
    pub for_each: Option<ForEach>,
    /// The steps of the same job it waits for, and how they have to end.
    pub depends_on: Vec<Dependency>,
    /// Its place in its level: small comes first.
    pub weight: f64,
    /// How many steps of its level run at a time.
    pub concurrency: Option<u64>,
    /// Changes to how the data it produces is kept.
    pub data_output_overrides: Vec<DataOutputOverride>,
    /// Whether the job goes on when it fails.
    pub allow_failure: bool,
    /// Where its method runs.
    pub driver: Option<DriverChoice>,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
pub enum Task {
    /// Call a method.
    ModelMethod {
        /// The definition's name or id.
        model: String,
        /// The method.
        method: String,
        /// What it gets, as written.
        inputs: Option<Map<String, Value>>,
    },
    /// Run another workflow.
    Workflow {
        /// Its name or id.
        workflow: String,
        /// What it gets, as written.
        inputs: Option<Map<String, Value>>,
    },
}

impl Task {
    /// The inputs as written.
    pub fn inputs(&self) -> Option<&Map<String, Value>> {
        match self {
            Self::ModelMethod { inputs, .. } | Self::Workflow { inputs, .. } => inputs.as_ref(),
        }
    }

    /// The word that names the kind of task in files.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::ModelMethod { .. } => "model_method",
            Self::Workflow { .. } => "workflow",
        }
    }
}

/// The list a step is run for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForEach {
    /// The item is `self.<item>` in the step.
    pub item: String,
    /// Text with an expression that gives the list or map.
    pub within: String,
}

/// One job or step that another waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// The name of the job (for a job) or step (for a step).
    pub on: String,
    /// How it has to end.
    pub condition: Condition,
}

/// A change to how the data of one output specification is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataOutputOverride {
    /// The output specification. One that the model does not declare has no effect.
    pub spec_name: String,
    /// How long it is kept: `30d`, `infinite`, `workflow`, …
    pub lifetime: Option<String>,
    /// How many versions, or for how long.
    pub garbage_collection: Option<GarbageCollection>,
    /// More tags.
    pub tags: Option<IndexMap<String, String>>,
    /// Inputs whose values become part of the data's name.
    pub vary: Option<Vec<String>>,
}

/// When old versions of a data item are removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GarbageCollection {
    /// Keep this many.
    Versions(u64),
    /// Keep what is younger than this, such as `30d`.
    Age(String),
}

/// Everything that is wrong with a workflow file, in file order as far as it has places. Never
/// empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", lines(.issues))]
pub struct SchemaError {
    /// The mistakes.
    pub issues: Vec<SchemaIssue>,
}

/// One mistake in a workflow file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaIssue {
    /// Where: `jobs[0].steps[1].weight`. Empty for the document itself.
    pub path: String,
    /// What is wrong and what is wanted.
    pub message: String,
    /// The place in the file, where there is a file.
    pub position: Option<Position>,
}

impl std::fmt::Display for SchemaIssue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        if let Some(position) = self.position {
            write!(f, " (line {}, column {})", position.line, position.column)?;
        }
        Ok(())
    }
}

fn lines(issues: &[SchemaIssue]) -> String {
    issues.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

impl Reports {
    /// The selection as its file holds it.
    pub(crate) fn to_value(&self) -> Value {
        write::reports(self)
    }
}

impl Workflow {
    /// Reads a workflow file. Unknown keys are dropped.
    pub fn parse(document: &Document) -> Result<Self, SchemaError> {
        read::workflow(document.value(), Some(document))
    }

    /// Reads a workflow that is no longer text, such as an evaluated copy in memory.
    pub fn from_value(value: &Value) -> Result<Self, SchemaError> {
        read::workflow(value, None)
    }

    /// Reads an evaluated copy. A job whose only steps were `forEach` steps over nothing has none
    /// there.
    pub fn parse_evaluated(document: &Document) -> Result<Self, SchemaError> {
        read::partial_workflow(document.value(), Some(document))
    }

    /// The workflow as its file holds it: keys in fixed order, defaults written out.
    pub fn to_value(&self) -> Value {
        write::workflow(self)
    }

    /// The workflow without its jobs.
    pub(crate) fn head(&self) -> Self {
        let Self { id, name, description, trigger, tags, inputs, jobs: _, .. } = self;
        Self {
            id: id.clone(),
            name: name.clone(),
            description: description.clone(),
            trigger: trigger.clone(),
            tags: tags.clone(),
            inputs: inputs.clone(),
            jobs: Vec::new(),
            version: self.version,
            concurrency: self.concurrency,
            reports: self.reports.clone(),
            driver: self.driver.clone(),
        }
    }

    /// Reads what [`Self::head`] gave.
    pub(crate) fn head_from_value(value: &Value) -> Result<Self, SchemaError> {
        read::partial_workflow(value, None)
    }

    /// Writes the workflow as its file holds it, without ever having all of it in memory.
    pub(crate) fn write_yaml(&self, writer: &mut dyn std::io::Write) -> std::io::Result<()> {
        write::yaml(self, writer)
    }

    /// The job of that name.
    pub fn job(&self, name: &str) -> Option<&Job> {
        self.jobs.iter().find(|job| job.name == *name)
    }
}

impl Job {
    /// The job without its steps.
    pub(crate) fn head(&self) -> Self {
        Self {
            name: self.name.clone(),
            description: self.description.clone(),
            steps: Vec::new(),
            depends_on: self.depends_on.clone(),
            weight: self.weight,
            concurrency: self.concurrency,
            driver: self.driver.clone(),
        }
    }

    /// The job as its file holds it.
    pub(crate) fn to_value(&self) -> Value {
        write::job(self)
    }

    /// Reads what [`Self::head`] gave.
    pub(crate) fn head_from_value(value: &Value) -> Result<Self, SchemaError> {
        read::partial_job(value)
    }
}

impl Step {
    /// The step as its file holds it.
    pub(crate) fn to_value(&self) -> Value {
        write::step(self)
    }

    /// Reads a step.
    pub(crate) fn from_value(value: &Value) -> Result<Self, SchemaError> {
        read::step(value)
    }
}
