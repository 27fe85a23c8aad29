//! Where a method's command runs.
//!
//! A [`Driver`] takes a [`CommandSpec`], runs it to its end and hands over every line it prints as it
//! prints it. [`Raw`] starts a shell on this machine, [`Docker`] one in a container, [`Ssh`] one on
//! another host. [`Drivers`] finds a driver by its name and configures it.
//!
//! These promises hold for every command through every driver:
//!
//! * **It ends.** A deadline or a [`Cancel`] stops the command's whole process group: SIGTERM, two
//!   seconds of grace, SIGKILL. Processes that left the group and still hold the pipes delay nothing
//!   beyond that. A container or a remote command whose starter is gone ends itself.
//! * **Memory is bounded.** At most [`KEPT_BYTES`] of each output are kept; the rest is counted and
//!   still streamed.
//! * **Nothing printed is lost** because the command ended badly: what was captured up to then is in
//!   the [`CommandResult`].
//! * **Secrets stay secret.** [`CommandSpec::secret_env`] reaches the environment of the command and nothing else.
//! * **A failing place is no failing command.** What the engine or the connection did is a
//!   [`DriverError`], what the command did is a [`CommandResult`].
//!
//! `tests/conformance` holds every driver to them.

mod cancel;
mod command;
mod config;
mod docker;
mod driver;
mod elsewhere;
mod error;
mod output;
mod process;
mod raw;
mod registry;
mod ssh;
mod surroundings;

pub use cancel::Cancel;
pub use command::{CommandResult, CommandSpec, Ending, Stdin};
pub use config::ConfigError;
pub use docker::{Docker, Engine, EngineError, Found, Owned, Owner, Standing};
pub use driver::{Configured, Driver, DriverKind, ResultStyle};
pub use error::DriverError;
pub use output::{Captured, KEPT_BYTES, is_piece};
pub use raw::Raw;
pub use registry::Drivers;
pub use ssh::Ssh;
pub use surroundings::Surroundings;
