//! Running a workflow.
//!
//! [`Runner::run`] prepares the workflow ([`crate::prepare`]), takes locks and lets a [`tree`] of
//! runs carry it out; [`RunOutcome`] is what is left of it afterwards.

mod bell;
mod fragments;
mod job;
mod locks;
mod output;
mod pool;
mod progress;
mod request;
mod run_view;
mod start;
mod step;
mod summary;
mod tree;

pub(crate) use step::driver_levels;

pub use request::{RunOutcome, RunRequest, Runner};
