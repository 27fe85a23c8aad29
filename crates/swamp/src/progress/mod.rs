//! Showing and recording a run while it goes on.
//!
//! The console, the live tree and the run log are consumers of the event stream that do not know
//! each other. Each works on a thread of its own behind a bounded channel, so that a slow terminal
//! slows the run down instead of filling memory, and formatting never happens under the stream's
//! lock.

mod console;
pub(crate) mod duration;
mod narrate;
mod run_log;
mod tree;
mod tree_state;

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::thread::JoinHandle;

use swamp_events::{ChannelSink, EventSink, RunEvent};

pub(crate) use console::Console;
pub(crate) use run_log::RunLog;
pub(crate) use tree::{LiveTree, SHOW_CURSOR, can_show_tree};

/// How many events may wait for a consumer.
const CAPACITY: usize = 1024;

/// Consumers at work.
#[derive(Default)]
pub(crate) struct Watchers {
    sinks: Vec<Arc<dyn EventSink>>,
    threads: Vec<(Arc<ChannelSink>, JoinHandle<()>)>,
}

impl Watchers {
    /// Starts a consumer on a thread of its own. It gets events until [`Self::finish`]. Without
    /// it (no thread can be started) the run goes on unwatched.
    pub(crate) fn start(
        &mut self,
        name: &str,
        consumer: impl FnOnce(Receiver<Arc<RunEvent>>) + Send + 'static,
    ) {
        let (sink, events) = ChannelSink::new(CAPACITY);
        let thread = std::thread::Builder::new().name(name.to_owned());
        if let Ok(handle) = thread.spawn(move || consumer(events)) {
            let sink = Arc::new(sink);
            self.sinks.push(Arc::clone(&sink) as Arc<dyn EventSink>);
            self.threads.push((sink, handle));
        }
    }

    /// Adds a consumer that needs no thread.
    pub(crate) fn add(&mut self, sink: Arc<dyn EventSink>) {
        self.sinks.push(sink);
    }

    /// The sinks to make a stream with. To be taken once.
    pub(crate) fn sinks(&mut self) -> Vec<Arc<dyn EventSink>> {
        std::mem::take(&mut self.sinks)
    }

    /// Waits until every consumer has seen the last event. Events that come later are seen by none
    /// of those that have a thread.
    pub(crate) fn finish(self) {
        drop(self);
    }
}

impl Drop for Watchers {
    /// Also what a panic leaves unfinished is shown and logged as far as it came.
    fn drop(&mut self) {
        for (sink, _) in &self.threads {
            sink.close();
        }
        for (_, thread) in self.threads.drain(..) {
            // A consumer that panicked has said so already.
            drop(thread.join());
        }
    }
}
