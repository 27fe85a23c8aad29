//! What can go wrong around a command.

use std::io;
use std::path::PathBuf;

use swamp_ident::DriverName;

use crate::ConfigError;

/// A command could not be run.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// There is no driver of that name.
    #[error(
        "Unknown execution driver '{name}'. Available drivers: {}{}",
        available.iter().map(DriverName::as_str).collect::<Vec<_>>().join(", "),
        meant.as_ref().map_or_else(String::new, |meant| format!(". Did you mean '{meant}'?"))
    )]
    Unknown {
        /// The name asked for.
        name: DriverName,
        /// The drivers there are.
        available: Vec<DriverName>,
        /// The one that was probably meant.
        meant: Option<DriverName>,
    },
    /// The driver's configuration is not right.
    #[error("Execution driver '{name}' cannot be used like this: {source}")]
    Config {
        /// The driver.
        name: DriverName,
        /// What is wrong.
        source: ConfigError,
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
    /// A variable's name is none that a shell can set.
    #[error(
        "Cannot pass environment variable {name:?} to a shell elsewhere: a name consists of letters, digits and '_', and does not begin with a digit"
    )]
    ShellName {
        /// The variable's name.
        name: String,
    },
    /// The script contains a null byte.
    #[error("Cannot run a command that contains a null byte")]
    Script,
    /// The script or a variable is longer than a system takes.
    #[error("{what} is {length} bytes long; systems take at most {limit}")]
    TooLong {
        /// What is too long.
        what: String,
        /// Its length in bytes.
        length: usize,
        /// The longest that is taken.
        limit: usize,
    },
    /// The program that runs the command could not be started.
    #[error("Cannot start {}: {source}", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The container engine could not be started.
    #[error(
        "Cannot start the container engine '{engine}': {source}. Install it, or set 'command' in driverConfig to another (docker, podman, nerdctl or a path)"
    )]
    Engine {
        /// The engine.
        engine: String,
        /// What the system said.
        source: io::Error,
    },
    /// The container did not come up. The command did not run.
    #[error(
        "'{engine}' could not start a container from '{image}' (exit code {code}){}\nCheck the engine with `swamp doctor`, and 'image' and 'extraArgs' of driverConfig.",
        after_colon(.said)
    )]
    Container {
        /// The engine.
        engine: String,
        /// The image.
        image: String,
        /// The engine's exit code.
        code: i32,
        /// What the engine said about it.
        said: String,
    },
    /// The client that connects to other hosts could not be started.
    #[error(
        "Cannot start '{client}': {source}. Install OpenSSH's client, or set 'command' in driverConfig to another"
    )]
    Client {
        /// The client.
        client: String,
        /// What the system said.
        source: io::Error,
    },
    /// No session on the other host came up. The command did not run.
    #[error(
        "Cannot run commands on '{host}' through ssh{}\nTry `ssh -o BatchMode=yes {host} true`; 'host', 'user', 'port' and 'identityFile' stand in driverConfig.",
        after_colon(.said)
    )]
    Connection {
        /// The host as configured.
        host: String,
        /// What ssh said about it.
        said: String,
    },
    /// The shell elsewhere could not prepare for the command, which did not run.
    #[error("The shell {place} cannot set the command up{}", after_colon(.said))]
    Preparation {
        /// Where.
        place: String,
        /// What the shell said about it.
        said: String,
    },
    /// Contact with the running command was lost; how it ended is not known.
    #[error("Lost contact with the command {place}{}", after_colon(.said))]
    Lost {
        /// Where.
        place: String,
        /// What the engine or ssh said last.
        said: String,
    },
    /// The running command could not be watched any longer; it was killed.
    #[error("Lost the running command: {0}")]
    Watch(#[source] io::Error),
}

impl DriverError {
    /// Whether it is the place that failed, not what was asked of it. Such a failure is none of the
    /// command's, so that ignoring the command's exit code does not ignore it.
    pub const fn is_of_the_place(&self) -> bool {
        matches!(
            self,
            Self::Engine { .. }
                | Self::Client { .. }
                | Self::Container { .. }
                | Self::Connection { .. }
                | Self::Preparation { .. }
                | Self::Lost { .. }
        )
    }
}

/// What somebody else said, on lines of its own: the first line of an error is ours, and the only
/// one that telemetry looks at.
fn after_colon(said: &str) -> String {
    let lines = said.lines().map(str::trim_end).filter(|line| !line.is_empty());
    lines.fold(String::new(), |text, line| {
        format!("{text}{}\n  {line}", if text.is_empty() { ":" } else { "" })
    })
}
