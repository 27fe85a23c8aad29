//! Workflows.

mod collate;
mod condition;
mod graph;
mod plan;
mod schema;

pub use condition::Condition;
pub use plan::{Plan, PlanError, plan};
pub use schema::{
    DataOutputOverride, Dependency, DriverChoice, ForEach, GarbageCollection, Job, Reports,
    RequiredReport, SchemaError, SchemaIssue, Step, Task, Trigger, Workflow, json_schema,
};
