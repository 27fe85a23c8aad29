//! The spine: one ordered stream of typed events for everything a run does.
//!
//! The engine produces it; the terminal, the run log, JSON output and telemetry consume it and know
//! nothing of each other. An event says what happened, when (stamped where it happened) and in
//! which scope; whoever reads a stream from its start can tell outcome, duration and identity of
//! every run, job, step and method without looking anywhere else.
//!
//! This crate does no I/O and knows no consumer.

mod event;
mod scope;
mod stream;

pub use event::{
    ArtifactRef, DriverUse, EnvUse, EventKind, JobPlan, MethodRef, Notice, OutputStream,
    Preparation, ReportScope, RunEvent, RunTotals, SkipReason,
};
pub use scope::{ForEachRef, RunRef, Scope, StepRef};
pub use stream::{ChannelSink, Emitter, EventSink, EventStream};
