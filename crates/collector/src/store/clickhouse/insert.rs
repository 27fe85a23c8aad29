//! Keeping events so that each counts once.
//!
//! 1. Keys of the batch that are there already are duplicates (`copies` has how they are found); the
//!    rest becomes one block, with a random number.
//! 2. The block is inserted. If the answer is lost, the server is asked until the statement is over,
//!    then which of the block arrived; the others are inserted again.
//! 3. Another collector may have inserted the same event in that very moment. Both look after they
//!    have written, so at least one of them sees both copies. The copy with the lowest block counts;
//!    whoever sees others writes a correction for each, a row that takes it out of the statistics.
//!    Two collectors that write the same correction write the same row.
//!
//! A batch is acknowledged after the third step. A collector that is ended before it leaves copies
//! that nobody took out; but nobody was told that they are kept, so they are sent again, and whoever
//! finds several copies in the first step does it then.
//!
//! The third step asks only for what came since the first, a day or two. It cannot be left out: a
//! client that waited too long for one collector sends the same to another, and neither collector
//! knows.

use std::collections::HashSet;
use std::thread;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::ClickHouse;
use super::client::Version;
use super::copies::{Copies, Since};
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

impl ClickHouse {
    pub(super) fn keep(&self, batch: &[Event]) -> Result<Vec<Outcome>, CollectorError> {
        let mut outcomes = vec![Outcome::Duplicate; batch.len()];
        if batch.is_empty() {
            return Ok(outcomes);
        }
        let keys: Vec<Uuid> = batch.iter().map(|event| uuid(event.key)).collect();
        let today = self.today()?;
        let there = self.known(batch, today)?;
        self.correct(&there)?;
        let mut seen = HashSet::with_capacity(batch.len());
        let fresh: Vec<usize> = (0..batch.len())
            .filter(|place| !there.contains_key(&keys[*place]) && seen.insert(keys[*place]))
            .collect();
        if fresh.is_empty() {
            return Ok(outcomes);
        }
        let block = random()?;
        // Clocks of replicas may differ at midnight.
        let since = Since::Day(today - 1);
        self.insert_block(batch, &keys, fresh.clone(), block, since)?;
        let written: Vec<Uuid> = fresh.iter().map(|place| keys[*place]).collect();
        let copies = self.copies(&written, since)?;
        self.correct(&copies)?;
        for place in fresh {
            let counts = copies.get(&keys[place]).and_then(|copies| copies.first());
            if counts.is_none_or(|copy| copy.block == block) {
                outcomes[place] = Outcome::Stored;
            }
        }
        Ok(outcomes)
    }

    fn insert_block(
        &self,
        batch: &[Event],
        keys: &[Uuid],
        mut pending: Vec<usize>,
        block: u64,
        since: Since,
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
            let there = self.copies(&asked, since)?;
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

    /// Takes all copies but one of each event out of the statistics.
    pub(super) fn correct(&self, copies: &Copies) -> Result<(), CollectorError> {
        let surplus: Vec<_> = copies
            .iter()
            .flat_map(|(key, copies)| copies.iter().skip(1).map(move |copy| (key, copy)))
            .collect();
        if surplus.is_empty() {
            return Ok(());
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
        ))
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
