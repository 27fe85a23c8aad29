//! What is acknowledged and not in the database yet, as questions need it.
//!
//! It comes in *generations*: the current one grows with every commit; a frozen one is on its way into
//! the database. Both are made again from the [journal](super::journal) at a start.

use std::path::PathBuf;
use std::sync::Arc;

use super::dictionary::{CellKey, Dictionary, News};
use super::journal::Record;
use super::runs::Changes;
use crate::event::{Event, EventKey, Kind, ProjectId};

/// Calls in a piece of the list that is not made longer.
const PIECE: usize = 4096;

/// A method call, as statistics need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) project: ProjectId,
    pub(super) key: CellKey,
    pub(super) at: i64,
    pub(super) duration_ms: u64,
    pub(super) timed: bool,
    pub(super) failed: bool,
    pub(super) run: Option<EventKey>,
}

impl Call {
    /// The call an event tells of, if it does.
    pub(super) fn of(event: &Event, dictionary: &mut Dictionary) -> Option<Self> {
        (event.kind == Kind::Method).then(|| Self {
            project: event.project,
            key: dictionary.key(event),
            at: event.at.as_millis(),
            duration_ms: event.duration_ms,
            timed: event.timed,
            failed: event.failed,
            run: event.group_key,
        })
    }
}

/// What came in one stretch of time.
#[derive(Default)]
pub(super) struct Generation {
    /// In pieces, so that a question can take the list as it is.
    calls: Vec<Arc<Vec<Call>>>,
    pub(super) runs: Changes,
    /// The keys of all events.
    pub(super) keys: Vec<EventKey>,
    pub(super) records: Vec<Record>,
    pub(super) events: u64,
    /// What became known to the dictionary meanwhile; when the generation is frozen.
    pub(super) news: News,
    /// Files with its records; when it is frozen.
    pub(super) files: Vec<PathBuf>,
}

impl Generation {
    /// Adds the events of a record.
    pub(super) fn add(&mut self, dictionary: &mut Dictionary, record: Record, events: &[&Event]) {
        let mut calls = Vec::with_capacity(events.len());
        for event in events {
            self.keys.push(event.key);
            self.runs.add(dictionary, event, record.number);
            calls.extend(Call::of(event, dictionary));
        }
        self.events += events.len() as u64;
        self.records.push(record);
        let last = self.calls.last_mut().and_then(Arc::get_mut);
        match last.filter(|last| last.len() + calls.len() <= PIECE) {
            Some(last) => last.append(&mut calls),
            None => self.calls.push(Arc::new(calls)),
        }
    }

    /// Whether there is nothing in it.
    pub(super) const fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The number of its last record.
    pub(super) fn last_record(&self) -> u64 {
        self.records.last().map_or(0, |record| record.number)
    }

    /// Its calls.
    pub(super) fn calls(&self) -> &[Arc<Vec<Call>>] {
        &self.calls
    }
}
