//! What to run, and how it went.

use std::path::PathBuf;
use std::time::Duration;

use swamp_ident::{CancelCause, RunId};
use swamp_secret::Secret;

use crate::Captured;

/// A shell command and its surroundings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandSpec {
    /// The text for `sh -c`.
    pub script: String,
    /// Where it runs; if absent, the driver's own idea of a working directory: that of this
    /// process, that of the image, the home directory on the other host. A relative path is
    /// resolved against that.
    pub working_dir: Option<PathBuf>,
    /// Variables added to the environment the command would have; later entries win.
    pub env: Vec<(String, String)>,
    /// Likewise, above those, with values that nobody but the command may see: a driver passes them
    /// in the environment of that one process or over a pipe into it, never in an
    /// argument list.
    pub secret_env: Vec<(String, Secret)>,
    /// How long it may take.
    pub timeout: Option<Duration>,
    /// Where it reads from. Commands that run elsewhere than on this machine read nothing.
    pub stdin: Stdin,
    /// The workflow run it belongs to. What it leaves outside of this process is marked with it.
    pub run: Option<RunId>,
}

/// What a command finds on its standard input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stdin {
    /// This process's standard input, unless that is a terminal: a command in a process group of
    /// its own that reads from the terminal would be suspended for good, so it reads nothing.
    #[default]
    Inherit,
    /// Nothing.
    Null,
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By itself, with this exit code.
    Exited(i32),
    /// Killed by this signal, sent by somebody else.
    Signalled(i32),
    /// Stopped by us because it took longer than this.
    TimedOut(Duration),
    /// Stopped by us, or never started, because the run was told to stop.
    Cancelled(CancelCause),
}

/// A command that ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandResult {
    /// How it ended.
    pub ending: Ending,
    /// What it printed on standard output.
    pub stdout: Captured,
    /// What it printed on standard error.
    pub stderr: Captured,
    /// From just before the start of the process to its end.
    pub duration: Duration,
}

impl CommandSpec {
    /// All variables, secret ones included, in the order in which later ones win.
    pub(crate) fn all_env(&self) -> impl Iterator<Item = (&str, &str)> {
        let plain = self.env.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let secret = self.secret_env.iter().map(|(name, value)| (name.as_str(), value.expose()));
        plain.chain(secret)
    }
}

impl CommandResult {
    /// Of a command that was not started because the run had been told to stop.
    pub(crate) fn never_began(cause: CancelCause) -> Self {
        Self {
            ending: Ending::Cancelled(cause),
            stdout: Captured::default(),
            stderr: Captured::default(),
            duration: Duration::ZERO,
        }
    }

    /// The exit code as a shell would tell it: 128 + n after signal n. -1 if the command was
    /// stopped by us.
    pub fn exit_code(&self) -> i32 {
        match self.ending {
            Ending::Exited(code) => code,
            Ending::Signalled(signal) => 128 + signal,
            Ending::TimedOut(_) | Ending::Cancelled(_) => -1,
        }
    }
}
