//! Workflows: what their files say, in which order they run, and running them.
//!
//! A *workflow* is a YAML file of *jobs*; a job has *steps*; a step calls a method of a model or runs
//! another workflow. The way of a run through this crate:
//!
//! ```text
//! file ── Workflow::parse ──► Workflow          types, every mistake with its place   schema
//!      ── inputs, expressions ──► Workflow      what can be known before the run      prepare
//!      ── plan ──► levels                       a pure function                       plan, graph
//!      ── Runner::run ──► events, run record, RunOutcome                              run
//!            Schedule     decides what is next: pure, knows no threads                schedule
//!            StepPlan     the steps of a job with its forEach expanded                steps, for_each
//!            Pool, Tree   carry it out on a few threads                               run::pool, tree
//! ```
//!
//! Rules that hold here:
//!
//! * **The same workflow gives the same plan**, byte for byte. Levels are barriers; inside a level
//!   weight decides, then the name as people sort names ([`Condition`]s decide later who runs).
//! * **Everything ends once.** Every job and step ends in exactly one terminal status, whatever
//!   fails, is skipped or stopped, and a run that began tells that it completed.
//! * **Steps share nothing but the repository.** What a step was given is not seen by the next; what
//!   it stored is, through `data` and `model`.
//! * **A nested run costs no thread.** It is data until its steps may start, so it cannot wait for
//!   the threads it needs itself.
//! * **Every method goes through [`swamp_model::Engine::run_method`].** There is no second path.
//!
//! Nothing here prints or knows telemetry; what happens is told as events.

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
pub use evaluate::{EvaluatedWorkflow, StepDriver, evaluate};
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
