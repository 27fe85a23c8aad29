//! Commands that run, and how they ended.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A command that takes longer than this hangs.
const PATIENCE: Duration = Duration::from_mins(1);

/// How a command ended and what it said.
#[derive(Debug)]
pub struct Ran {
    /// `None` if a signal ended it.
    pub exit: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// A command that still runs, in a process group of its own.
pub struct Running {
    child: Option<Child>,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Ran {
    /// Fails the test unless the program ended with this code.
    #[track_caller]
    pub fn expect_exit(self, exit: i32) -> Self {
        let Self { exit: real, stdout, stderr } = &self;
        assert_eq!(*real, Some(exit), "exit code; stdout:\n{stdout}\nstderr:\n{stderr}");
        self
    }

    /// Standard output as one JSON document.
    #[track_caller]
    pub fn json(&self) -> Value {
        match serde_json::from_str(&self.stdout) {
            Ok(value) => value,
            Err(error) => panic!("not one JSON document ({error}):\n{}", self.stdout),
        }
    }
}

impl Running {
    /// Starts a command whose output goes to files with this path and another extension.
    pub fn start(mut command: Command, output: &Path) -> Self {
        let [stdout, stderr] = ["stdout", "stderr"].map(|name| output.with_extension(name));
        command
            .stdout(fs::File::create(&stdout).expect("a file for standard output"))
            .stderr(fs::File::create(&stderr).expect("a file for standard error"))
            .process_group(0);
        let child = command.spawn().expect("a started program");
        Self { child: Some(child), stdout, stderr }
    }

    /// The process id, which is also that of its process group.
    pub fn id(&self) -> u32 {
        self.child.as_ref().expect("a running program").id()
    }

    /// What it has written to standard output so far.
    pub fn stdout_so_far(&self) -> String {
        fs::read_to_string(&self.stdout).unwrap_or_default()
    }

    /// What it has written to standard error so far.
    pub fn stderr_so_far(&self) -> String {
        fs::read_to_string(&self.stderr).unwrap_or_default()
    }

    /// Sends it a signal; its children get none.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let id = rustix::process::Pid::from_raw(i32::try_from(self.id()).expect("a small number"));
        rustix::process::kill_process(id.expect("a process"), signal).expect("a delivered signal");
    }

    /// Kills it with SIGKILL. Afterwards nothing of it is left: its locks go with the process, which
    /// can be later than its connections do.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("a running program");
        child.kill().expect("a delivered signal");
        child.wait().expect("its end");
    }

    /// Waits for its end, kills it when that does not come.
    #[track_caller]
    pub fn wait(mut self) -> Ran {
        let mut child = self.child.take().expect("a running program");
        let status = end_of(&mut child);
        let [stdout, stderr] = [&self.stdout, &self.stderr]
            .map(|path| String::from_utf8_lossy(&fs::read(path).expect("its output")).into_owned());
        let Some(status) = status else {
            panic!("still running after {PATIENCE:?}; stdout:\n{stdout}\nstderr:\n{stderr}");
        };
        Ran { exit: status.code(), stdout, stderr }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Waits for something that comes soon.
#[track_caller]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "waited {PATIENCE:?} for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits for the end of a process, `None` if it had to be killed.
fn end_of(child: &mut Child) -> Option<ExitStatus> {
    let start = Instant::now();
    let mut pause = Duration::from_micros(500);
    loop {
        if let Some(status) = child.try_wait().expect("a child process") {
            return Some(status);
        }
        if start.elapsed() > PATIENCE {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(10));
    }
}
