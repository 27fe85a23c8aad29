//! What a command records about itself and about every method it calls.
//!
//! A [`Session`] accompanies a command from its start to its one way out. Its sink listens to the
//! events of a run; when the session is closed, the command and each method call have an entry, a
//! file of their own in a *spool* directory. The crate knows nothing of the engine and can be used
//! by any program that emits [`swamp_events`]:
//!
//! ```
//! use std::sync::Arc;
//!
//! use swamp_events::{DriverUse, EventKind, EventStream, MethodRef, RunRef, StepRef};
//! use swamp_ident::{Clock, DriverOrigin, JobName, RunId, StepName, SystemClock, WorkflowName};
//! use swamp_telemetry::{CommandWords, Outcome, Session, SessionConfig, surroundings};
//!
//! # let directory = tempfile::tempdir()?;
//! # let spool = directory.path().join("telemetry");
//! // One clock for the session and the events.
//! let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
//! let words = CommandWords::new(["workflow", "run"]).argument("nightly").option("--json");
//! let context = surroundings(&|name: &str| std::env::var(name).ok(), false, None);
//! let session = Session::open(SessionConfig {
//!     started: clock.now(),
//!     clock: Arc::clone(&clock),
//!     ..SessionConfig::new(&spool, words, context, "1.0.0")
//! });
//!
//! // A run of one step.
//! let stream = EventStream::new(clock, vec![session.sink()]);
//! let run = RunRef { workflow: WorkflowName::new("nightly"), id: RunId::new("run-1") };
//! let name = StepName::new("backup");
//! let step = stream
//!     .emitter()
//!     .for_run(run)
//!     .for_job(JobName::new("main"))
//!     .for_step(StepRef { template: name.clone(), name, for_each: None });
//! step.emit(EventKind::MethodExecuting(MethodRef {
//!     model: "db".into(),
//!     model_type: Some("command/shell".into()),
//!     method: "execute".into(),
//!     driver: Some(DriverUse { name: "raw".into(), origin: DriverOrigin::Default }),
//! }));
//! step.emit(EventKind::MethodFinished { result: Ok(()) });
//! step.emit(EventKind::StepCompleted { artifacts: vec![] });
//!
//! let closed = session.close(Outcome::success());
//! assert_eq!((closed.written, closed.lost), (2, 0));
//! # let files = std::fs::read_dir(&spool)?.filter(|file| {
//! #     file.as_ref().is_ok_and(|file| file.path().extension().is_some())
//! # });
//! # assert_eq!(files.count(), 2);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # How an entry comes to be
//!
//! ```text
//! events ─► bridge ─► journal ─► spooler ─► one file per entry
//!           inline    append     its own thread while the run goes on,
//!                     only       the rest when the session closes,
//!                                or another command, if this process died
//! ```
//!
//! The journal is what makes it both cheap and safe. A step pays two small appends to one open
//! file; making files, which costs ten times as much, happens behind its back. And should the
//! process die, the journal holds everything an entry needs, and its lock is free.
//!
//! # What this crate promises
//!
//! * **It does no harm.** Every fault of the file system ends in [`Closed::lost`] and in one line
//!   for [`SessionConfig::on_fault`]; nothing is returned, printed or waited for.
//! * **What begins, ends, once.** Each method that began has exactly one entry, whether it ended,
//!   was stopped, or died with its process.
//! * **It tells no names it need not tell.** The command line is reduced to words of the program's
//!   own ([`CommandWords`]), error texts pass [`Masks`], and secrets are redacted before anything
//!   is written, the journal included.

mod bounds;
mod bridge;
mod endpoint;
mod entry;
mod facts;
pub mod flush;
pub mod history;
mod identity;
mod journal;
mod json;
mod key;
mod message;
mod notice;
mod outcome;
mod outgoing;
pub mod preferences;
mod private_file;
mod pseudonym;
mod recorder;
mod recovery;
mod rollup;
mod session;
mod set_aside;
mod settings;
mod setup;
mod spool;
mod spooler;
pub mod stats;
mod status;
mod surroundings;
mod tally;
mod waiting;
mod words;
mod worker;

pub use bounds::{Dropped, Limits};
pub use endpoint::{Endpoint, EndpointError, Named, Origin};
pub use key::{ApiKey, KeyChoice, KeySource, NoKey, store_key};
pub use message::{Masks, Redact, host_name};
pub use notice::{note_told, was_told};
pub use outcome::{Outcome, Usage};
pub use recovery::{Recovered, recover_sessions};
pub use session::{Closed, OnFault, Session, SessionConfig};
pub use settings::{Marker, MarkerState, Off, Switches, config_dir, repository_spool, user_spool};
pub use setup::Setup;
pub use spool::SpoolError;
pub use status::{Cleared, Status, clear, status};
pub use surroundings::{Env, VARIABLES, platform, surroundings};
pub use words::{BUILT_IN_MODEL_TYPES, BUILT_IN_VAULT_TYPES, CommandWords, UNKNOWN};
