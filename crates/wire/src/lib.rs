//! The shapes of telemetry as other programs see them: the entry in a spool file and the body of a
//! request to a collector.
//!
//! Three promises, kept by the macro in `object` and not by care at each field:
//!
//! * **Order.** Keys are written in the order of the fields here, unknown keys last, so that two
//!   implementations write the same bytes for the same facts.
//! * **Absence is a fact.** An optional key that is not there stays away, a list that is there and
//!   empty stays an empty list, and nothing of ours is ever written as `null`.
//! * **Strangers survive.** A key this version does not know, at any level, is kept and written
//!   again; a word that is on none of our closed lists is kept as it stands ([`Word`]).
//!
//! This crate does no I/O and knows nothing of runs; a collector needs nothing else of this
//! project.

mod context;
mod entry;
mod ingest;
mod object;
mod results;
mod word;

pub use context::{InvocationContext, MethodContext, WorkflowContext};
pub use entry::{
    Invocation, InvocationResult, MethodCounts, NO_DENO, REDACTED, Runtime, TelemetryEntry,
};
pub use ingest::{EVENT_NAME, Event, Ingest, Properties};
pub use object::Extra;
pub use results::{EventResult, EventStatus, IngestResults};
pub use word::{ResultStatus, Vocabulary, Word};
