//! What a command records about itself and the methods it calls.

mod message;
mod outcome;
mod session;
mod settings;
mod surroundings;
mod words;

pub use message::{Masks, Redact, host_name};
pub use outcome::{Outcome, Usage};
pub use session::{Closed, OnFault, Session, SessionConfig};
pub use settings::{Marker, MarkerState, Off, Switches, config_dir, repository_spool, user_spool};
pub use surroundings::{Env, VARIABLES, platform, surroundings};
pub use words::{BUILT_IN_MODEL_TYPES, BUILT_IN_VAULT_TYPES, CommandWords, UNKNOWN};
