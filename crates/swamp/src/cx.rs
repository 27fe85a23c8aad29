//! What a command works with.

use std::path::PathBuf;
use std::sync::Arc;

use swamp_ident::{Clock, IdSource};
use swamp_secret::Redactor;
use swamp_store::{LockInfo, LockNotice, LockOwner, Repository};

use crate::arguments::RepoArgs;
use crate::cli::GlobalOptions;
use crate::ending::CommandError;
use crate::environment::Environment;
use crate::output::{Level, Output};
use crate::signals::Signals;

/// What a command works with besides its own arguments.
pub(crate) struct Cx<'a> {
    /// Where it prints.
    pub(crate) output: Output,
    /// The environment variables.
    pub(crate) environment: Environment,
    /// Time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Fresh identifiers.
    pub(crate) ids: Arc<dyn IdSource>,
    /// The options that every command has.
    pub(crate) global: &'a GlobalOptions,
    /// Knows the secrets that the command has met.
    pub(crate) redactor: Redactor,
    /// Who answers SIGINT and SIGTERM.
    pub(crate) signals: Signals,
    /// Who records the command.
    pub(crate) recorder: &'a crate::recorder::Recorder,
}

impl Cx<'_> {
    /// The working directory.
    pub(crate) fn cwd(&self) -> Result<PathBuf, CommandError> {
        std::env::current_dir().map_err(|error| {
            CommandError::internal(format!("The working directory cannot be told: {error}"))
        })
    }

    /// Opens the repository that is meant.
    pub(crate) fn repository(&self, args: &RepoArgs) -> Result<Repository, CommandError> {
        let variable = self.environment.get("SWAMP_REPO_DIR");
        let option = args.repo_dir.as_deref();
        Ok(Repository::discover(option, variable.as_deref(), &self.cwd()?)?)
    }

    /// How many columns the reader of standard output has: `COLUMNS`, else those of the terminal;
    /// unknown for a file or a pipe.
    pub(crate) fn columns(&self) -> Option<usize> {
        let variable = self.environment.get("COLUMNS").and_then(|columns| columns.parse().ok());
        variable.filter(|columns| *columns > 0).or_else(|| {
            let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
            Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
        })
    }

    /// In whose name locks are taken.
    pub(crate) fn lock_owner(&self) -> LockOwner {
        let user = self.environment.get("USER").or_else(|| self.environment.get("USERNAME"));
        let nested_in = self.environment.get("SWAMP_LOCK_HOLDER_PID");
        let nested_in = nested_in.and_then(|pid| pid.parse().ok());
        LockOwner::current(user.as_deref(), nested_in)
    }

    /// Tells what a lock waits for.
    pub(crate) fn tell_lock(&self, notice: &LockNotice) {
        let whose = |info: &Option<LockInfo>| match info {
            Some(info) => format!("{} (pid {})", info.holder, info.pid),
            None => "somebody".to_owned(),
        };
        let (level, message) = match notice {
            LockNotice::GlobalHeld(info) => {
                (Level::Info, format!("Waiting for a command of {} to finish", whose(info)))
            }
            LockNotice::GlobalReleased => (Level::Info, "It has finished; going on".to_owned()),
            LockNotice::GlobalStale(info) => {
                (Level::Warning, format!("The command of {} is gone; going on", whose(info)))
            }
            LockNotice::ModelHeld(_, info) => {
                (Level::Info, format!("Waiting for {}, who uses this model", whose(info)))
            }
            LockNotice::ModelsHeld(count) => {
                (Level::Info, format!("Waiting for {count} running method(s) to finish"))
            }
            LockNotice::ModelsReleased => (Level::Info, "They have finished; going on".to_owned()),
        };
        self.output.record(level, "datastore·lock", message);
    }
}
