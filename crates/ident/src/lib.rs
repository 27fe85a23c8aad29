//! Identities and instants: the words every other crate uses to name a thing or a moment.
//!
//! Nothing here does I/O or knows what the names refer to. A name is a cheap-to-clone newtype over
//! shared text, so that an event can carry its whole context without copying, and so that a job
//! name can never be passed where a step name is meant.

mod clock;
mod closest;
mod dimension;
pub mod exit_code;
mod id;
mod name;
mod outcome;
mod timestamp;

pub use clock::{Clock, IdSource, Moment, RandomIds, SystemClock};
pub use closest::closest;
pub use dimension::Dimension;
pub use id::{DataId, DefinitionId, InvocationId, OutputId, RepoId, RunId, WorkflowId};
pub use name::{
    DataName, DriverName, JobName, MethodName, ModelName, NameError, SpecName, StepName, TypeName,
    WorkflowName, check_entity_name,
};
pub use outcome::{CancelCause, DriverOrigin, ErrorCategory, Failure, Fault, Phase, Status};
pub use timestamp::{Timestamp, TimestampError};
