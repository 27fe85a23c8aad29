//! The driver that starts a shell on this machine.

use std::io::{self, IsTerminal};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use serde_json::{Map, Value};
use swamp_events::OutputStream;
use swamp_ident::DriverName;
use zeroize::Zeroizing;

use crate::process::{Group, Limits, Start, watch};
use crate::{
    Cancel, CommandResult, CommandSpec, ConfigError, Configured, Driver, DriverError, DriverKind,
    Stdin,
};

/// Runs `sh -c <script>` in a process group of its own.
#[derive(Debug)]
pub struct Raw {
    name: DriverName,
    shell: OnceLock<PathBuf>,
    limits: Limits,
}

impl Raw {
    /// The name of this driver.
    pub const NAME: &'static str = "raw";

    /// The driver. Does nothing yet.
    pub fn new() -> Self {
        Self { name: DriverName::new(Self::NAME), shell: OnceLock::new(), limits: Limits::USUAL }
    }

    /// The kind of this driver.
    pub(crate) fn kind() -> impl DriverKind {
        RawKind(Arc::new(Self::new()))
    }

    /// The shell's absolute path: its error messages begin with it.
    fn shell(&self) -> &Path {
        self.shell.get_or_init(|| {
            let path = std::env::var_os("PATH").unwrap_or_default();
            std::env::split_paths(&path)
                .filter(|dir| dir.is_absolute())
                .map(|dir| dir.join("sh"))
                .find(|candidate| {
                    rustix::fs::access(candidate, rustix::fs::Access::EXEC_OK).is_ok()
                })
                .unwrap_or_else(|| PathBuf::from("/bin/sh"))
        })
    }
}

/// There is one driver, whatever the configuration.
struct RawKind(Arc<Raw>);

impl DriverKind for RawKind {
    fn name(&self) -> &DriverName {
        &self.0.name
    }

    fn configure(&self, config: &Map<String, Value>) -> Result<Configured, ConfigError> {
        let ignored = "driver 'raw' takes no driverConfig; it is ignored";
        let warnings = if config.is_empty() { Vec::new() } else { vec![ignored.to_owned()] };
        Ok(Configured { driver: Arc::clone(&self.0) as Arc<dyn Driver>, warnings })
    }
}

impl Default for Raw {
    fn default() -> Self {
        Self::new()
    }
}

impl Driver for Raw {
    fn name(&self) -> &DriverName {
        &self.name
    }

    fn run(
        &self,
        spec: &CommandSpec,
        cancel: &Cancel,
        on_line: &mut dyn FnMut(OutputStream, &str),
    ) -> Result<CommandResult, DriverError> {
        check(spec)?;
        if let Some(cause) = cancel.cause() {
            return Ok(CommandResult::never_began(cause));
        }
        let mut command = Command::new(self.shell());
        command
            .arg("-c")
            .arg(&spec.script)
            .stdin(stdin(spec.stdin))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        command.envs(spec.all_env());
        if let Some(dir) = &spec.working_dir {
            command.current_dir(dir);
        }
        let started = Instant::now();
        let child = command.spawn().map_err(|source| self.start_error(spec, source))?;
        let start = Start {
            child,
            started,
            timeout: spec.timeout,
            input: Zeroizing::default(),
            limits: &self.limits,
        };
        watch(start, &mut Group, cancel, on_line).map_err(DriverError::Watch)
    }
}

impl Raw {
    /// The system reports a missing directory and a missing shell alike; tells which it is.
    fn start_error(&self, spec: &CommandSpec, source: io::Error) -> DriverError {
        if let Some(dir) = &spec.working_dir {
            let problem = match std::fs::metadata(dir) {
                Ok(found) if found.is_dir() => {
                    rustix::fs::access(dir, rustix::fs::Access::EXEC_OK).err().map(io::Error::from)
                }
                Ok(_) => Some(io::Error::from(io::ErrorKind::NotADirectory)),
                Err(error) => Some(error),
            };
            if let Some(source) = problem {
                // As it is written: a tidied path that holds a secret is not recognised any more.
                let path =
                    std::env::current_dir().map_or_else(|_| dir.clone(), |cwd| cwd.join(dir));
                return DriverError::WorkingDirectory { path, source };
            }
        }
        DriverError::Start { program: self.shell().to_owned(), source }
    }
}

pub(crate) fn check(spec: &CommandSpec) -> Result<(), DriverError> {
    if spec.script.contains('\0') {
        return Err(DriverError::Script);
    }
    let unusable = |(name, value): &(&str, &str)| {
        name.is_empty() || name.contains(['=', '\0']) || value.contains('\0')
    };
    match spec.all_env().find(unusable) {
        Some((name, _)) => Err(DriverError::Environment { name: name.to_owned() }),
        None => Ok(()),
    }
}

fn stdin(wish: Stdin) -> Stdio {
    match wish {
        Stdin::Inherit if !io::stdin().is_terminal() => Stdio::inherit(),
        Stdin::Inherit | Stdin::Null => Stdio::null(),
    }
}
