//! One flusher per spool.

use std::io;
use std::os::fd::OwnedFd;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use crate::spool::{Spool, private};

/// Name of the file that is locked.
const FILE: &str = "flush.lock";

/// How long a lock may seem taken because somebody only looked whether it is.
const GLIMPSE: Duration = Duration::from_millis(50);

/// Pause between attempts.
const PAUSE: Duration = Duration::from_millis(5);

/// The right to remove entries from a spool. The system takes it back when the process ends, in
/// whatever way.
#[derive(Debug)]
pub(crate) struct FlushLock(
    #[expect(dead_code, reason = "closing it gives the lock back")] OwnedFd,
);

impl FlushLock {
    /// Takes the lock; `None` if somebody else still has it at that time.
    pub(crate) fn take(spool: &Spool, until: Instant) -> io::Result<Option<Self>> {
        let flags = OFlags::CREATE | OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(spool, FILE, flags, private())?;
        let until = until.max(Instant::now() + GLIMPSE);
        loop {
            match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Some(Self(file))),
                Err(Errno::WOULDBLOCK) if Instant::now() < until => thread::sleep(PAUSE),
                Err(Errno::WOULDBLOCK) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Whether nobody has it just now.
    pub(crate) fn is_free(spool: &Spool) -> bool {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::openat(spool, FILE, flags, Mode::empty()) {
            Ok(file) => rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared).is_ok(),
            Err(error) => error == Errno::NOENT,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_has_it_and_the_others_see_that() {
        let home = tempfile::tempdir().unwrap();
        let spool = Spool::create(&home.path().join("telemetry")).unwrap();
        assert!(FlushLock::is_free(&spool));
        let now = Instant::now;
        let lock = FlushLock::take(&spool, now()).unwrap().unwrap();
        assert!(!FlushLock::is_free(&spool));
        assert!(FlushLock::take(&spool, now()).unwrap().is_none());
        drop(lock);
        assert!(FlushLock::is_free(&spool));
        assert!(FlushLock::take(&spool, now()).unwrap().is_some());
    }
}
