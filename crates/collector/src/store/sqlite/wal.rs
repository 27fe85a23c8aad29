//! Keeping SQLite's write-ahead log short without anybody waiting for it.
//!
//! Every commit appends to the log; from time to time its pages must be copied into the file. Left
//! alone, SQLite does that in the commit that happens to cross a limit, which then takes a hundred
//! times as long as others. Here a thread of its own copies what is there. The log begins anew only
//! when everything is copied, which under constant load never happens by itself; so when it has
//! become long, the writer copies the little that is left between two commits.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::Connection;

use super::schema;
use crate::error::CollectorError;

/// Bytes of the log at which the thread begins to copy.
const COPY_FROM: u64 = 16 << 20;

/// Bytes at which the writer makes the log begin anew.
const RESTART_FROM: u64 = 192 << 20;

/// How often the thread looks.
const PERIOD: Duration = Duration::from_millis(200);

struct Shared {
    path: std::path::PathBuf,
    stopping: Mutex<bool>,
    changed: Condvar,
    is_copied: AtomicBool,
    commits: AtomicU64,
}

impl Shared {
    fn length(&self) -> u64 {
        std::fs::metadata(&self.path).map_or(0, |metadata| metadata.len())
    }
}

/// The thread that copies.
pub(super) struct Tidier {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Tidier {
    pub(super) fn start(path: &Path) -> Result<Self, CollectorError> {
        let connection = schema::open_again(path)?;
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        let shared = Arc::new(Shared {
            path: log.into(),
            stopping: Mutex::new(false),
            changed: Condvar::new(),
            is_copied: AtomicBool::new(false),
            commits: AtomicU64::new(0),
        });
        let own = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("wal".to_owned())
            .spawn(move || work(&own, &connection))
            .map_err(|error| CollectorError::io("A thread cannot be started", error))?;
        Ok(Self { shared, thread: Mutex::new(Some(thread)) })
    }

    /// A commit is done; the writer may now tidy up if it is time.
    pub(super) fn wrote(&self, connection: &Connection) {
        let commits = self.shared.commits.fetch_add(1, Ordering::Relaxed);
        // Asking for the length of a file is cheap, but not for nothing.
        if !commits.is_multiple_of(16) || !self.shared.is_copied.load(Ordering::Relaxed) {
            return;
        }
        if self.shared.length() > RESTART_FROM {
            // If readers are in the way, the log stays as it is; the next commits try again.
            let _ = connection.busy_timeout(Duration::ZERO);
            let restarted =
                connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
            let _ = connection.busy_timeout(Duration::from_secs(10));
            if restarted == Ok(0_i64) {
                self.shared.is_copied.store(false, Ordering::Relaxed);
            }
        }
    }

    /// Ends the thread.
    pub(super) fn stop(&self) {
        *self.shared.stopping.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.shared.changed.notify_all();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A panic has been shown by the hook already.
            let _ = thread.join();
        }
    }
}

impl Drop for Tidier {
    fn drop(&mut self) {
        self.stop();
    }
}

fn work(shared: &Shared, connection: &Connection) {
    let mut stopping = shared.stopping.lock().unwrap_or_else(PoisonError::into_inner);
    let mut seen = 0;
    while !*stopping {
        let wait = shared.changed.wait_timeout(stopping, PERIOD);
        stopping = wait.unwrap_or_else(PoisonError::into_inner).0;
        let commits = shared.commits.load(Ordering::Relaxed);
        if *stopping || commits == seen || shared.length() < COPY_FROM {
            continue;
        }
        drop(stopping);
        seen = commits;
        // Failing is no harm: the log only stays longer, and the next round tries again.
        let copied = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        shared.is_copied.store(copied.is_ok(), Ordering::Relaxed);
        stopping = shared.stopping.lock().unwrap_or_else(PoisonError::into_inner);
    }
}
