//! Everything a session writes, and what happens when it cannot.
//!
//! The first fault ends the writing of method calls: from then on they are only counted. Nothing is
//! retried and nothing is reported but through the one callback, so that a run cannot tell a full
//! disk from a working one.

use std::path::PathBuf;
use std::sync::Arc;

use swamp_wire::TelemetryEntry;

use crate::journal::{Journal, LAYOUT, Open, Record};
use crate::recovery;
use crate::session::{Closed, OnFault};
use crate::spool::{Spool, SpoolError};
use crate::spooler::{Existing, Spooler};
use crate::status::note_lost;
use crate::worker::Worker;

/// Entries that become final before they are worth waking somebody.
const BATCH: u32 = 64;

/// Where a session writes.
pub(crate) struct Recorder {
    path: PathBuf,
    /// When the command began, by the monotonic clock, in milliseconds.
    began: u64,
    state: State,
    on_fault: Option<OnFault>,
    /// What was done and what could not be.
    closed: Closed,
}

enum State {
    /// Nothing has been written.
    Idle,
    /// All is well.
    Open(Box<Writing>),
    /// Something could not be written. What is in the journal is still good.
    Broken(Option<Box<Writing>>),
}

struct Writing {
    spool: Arc<Spool>,
    journal: Journal,
    worker: Option<Worker>,
    /// Entries that became final since the worker was last woken.
    fresh: u32,
}

impl Recorder {
    /// A recorder that has not touched any file.
    pub(crate) fn new(path: PathBuf, began: u64, on_fault: Option<OnFault>) -> Self {
        Self { path, began, state: State::Idle, on_fault, closed: Closed::default() }
    }

    /// Writes a record before it returns; the first one makes the journal, which starts with the
    /// command's provisional entry.
    pub(crate) fn write(&mut self, command: &TelemetryEntry, record: &Record) {
        if matches!(self.state, State::Idle) {
            self.state = match self.open(command) {
                Ok(writing) => State::Open(Box::new(writing)),
                Err(error) => {
                    self.fault(&error.to_string());
                    State::Broken(None)
                }
            };
        }
        self.with_journal(|journal| journal.write(record));
    }

    /// Writes a record along with the next one.
    pub(crate) fn write_later(&mut self, record: &Record) {
        self.with_journal(|journal| journal.write_later(record));
    }

    /// One more method call is final.
    pub(crate) fn one_more(&mut self) {
        let State::Open(writing) = &mut self.state else {
            self.closed.lost += 1;
            return;
        };
        writing.fresh += 1;
        if writing.fresh < BATCH {
            return;
        }
        writing.fresh = 0;
        if let Some(worker) = &writing.worker {
            worker.wake();
            let to = worker.progress();
            self.write_later(&Record::Spooled { to });
        } else {
            writing.worker = Worker::start(writing.spooler(Existing::Fails));
        }
    }

    /// Writes the command's own entry and sees to it that every entry is a file; then does the same
    /// for sessions whose process died.
    pub(crate) fn close(mut self, command: &TelemetryEntry) -> Closed {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Idle | State::Broken(None) => match Spool::create(&self.path) {
                Ok(spool) => {
                    self.add(&spool, command);
                    self.recover(&Arc::new(spool));
                }
                Err(error) => self.lose(&error.to_string()),
            },
            State::Open(mut writing) => {
                let whole = writing.journal.write(&Record::Close(Box::new(command.clone())));
                if let Err(error) = &whole {
                    self.fault(&error.to_string());
                }
                self.finish(*writing, command, whole.is_ok());
            }
            State::Broken(Some(writing)) => self.finish(*writing, command, false),
        }
        self.closed
    }

    fn finish(&mut self, writing: Writing, command: &TelemetryEntry, whole: bool) {
        let fresh = writing.spooler(Existing::Fails);
        let Writing { spool, journal, worker, .. } = writing;
        let mut spooler = match worker.map(Worker::stop) {
            None => fresh,
            Some(Some(spooler)) => spooler,
            // Nobody knows how far the thread came before it panicked.
            Some(None) => Spooler::new(Arc::clone(&spool), journal.file(), Existing::IsOurs),
        };
        spooler.work(None);
        self.closed.written += spooler.written;
        self.closed.lost += spooler.lost;
        if !spooler.is_closed() {
            self.add(&spool, command);
        }
        match &spooler.fault {
            // What is whole in the journal and could not become a file is left for a later command.
            Some(error) if whole => self.fault(&error.to_string()),
            _ => drop(journal.remove()),
        }
        self.recover(&spool);
    }

    fn recover(&mut self, spool: &Arc<Spool>) {
        if self.closed.lost == 0 {
            self.closed.recovered = recovery::recover(spool);
        } else {
            // Where our own entries cannot be written, those of others cannot either. If this
            // cannot be, nobody will ever know, and that is how it has to be.
            drop(note_lost(spool, self.closed.lost));
        }
    }

    fn open(&self, command: &TelemetryEntry) -> Result<Writing, SpoolError> {
        let spool = Spool::create(&self.path)?;
        let failed = |source| SpoolError::Io {
            action: "write a journal in",
            path: self.path.clone(),
            source,
        };
        let mut journal = Journal::create(spool.sessions()?, &command.id).map_err(failed)?;
        let open = Open { v: LAYOUT, t: self.began, entry: command.clone() };
        journal.write_later(&Record::Open(Box::new(open))).map_err(failed)?;
        Ok(Writing { spool: Arc::new(spool), journal, worker: None, fresh: 0 })
    }

    fn with_journal(&mut self, write: impl FnOnce(&mut Journal) -> std::io::Result<()>) {
        let State::Open(writing) = &mut self.state else {
            return;
        };
        if let Err(error) = write(&mut writing.journal) {
            if let State::Open(writing) = std::mem::replace(&mut self.state, State::Idle) {
                self.state = State::Broken(Some(writing));
            }
            self.fault(&error.to_string());
        }
    }

    fn add(&mut self, spool: &Spool, command: &TelemetryEntry) {
        let text = serde_json::to_vec_pretty(command).unwrap_or_default();
        match spool.add(command, &text) {
            Ok(()) => self.closed.written += 1,
            Err(error) => self.lose(&format!("{}: {error}", spool.path().display())),
        }
    }

    fn lose(&mut self, error: &str) {
        self.fault(error);
        self.closed.lost += 1;
    }

    fn fault(&self, error: &str) {
        if let Some(on_fault) = &self.on_fault {
            on_fault(&format!("Failed to write: {error}"));
        }
    }
}

impl Writing {
    fn spooler(&self, existing: Existing) -> Spooler {
        Spooler::new(Arc::clone(&self.spool), self.journal.file(), existing)
    }
}
