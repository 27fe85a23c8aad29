//! Group commit: the events of many requests become one batch, and one write to the disk serves all.
//!
//! One thread talks to the store. While it waits for the disk, requests queue; when it comes back it
//! takes all that are there. The queue is bounded: when it is full, a request is told to come back
//! later, and nothing grows.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::{broadcast, oneshot};

use crate::error::CollectorError;
use crate::event::Event;
use crate::store::{Outcome, Store};

/// Requests that may wait for the disk.
const QUEUE: usize = 1024;

/// Events after which a batch is not made larger.
const BATCH_EVENTS: usize = 20_000;

/// Events that a slow watcher of the live tail may be behind before it misses some.
const TAIL: usize = 1024;

/// Why events were not kept. The sender should try again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotKept {
    /// Too many requests wait.
    #[error("The collector has more to do than it can; send again in a second")]
    Busy,
    /// The disk is full.
    #[error(
        "The disk of the collector is full; nothing of this request was kept, send it again later"
    )]
    Full,
    /// The store failed.
    #[error(
        "The store of the collector failed; nothing of this request was kept, send it again later"
    )]
    Failed,
    /// The collector is stopping.
    #[error("The collector is stopping; send again in a few seconds")]
    Stopping,
}

/// The events of one request, and where the answer goes.
struct Submission {
    events: Arc<Vec<Event>>,
    answer: oneshot::Sender<Result<Vec<Outcome>, NotKept>>,
}

/// What the commit thread has done, for metrics.
#[derive(Debug, Default)]
pub struct CommitCounters {
    /// Requests handed in.
    pub queued: AtomicU64,
    /// Requests whose turn has come.
    pub taken: AtomicU64,
    /// Batches written.
    pub commits: AtomicU64,
    /// Batches that failed.
    pub failures: AtomicU64,
    /// Events stored.
    pub stored: AtomicU64,
    /// Events that were there already.
    pub duplicates: AtomicU64,
    /// Events not wanted.
    pub dropped: AtomicU64,
    /// Requests refused because too many waited.
    pub refused: AtomicU64,
    /// Time spent writing, in microseconds.
    pub busy_micros: AtomicU64,
}

/// The way to the commit thread; clones lead to the same one.
#[derive(Clone)]
pub struct Committer {
    queue: SyncSender<Submission>,
    counters: Arc<CommitCounters>,
    tail: broadcast::Sender<Arc<Event>>,
}

/// The commit thread. It ends when every [`Committer`] is gone.
#[derive(Debug)]
pub struct CommitThread(JoinHandle<()>);

impl CommitThread {
    /// Waits until everything that was submitted is answered.
    pub fn join(self) {
        // A panic in the thread has been shown by the panic hook already.
        let _ = self.0.join();
    }
}

/// Starts the commit thread of a store.
pub fn start(store: Arc<dyn Store>) -> Result<(Committer, CommitThread), CollectorError> {
    let (queue, submissions) = sync_channel(QUEUE);
    let counters = Arc::new(CommitCounters::default());
    let (tail, _) = broadcast::channel(TAIL);
    let worker = Worker { store, submissions, counters: Arc::clone(&counters), tail: tail.clone() };
    let thread = thread::Builder::new()
        .name("commit".to_owned())
        .spawn(move || worker.work())
        .map_err(|error| CollectorError::io("The commit thread cannot be started", error))?;
    Ok((Committer { queue, counters, tail }, CommitThread(thread)))
}

impl Committer {
    /// Hands in events and waits until they are durable.
    pub async fn submit(&self, events: Arc<Vec<Event>>) -> Result<Vec<Outcome>, NotKept> {
        let (answer, answered) = oneshot::channel();
        match self.queue.try_send(Submission { events, answer }) {
            Ok(()) => {
                self.counters.queued.fetch_add(1, Ordering::Relaxed);
                answered.await.unwrap_or(Err(NotKept::Stopping))
            }
            Err(TrySendError::Full(_)) => {
                self.counters.refused.fetch_add(1, Ordering::Relaxed);
                Err(NotKept::Busy)
            }
            Err(TrySendError::Disconnected(_)) => Err(NotKept::Stopping),
        }
    }

    /// What was done so far.
    pub fn counters(&self) -> &CommitCounters {
        &self.counters
    }

    /// Events as they are stored, from now on; of all projects, so that who shows them has to look
    /// at whose they are.
    pub fn tail(&self) -> broadcast::Receiver<Arc<Event>> {
        self.tail.subscribe()
    }
}

struct Worker {
    store: Arc<dyn Store>,
    submissions: Receiver<Submission>,
    counters: Arc<CommitCounters>,
    tail: broadcast::Sender<Arc<Event>>,
}

impl Worker {
    fn work(self) {
        while let Ok(first) = self.submissions.recv() {
            let mut events = first.events.len();
            let mut waiting = vec![first];
            let until = Instant::now() + self.store.linger();
            while events < BATCH_EVENTS {
                let wait = until.saturating_duration_since(Instant::now());
                // With nothing left to wait this takes what is there.
                let Ok(next) = self.submissions.recv_timeout(wait) else { break };
                events += next.events.len();
                waiting.push(next);
            }
            self.counters.taken.fetch_add(waiting.len() as u64, Ordering::Relaxed);
            let started = Instant::now();
            let parts: Vec<&[Event]> = waiting.iter().map(|one| one.events.as_slice()).collect();
            let outcomes = self.store.append_all(&parts);
            self.count(started.elapsed(), outcomes.as_deref().ok());
            match outcomes {
                Ok(outcomes) => {
                    self.show(&parts, &outcomes);
                    let mut rest = outcomes.as_slice();
                    for Submission { events, answer } in waiting {
                        let (own, others) = rest.split_at(events.len().min(rest.len()));
                        rest = others;
                        // A client that hung up needs no answer; it will send again.
                        let _ = answer.send(Ok(own.to_vec()));
                    }
                }
                Err(error) => {
                    let why = match error {
                        CollectorError::Full => NotKept::Full,
                        _ => NotKept::Failed,
                    };
                    for Submission { answer, .. } in waiting {
                        let _ = answer.send(Err(why.clone()));
                    }
                    // A store that fails at once would otherwise be asked without a pause.
                    thread::sleep(Duration::from_millis(20));
                }
            }
        }
    }

    fn count(&self, took: Duration, outcomes: Option<&[Outcome]>) {
        let counters = &self.counters;
        let add = |counter: &AtomicU64, number: u64| {
            counter.fetch_add(number, Ordering::Relaxed);
        };
        add(&counters.busy_micros, u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        let Some(outcomes) = outcomes else { return add(&counters.failures, 1) };
        add(&counters.commits, 1);
        for outcome in outcomes {
            match outcome {
                Outcome::Stored => add(&counters.stored, 1),
                Outcome::Duplicate => add(&counters.duplicates, 1),
                Outcome::Dropped(_) => add(&counters.dropped, 1),
            }
        }
    }

    /// Shows the latest events to those who watch.
    fn show(&self, parts: &[&[Event]], outcomes: &[Outcome]) {
        if self.tail.receiver_count() == 0 {
            return;
        }
        let events = parts.iter().copied().flatten();
        let stored = events.zip(outcomes).filter(|(_, outcome)| **outcome == Outcome::Stored);
        for (event, _) in stored {
            // Nobody watching any more is no fault.
            let _ = self.tail.send(Arc::new(event.clone()));
        }
    }
}
