//! Running a workflow.

mod bell;
mod fragments;
mod pool;
mod progress;
mod request;

pub use request::{RunOutcome, RunRequest, Runner};
