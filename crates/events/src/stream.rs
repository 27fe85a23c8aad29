//! Producing and handing on events.

use std::fmt;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use swamp_ident::{Clock, JobName, Moment};

use crate::{EventKind, RunEvent, RunRef, Scope, StepRef};

/// A consumer of the stream.
///
/// `accept` is called in order, one event at a time, on the thread where the event happened. A
/// consumer must not call back into the stream, and must be quick or hand over to a thread of its
/// own (see [`ChannelSink`]).
pub trait EventSink: Send + Sync {
    /// Takes the next event.
    fn accept(&self, event: &Arc<RunEvent>);
}

/// The stream of one command: numbers events and hands each to every sink.
pub struct EventStream {
    clock: Arc<dyn Clock>,
    sinks: Vec<Arc<dyn EventSink>>,
    last_seq: Mutex<u64>,
}

impl EventStream {
    /// A stream with these consumers, in the order they are told of an event.
    pub fn new(clock: Arc<dyn Clock>, sinks: Vec<Arc<dyn EventSink>>) -> Arc<Self> {
        Arc::new(Self { clock, sinks, last_seq: Mutex::new(0) })
    }

    /// An emitter for events that belong to no run.
    pub fn emitter(self: &Arc<Self>) -> Emitter {
        Emitter { stream: Arc::clone(self), scope: Arc::new(Scope::default()) }
    }

    fn emit(&self, at: Moment, scope: &Arc<Scope>, kind: EventKind) {
        let mut last_seq = self.lock();
        *last_seq += 1;
        let event = Arc::new(RunEvent { seq: *last_seq, at, scope: Arc::clone(scope), kind });
        for sink in &self.sinks {
            sink.accept(&event);
        }
    }

    fn lock(&self) -> MutexGuard<'_, u64> {
        // A sink that panicked left the number itself intact.
        self.last_seq.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream").field("sinks", &self.sinks.len()).finish_non_exhaustive()
    }
}

/// A handle that emits into a stream on behalf of one scope. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Emitter {
    stream: Arc<EventStream>,
    scope: Arc<Scope>,
}

impl Emitter {
    /// The scope of everything emitted here.
    pub fn scope(&self) -> &Arc<Scope> {
        &self.scope
    }

    /// Reads the clock that events are stamped with.
    pub fn now(&self) -> Moment {
        self.stream.clock.now()
    }

    /// Emits an event that happens now.
    pub fn emit(&self, kind: EventKind) {
        self.stream.emit(self.now(), &self.scope, kind);
    }

    /// Emits an event that happened at a moment read earlier.
    pub fn emit_at(&self, at: Moment, kind: EventKind) {
        self.stream.emit(at, &self.scope, kind);
    }

    /// The emitter of a run: the outermost one, or one nested in this scope's run.
    #[must_use]
    pub fn for_run(&self, run: RunRef) -> Self {
        self.with(self.scope.nested(run))
    }

    /// The emitter of a job of this run.
    #[must_use]
    pub fn for_job(&self, job: JobName) -> Self {
        self.with(self.scope.in_job(job))
    }

    /// The emitter of a step of this job.
    #[must_use]
    pub fn for_step(&self, step: StepRef) -> Self {
        self.with(self.scope.in_step(step))
    }

    fn with(&self, scope: Scope) -> Self {
        Self { stream: Arc::clone(&self.stream), scope: Arc::new(scope) }
    }
}

/// A sink that hands events to another thread through a bounded channel. When that thread is slow,
/// the run waits; nothing is dropped and memory stays bounded.
#[derive(Debug)]
pub struct ChannelSink {
    /// `None` once it is closed.
    sender: Mutex<Option<SyncSender<Arc<RunEvent>>>>,
}

impl ChannelSink {
    /// A sink and the receiving end; `capacity` events may wait. The receiver ends when the sink is
    /// closed or dropped.
    pub fn new(capacity: usize) -> (Self, Receiver<Arc<RunEvent>>) {
        let (sender, receiver) = sync_channel(capacity);
        (Self { sender: Mutex::new(Some(sender)) }, receiver)
    }

    /// Takes no more events. The receiver ends after those that were taken, even if something still
    /// holds an emitter.
    pub fn close(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<SyncSender<Arc<RunEvent>>>> {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EventSink for ChannelSink {
    fn accept(&self, event: &Arc<RunEvent>) {
        // The receiver is only gone when its thread has panicked; the run goes on without it.
        if let Some(sender) = &*self.lock() {
            drop(sender.send(Arc::clone(event)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use swamp_ident::{RunId, SystemClock, WorkflowName};

    #[test]
    fn events_arrive_in_order_from_many_threads_with_their_scope() {
        let (sink, receiver) = ChannelSink::new(16);
        let stream = EventStream::new(Arc::new(SystemClock::new()), vec![Arc::new(sink)]);
        let consumer = std::thread::spawn(move || receiver.iter().collect::<Vec<_>>());
        std::thread::scope(|threads| {
            for index in 0..8 {
                let run = RunRef {
                    workflow: WorkflowName::new("same"),
                    id: RunId::new(format!("run-{index}")),
                };
                let emitter = stream.emitter().for_run(run);
                threads.spawn(move || {
                    for _ in 0..100 {
                        emitter.emit(EventKind::JobStarted);
                    }
                });
            }
        });
        drop(stream);
        let events = consumer.join().unwrap();
        assert_eq!(events.len(), 800);
        assert!(events.iter().zip(1..).all(|(event, seq)| event.seq == seq));
        for index in 0..8 {
            let id = format!("run-{index}");
            let own = events
                .iter()
                .filter(|event| event.scope.run.as_ref().is_some_and(|run| run.id.as_str() == id));
            assert_eq!(own.count(), 100);
        }
    }

    #[test]
    fn a_closed_sink_ends_its_receiver_while_emitters_live() {
        let (sink, receiver) = ChannelSink::new(16);
        let sink = Arc::new(sink);
        let stream = EventStream::new(Arc::new(SystemClock::new()), vec![Arc::clone(&sink) as _]);
        let emitter = stream.emitter();
        emitter.emit(EventKind::JobStarted);
        sink.close();
        emitter.emit(EventKind::JobStarted);
        assert_eq!(receiver.iter().count(), 1);
    }

    #[test]
    fn nested_runs_know_the_runs_around_them() {
        let run = |name: &str| RunRef { workflow: WorkflowName::new(name), id: RunId::new(name) };
        let outer = Scope::of_run(run("outer")).in_job(JobName::new("a:b"));
        let inner = outer.nested(run("inner"));
        let innermost = inner.nested(run("innermost"));
        assert_eq!(innermost.root(), Some(&run("outer")));
        assert_eq!(innermost.ancestors, [run("outer"), run("inner")]);
        assert_eq!((innermost.depth(), &innermost.job), (2, &None));
    }
}
