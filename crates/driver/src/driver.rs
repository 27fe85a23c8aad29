//! The interface every driver has.

use std::sync::Arc;

use serde_json::{Map, Value};
use swamp_events::OutputStream;
use swamp_ident::DriverName;

use crate::{Cancel, CommandResult, CommandSpec, ConfigError, DriverError};

/// A place where commands run.
pub trait Driver: Send + Sync {
    /// The name it is asked for by.
    fn name(&self) -> &DriverName;

    /// Runs a command to its end.
    ///
    /// `on_line` gets every line as it is printed, without its line feed; bytes that are not UTF-8
    /// are replaced. Of a line longer than 64 KiB it gets pieces ([`is_piece`](crate::is_piece)). A
    /// command that ends badly is no error here, one that cannot be started, or whose end cannot be
    /// known, is.
    fn run(
        &self,
        spec: &CommandSpec,
        cancel: &Cancel,
        on_line: &mut dyn FnMut(OutputStream, &str),
    ) -> Result<CommandResult, DriverError>;

    /// What results are made of.
    fn style(&self) -> ResultStyle {
        ResultStyle::Command
    }
}

/// How the result of a command that ran through a driver is stored and told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultStyle {
    /// Always exit code, times and outputs. A failure is told by its exit code.
    Command,
    /// A command that prints one JSON object and succeeds gives that object; else as above. A
    /// failure is told by what stands on standard error.
    Container,
}

/// A kind of driver: makes drivers from `driverConfig`.
pub trait DriverKind: Send + Sync {
    /// The name of its drivers.
    fn name(&self) -> &DriverName;

    /// The driver for a configuration. Starts nothing and looks at nothing outside.
    fn configure(&self, config: &Map<String, Value>) -> Result<Configured, ConfigError>;
}

/// A driver that is ready.
pub struct Configured {
    /// The driver.
    pub driver: Arc<dyn Driver>,
    /// Remarks about the configuration, one line each.
    pub warnings: Vec<String>,
}
