//! The interface every driver has.

use swamp_events::OutputStream;
use swamp_ident::DriverName;

use crate::{Cancel, CommandResult, CommandSpec, DriverError};

/// A place where commands run.
pub trait Driver: Send + Sync {
    /// The name it is asked for by.
    fn name(&self) -> &DriverName;

    /// Runs a command to its end.
    ///
    /// `on_line` gets every line as it is printed, without its line feed; bytes that are not UTF-8
    /// are replaced. Of a line longer than 64 KiB it gets pieces ([`is_piece`](crate::is_piece)). A command that ends badly is no
    /// error here, one that cannot be started is.
    fn run(
        &self,
        spec: &CommandSpec,
        cancel: &Cancel,
        on_line: &mut dyn FnMut(OutputStream, &str),
    ) -> Result<CommandResult, DriverError>;
}
