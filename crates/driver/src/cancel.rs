//! Telling everything that runs to stop, once.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pipe::{PipeFlags, pipe_with};
use swamp_ident::CancelCause;

/// A switch that can be thrown once and is seen by everyone who holds a clone.
///
/// Behind it is a pipe that becomes readable when the switch is thrown and stays so, therefore it
/// can be waited for together with other descriptors.
#[derive(Clone)]
pub struct Cancel(Arc<Shared>);

struct Shared {
    cause: OnceLock<CancelCause>,
    hurried: AtomicBool,
    reader: OwnedFd,
    writer: OwnedFd,
}

impl Cancel {
    /// A switch that is not thrown. Fails only when the process may open no more descriptors.
    pub fn new() -> io::Result<Self> {
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        Ok(Self(Arc::new(Shared {
            cause: OnceLock::new(),
            hurried: AtomicBool::new(false),
            reader,
            writer,
        })))
    }

    /// Throws the switch. The first cause wins; `true` if it was this one.
    pub fn cancel(&self, cause: CancelCause) -> bool {
        let first = self.0.cause.set(cause).is_ok();
        if first {
            // One byte in an empty pipe that is never read: this cannot block or fail.
            let _ = rustix::io::write(&self.0.writer, b"x");
        }
        first
    }

    /// Why to stop; nothing while the switch is not thrown.
    pub fn cause(&self) -> Option<CancelCause> {
        self.0.cause.get().copied()
    }

    /// Whether the switch is thrown.
    pub fn is_cancelled(&self) -> bool {
        self.cause().is_some()
    }

    /// Takes away the grace that stopped commands have to clean up: somebody who has asked to stop
    /// asks again.
    pub fn hurry(&self) {
        self.0.hurried.store(true, Ordering::Release);
    }

    /// Whether stopped commands have no grace left.
    pub fn is_hurried(&self) -> bool {
        self.0.hurried.load(Ordering::Acquire)
    }

    /// Waits until the switch is thrown, at most `limit`. Tells the cause.
    pub fn wait(&self, limit: Duration) -> Option<CancelCause> {
        let mut fds = [PollFd::new(&self.0.reader, PollFlags::IN)];
        // An interrupted wait only ends early; callers look at the cause and decide again.
        let _ = poll(&mut fds, Timespec::try_from(limit).ok().as_ref());
        self.cause()
    }
}

impl AsFd for Cancel {
    /// Becomes readable when the switch is thrown; must not be read from.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.reader.as_fd()
    }
}

impl fmt::Debug for Cancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cancel").field(&self.cause()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_cause_wins_and_every_clone_sees_it() {
        let cancel = Cancel::new().unwrap();
        let seen = cancel.clone();
        assert_eq!(seen.wait(Duration::ZERO), None);
        let waiter = std::thread::spawn(move || seen.wait(Duration::from_mins(1)));
        assert!(cancel.cancel(CancelCause::Interrupt));
        assert!(!cancel.cancel(CancelCause::Deadline));
        assert_eq!(waiter.join().unwrap(), Some(CancelCause::Interrupt));
        assert_eq!(cancel.wait(Duration::from_mins(1)), Some(CancelCause::Interrupt));
    }
}
