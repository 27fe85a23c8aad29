//! Keeping events so that each counts once.
//!
//! 1. Keys of the batch that are there already are duplicates; the rest becomes one block, with a
//!    random number.
//! 2. The block is inserted. If the answer is lost, the server is asked until the statement is over,
//!    then which of the block arrived; the others are inserted again.
//! 3. Another collector may have inserted the same event in that very moment. Both look after they
//!    have written, so at least one of them sees both copies. The copy with the lowest block counts;
//!    whoever sees others writes a correction for each, a row that takes it out of the statistics.
//!    Two collectors that write the same correction write the same row.
//!
//! A batch is acknowledged after the third step.

use std::collections::{HashMap, HashSet};
use std::thread;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::ClickHouse;
use super::client::Version;
use super::schema::{UNTIMED, column, dimension_columns, event_columns};
use super::text::{Rows, list, uuid};
use crate::dimension::{Dimension, OTHER};
use crate::error::CollectorError;
use crate::event::{Event, ProjectId};
use crate::query::HOUR;
use crate::sketch::bucket;
use crate::store::Outcome;

/// How often a block is tried.
const TRIES: u32 = 3;

/// How long to wait for the end of a statement whose answer was lost.
const PATIENCE: Duration = Duration::from_secs(20);

/// Keys asked for at once.
const KEYS_AT_ONCE: usize = 20_000;

/// Where a copy of an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Copy {
    block: u64,
    project: u32,
    hour: i64,
}

type Copies = HashMap<Uuid, Vec<Copy>>;

impl ClickHouse {
    pub(super) fn keep(&self, batch: &[Event]) -> Result<Vec<Outcome>, CollectorError> {
        let mut outcomes = vec![Outcome::Duplicate; batch.len()];
        let keys: Vec<Uuid> = batch.iter().map(|event| uuid(event.key)).collect();
        let there = self.copies(&keys)?;
        let mut seen = HashSet::with_capacity(batch.len());
        let fresh: Vec<usize> = (0..batch.len())
            .filter(|place| !there.contains_key(&keys[*place]) && seen.insert(keys[*place]))
            .collect();
        if fresh.is_empty() {
            return Ok(outcomes);
        }
        let block = random()?;
        self.insert_block(batch, &keys, fresh.clone(), block)?;
        let written: Vec<Uuid> = fresh.iter().map(|place| keys[*place]).collect();
        let lost = self.correct(&self.copies(&written)?, block)?;
        for place in fresh {
            if !lost.contains(&keys[place]) {
                outcomes[place] = Outcome::Stored;
            }
        }
        Ok(outcomes)
    }

    /// The copies there are of events.
    fn copies(&self, keys: &[Uuid]) -> Result<Copies, CollectorError> {
        let mut copies = Copies::new();
        for keys in keys.chunks(KEYS_AT_ONCE) {
            let wanted = list(keys.iter().map(|key| format!("'{key}'")));
            let answer = self.client.rows(&format!(
                "SELECT DISTINCT key, block, project, hour FROM ids WHERE key IN {wanted}"
            ))?;
            for line in answer.lines() {
                let mut values = line.split('\t');
                let mut next = || values.next().unwrap_or_default();
                let key = next().parse().map_err(|_| self.senseless(line))?;
                let copy = Copy {
                    block: next().parse().map_err(|_| self.senseless(line))?,
                    project: next().parse().map_err(|_| self.senseless(line))?,
                    hour: next().parse().map_err(|_| self.senseless(line))?,
                };
                copies.entry(key).or_default().push(copy);
            }
        }
        Ok(copies)
    }

    fn insert_block(
        &self,
        batch: &[Event],
        keys: &[Uuid],
        mut pending: Vec<usize>,
        block: u64,
    ) -> Result<(), CollectorError> {
        let received = now_millis();
        let into = format!("events ({})", event_columns());
        let mut attempt = 0;
        loop {
            attempt += 1;
            let rows = self.rows_of(batch, keys, &pending, block, received)?;
            let name = format!("swamp-{block:016x}-{attempt}");
            let token = (self.schema.version >= Version(22, 3)).then_some(name.as_str());
            let Err(error) = self.client.insert(&into, rows.as_bytes(), &name, token) else {
                return Ok(());
            };
            // Before anything is sent again, what was sent must be settled.
            self.wait_for_end(&name, &error)?;
            let asked: Vec<Uuid> = pending.iter().map(|place| keys[*place]).collect();
            let there = self.copies(&asked)?;
            pending.retain(|place| {
                let copies = there.get(&keys[*place]);
                !copies.is_some_and(|copies| copies.iter().any(|copy| copy.block == block))
            });
            if pending.is_empty() {
                return Ok(());
            }
            if attempt == TRIES || matches!(error, CollectorError::Full) {
                return Err(error);
            }
            thread::sleep(Duration::from_millis(100) * attempt);
        }
    }

    /// Waits until a statement is over at the server; gives up with the error it failed with.
    fn wait_for_end(&self, name: &str, error: &CollectorError) -> Result<(), CollectorError> {
        let end = Instant::now() + PATIENCE;
        loop {
            match self.client.is_running(name) {
                Ok(false) => return Ok(()),
                Ok(true) | Err(_) if Instant::now() < end => {
                    thread::sleep(Duration::from_millis(100));
                }
                Ok(true) | Err(_) => return Err(CollectorError::Store(error.to_string())),
            }
        }
    }

    fn rows_of(
        &self,
        batch: &[Event],
        keys: &[Uuid],
        places: &[usize],
        block: u64,
        received: i64,
    ) -> Result<Rows, CollectorError> {
        let bytes: usize = places.iter().map(|place| batch[*place].raw().len() + 400).sum();
        let mut rows = Rows::with_capacity(bytes);
        for &place in places {
            let event = &batch[place];
            let at = event.at.as_millis();
            rows.plain(event.project.0).plain(at.div_euclid(HOUR)).plain(at).plain(received);
            rows.plain(block).plain(place).plain(keys[place]).plain(event.kind as u8);
            rows.plain(u8::from(event.failed)).plain(event.duration_ms);
            rows.plain(if event.timed { bucket(event.duration_ms) } else { UNTIMED });
            rows.text(event.group_id().unwrap_or_default());
            rows.text(event.run_id().unwrap_or_default());
            rows.text(event.root_workflow().unwrap_or_default());
            for dimension in Dimension::ALL {
                let text = event.text(dimension).unwrap_or_default();
                let is_known = self.values.admits(event.project, dimension, text, || {
                    self.distinct(event.project, dimension)
                })?;
                rows.text(if is_known { text } else { OTHER });
            }
            rows.text(event.raw()).end();
        }
        Ok(rows)
    }

    /// Takes all copies but one of each event out of the statistics. Gives the events whose copy in
    /// this block does not count.
    fn correct(&self, copies: &Copies, block: u64) -> Result<HashSet<Uuid>, CollectorError> {
        let mut lost = HashSet::new();
        let mut surplus = Vec::new();
        for (key, copies) in copies {
            let Some(counts) = copies.iter().min() else { continue };
            if counts.block != block {
                lost.insert(*key);
            }
            let others = copies.iter().filter(|copy| copy.block != counts.block);
            surplus.extend(others.map(|copy| (*key, *copy)));
        }
        if surplus.is_empty() {
            return Ok(lost);
        }
        let dimensions = dimension_columns();
        let projects = list(surplus.iter().map(|(_, copy)| copy.project).collect::<HashSet<_>>());
        let hours = list(surplus.iter().map(|(_, copy)| copy.hour).collect::<HashSet<_>>());
        let pairs = list(
            surplus.iter().map(|(key, copy)| format!("(toUUID('{key}'),toUInt64({}))", copy.block)),
        );
        self.client.run(&format!(
            "INSERT INTO corrections (project, hour, key, block, run, {dimensions}, bucket, count, \
             errors, total_ms) SELECT project, hour, key, block, run, {dimensions}, bucket, \
             toInt64(-1) * (kind = 2), toInt64(-1) * (kind = 2 AND failed = 1), \
             -toInt64(duration_ms) * (kind = 2) FROM events WHERE project IN {projects} \
             AND hour IN {hours} AND (key, block) IN {pairs}"
        ))?;
        Ok(lost)
    }

    /// The values a dimension has had, without order.
    pub(super) fn distinct(
        &self,
        project: ProjectId,
        dimension: Dimension,
    ) -> Result<Vec<String>, CollectorError> {
        let column = column(dimension);
        let answer = self
            .client
            .rows(&format!("SELECT DISTINCT {column} FROM rollup WHERE project = {}", project.0))?;
        let values = answer.lines().filter(|line| !line.is_empty());
        Ok(values.map(super::text::unescaped).collect())
    }
}

fn now_millis() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// The number of a block.
fn random() -> Result<u64, CollectorError> {
    getrandom::u64().map_err(|error| {
        CollectorError::io("The system gives no random numbers", std::io::Error::other(error))
    })
}
