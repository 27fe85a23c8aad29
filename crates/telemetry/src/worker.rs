//! The thread that turns a journal into files while the run goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use crate::spooler::Spooler;

/// Stack of the thread; it formats one entry at a time.
const STACK: usize = 256 * 1024;

/// A spooler at work behind a run.
#[derive(Debug)]
pub(crate) struct Worker {
    thread: JoinHandle<Spooler>,
    stop: Arc<AtomicBool>,
    progress: Arc<AtomicU64>,
}

impl Worker {
    /// Puts a spooler to work. `None` if there can be no thread; the end of the session then does
    /// the work.
    pub(crate) fn start(mut spooler: Spooler) -> Option<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let progress = spooler.progress();
        let thread = thread::Builder::new()
            .name("telemetry".to_owned())
            .stack_size(STACK)
            .spawn(move || {
                step_back();
                while !told.load(Ordering::Acquire) {
                    spooler.work(Some(&told));
                    thread::park();
                }
                spooler
            })
            .ok()?;
        Some(Self { thread, stop, progress })
    }

    /// Says that there is more to do.
    pub(crate) fn wake(&self) {
        self.thread.thread().unpark();
    }

    /// The place in the journal up to which all final entries are files.
    pub(crate) fn progress(&self) -> u64 {
        self.progress.load(Ordering::Relaxed)
    }

    /// Ends the thread and takes the spooler back; `None` if it panicked.
    pub(crate) fn stop(self) -> Option<Spooler> {
        self.stop.store(true, Ordering::Release);
        self.wake();
        self.thread.join().ok()
    }
}

/// Lets everybody else's work go first.
fn step_back() {
    // Elsewhere this would slow down the whole process instead of this thread.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(None, 19);
}
