//! Workflows.

mod collate;
mod condition;
mod for_each;
mod graph;
mod limits;
mod plan;
mod schedule;
mod schema;
mod steps;

pub use condition::Condition;
pub use for_each::ForEachError;
pub use limits::Limits;
pub use plan::{Plan, PlanError, plan};
pub use schema::{
    DataOutputOverride, Dependency, DriverChoice, ForEach, GarbageCollection, Job, Reports,
    RequiredReport, SchemaError, SchemaIssue, Step, Task, Trigger, Workflow, json_schema,
};
