//! A commit: what is new of a batch goes into the journal, and into memory.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::core::{Core, Counted, FOLD_EVENTS, Writer, now};
use super::segments::Draft;
use crate::error::CollectorError;
use crate::event::{Event, EventKey, ProjectId};
use crate::store::Outcome;

/// Events that may wait for a fold besides those that are being folded; further ones have to wait
/// until it is done.
const MOST_UNFOLDED: u64 = 2 * FOLD_EVENTS;

/// How long they wait before they are refused.
const PATIENCE: Duration = Duration::from_secs(10);

impl Core {
    /// Keeps events. When this returns, they are on the disk and in every answer.
    pub(super) fn append(&self, parts: &[&[Event]]) -> Result<Vec<Outcome>, CollectorError> {
        self.wait_for_room()?;
        let writer = &mut *self.writer();
        let Writer { connection, seen, packer, journal, next } = writer;
        let events = || parts.iter().copied().flatten();
        let keys: Vec<EventKey> = events().map(|event| event.key).collect();
        let fresh = seen.take(connection, &keys)?;
        let mut drafts: BTreeMap<ProjectId, Draft<'_>> = BTreeMap::new();
        for (event, _) in events().zip(&fresh).filter(|(_, fresh)| **fresh) {
            drafts.entry(event.project).or_default().events.push(event);
        }
        let outcome = |fresh: &bool| if *fresh { Outcome::Stored } else { Outcome::Duplicate };
        let outcomes = fresh.iter().map(outcome).collect();
        if drafts.is_empty() {
            return Ok(outcomes);
        }
        let received_at = now();
        let mut write = || {
            let records: Result<Vec<_>, CollectorError> = drafts
                .iter()
                .zip(*next..)
                .map(|((project, draft), number)| {
                    draft.record(packer, number, *project, received_at)
                })
                .collect();
            let records = records?;
            journal.append(&records)?;
            Ok(records)
        };
        let records = match write() {
            Ok(records) => records,
            Err(error) => {
                seen.give_back(&keys, &fresh);
                return Err(error);
            }
        };
        *next += records.len() as u64;
        let mut counted = self.counted_mut();
        let Counted { dictionary, current, .. } = &mut *counted;
        for (record, draft) in records.into_iter().zip(drafts.values()) {
            current.add(dictionary, record, &draft.events);
        }
        let unfolded = current.events;
        drop(counted);
        let mut progress = self.progress();
        progress.unfolded = unfolded;
        progress.since.get_or_insert_with(Instant::now);
        if progress.is_due() {
            self.tell();
        }
        Ok(outcomes)
    }

    /// Waits while folds are too far behind.
    fn wait_for_room(&self) -> Result<(), CollectorError> {
        let begun = Instant::now();
        let mut progress = self.progress();
        while progress.unfolded >= MOST_UNFOLDED {
            if let Some(failure) = &progress.failed {
                return Err(failure.clone().into());
            }
            if begun.elapsed() > PATIENCE {
                let what = "The database does not take what is in the journal".to_owned();
                return Err(CollectorError::Store(what));
            }
            progress = self.wait(progress, Duration::from_millis(200));
        }
        Ok(())
    }
}
