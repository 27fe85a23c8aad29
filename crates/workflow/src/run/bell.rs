//! Waking the thread that looks after a run.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pipe::{PipeFlags, pipe_with};

/// A bell: rung by any thread, heard by one that can at the same time wait for a descriptor.
#[derive(Debug)]
pub(super) struct Bell {
    rung: AtomicBool,
    reader: OwnedFd,
    writer: OwnedFd,
}

impl Bell {
    /// A silent bell. Fails only when the process may open no more descriptors.
    pub(super) fn new() -> io::Result<Self> {
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        Ok(Self { rung: AtomicBool::new(false), reader, writer })
    }

    /// Wakes whoever waits, or who waits next.
    pub(super) fn ring(&self) {
        if !self.rung.swap(true, Ordering::AcqRel) {
            // The pipe holds at most one byte: this cannot block or fail.
            let _ = rustix::io::write(&self.writer, b"!");
        }
    }

    /// Waits for the bell, for `other` to become readable, or for the time to pass; no time means
    /// without end. May also return early for no reason. The caller looks at everything afterwards:
    /// a ring just before the return does not end the next wait.
    pub(super) fn wait(&self, other: Option<&dyn AsFd>, limit: Option<Duration>) {
        let mut fds = vec![PollFd::new(&self.reader, PollFlags::IN)];
        fds.extend(other.map(|other| PollFd::from_borrowed_fd(other.as_fd(), PollFlags::IN)));
        let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
        let _ = poll(&mut fds, limit.as_ref());
        drop(fds);
        let mut byte = [0; 1];
        if rustix::io::read(&self.reader, &mut byte).is_ok() {
            self.rung.store(false, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use swamp_driver::Cancel;
    use swamp_ident::CancelCause;

    #[test]
    fn a_ring_before_or_during_a_wait_ends_it() {
        let bell = Bell::new().unwrap();
        bell.ring();
        bell.ring();
        bell.wait(None, None);
        bell.wait(None, Some(Duration::ZERO));
        std::thread::scope(|threads| {
            threads.spawn(|| bell.ring());
            bell.wait(None, None);
        });
        bell.ring();
        bell.wait(None, None);
    }

    #[test]
    fn another_descriptor_ends_it_too() {
        let bell = Bell::new().unwrap();
        let cancel = Cancel::new().unwrap();
        cancel.cancel(CancelCause::Interrupt);
        bell.wait(Some(&cancel), None);
    }
}
