//! Runs and events: those in the file, and those in the journal.

use std::ops::ControlFlow;
use std::sync::Arc;

use swamp_ident::Timestamp;

use super::core::{Core, applied};
use super::fresh::Generation;
use super::journal::Record;
use super::runs::{self, Changes, FoundRun, RunSieve, Runs};
use super::segments::{self, Segment};
use crate::error::CollectorError;
use crate::event::{Event, ProjectId};
use crate::query::Query;
use crate::store::{RunCounts, RunCursor, RunEvents, RunSummary};

/// What is not in the file yet, as it was at one moment.
struct Fresh {
    frozen: Option<Arc<Generation>>,
    /// Of the current generation.
    last: u64,
    runs: Changes,
    records: Vec<Record>,
}

impl Fresh {
    /// What is not in a file that has records up to some number. The moment of this must be before
    /// the moment of that.
    fn after(&self, applied: u64) -> (Vec<&Changes>, impl Iterator<Item = &Record>) {
        let frozen = self.frozen.as_deref().filter(|frozen| frozen.last_record() > applied);
        let current = (self.last > applied).then_some(self);
        let runs = frozen.map(|frozen| &frozen.runs).into_iter();
        let records = frozen.into_iter().flat_map(|frozen| &frozen.records);
        (
            runs.chain(current.map(|current| &current.runs)).collect(),
            records.chain(current.into_iter().flat_map(|current| &current.records)),
        )
    }
}

impl Core {
    fn fresh(&self, with_runs: bool, with_records: bool) -> Fresh {
        let counted = self.counted();
        Fresh {
            frozen: counted.frozen.clone(),
            last: counted.current.last_record(),
            runs: if with_runs { counted.current.runs.clone() } else { Changes::default() },
            records: if with_records { counted.current.records.clone() } else { Vec::new() },
        }
    }

    /// Asks the file, as it is at one moment, and tells what has to be added.
    fn read_with<T>(
        &self,
        fresh: &Fresh,
        question: impl FnOnce(&Runs<'_>, &mut dyn Iterator<Item = &Record>) -> Result<T, CollectorError>,
    ) -> Result<T, CollectorError> {
        self.read(|connection| {
            // All that is read until it ends is of the moment of its first statement.
            let moment = connection.unchecked_transaction()?;
            let applied = applied(&moment)?;
            let (runs, mut records) = fresh.after(applied);
            let known = &self.known_runs;
            question(&Runs { connection: &moment, applied, fresh: runs, known }, &mut records)
        })
    }

    /// Asks about runs.
    pub(super) fn with_runs<T>(
        &self,
        question: impl FnOnce(&Runs<'_>) -> Result<T, CollectorError>,
    ) -> Result<T, CollectorError> {
        self.read_with(&self.fresh(true, false), |runs, _| question(runs))
    }

    pub(super) fn run_counts(&self, query: &Query) -> Result<Option<RunCounts>, CollectorError> {
        let sieve = RunSieve::new(&self.counted().dictionary, query);
        if sieve.is_partial {
            return Ok(None);
        }
        self.with_runs(|runs| runs.counts(query, &sieve)).map(Some)
    }

    pub(super) fn runs(
        &self,
        query: &Query,
        after: Option<&RunCursor>,
        limit: usize,
    ) -> Result<Vec<RunSummary>, CollectorError> {
        let sieve = RunSieve::new(&self.counted().dictionary, query);
        let runs = self.with_runs(|runs| runs.list(query, &sieve, after, limit))?;
        let counted = self.counted();
        Ok(runs.iter().map(|run| runs::summary(&counted.dictionary, run)).collect())
    }

    pub(super) fn run(
        &self,
        project: ProjectId,
        id: &str,
    ) -> Result<Option<RunEvents>, CollectorError> {
        let found = self.read_with(&self.fresh(true, true), |runs, records| {
            let found = runs.lookup(project, id)?;
            let Some(FoundRun { key, row, records: own, run }) = found else { return Ok(None) };
            let mut events = Vec::new();
            let mut add = |segment: &Segment| {
                let all = segment.events()?;
                let is_own =
                    |event: &&Event| event.project == project && event.group_key == Some(key);
                events.extend(all.iter().filter(is_own).map(|event| event.raw().to_owned()));
                Ok::<_, CollectorError>(())
            };
            let condition = "id IN (SELECT segment FROM run_segments WHERE run = ?1)";
            segments::each(runs.connection, condition, [row], |segment| {
                add(&segment).map(ControlFlow::Continue)
            })?;
            for record in records.filter(|record| own.contains(&record.number)) {
                add(&Segment::of(record)?)?;
            }
            Ok(Some((run, events)))
        })?;
        let Some((run, events)) = found else { return Ok(None) };
        let summary = runs::summary(&self.counted().dictionary, &run);
        Ok(Some(RunEvents { summary, events }))
    }

    pub(super) fn export(
        &self,
        query: &Query,
        show: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<(), CollectorError> {
        let since = query.range.since.map_or(i64::MIN, Timestamp::as_millis);
        let until = query.range.until.map_or(i64::MAX, Timestamp::as_millis);
        self.read_with(&self.fresh(false, true), |runs, records| {
            let mut all = |segment: &Segment| {
                for event in segment.events()?.iter().filter(|event| query.range.contains(event.at))
                {
                    if show(event.raw()).is_break() {
                        return Ok::<_, CollectorError>(ControlFlow::Break(()));
                    }
                }
                Ok(ControlFlow::Continue(()))
            };
            let mut is_over = false;
            let condition = "project = ?1 AND max_at >= ?2 AND min_at < ?3";
            segments::each(
                runs.connection,
                condition,
                (query.project.0, since, until),
                |segment| {
                    let next = all(&segment)?;
                    is_over = next.is_break();
                    Ok(next)
                },
            )?;
            for record in records.filter(|record| record.project == query.project) {
                if is_over {
                    break;
                }
                is_over = all(&Segment::of(record)?)?.is_break();
            }
            Ok(())
        })
    }

    /// How many events are kept.
    pub(super) fn events(&self) -> Result<u64, CollectorError> {
        self.read_with(&self.fresh(false, true), |runs, records| {
            let sum = "SELECT coalesce(sum(events), 0) FROM segments";
            let in_file: i64 = runs.connection.query_row(sum, [], |row| row.get(0))?;
            Ok(in_file.cast_unsigned() + records.map(|record| record.events).sum::<u64>())
        })
    }
}
