//! Workflows.

mod collate;
mod condition;
mod error;
mod evaluate;
mod for_each;
mod graph;
mod handed_down;
mod library;
mod limits;
mod plan;
mod prepare;
mod run;
mod schedule;
mod schema;
mod steps;
mod validate;
mod view;
mod yaml_text;

pub use condition::Condition;
pub use error::WorkflowError;
pub use evaluate::{EvaluatedWorkflow, evaluate};
pub use for_each::ForEachError;
pub use library::{BrokenWorkflow, LoadedWorkflow, load, load_all};
pub use limits::Limits;
pub use plan::{Plan, PlanError, plan};
pub use run::{RunOutcome, RunRequest, Runner};
pub use schema::{
    DataOutputOverride, Dependency, DriverChoice, ForEach, GarbageCollection, Job, Reports,
    RequiredReport, SchemaError, SchemaIssue, Step, Task, Trigger, Workflow, json_schema,
};
pub use validate::{WorkflowCheck, WorkflowValidation, validate};
pub use view::record_view;
