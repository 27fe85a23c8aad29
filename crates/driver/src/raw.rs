//! The driver that starts a shell on this machine.

use std::io::{self, IsTerminal};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use swamp_events::OutputStream;
use swamp_ident::DriverName;

use crate::process::{Limits, watch};
use crate::{
    Cancel, Captured, CommandResult, CommandSpec, Driver, DriverError, Ending, KEPT_BYTES, Stdin,
};

/// How long a command may take to end after SIGTERM, and how long processes it leaves behind may
/// hold its output open.
const GRACE: Duration = Duration::from_secs(2);

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
        Self::with_limits(Limits { grace: GRACE, kept_bytes: KEPT_BYTES })
    }

    pub(crate) fn with_limits(limits: Limits) -> Self {
        Self { name: DriverName::new(Self::NAME), shell: OnceLock::new(), limits }
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
            return Ok(CommandResult {
                ending: Ending::Cancelled(cause),
                stdout: Captured::default(),
                stderr: Captured::default(),
                duration: Duration::ZERO,
            });
        }
        let mut command = Command::new(self.shell());
        command
            .arg("-c")
            .arg(&spec.script)
            .stdin(stdin(spec.stdin))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        for (name, value) in &spec.env {
            command.env(name, value);
        }
        for (name, value) in &spec.secret_env {
            command.env(name, value.expose());
        }
        if let Some(dir) = &spec.working_dir {
            command.current_dir(dir);
        }
        let started = Instant::now();
        let child = command.spawn().map_err(|source| self.start_error(spec, source))?;
        watch(child, started, spec.timeout, cancel, &self.limits, on_line)
            .map_err(DriverError::Watch)
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
                let path = std::path::absolute(dir).unwrap_or_else(|_| dir.clone());
                return DriverError::WorkingDirectory { path, source };
            }
        }
        DriverError::Start { program: self.shell().to_owned(), source }
    }
}

fn check(spec: &CommandSpec) -> Result<(), DriverError> {
    if spec.script.contains('\0') {
        return Err(DriverError::Script);
    }
    let plain = spec.env.iter().map(|(name, value)| (name, value.as_str()));
    let secret = spec.secret_env.iter().map(|(name, value)| (name, value.expose()));
    let mut unusable = plain.chain(secret).filter(|(name, value)| {
        name.is_empty() || name.contains(['=', '\0']) || value.contains('\0')
    });
    match unusable.next() {
        Some((name, _)) => Err(DriverError::Environment { name: name.clone() }),
        None => Ok(()),
    }
}

fn stdin(wish: Stdin) -> Stdio {
    match wish {
        Stdin::Inherit if !io::stdin().is_terminal() => Stdio::inherit(),
        Stdin::Inherit | Stdin::Null => Stdio::null(),
    }
}
