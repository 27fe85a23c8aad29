//! Confirming locks that are held for long. The other implementation takes a lock for stale when
//! it was not confirmed within its time to live.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::file::{LockFile, TTL_MS};

/// Confirms some lock files until dropped.
#[derive(Debug)]
pub(super) struct Heartbeat {
    ended: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Heartbeat {
    /// Starts confirming. Without a thread to do it, locks held for long may be taken away by the
    /// other implementation, which is no reason not to run.
    pub(super) fn start(files: Arc<Vec<LockFile>>) -> Option<Self> {
        let ended = Arc::new((Mutex::new(false), Condvar::new()));
        let seen = Arc::clone(&ended);
        let thread = thread::Builder::new()
            .name("lock-heartbeat".to_owned())
            .stack_size(64 * 1024)
            .spawn(move || beat(&files, &seen))
            .ok()?;
        Some(Self { ended, thread: Some(thread) })
    }
}

fn beat(files: &[LockFile], (ended, changed): &(Mutex<bool>, Condvar)) {
    let mut over = ended.lock().unwrap_or_else(PoisonError::into_inner);
    while !*over {
        let waited = changed.wait_timeout(over, Duration::from_millis(TTL_MS / 3));
        over = waited.unwrap_or_else(PoisonError::into_inner).0;
        if !*over {
            files.iter().for_each(LockFile::confirm);
        }
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        let (ended, changed) = &*self.ended;
        *ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
        changed.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
