//! Folding: what is in the journal goes into the database, much at a time.
//!
//! One transaction has everything that a generation brings: its events in segments, its keys as a
//! table, its runs, its statistics, and the number of its last record. After that its files go. If
//! something fails, nothing has happened, and it is tried again.
//!
//! Between folds many small things become few large ones, a bounded number at a time.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior};

use super::cells::Cells;
use super::core::{Core, Failure, Folder, now};
use super::fresh::{Call, Generation};
use super::slots::{self, Part, Size, SlotId};
use super::{journal, seen, segments};
use crate::error::CollectorError;

/// How often the thread looks whether it is time.
const PERIOD: Duration = Duration::from_millis(500);

/// How long slots are united before somebody else may have a turn.
const UNITING: Duration = Duration::from_millis(200);

/// Bytes of SQLite's log above which the file is made short again.
const LONG_LOG: u64 = 256 << 20;

/// The thread that folds.
pub(super) struct FoldThread(Option<JoinHandle<()>>);

impl FoldThread {
    pub(super) fn start(core: &Arc<Core>) -> Result<Self, CollectorError> {
        let own = Arc::clone(core);
        let thread = thread::Builder::new()
            .name("fold".to_owned())
            .spawn(move || work(&own))
            .map_err(|error| CollectorError::io("A thread cannot be started", error))?;
        Ok(Self(Some(thread)))
    }

    /// Ends it.
    pub(super) fn stop(&mut self, core: &Core) {
        core.progress().stopping = true;
        core.tell();
        if let Some(thread) = self.0.take() {
            // A panic has been shown by the hook already.
            let _ = thread.join();
        }
    }
}

fn work(core: &Core) {
    // Whoever asks first should not have to wait; if it fails, whoever asks is told why.
    let _ = core.warm_up(now());
    loop {
        let mut progress = core.progress();
        while !progress.stopping && !progress.is_due() {
            progress = core.wait(progress, PERIOD);
        }
        if progress.stopping {
            return;
        }
        drop(progress);
        let result = core.fold().and_then(|_| core.tidy_up());
        let mut progress = core.progress();
        progress.failed = result.as_ref().err().map(Failure::from);
        core.tell();
        if progress.failed.is_some() {
            drop(core.wait(progress, 2 * PERIOD));
        }
    }
}

/// What a generation has become.
struct Folded {
    table: seen::Table,
    parts: Vec<(SlotId, Part, Cells)>,
}

impl Core {
    /// Puts into the database what is in the journal now. Whether there was anything.
    pub(super) fn fold(&self) -> Result<bool, CollectorError> {
        let folder = &mut *self.folder();
        let Some(frozen) = self.freeze() else { return Ok(false) };
        let Folded { table, parts } = folder.write(&frozen)?;

        // Slots in memory get what is new without holding anybody up.
        let before: Vec<Option<Arc<Cells>>> = {
            let counted = self.counted();
            parts.iter().map(|(id, ..)| counted.slots.before(*id)).collect()
        };
        let after: Vec<Option<Arc<Cells>>> = before
            .iter()
            .zip(&parts)
            .map(|(before, (.., cells))| Some(Arc::new(Cells::merge([&**before.as_ref()?, cells]))))
            .collect();
        self.writer().seen.folded(table);
        let mut counted = self.counted_mut();
        for (((id, part, _), before), after) in parts.iter().zip(&before).zip(after) {
            counted.slots.add(*id, *part, before.as_ref(), after);
        }
        counted.slots.shrink();
        counted.frozen = None;
        drop(counted);
        journal::remove(&frozen.files);
        checkpoint(&folder.connection, &self.path)?;
        Ok(true)
    }

    /// Freezes the current generation, unless one is frozen already.
    fn freeze(&self) -> Option<Arc<Generation>> {
        let mut writer = self.writer();
        let mut counted = self.counted_mut();
        if counted.frozen.is_none() {
            if counted.current.is_empty() {
                return None;
            }
            let mut frozen = std::mem::take(&mut counted.current);
            frozen.news = counted.dictionary.take_news();
            frozen.files = writer.journal.rotate();
            writer.seen.freeze();
            counted.frozen = Some(Arc::new(frozen));
            let mut progress = self.progress();
            (progress.unfolded, progress.since) = (0, None);
            self.tell();
        }
        counted.frozen.clone()
    }

    /// Makes few large things of many small ones.
    pub(super) fn tidy_up(&self) -> Result<(), CollectorError> {
        let folder = &mut *self.folder();
        let Folder { connection, packer } = folder;
        let begun = Instant::now();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Whoever looked into these has been told of those that took their place.
        seen::purge(&transaction)?;
        let crowded = self.counted().slots.crowded();
        let mut united = Vec::new();
        for (id, parts) in crowded {
            if begun.elapsed() > UNITING {
                break;
            }
            if let Some(new) = slots::unite(&transaction, packer, id, &parts)? {
                united.push((id, parts, new));
            }
        }
        let crowd = self.writer().seen.crowd();
        let table = match &crowd {
            Some(crowd) => Some((crowd, seen::unite(&transaction, crowd)?)),
            None => None,
        };
        transaction.commit()?;
        if let Some((old, new)) = table {
            self.writer().seen.replace(old, new);
        }
        let mut counted = self.counted_mut();
        for (id, old, new) in united {
            counted.slots.replace(id, &old, new);
        }
        drop(counted);
        checkpoint(&folder.connection, &self.path)
    }

    /// Folds what is there, and leaves one file.
    pub(super) fn finish(&self) -> Result<(), CollectorError> {
        while self.fold()? {}
        let folder = self.folder();
        folder.connection.execute_batch("PRAGMA optimize")?;
        folder.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(())
    }
}

impl Folder {
    fn write(&mut self, frozen: &Generation) -> Result<Folded, CollectorError> {
        let calls: Vec<&Call> = frozen.calls().iter().flat_map(|piece| piece.iter()).collect();
        let Self { connection, packer } = self;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        frozen.news.write(&transaction)?;
        let places = segments::write(&transaction, packer, &frozen.records)?;
        let table = seen::write(&transaction, &frozen.keys, now())?;
        frozen.runs.write(&transaction, &places)?;
        let mut parts = Vec::new();
        for size in [Size::Hour, Size::Day] {
            for (id, cells) in Cells::of_calls(&calls, size) {
                parts.push((id, slots::write(&transaction, packer, id, 0, &cells)?, cells));
            }
        }
        transaction.execute(
            "UPDATE applied SET record = ?1,
                segment = (SELECT coalesce(max(id), 0) FROM segments)",
            [frozen.last_record().cast_signed()],
        )?;
        transaction.commit()?;
        Ok(Folded { table, parts })
    }
}

/// Copies SQLite's log into the file, so that the log begins anew with the next fold.
fn checkpoint(connection: &Connection, path: &std::path::Path) -> Result<(), CollectorError> {
    // If somebody reads what is in the log, it stays and the next round copies it.
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    if std::fs::metadata(log).is_ok_and(|log| log.len() > LONG_LOG) {
        connection.busy_timeout(Duration::ZERO)?;
        let cut = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        connection.busy_timeout(Duration::from_secs(10))?;
        // The same: it can wait.
        let _ = cut;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use serde_json::json;
    use swamp_ident::Timestamp;

    use super::*;
    use crate::dimension::Dimension;
    use crate::event::{Event, ProjectId};
    use crate::ingest::{Arrival, Limits, Read, read_body};
    use crate::query::{Filter, HOUR, Interval, Query, TimeRange};
    use crate::store::{Outcome, RunCursor, RunSummary};

    const PROJECT: ProjectId = ProjectId(1);

    fn open(directory: &std::path::Path) -> Core {
        Core::open(&directory.join("collector.db"), directory).unwrap()
    }

    /// Events of runs whose calls and command come in different batches, and some of them twice.
    fn batch(number: u64) -> Vec<Event> {
        let events: Vec<_> = (0..12)
            .map(|n| {
                let random = (number * 31 + n * 17) % 101;
                let run = (number * 5 + n * 3) % 90;
                let started = 1_760_000_000_000 + run * 7 * HOUR.cast_unsigned();
                let started = Timestamp::from_millis(started.cast_signed()).to_string();
                let status = if random.is_multiple_of(9) { "error" } else { "success" };
                let driver = if n.is_multiple_of(2) { "raw" } else { "docker" };
                let (command, run_id) = (format!("run-{run}"), format!("r{run}"));
                if n % 6 == 5 {
                    return json!({"event": "cli_invocation", "properties": {
                        "id": command, "startedAt": started, "durationMs": 5000 + random,
                        "invocation": {"command": "workflow", "subcommand": "run", "args": ["w"]},
                        "result": {"status": status}, "runId": run_id, "platform": "linux",
                    }});
                }
                json!({"event": "cli_invocation", "properties": {
                    "id": format!("{run}-{}", (number + n) % 40), "startedAt": started,
                    "durationMs": random * random, "result": {"status": status},
                    "invocation": {"command": "model", "subcommand": "method",
                        "args": ["run", "m", "execute"]},
                    "parentInvocationId": command,
                    "workflowContext": {"workflowName": format!("w{}", run % 4), "runId": run_id,
                        "stepName": format!("s{}", n % 5), "driver": driver},
                }})
            })
            .collect();
        let body = json!({"events": events}).to_string().into_bytes();
        read_body(body, Arrival { project: PROJECT, at: now() }, &Limits::default())
            .unwrap()
            .into_iter()
            .map(|read| match read {
                Read::Event(event) => *event,
                other => panic!("{other:?}"),
            })
            .collect()
    }

    fn pages(core: &Core, query: &Query) -> Vec<RunSummary> {
        let mut all: Vec<RunSummary> = Vec::new();
        loop {
            let last =
                all.last().map(|run| RunCursor { started_at: run.started_at, id: run.id.clone() });
            let page = core.runs(query, last.as_ref(), 7).unwrap();
            if page.is_empty() {
                return all;
            }
            all.extend(page);
        }
    }

    /// Every answer there is, in an order of its own.
    fn answers(core: &Core) -> Vec<String> {
        let at = |hours: i64| Some(Timestamp::from_millis(1_760_000_000_000 + hours * HOUR));
        let all = Query::all(PROJECT);
        let mut filtered = all.during(TimeRange { since: at(13), until: at(400) });
        let values = vec!["w1".to_owned(), "w2".to_owned()];
        filtered.filters = vec![Filter { dimension: Dimension::Workflow, values }];
        let mut answers = Vec::new();
        for query in [&all, &filtered, &all.during(TimeRange { since: at(100), until: None })] {
            for by in [&[][..], &[Dimension::Driver, Dimension::Step], &Dimension::ALL] {
                let mut groups: Vec<_> = core
                    .groups(query, by)
                    .unwrap()
                    .iter()
                    .map(|group| format!("{group:?}"))
                    .collect();
                groups.sort();
                answers.extend(groups);
                for interval in [Interval::Hour, Interval::Day] {
                    answers.push(format!("{:?}", core.series(query, interval, by).unwrap()));
                }
            }
            let slowest = core.slowest(query, 1_000).unwrap();
            // Which of equal ones comes first is not said.
            let mut slowest: Vec<_> = slowest.iter().map(|call| format!("{call:?}")).collect();
            slowest.sort();
            answers.extend(slowest);
            answers.push(format!("{:?}", core.run_counts(query).unwrap()));
            let runs = pages(core, query);
            for run in &runs {
                for id in [&run.id, run.run_id.as_ref().unwrap()] {
                    let mut found = core.run(PROJECT, id).unwrap().unwrap();
                    found.events.sort();
                    answers.push(format!("{found:?}"));
                }
            }
            answers.push(format!("{runs:?}"));
            let mut events = Vec::new();
            core.export(query, &mut |event| {
                events.push(event.to_owned());
                ControlFlow::Continue(())
            })
            .unwrap();
            answers.push(events.join("\n"));
        }
        answers.push(core.events().unwrap().to_string());
        answers
    }

    #[test]
    fn no_answer_tells_what_is_folded() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (mut folded, mut never) = (open(one.path()), open(other.path()));
        for number in 0..150 {
            let batch = batch(number);
            let outcomes = folded.append(&[&batch]).unwrap();
            assert_eq!(outcomes, never.append(&[&batch[..5], &batch[5..]]).unwrap());
            if number % 3 == 1 {
                continue;
            }
            assert!(folded.fold().unwrap());
            folded.tidy_up().unwrap();
            if number % 50 == 0 {
                assert_eq!(answers(&folded), answers(&never));
            }
            if number == 75 {
                (folded, never) = (open(one.path()), open(other.path()));
            }
        }
        let all = answers(&never);
        assert_eq!(answers(&folded), all);
        let parts: i64 = folded
            .read(|connection| {
                Ok(connection.query_row("SELECT max(level) FROM parts", [], |row| row.get(0))?)
            })
            .unwrap();
        assert!(parts >= 1, "no parts were united");
        for (core, directory) in [(folded, &one), (never, &other)] {
            drop(core);
            assert_eq!(answers(&open(directory.path())), all);
            open(directory.path()).finish().unwrap();
            assert_eq!(
                journal::files_in(directory.path()).unwrap(),
                Vec::<std::path::PathBuf>::new()
            );
            assert_eq!(answers(&open(directory.path())), all);
        }
    }

    #[test]
    fn what_an_earlier_version_left_for_later_is_done_at_the_start() {
        let directory = tempfile::tempdir().unwrap();
        let core = open(directory.path());
        for number in 0..5 {
            core.append(&[&batch(number)]).unwrap();
        }
        core.finish().unwrap();
        let all = answers(&core);
        core.read(|connection| {
            Ok(connection.execute_batch(
                "DELETE FROM parts; UPDATE applied SET segment = 0;
                 INSERT INTO seen_recent (keys) SELECT keys FROM seen_chunks;
                 DELETE FROM seen_chunks; DELETE FROM seen_tables;",
            )?)
        })
        .unwrap();
        drop(core);
        for _ in 0..2 {
            let core = open(directory.path());
            assert_eq!(answers(&core), all);
            let again = core.append(&[&batch(0)]).unwrap();
            assert!(again.iter().all(|outcome| *outcome == Outcome::Duplicate), "{again:?}");
        }
    }
}
