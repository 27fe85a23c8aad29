//! Running a workflow.

mod request;

pub use request::{RunOutcome, RunRequest, Runner};
