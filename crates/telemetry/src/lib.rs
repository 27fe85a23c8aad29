//! What a command records about itself and the methods it calls.

mod bridge;
mod entry;
mod journal;
mod message;
mod outcome;
mod recorder;
mod recovery;
mod session;
mod settings;
mod spool;
mod spooler;
pub mod stats;
mod surroundings;
mod words;
mod worker;

pub use message::{Masks, Redact, host_name};
pub use outcome::{Outcome, Usage};
pub use recovery::Recovered;
pub use session::{Closed, OnFault, Session, SessionConfig};
pub use settings::{Marker, MarkerState, Off, Switches, config_dir, repository_spool, user_spool};
pub use spool::SpoolError;
pub use surroundings::{Env, VARIABLES, platform, surroundings};
pub use words::{BUILT_IN_MODEL_TYPES, BUILT_IN_VAULT_TYPES, CommandWords, UNKNOWN};
