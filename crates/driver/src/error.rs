//! What can go wrong before a command runs.

use std::io;
use std::path::PathBuf;

use swamp_ident::DriverName;

/// A command could not be run.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// There is no driver of that name.
    #[error(
        "Unknown execution driver '{name}'. Available drivers: {}",
        available.iter().map(DriverName::as_str).collect::<Vec<_>>().join(", ")
    )]
    Unknown {
        /// The name asked for.
        name: DriverName,
        /// The drivers there are.
        available: Vec<DriverName>,
    },
    /// The driver exists in principle but this build does not have it.
    #[error(
        "Execution driver '{name}' is not built into this version. Available drivers: {}",
        available.iter().map(DriverName::as_str).collect::<Vec<_>>().join(", ")
    )]
    NotBuilt {
        /// The name asked for.
        name: DriverName,
        /// The drivers there are.
        available: Vec<DriverName>,
    },
    /// The working directory does not exist or is no directory.
    #[error("Cannot run in working directory {}: {source}", path.display())]
    WorkingDirectory {
        /// The directory, resolved.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A variable's name or value cannot be passed to a process.
    #[error(
        "Cannot pass environment variable {name:?}: its name must not be empty or contain '=', and neither name nor value may contain a null byte"
    )]
    Environment {
        /// The variable's name.
        name: String,
    },
    /// The script contains a null byte.
    #[error("Cannot run a command that contains a null byte")]
    Script,
    /// The shell could not be started.
    #[error("Cannot start {}: {source}", program.display())]
    Start {
        /// The shell.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The running command could not be watched any longer; it was killed.
    #[error("Lost the running command: {0}")]
    Watch(#[source] io::Error),
}
