//! Where a method's command runs.
//!
//! A [`Driver`] takes a [`CommandSpec`], runs it to its end and hands over every line it prints as it
//! prints it. [`Raw`] is the driver that starts a shell on this machine; [`Drivers`] finds a driver
//! by its name.
//!
//! Three promises hold for every command, whatever it does:
//!
//! * **It ends.** A deadline or a [`Cancel`] stops the command's whole process group: SIGTERM, two
//!   seconds of grace, SIGKILL. Processes that left the group and still hold the pipes delay nothing
//!   beyond that.
//! * **Memory is bounded.** At most [`KEPT_BYTES`] of each output are kept; the rest is counted and
//!   still streamed.
//! * **Nothing printed is lost** because the command ended badly: what was captured up to then is in
//!   the [`CommandResult`].

mod cancel;
mod command;
mod driver;
mod error;
mod output;
mod process;
mod raw;
mod registry;

pub use cancel::Cancel;
pub use command::{CommandResult, CommandSpec, Ending, Stdin};
pub use driver::Driver;
pub use error::DriverError;
pub use output::{Captured, KEPT_BYTES, is_piece};
pub use raw::Raw;
pub use registry::Drivers;
