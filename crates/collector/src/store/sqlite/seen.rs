//! Which events have been stored: their keys, for telling repeats.
//!
//! Keys are random, and a tree of random keys on disk costs a page written for each of them. So they
//! are kept like in a log-structured database: the keys of each batch are appended as they are and
//! stand in memory; when there are enough of them they are sorted into a *table* and leave memory
//! except for a filter, two bytes for each key, that says "surely not here" for all but one in two
//! thousand of the others. Only keys that a filter lets pass are looked up in the table.
//!
//! A batch is checked against one filter after the other, so that each is in the processor's cache
//! while it is used.

use std::collections::HashSet;

use foldhash::fast::RandomState;
use rusqlite::{Connection, OptionalExtension, Transaction};
use swamp_ident::Timestamp;

use crate::error::CollectorError;
use crate::event::EventKey;

/// Keys in memory at which they become a table.
const TABLE_KEYS: usize = 1 << 18;

/// Keys in a piece of a table that is read at once: some 2 KiB.
const CHUNK_KEYS: usize = 128;

/// Bytes of a key.
const KEY: usize = 16;

/// All keys.
pub(super) struct Seen {
    recent: HashSet<EventKey, RandomState>,
    tables: Vec<Table>,
}

struct Table {
    id: i64,
    chunks: u64,
    filter: Filter,
}

impl Seen {
    /// Reads recent keys and filters.
    pub(super) fn load(connection: &Connection) -> Result<Self, CollectorError> {
        let mut seen = Self { recent: HashSet::default(), tables: Vec::new() };
        let mut statement = connection.prepare("SELECT keys FROM seen_recent")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            seen.recent.extend(keys_in(row.get_ref(0)?.as_blob().unwrap_or_default()));
        }
        let mut statement =
            connection.prepare("SELECT id, chunks, filter FROM seen_tables ORDER BY id DESC")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let filter = Filter::from_bytes(row.get_ref(2)?.as_blob().unwrap_or_default());
            let chunks = row.get::<_, i64>(1)?.cast_unsigned();
            seen.tables.push(Table { id: row.get(0)?, chunks, filter });
        }
        Ok(seen)
    }

    /// Which of the keys are new. Of equal ones in the list the first is.
    pub(super) fn fresh(
        &self,
        connection: &Connection,
        keys: &[EventKey],
    ) -> Result<Vec<bool>, CollectorError> {
        let mut here = HashSet::with_capacity_and_hasher(keys.len(), RandomState::default());
        let mut fresh: Vec<bool> =
            keys.iter().map(|key| !self.recent.contains(key) && here.insert(*key)).collect();
        for table in &self.tables {
            for (key, fresh) in keys.iter().zip(&mut fresh) {
                if *fresh && table.filter.may_have(*key) && table.has(connection, *key)? {
                    *fresh = false;
                }
            }
        }
        Ok(fresh)
    }

    /// Writes keys of a batch. If that makes enough for a table, gives what [`keep`](Self::keep)
    /// needs.
    pub(super) fn write(
        &self,
        transaction: &Transaction<'_>,
        keys: &[EventKey],
        now: Timestamp,
    ) -> Result<Written, CollectorError> {
        if self.recent.len() + keys.len() < TABLE_KEYS {
            let mut bytes = Vec::with_capacity(keys.len() * KEY);
            for key in keys {
                bytes.extend_from_slice(&key.0);
            }
            transaction
                .prepare_cached("INSERT INTO seen_recent (keys) VALUES (?1)")?
                .execute((bytes,))?;
            return Ok(Written(None));
        }
        let mut sorted: Vec<EventKey> = self.recent.iter().chain(keys).copied().collect();
        sorted.sort_unstable();
        let chunks = sorted.len().div_ceil(CHUNK_KEYS).next_power_of_two() as u64;
        let mut filter = Filter::for_keys(sorted.len());
        for key in &sorted {
            filter.add(*key);
        }
        transaction.execute(
            "INSERT INTO seen_tables (keys, chunks, written_at, filter) VALUES (?1, ?2, ?3, ?4)",
            (sorted.len(), chunks.cast_signed(), now.as_millis(), filter.to_bytes()),
        )?;
        let table = Table { id: transaction.last_insert_rowid(), chunks, filter };
        let mut insert = transaction.prepare_cached("INSERT INTO seen_chunks VALUES (?1, ?2)")?;
        for part in sorted.chunk_by(|a, b| table.chunk(*a) == table.chunk(*b)) {
            let bytes: Vec<u8> = part.iter().flat_map(|key| key.0).collect();
            insert.execute((table.row(part[0]), bytes))?;
        }
        transaction.execute("DELETE FROM seen_recent", [])?;
        Ok(Written(Some(table)))
    }

    /// What was written is committed.
    pub(super) fn keep(&mut self, keys: &[EventKey], written: Written) {
        match written.0 {
            None => self.recent.extend(keys),
            Some(table) => {
                self.recent = HashSet::default();
                self.tables.insert(0, table);
            }
        }
    }

    /// Forgets tables that were written before a time. Gives what [`forgotten`](Self::forgotten)
    /// needs.
    pub(super) fn forget(
        transaction: &Transaction<'_>,
        before: Timestamp,
    ) -> Result<Vec<i64>, CollectorError> {
        let mut statement =
            transaction.prepare("SELECT id FROM seen_tables WHERE written_at < ?1")?;
        let old: Vec<i64> = statement
            .query_map([before.as_millis()], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for id in &old {
            transaction.execute(
                "DELETE FROM seen_chunks WHERE id >= ?1 AND id < ?2",
                (id << 32, (id + 1) << 32),
            )?;
            transaction.execute("DELETE FROM seen_tables WHERE id = ?1", [id])?;
        }
        Ok(old)
    }

    /// The tables are gone.
    pub(super) fn forgotten(&mut self, old: &[i64]) {
        self.tables.retain(|table| !old.contains(&table.id));
    }
}

/// What a batch's keys became: more recent keys, or a table together with all recent ones.
pub(super) struct Written(Option<Table>);

impl Table {
    /// The piece a key is in: keys are spread evenly, so the first bits say it.
    fn chunk(&self, key: EventKey) -> u64 {
        let bits = self.chunks.trailing_zeros();
        if bits == 0 { 0 } else { high(key) >> (u64::BITS - bits) }
    }

    fn row(&self, key: EventKey) -> i64 {
        (self.id << 32) | self.chunk(key).cast_signed()
    }

    fn has(&self, connection: &Connection, key: EventKey) -> Result<bool, CollectorError> {
        let mut statement =
            connection.prepare_cached("SELECT keys FROM seen_chunks WHERE id = ?1")?;
        let found = statement
            .query_row([self.row(key)], |row| {
                Ok(keys_in(row.get_ref(0)?.as_blob()?).any(|other| other == key))
            })
            .optional()?;
        Ok(found.unwrap_or(false))
    }
}

fn keys_in(bytes: &[u8]) -> impl Iterator<Item = EventKey> + '_ {
    bytes.as_chunks::<KEY>().0.iter().map(|key| EventKey(*key))
}

fn high(key: EventKey) -> u64 {
    half(key, 0)
}

fn low(key: EventKey) -> u64 {
    half(key, 1)
}

fn half(key: EventKey, which: usize) -> u64 {
    u64::from_be_bytes(key.0.as_chunks::<8>().0[which])
}

/// A Bloom filter in blocks of one cache line: a key has one bit in each of the eight words of its
/// block.
struct Filter {
    blocks: Vec<[u64; 8]>,
}

impl Filter {
    /// Two bytes for each key.
    fn for_keys(keys: usize) -> Self {
        Self { blocks: vec![[0; 8]; keys.div_ceil(32).max(1)] }
    }

    fn block(&self, key: EventKey) -> usize {
        // The place in proportion to the key's first bits, without a division.
        let wide = u128::from(high(key)) * self.blocks.len() as u128;
        usize::try_from(wide >> 64).unwrap_or(0)
    }

    fn add(&mut self, key: EventKey) {
        let block = self.block(key);
        let bits = low(key);
        for (at, word) in self.blocks[block].iter_mut().enumerate() {
            *word |= 1 << ((bits >> (6 * at)) & 63);
        }
    }

    fn may_have(&self, key: EventKey) -> bool {
        let bits = low(key);
        self.blocks[self.block(key)]
            .iter()
            .enumerate()
            .all(|(at, word)| word >> ((bits >> (6 * at)) & 63) & 1 == 1)
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.blocks.iter().flatten().flat_map(|word| word.to_le_bytes()).collect()
    }

    fn from_bytes(bytes: &[u8]) -> Self {
        let mut words = bytes.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word));
        let mut blocks = Vec::with_capacity(bytes.len() / 64);
        while let Some(first) = words.next() {
            let mut block = [first, 0, 0, 0, 0, 0, 0, 0];
            block[1..].iter_mut().for_each(|word| *word = words.next().unwrap_or(0));
            blocks.push(block);
        }
        if blocks.is_empty() { Self::for_keys(1) } else { Self { blocks } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::ProjectId;

    fn keys(range: std::ops::Range<u32>) -> Vec<EventKey> {
        range.map(|number| EventKey::new(ProjectId(1), &number.to_string())).collect()
    }

    #[test]
    fn a_filter_lets_its_own_pass_and_few_others() {
        let mut filter = Filter::for_keys(10_000);
        for key in keys(0..10_000) {
            filter.add(key);
        }
        let filter = Filter::from_bytes(&filter.to_bytes());
        assert!(keys(0..10_000).into_iter().all(|key| filter.may_have(key)));
        let wrong = keys(10_000..110_000).into_iter().filter(|key| filter.may_have(*key)).count();
        assert!(wrong < 150, "{wrong} of 100,000");
    }
}
