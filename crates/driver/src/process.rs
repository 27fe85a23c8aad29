//! Watching one running process group until it is over.
//!
//! One thread, one `poll` over both pipes, the process and the cancel switch. The states:
//!
//! ```text
//! running ── process ends ───────────► draining ── pipes close, or grace passes ──► over
//!    └── deadline or cancel: stop ──► stopping ── all gone and pipes closed ───────► over
//!                                         └── grace passes: kill ──► killed ───────► over
//! ```
//!
//! How to stop and to kill is up to a [`Session`]: signals for a process of this machine, something
//! else for what only has its face here.
//!
//! A process that ended by itself may leave others behind that hold the pipes (a daemon it
//! started): they are left alone, and their output is not waited for beyond the grace.

use std::borrow::Cow;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, ExitStatus};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, PidfdFlags, Signal, kill_process_group, pidfd_open, test_kill_process_group,
};
use swamp_events::OutputStream;
use zeroize::Zeroizing;

use crate::output::Collector;
use crate::{Cancel, CommandResult, Ending, KEPT_BYTES};

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
    /// How long a command may take to end after SIGTERM, and how long processes it leaves behind
    /// may hold its output open.
    pub(crate) grace: Duration,
    pub(crate) kept_bytes: usize,
}

impl Limits {
    pub(crate) const USUAL: Self = Self { grace: Duration::from_secs(2), kept_bytes: KEPT_BYTES };
}

/// What runs behind a process.
pub(crate) trait Session {
    /// Asks it to end.
    fn stop(&mut self, process: &mut Process);

    /// Ends it, with the process.
    fn kill(&mut self, process: &mut Process);

    /// Whether nothing of it is left once the process has ended.
    fn is_gone(&self, process: &Process) -> bool;

    /// What the command printed of what the process printed on standard error.
    fn stderr<'b>(
        &mut self,
        printed: &'b [u8],
        _on_line: &mut dyn FnMut(OutputStream, &str),
    ) -> Cow<'b, [u8]> {
        Cow::Borrowed(printed)
    }

    /// What the command printed of what was held back so far. Nothing more will come.
    fn end_of_stderr(&mut self, _on_line: &mut dyn FnMut(OutputStream, &str)) -> Vec<u8> {
        Vec::new()
    }
}

/// The process group itself.
pub(crate) struct Group;

impl Session for Group {
    fn stop(&mut self, process: &mut Process) {
        process.signal_group(Signal::TERM);
    }

    fn kill(&mut self, process: &mut Process) {
        process.signal_group(Signal::KILL);
    }

    fn is_gone(&self, process: &Process) -> bool {
        !process.has_group()
    }
}

/// What a process is started with and how long it may take.
pub(crate) struct Start<'a> {
    /// The leader of its own process group.
    pub(crate) child: Child,
    pub(crate) started: Instant,
    pub(crate) timeout: Option<Duration>,
    /// What goes to its standard input, which then stays open until the end, if it has one.
    pub(crate) input: Zeroizing<Vec<u8>>,
    pub(crate) limits: &'a Limits,
}

/// Watches a process to the end of its session or of the grace. If watching fails the session is
/// killed.
pub(crate) fn watch(
    start: Start<'_>,
    session: &mut dyn Session,
    cancel: &Cancel,
    on_line: &mut dyn FnMut(OutputStream, &str),
) -> io::Result<CommandResult> {
    let Start { child, started, timeout, input, limits } = start;
    let mut process = Process::new(child, input)?;
    let outcome = process.run(session, started, timeout, cancel, limits, on_line);
    if outcome.is_err() {
        session.kill(&mut process);
        process.kill();
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

/// A process that is watched.
pub(crate) struct Process {
    child: Child,
    group: Pid,
    /// Absent where the system has none; then the process is asked every [`TICK`].
    descriptor: Option<OwnedFd>,
    status: Option<ExitStatus>,
    input: Option<Input>,
}

/// What is still to be written to a process.
struct Input {
    pipe: ChildStdin,
    pending: Zeroizing<Vec<u8>>,
    written: usize,
}

impl Process {
    fn new(mut child: Child, pending: Zeroizing<Vec<u8>>) -> io::Result<Self> {
        let group = i32::try_from(child.id())
            .ok()
            .and_then(Pid::from_raw)
            .ok_or_else(|| io::Error::other("the system gave an impossible process id"))?;
        let descriptor = pidfd_open(group, PidfdFlags::empty()).ok();
        let input = match child.stdin.take() {
            Some(pipe) => {
                let flags = rustix::fs::fcntl_getfl(&pipe)? | rustix::fs::OFlags::NONBLOCK;
                rustix::fs::fcntl_setfl(&pipe, flags)?;
                Some(Input { pipe, pending, written: 0 })
            }
            None => None,
        };
        Ok(Self { child, group, descriptor, status: None, input })
    }

    /// Sends a signal to the process group.
    pub(crate) fn signal_group(&self, signal: Signal) {
        // Fails only when nobody is left to be signalled.
        let _ = kill_process_group(self.group, signal);
    }

    /// Kills the process, not its group, and waits for it.
    pub(crate) fn kill(&mut self) {
        if self.status.is_none() {
            // Fails only when it has ended.
            let _ = self.child.kill();
            self.status = self.child.wait().ok();
        }
    }

    /// Waits for the end of the process itself; whether it came in time.
    pub(crate) fn ends_within(&mut self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        while self.status.is_none() {
            self.status = self.child.try_wait().ok().flatten();
            if self.status.is_none() {
                if Instant::now() >= until {
                    return false;
                }
                std::thread::sleep(TICK);
            }
        }
        true
    }

    /// Writes more to its standard input, as soon as it takes it.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        if let Some(input) = &mut self.input {
            input.pending.extend_from_slice(bytes);
        }
        self.write_pending();
    }

    fn write_pending(&mut self) {
        let Some(input) = &mut self.input else { return };
        while input.written < input.pending.len() {
            match input.pipe.write(&input.pending[input.written..]) {
                Ok(count) => input.written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // Nobody reads it any more: how the process ends says why.
                Err(_) => {
                    self.input = None;
                    return;
                }
            }
        }
        // Written secrets need not be kept until the end.
        zeroize::Zeroize::zeroize(&mut *input.pending);
        input.written = 0;
    }

    fn has_pending(&self) -> bool {
        self.input.as_ref().is_some_and(|input| input.written < input.pending.len())
    }

    fn has_group(&self) -> bool {
        test_kill_process_group(self.group).is_ok()
    }

    fn run(
        &mut self,
        session: &mut dyn Session,
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
                State::Stopping { .. }
                    if self.status.is_some() && closed && session.is_gone(self) =>
                {
                    break;
                }
                State::Stopping { kill_at } if now >= kill_at || cancel.is_hurried() => {
                    session.kill(self);
                    let now = Instant::now();
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
            let writes = self.input.as_ref().filter(|_| self.has_pending());
            let ready = Ready::wait(
                stdout.fd(),
                stderr.fd(),
                exit.map(AsFd::as_fd),
                switch.then(|| cancel.as_fd()),
                writes.map(|input| input.pipe.as_fd()),
                wait,
            )?;

            if ready.input {
                self.write_pending();
            }
            if ready.stdout {
                let read = stdout.read(&mut buffer)?;
                stdout.push(read, on_line);
            }
            if ready.stderr {
                let read = stderr.read(&mut buffer)?;
                let printed = session.stderr(read, on_line);
                stderr.push(&printed, on_line);
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
                        session.stop(self);
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
        let held_back = session.end_of_stderr(on_line);
        stderr.push(&held_back, on_line);
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
    fn read<'b>(&mut self, buffer: &'b mut [u8]) -> io::Result<&'b [u8]> {
        let Some(pipe) = &mut self.pipe else { return Ok(&[]) };
        match pipe.read(buffer) {
            Ok(0) => self.pipe = None,
            Ok(count) => return Ok(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(&[])
    }

    fn push(&mut self, bytes: &[u8], on_line: &mut dyn FnMut(OutputStream, &str)) {
        let name = self.name;
        self.collector.push(bytes, &mut |line| on_line(name, line));
    }

    fn finish(self, on_line: &mut dyn FnMut(OutputStream, &str)) -> crate::Captured {
        let name = self.name;
        self.collector.finish(&mut |line| on_line(name, line))
    }
}

/// What `poll` found.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a descriptor of its own")]
struct Ready {
    stdout: bool,
    stderr: bool,
    exit: bool,
    input: bool,
}

impl Ready {
    fn wait(
        stdout: Option<BorrowedFd<'_>>,
        stderr: Option<BorrowedFd<'_>>,
        exit: Option<BorrowedFd<'_>>,
        switch: Option<BorrowedFd<'_>>,
        input: Option<BorrowedFd<'_>>,
        limit: Option<Duration>,
    ) -> io::Result<Self> {
        let wanted = [stdout, stderr, exit, switch];
        let mut fds = Vec::with_capacity(wanted.len());
        for fd in wanted.iter().flatten() {
            fds.push(PollFd::from_borrowed_fd(*fd, PollFlags::IN));
        }
        if let Some(input) = input {
            fds.push(PollFd::from_borrowed_fd(input, PollFlags::OUT));
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
        Ok(Self {
            stdout: next(stdout),
            stderr: next(stderr),
            exit: next(exit),
            input: {
                next(switch);
                next(input)
            },
        })
    }
}
