//! The driver that runs a shell on another host, through the user's own `ssh`.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};
use swamp_events::OutputStream;
use swamp_ident::DriverName;

use crate::config::Fields;
use crate::docker::{last_line, shorter};
use crate::elsewhere::{Conversation, KILL, PROGRAM, Place, converse};
use crate::process::Process;
use crate::{
    Cancel, CommandResult, CommandSpec, ConfigError, Configured, Driver, DriverError, DriverKind,
    Ending, Surroundings,
};

/// How many sessions of this process may be on their way to a host at once. Servers refuse
/// connections at random when more than ten are not through yet.
const AT_THE_DOOR: usize = 4;

/// How long a connection stays open for the next command, in seconds.
const KEPT_OPEN: u32 = 20;

/// How long the other side may take to report that it was killed.
const LAST_REPORT: Duration = Duration::from_secs(1);

/// The longest path of a directory in which a socket still gets a name.
const LONGEST_DIRECTORY: usize = 45;

/// Runs `sh` on another host.
#[derive(Debug)]
pub struct Ssh {
    name: DriverName,
    config: Config,
    door: Arc<Door>,
    surroundings: Arc<Surroundings>,
}

#[derive(Debug)]
struct Config {
    command: String,
    host: String,
    user: Option<String>,
    port: Option<u16>,
    identity_file: Option<String>,
    working_dir: Option<String>,
    env: Vec<(String, String)>,
    timeout: Option<Duration>,
    extra_args: Vec<String>,
}

impl Ssh {
    /// The name of this driver.
    pub const NAME: &'static str = "ssh";

    pub(crate) fn kind(surroundings: Arc<Surroundings>) -> impl DriverKind {
        SshKind { name: DriverName::new(Self::NAME), door: Arc::default(), surroundings }
    }

    fn command(&self) -> Command {
        let config = &self.config;
        let mut command = Command::new(&config.command);
        // The first value ssh hears of an option counts: the user's come first.
        command.args(&config.extra_args);
        command.args(["-T", "-o", "BatchMode=yes"]);
        if let Some(sockets) = self.surroundings.runtime_dir.as_deref().and_then(sockets) {
            command.args(["-o", "ControlMaster=auto"]);
            command.arg("-o").arg(format!("ControlPath={}/%C", sockets.display()));
            command.arg("-o").arg(format!("ControlPersist={KEPT_OPEN}"));
        }
        if let Some(port) = config.port {
            command.args(["-p", &port.to_string()]);
        }
        if let Some(user) = &config.user {
            command.args(["-l", user]);
        }
        if let Some(file) = &config.identity_file {
            command.args(["-i", file]);
        }
        command.args(["--", &config.host, &format!("exec sh -c '{PROGRAM}'")]);
        command
    }

    /// What the command is there: the configuration's environment and directory below its own.
    fn spec_there(&self, spec: &CommandSpec) -> CommandSpec {
        let mut there = spec.clone();
        there.env.splice(0..0, self.config.env.iter().cloned());
        there.working_dir = match (&self.config.working_dir, &spec.working_dir) {
            (Some(base), Some(dir)) => Some(Path::new(base).join(dir)),
            (base, dir) => dir.clone().or_else(|| base.as_ref().map(PathBuf::from)),
        };
        there
    }

    fn judge(&self, talked: Conversation) -> Result<CommandResult, DriverError> {
        let Conversation { mut result, began, exit, said } = talked;
        if matches!(result.ending, Ending::Cancelled(_) | Ending::TimedOut(_)) {
            return Ok(result);
        }
        let host = &self.config.host;
        match (began, exit) {
            (true, Some(exit)) => {
                result.ending = Ending::Exited(exit);
                Ok(result)
            }
            (false, Some(_)) => {
                Err(DriverError::Preparation { place: format!("on '{host}'"), said })
            }
            (false, None) => Err(DriverError::Connection { host: host.clone(), said }),
            (true, None) => {
                let said = last_line(&result.stderr.text);
                Err(DriverError::Lost { place: format!("on '{host}'"), said })
            }
        }
    }
}

impl Driver for Ssh {
    fn name(&self) -> &DriverName {
        &self.name
    }

    fn run(
        &self,
        spec: &CommandSpec,
        cancel: &Cancel,
        on_line: &mut dyn FnMut(OutputStream, &str),
    ) -> Result<CommandResult, DriverError> {
        let spec = self.spec_there(spec);
        let Some(entering) = self.door.enter(cancel) else {
            let cause = cancel.cause().unwrap_or(swamp_ident::CancelCause::Interrupt);
            return Ok(CommandResult::never_began(cause));
        };
        let mut place = Host { entering: Some(entering) };
        let timeout = shorter(spec.timeout, self.config.timeout);
        let talked = converse(self.command(), &spec, timeout, &mut place, cancel, on_line);
        let client = || self.config.command.clone();
        let start = |source| DriverError::Client { client: client(), source };
        self.judge(talked.map_err(start)??)
    }
}

struct Host<'d> {
    entering: Option<Entering<'d>>,
}

impl Place for Host<'_> {
    fn kill(&mut self, process: &mut Process) {
        process.write(KILL);
        if !process.ends_within(LAST_REPORT) {
            // Not its group: the connection that others share may belong to it.
            process.kill();
        }
    }

    fn begins(&mut self) {
        self.entering = None;
    }

    fn talks(&self) -> bool {
        false
    }
}

/// Lets few connections be made at once.
#[derive(Debug, Default)]
struct Door {
    inside: Mutex<usize>,
    left: Condvar,
}

struct Entering<'d>(&'d Door);

impl Door {
    /// Waits for a place; nothing if the run is told to stop.
    fn enter(&self, cancel: &Cancel) -> Option<Entering<'_>> {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if cancel.is_cancelled() {
                return None;
            }
            if *inside < AT_THE_DOOR {
                *inside += 1;
                return Some(Entering(self));
            }
            let waited = self.left.wait_timeout(inside, Duration::from_millis(100));
            inside = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Entering<'_> {
    fn drop(&mut self) {
        *self.0.inside.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.left.notify_one();
    }
}

/// The directory of sockets, made if need be. Nothing if it cannot be trusted or is too long to
/// name: then every command has a connection of its own.
fn sockets(runtime_dir: &Path) -> Option<PathBuf> {
    let directory = runtime_dir.join("ssh");
    if directory.as_os_str().len() > LONGEST_DIRECTORY {
        return None;
    }
    for directory in [runtime_dir, &directory] {
        let made = DirBuilder::new().mode(0o700).create(directory);
        // It may be there; what matters is what is there now.
        drop(made);
        let found = fs::symlink_metadata(directory).ok()?;
        let ours = found.uid() == rustix::process::geteuid().as_raw();
        if !found.is_dir() || !ours || found.permissions().mode() & 0o077 != 0 {
            return None;
        }
    }
    Some(directory)
}

struct SshKind {
    name: DriverName,
    door: Arc<Door>,
    surroundings: Arc<Surroundings>,
}

impl DriverKind for SshKind {
    fn name(&self) -> &DriverName {
        &self.name
    }

    fn configure(&self, config: &Map<String, Value>) -> Result<Configured, ConfigError> {
        let mut fields = Fields::new(config);
        let config = Config {
            host: fields.required("host", "the host to run commands on, as ssh knows it"),
            command: fields.text("command").unwrap_or_else(|| "ssh".to_owned()),
            user: fields.text("user"),
            port: fields.port("port"),
            identity_file: fields.text("identityFile"),
            working_dir: fields.text("workingDir"),
            env: fields.env("env"),
            timeout: fields.millis("timeout"),
            extra_args: fields.texts("extraArgs"),
        };
        for (key, value) in [("host", Some(&config.host)), ("user", config.user.as_ref())] {
            if value.is_some_and(|value| value.starts_with('-')) {
                fields.problem(format!("'{key}' must not begin with '-'"));
            }
        }
        fields.finish()?;
        let driver = Ssh {
            name: self.name.clone(),
            config,
            door: Arc::clone(&self.door),
            surroundings: Arc::clone(&self.surroundings),
        };
        Ok(Configured { driver: Arc::new(driver), warnings: Vec::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_are_for_one_user_only() {
        let dir = tempfile::Builder::new().prefix("s").tempdir_in("/tmp").unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(sockets(dir.path()), None, "others may look into it");
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let made = sockets(dir.path()).unwrap();
        assert_eq!(fs::metadata(&made).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(sockets(&dir.path().join("x".repeat(60))), None, "too long for a socket");
        let link = dir.path().join("l");
        std::os::unix::fs::symlink(dir.path(), &link).unwrap();
        assert_eq!(sockets(&link), None, "a link may lead anywhere");
    }

    #[test]
    fn few_stand_at_the_door() {
        let (door, cancel) = (Door::default(), Cancel::new().unwrap());
        let mut all: Vec<_> = (0..AT_THE_DOOR).map(|_| door.enter(&cancel)).collect();
        assert!(all.iter().all(Option::is_some));
        std::thread::scope(|threads| {
            let late = threads.spawn(|| door.enter(&cancel).is_some());
            all.pop();
            assert!(late.join().unwrap());
        });
        cancel.cancel(swamp_ident::CancelCause::Interrupt);
        assert!(door.enter(&cancel).is_none());
    }
}
