//! Everything a session writes, and what happens when it cannot.
//!
//! The first fault ends the writing of method calls: from then on they are only counted. Nothing is
//! retried and nothing is reported but through the one callback, so that a run cannot tell a full
//! disk from a working one.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use swamp_ident::Timestamp;
use swamp_wire::TelemetryEntry;

use crate::journal::{Journal, LAYOUT, Open, Record};
use crate::recovery::{self, Allowance, Recovered};
use crate::session::{Closed, OnFault};
use crate::spool::{Spool, SpoolError};
use crate::spooler::{Existing, Spooler};
use crate::status::note_lost;
use crate::tally::{self, Added};
use crate::worker::Worker;

/// Entries that become final before they are worth waking somebody.
const BATCH: u32 = 64;

/// Where a session writes.
pub(crate) struct Recorder {
    path: PathBuf,
    state: State,
    on_fault: Option<OnFault>,
    /// How long the end may be about dead sessions.
    settle_for: Option<Duration>,
    /// What was done and what could not be.
    closed: Closed,
}

enum State {
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
    /// Whether there is more in the journal than the command itself.
    has_more: bool,
}

impl Recorder {
    /// Makes the journal, which starts with the command's provisional entry.
    pub(crate) fn start(
        path: PathBuf,
        began: u64,
        command: &TelemetryEntry,
        on_fault: Option<OnFault>,
        settle_for: Option<Duration>,
    ) -> Self {
        let (state, fault) = match open(&path, began, command) {
            Ok(writing) => (State::Open(Box::new(writing)), None),
            Err(error) => (State::Broken(None), Some(error)),
        };
        let recorder = Self { path, state, on_fault, settle_for, closed: Closed::default() };
        if let Some(error) = fault {
            recorder.fault(&error.to_string());
        }
        recorder
    }

    /// Writes a record before it returns.
    pub(crate) fn write(&mut self, record: &Record) {
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
        match std::mem::replace(&mut self.state, State::Broken(None)) {
            // What kept the journal from being made may be over by now.
            State::Broken(None) => match Spool::create(&self.path) {
                Ok(spool) => {
                    self.add(&spool, command);
                    self.recover(&Arc::new(spool), command.completed_at);
                }
                Err(_) => self.closed.lost += 1,
            },
            State::Open(mut writing) => {
                // Most commands call no method; their journal need not be read to know what it
                // says.
                if !writing.has_more && add(&writing.spool, command).is_ok() {
                    self.closed.written += 1;
                    drop(writing.journal.remove());
                    self.recover(&writing.spool, command.completed_at);
                    return self.closed;
                }
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
        self.recover(&spool, command.completed_at);
    }

    /// Settles dead sessions before this one ends.
    pub(crate) fn recover_now(&mut self) -> Recovered {
        let State::Open(writing) = &self.state else {
            return Recovered::default();
        };
        let (recovered, _) = recovery::recover(&writing.spool, Allowance::ENDLESS);
        self.closed.recovered.add(recovered);
        recovered
    }

    fn recover(&mut self, spool: &Arc<Spool>, now: Timestamp) {
        if self.closed.lost == 0 {
            let allowance = Allowance::of(self.settle_for);
            let (recovered, is_left) = recovery::recover(spool, allowance);
            self.closed.recovered.add(recovered);
            self.closed.is_unsettled = is_left;
        } else {
            // Where our own entries cannot be written, those of others cannot either. If this
            // cannot be, nobody will ever know, and that is how it has to be.
            drop(note_lost(spool, self.closed.lost));
        }
        self.tally(spool, now);
    }

    /// Notes how much came into the spool.
    fn tally(&mut self, spool: &Spool, now: Timestamp) {
        let (entries, bytes) = spool.added();
        let Recovered { sessions, entries: of_them } = self.closed.recovered;
        let added =
            Added { entries, bytes, recovered_sessions: sessions, recovered_entries: of_them };
        if added != Added::default()
            && let Err(error) = tally::note(spool, added, now)
        {
            self.fault(&error.to_string());
        }
    }

    fn with_journal(&mut self, write: impl FnOnce(&mut Journal) -> io::Result<()>) {
        let State::Open(writing) = &mut self.state else {
            return;
        };
        writing.has_more = true;
        if let Err(error) = write(&mut writing.journal) {
            if let State::Open(writing) = std::mem::replace(&mut self.state, State::Broken(None)) {
                self.state = State::Broken(Some(writing));
            }
            self.fault(&error.to_string());
        }
    }

    fn add(&mut self, spool: &Spool, command: &TelemetryEntry) {
        match add(spool, command) {
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

/// Writes an entry as a file.
fn add(spool: &Spool, entry: &TelemetryEntry) -> io::Result<()> {
    spool.add(entry, &serde_json::to_vec_pretty(entry)?)
}

/// Opens the spool and makes the journal of a session.
fn open(path: &Path, began: u64, command: &TelemetryEntry) -> Result<Writing, SpoolError> {
    let spool = Spool::create(path)?;
    let failed =
        |source| SpoolError::Io { action: "write a journal in", path: path.to_owned(), source };
    let mut journal = Journal::create(spool.sessions()?, &command.id).map_err(failed)?;
    let open = Open { v: LAYOUT, t: began, entry: command.clone() };
    if let Err(error) = journal.write(&Record::Open(Box::new(open))) {
        // An empty file of ours must not be left on a full disk.
        drop(journal.remove());
        return Err(failed(error));
    }
    Ok(Writing { spool: Arc::new(spool), journal, worker: None, fresh: 0, has_more: false })
}

impl Writing {
    fn spooler(&self, existing: Existing) -> Spooler {
        Spooler::new(Arc::clone(&self.spool), self.journal.file(), existing)
    }
}
