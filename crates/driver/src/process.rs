//! Watching one running process group until it is over.
//!
//! One thread, one `poll` over both pipes, the process and the cancel switch. The states:
//!
//! ```text
//! running ── process ends ──────────────► draining ── pipes close, or grace passes ──► over
//!    └── deadline or cancel: SIGTERM ──► stopping ── group gone and pipes closed ────► over
//!                                            └── grace passes: SIGKILL ──► killed ───► over
//! ```
//!
//! A process that ended by itself may leave others behind that hold the pipes (a daemon it
//! started): they are left alone, and their output is not waited for beyond the grace.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, PidfdFlags, Signal, kill_process_group, pidfd_open, test_kill_process_group,
};
use swamp_events::OutputStream;

use crate::output::Collector;
use crate::{Cancel, CommandResult, Ending};

/// How often to look where nothing can be waited for: a group that is ending, or a process on a
/// system without process descriptors.
const TICK: Duration = Duration::from_millis(10);

/// How long to wait for output that was printed before SIGKILL.
const LAST_OUTPUT: Duration = Duration::from_millis(100);

/// How long after a command died of SIGINT or SIGTERM the switch may be thrown for the same reason.
/// Whoever ends a whole session or container tells the command and us at the same time, and the
/// command is often quicker. Then it was the run that was stopped, and no method has failed.
const SAME_SIGNAL: Duration = Duration::from_millis(100);

const BUFFER: usize = 64 << 10;

/// What a watched process may use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) grace: Duration,
    pub(crate) kept_bytes: usize,
}

/// Watches `child`, the leader of its own process group, to the end of its group or of the grace.
/// If watching fails the group is killed.
pub(crate) fn watch(
    child: Child,
    started: Instant,
    timeout: Option<Duration>,
    cancel: &Cancel,
    limits: &Limits,
    on_line: &mut dyn FnMut(OutputStream, &str),
) -> io::Result<CommandResult> {
    let mut process = Process::new(child)?;
    let outcome = process.run(started, timeout, cancel, limits, on_line);
    if outcome.is_err() {
        process.signal(Signal::KILL);
        process.reap();
    }
    outcome
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Running,
    Draining { until: Instant },
    Stopping { kill_at: Instant },
    Killed { give_up_at: Instant },
}

struct Process {
    child: Child,
    group: Pid,
    /// Absent where the system has none; then the process is asked every [`TICK`].
    descriptor: Option<OwnedFd>,
    status: Option<ExitStatus>,
}

impl Process {
    fn new(child: Child) -> io::Result<Self> {
        let group = i32::try_from(child.id())
            .ok()
            .and_then(Pid::from_raw)
            .ok_or_else(|| io::Error::other("the system gave an impossible process id"))?;
        let descriptor = pidfd_open(group, PidfdFlags::empty()).ok();
        Ok(Self { child, group, descriptor, status: None })
    }

    fn signal(&self, signal: Signal) {
        // Fails only when nobody is left to be signalled.
        let _ = kill_process_group(self.group, signal);
    }

    fn reap(&mut self) {
        drop(self.child.wait());
    }

    fn has_group(&self) -> bool {
        test_kill_process_group(self.group).is_ok()
    }

    fn run(
        &mut self,
        started: Instant,
        timeout: Option<Duration>,
        cancel: &Cancel,
        limits: &Limits,
        on_line: &mut dyn FnMut(OutputStream, &str),
    ) -> io::Result<CommandResult> {
        let mut buffer = vec![0; BUFFER];
        let mut stdout =
            Stream::new(self.child.stdout.take(), OutputStream::Stdout, limits.kept_bytes);
        let mut stderr =
            Stream::new(self.child.stderr.take(), OutputStream::Stderr, limits.kept_bytes);
        // A deadline too far away to be told is none.
        let deadline = timeout.and_then(|timeout| started.checked_add(timeout));
        let mut stopped = None;
        let mut ended_at = None;
        let mut state = State::Running;

        loop {
            let now = Instant::now();
            let closed = stdout.is_closed() && stderr.is_closed();
            match state {
                State::Draining { until } if closed || now >= until => break,
                State::Stopping { .. } if self.status.is_some() && closed && !self.has_group() => {
                    break;
                }
                State::Stopping { kill_at } if now >= kill_at || cancel.is_hurried() => {
                    self.signal(Signal::KILL);
                    let last = if self.status.is_some() { LAST_OUTPUT } else { limits.grace };
                    state = State::Killed { give_up_at: now + last };
                }
                State::Killed { give_up_at }
                    if self.status.is_some() && closed || now >= give_up_at =>
                {
                    break;
                }
                _ => {}
            }

            let wake_at = match state {
                State::Running => deadline,
                State::Draining { until } => Some(until),
                State::Stopping { kill_at } => Some(kill_at),
                State::Killed { give_up_at } => Some(give_up_at),
            };
            // While a group is ending there may be nothing left to wait for, and whoever stopped it may
            // lose patience.
            let needs_ticks = matches!(state, State::Stopping { .. })
                || self.status.is_none() && self.descriptor.is_none();
            let mut wait = wake_at.map(|at| at.saturating_duration_since(now));
            if needs_ticks {
                wait = Some(wait.map_or(TICK, |wait| wait.min(TICK)));
            }
            let exit = if self.status.is_none() { self.descriptor.as_ref() } else { None };
            let switch = matches!(state, State::Running | State::Draining { .. });
            let ready = Ready::wait(
                stdout.fd(),
                stderr.fd(),
                exit.map(AsFd::as_fd),
                switch.then(|| cancel.as_fd()),
                wait,
            )?;

            if ready.stdout {
                stdout.read(&mut buffer, on_line)?;
            }
            if ready.stderr {
                stderr.read(&mut buffer, on_line)?;
            }
            if self.status.is_none() && (ready.exit || self.descriptor.is_none()) {
                self.status = self.child.try_wait()?;
                if self.status.is_some() {
                    let now = Instant::now();
                    ended_at = Some(now);
                    match state {
                        State::Running => {
                            state = State::Draining { until: now + limits.grace };
                        }
                        State::Killed { .. } => {
                            state = State::Killed { give_up_at: now + LAST_OUTPUT };
                        }
                        State::Draining { .. } | State::Stopping { .. } => {}
                    }
                }
            }
            match state {
                State::Running => {
                    let now = Instant::now();
                    let late = deadline.is_some_and(|deadline| now >= deadline);
                    stopped = match (cancel.cause(), timeout) {
                        (Some(cause), _) => Some(Ending::Cancelled(cause)),
                        (None, Some(timeout)) if late => Some(Ending::TimedOut(timeout)),
                        _ => None,
                    };
                    if stopped.is_some() {
                        self.signal(Signal::TERM);
                        state = State::Stopping { kill_at: now + limits.grace };
                    }
                }
                State::Draining { .. } if cancel.is_cancelled() => break,
                _ => {}
            }
        }

        if stopped.is_none() && self.status.is_some_and(was_told_to_end) {
            stopped = cancel.wait(SAME_SIGNAL).map(Ending::Cancelled);
        }
        let ending = match (stopped, self.status) {
            (Some(stopped), _) => stopped,
            (None, Some(status)) => ending_of(status),
            (None, None) => return Err(io::Error::other("the command has no exit status")),
        };
        let ended_at = ended_at.unwrap_or_else(Instant::now);
        Ok(CommandResult {
            ending,
            stdout: stdout.finish(on_line),
            stderr: stderr.finish(on_line),
            duration: ended_at.saturating_duration_since(started),
        })
    }
}

/// Whether a process died of a signal that asks programs to end, or is a shell whose command did.
fn was_told_to_end(status: ExitStatus) -> bool {
    let asks = |signal: i32| [Signal::INT, Signal::TERM].iter().any(|s| s.as_raw() == signal);
    match (status.signal(), status.code()) {
        (Some(signal), _) => asks(signal),
        (None, Some(code)) => asks(code - 128),
        (None, None) => false,
    }
}

fn ending_of(status: ExitStatus) -> Ending {
    match (status.code(), status.signal()) {
        (Some(code), _) => Ending::Exited(code),
        (None, Some(signal)) => Ending::Signalled(signal),
        // Only a process that is stopped or continued is neither, and nobody asks for those.
        (None, None) => Ending::Exited(-1),
    }
}

/// One pipe from the process, until it is closed.
struct Stream<Pipe> {
    pipe: Option<Pipe>,
    name: OutputStream,
    collector: Collector,
}

impl<Pipe: AsFd + Read> Stream<Pipe> {
    const fn new(pipe: Option<Pipe>, name: OutputStream, limit: usize) -> Self {
        Self { pipe, name, collector: Collector::new(limit) }
    }

    const fn is_closed(&self) -> bool {
        self.pipe.is_none()
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }

    /// Reads once; does not block because the pipe is known to be ready.
    fn read(
        &mut self,
        buffer: &mut [u8],
        on_line: &mut dyn FnMut(OutputStream, &str),
    ) -> io::Result<()> {
        let Some(pipe) = &mut self.pipe else { return Ok(()) };
        match pipe.read(buffer) {
            Ok(0) => self.pipe = None,
            Ok(count) => {
                let name = self.name;
                self.collector.push(&buffer[..count], &mut |line| on_line(name, line));
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn finish(self, on_line: &mut dyn FnMut(OutputStream, &str)) -> crate::Captured {
        let name = self.name;
        self.collector.finish(&mut |line| on_line(name, line))
    }
}

/// What `poll` found.
#[derive(Default)]
struct Ready {
    stdout: bool,
    stderr: bool,
    exit: bool,
}

impl Ready {
    fn wait(
        stdout: Option<BorrowedFd<'_>>,
        stderr: Option<BorrowedFd<'_>>,
        exit: Option<BorrowedFd<'_>>,
        switch: Option<BorrowedFd<'_>>,
        limit: Option<Duration>,
    ) -> io::Result<Self> {
        let wanted = [stdout, stderr, exit, switch];
        let mut fds = Vec::with_capacity(wanted.len());
        for fd in wanted.iter().flatten() {
            fds.push(PollFd::from_borrowed_fd(*fd, PollFlags::IN));
        }
        // A limit too long to be told is as good as none.
        let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
        match poll(&mut fds, limit.as_ref()) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => return Ok(Self::default()),
            Err(error) => return Err(error.into()),
        }
        let mut found = fds.iter().map(|fd| !fd.revents().is_empty());
        let mut next = |fd: Option<BorrowedFd<'_>>| fd.is_some() && found.next().unwrap_or(false);
        Ok(Self { stdout: next(stdout), stderr: next(stderr), exit: next(exit) })
    }
}
