//! Running a program that knows secrets: no shell, a deadline, an end to its whole process group, a
//! limit to what it may print.

use std::io::{self, Read, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use swamp_secret::Secret;
use zeroize::Zeroizing;

use crate::Surroundings;

/// Most that is taken of standard output. Who prints more prints no secret.
const LARGEST: usize = 1 << 20;

/// Most that is kept of standard error.
const KEPT_OF_ERRORS: usize = 16 << 10;

/// How much of standard error is repeated in an error.
const SHOWN_OF_ERRORS: usize = 200;

/// How long output is waited for after the program ended and its group was killed: whoever left the
/// group may hold it open for ever.
const LAST_OUTPUT: Duration = Duration::from_millis(500);

/// A program to run.
pub(crate) struct Program<'a> {
    pub(crate) command: &'a [String],
    pub(crate) directory: &'a Path,
    pub(crate) stdin: Option<Secret>,
    pub(crate) timeout: Duration,
}

impl Program<'_> {
    /// Runs it to its end and gives what it printed, or why that is nothing.
    pub(crate) fn run(self, around: &Surroundings) -> Result<Vec<u8>, String> {
        let (name, arguments) = self.command.split_first().ok_or("there is no command")?;
        let stdin = if self.stdin.is_some() { Stdio::piped() } else { Stdio::null() };
        let mut child = Command::new(name)
            .args(arguments)
            .current_dir(self.directory)
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => format!("program '{name}' is not installed"),
                _ => format!("cannot start '{name}': {error}"),
            })?;
        let group = Group::of(&child);
        let printed = collect(child.stdout.take(), LARGEST + 1);
        let complaints = collect(child.stderr.take(), KEPT_OF_ERRORS);
        if let (Some(mut pipe), Some(text)) = (child.stdin.take(), self.stdin) {
            // Ends with the program at the latest, which may well not read all of it.
            thread::spawn(move || drop(pipe.write_all(text.expose().as_bytes())));
        }
        let deadline = Instant::now() + self.timeout;
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) => {}
                Err(error) => return Err(format!("lost '{name}': {error}")),
            }
            let reason = if (around.stop)() {
                "it was stopped".to_owned()
            } else if Instant::now() >= deadline {
                format!("'{name}' took longer than {} ms", self.timeout.as_millis())
            } else {
                thread::sleep(Duration::from_millis(2));
                continue;
            };
            group.kill();
            // It is dead; this takes its status away.
            let _ = child.wait();
            return Err(reason);
        };
        // What it left running in its group must not hold its output open.
        group.kill();
        let mut printed = received(&printed);
        if !status.success() {
            let complaints = String::from_utf8_lossy(&received(&complaints)).into_owned();
            let last = complaints.lines().map(str::trim).rfind(|line| !line.is_empty());
            let ended = match status.code() {
                Some(code) => format!("'{name}' exited with code {code}"),
                None => format!("'{name}' was killed ({status})"),
            };
            return Err(match last {
                Some(last) => {
                    let shown: String = last.chars().take(SHOWN_OF_ERRORS).collect();
                    format!("{ended}: {shown}")
                }
                None => ended,
            });
        }
        if printed.len() > LARGEST {
            return Err(format!("'{name}' printed more than 1 MiB"));
        }
        Ok(std::mem::take(&mut *printed))
    }
}

/// The process group of a child. Killing it when it is gone is no error.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        Self(i32::try_from(child.id()).ok().and_then(Pid::from_raw))
    }

    fn kill(&self) {
        if let Some(pid) = self.0 {
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

/// Reads a pipe to its end on a thread of its own; keeps the first `limit` bytes.
fn collect(pipe: Option<impl Read + Send + 'static>, limit: usize) -> Receiver<Zeroizing<Vec<u8>>> {
    let (sender, receiver) = mpsc::channel();
    if let Some(mut pipe) = pipe {
        thread::spawn(move || {
            let mut kept = Zeroizing::new(Vec::new());
            let mut buffer = Zeroizing::new([0; 4096]);
            while let Ok(count @ 1..) = pipe.read(&mut *buffer) {
                let room = limit - kept.len();
                kept.extend_from_slice(&buffer[..count.min(room)]);
            }
            // Nobody may be waiting any more.
            let _ = sender.send(kept);
        });
    }
    receiver
}

fn received(pipe: &Receiver<Zeroizing<Vec<u8>>>) -> Zeroizing<Vec<u8>> {
    pipe.recv_timeout(LAST_OUTPUT).unwrap_or_default()
}
