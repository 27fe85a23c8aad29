//! Which events have been stored: their keys, for telling repeats.
//!
//! Keys are random, and a tree of random keys on disk costs a page written for each of them. So they
//! are kept like in a log-structured database: those of the current generation stand in memory; with
//! each fold they are sorted into a *table* and leave memory except for a filter, two bytes for each
//! key, that says "surely not here" for all but one in two thousand of the others. Only keys that a
//! filter lets pass are looked up in the table. When there are many tables of one level they become
//! one of the next, so that there are never many to ask.
//!
//! A batch is checked against one filter after the other, so that each is in the processor's cache
//! while it is used.

use std::collections::HashSet;
use std::sync::Arc;

use foldhash::fast::RandomState;
use rusqlite::{Connection, OptionalExtension, Transaction};
use swamp_ident::Timestamp;

use crate::error::CollectorError;
use crate::event::EventKey;

/// Keys in a piece of a table that is read at once: some 2 KiB.
const CHUNK_KEYS: usize = 128;

/// Tables of one level that become one of the next.
const TABLES: usize = 8;

/// Keys of a table above which it stays as it is.
const MOST_KEYS: usize = 1 << 24;

/// Keys that are in memory at a time while tables become one.
const MERGED_KEYS: usize = 1 << 18;

/// Bytes of a key.
const KEY: usize = 16;

type Keys = HashSet<EventKey, RandomState>;

/// All keys.
pub(super) struct Seen {
    recent: Keys,
    /// Those of the generation that is being folded.
    frozen: Keys,
    tables: Vec<Arc<Table>>,
}

/// A table of keys in the file.
pub(super) struct Table {
    id: i64,
    level: u8,
    keys: usize,
    chunks: u64,
    written_at: Timestamp,
    filter: Filter,
}

impl Seen {
    /// Reads the filters.
    pub(super) fn load(connection: &Connection) -> Result<Self, CollectorError> {
        let mut tables = Vec::new();
        let mut statement = connection.prepare(
            "SELECT id, level, keys, chunks, written_at, filter FROM seen_tables
             WHERE NOT retired ORDER BY id DESC",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            tables.push(Arc::new(Table {
                id: row.get(0)?,
                level: row.get(1)?,
                keys: row.get(2)?,
                chunks: row.get::<_, i64>(3)?.cast_unsigned(),
                written_at: Timestamp::from_millis(row.get(4)?),
                filter: Filter::from_bytes(row.get_ref(5)?.as_blob().unwrap_or_default()),
            }));
        }
        Ok(Self { recent: Keys::default(), frozen: Keys::default(), tables })
    }

    /// Takes the keys of a batch. Tells which of them are new; of equal ones the first is. On an
    /// error none is taken.
    pub(super) fn take(
        &mut self,
        connection: &Connection,
        keys: &[EventKey],
    ) -> Result<Vec<bool>, CollectorError> {
        let mut fresh: Vec<bool> =
            keys.iter().map(|key| !self.frozen.contains(key) && self.recent.insert(*key)).collect();
        for table in &self.tables {
            for (place, key) in keys.iter().enumerate() {
                if !fresh[place] || !table.filter.may_have(*key) {
                    continue;
                }
                match table.has(connection, *key) {
                    Ok(false) => {}
                    Ok(true) => {
                        self.recent.remove(key);
                        fresh[place] = false;
                    }
                    Err(error) => {
                        self.give_back(keys, &fresh);
                        return Err(error);
                    }
                }
            }
        }
        Ok(fresh)
    }

    /// The new ones among taken keys were not stored after all.
    pub(super) fn give_back(&mut self, keys: &[EventKey], fresh: &[bool]) {
        for (key, _) in keys.iter().zip(fresh).filter(|(_, fresh)| **fresh) {
            self.recent.remove(key);
        }
    }

    /// The current generation is frozen.
    pub(super) fn freeze(&mut self) {
        let next = Keys::with_capacity_and_hasher(self.recent.len(), RandomState::default());
        self.frozen = std::mem::replace(&mut self.recent, next);
    }

    /// The frozen generation is in the file.
    pub(super) fn folded(&mut self, table: Table) {
        self.frozen = Keys::default();
        self.tables.insert(0, Arc::new(table));
    }

    /// Tables that should become one: those of a level, if they are many.
    pub(super) fn crowd(&self) -> Option<Vec<Arc<Table>>> {
        (0..u8::MAX).find_map(|level| {
            let own = || self.tables.iter().filter(|table| table.level == level);
            let is_crowd = own().count() >= TABLES
                && own().map(|table| table.keys).sum::<usize>() <= MOST_KEYS;
            is_crowd.then(|| own().cloned().collect())
        })
    }

    /// Tables have become one.
    pub(super) fn replace(&mut self, old: &[Arc<Table>], new: Table) {
        self.tables.retain(|table| !old.iter().any(|old| old.id == table.id));
        self.tables.insert(0, Arc::new(new));
    }

    /// Tables are gone from the file.
    pub(super) fn forget(&mut self, old: &[i64]) {
        self.tables.retain(|table| !old.contains(&table.id));
    }
}

/// Writes the keys of a generation as a table.
pub(super) fn write(
    transaction: &Transaction<'_>,
    keys: &[EventKey],
    now: Timestamp,
) -> Result<Table, CollectorError> {
    let mut sorted = keys.to_vec();
    sorted.sort_unstable();
    let mut table = Table::begin(transaction, 0, sorted.len(), now)?;
    table.write(transaction, &sorted)?;
    table.end(transaction)?;
    Ok(table)
}

/// Makes one table of several. Those stay in the file until nobody looks into them any more, see
/// [`purge`].
pub(super) fn unite(
    transaction: &Transaction<'_>,
    tables: &[Arc<Table>],
) -> Result<Table, CollectorError> {
    let keys: usize = tables.iter().map(|table| table.keys).sum();
    let level = tables.iter().map(|table| table.level).max().unwrap_or(0).saturating_add(1);
    let written_at = tables.iter().map(|table| table.written_at).max();
    let written_at = written_at.unwrap_or(Timestamp::from_millis(0));
    let mut new = Table::begin(transaction, level, keys, written_at)?;
    let ranges = keys.div_ceil(MERGED_KEYS).next_power_of_two() as u64;
    let mut some = Vec::with_capacity(keys.min(MERGED_KEYS * 2));
    for range in 0..ranges {
        some.clear();
        for table in tables {
            table.read(transaction, range, ranges, &mut some)?;
        }
        some.sort_unstable();
        new.write(transaction, &some)?;
    }
    new.end(transaction)?;
    let mut retire =
        transaction.prepare_cached("UPDATE seen_tables SET retired = 1 WHERE id = ?1")?;
    for table in tables {
        retire.execute([table.id])?;
    }
    Ok(new)
}

/// Removes tables that have become part of others.
pub(super) fn purge(transaction: &Transaction<'_>) -> Result<(), CollectorError> {
    let mut statement = transaction.prepare_cached("SELECT id FROM seen_tables WHERE retired")?;
    let old: Vec<i64> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    old.iter().try_for_each(|id| remove(transaction, *id))
}

/// Removes tables that were written before a time. Gives their numbers.
pub(super) fn forget(
    transaction: &Transaction<'_>,
    before: Timestamp,
) -> Result<Vec<i64>, CollectorError> {
    let mut statement = transaction.prepare("SELECT id FROM seen_tables WHERE written_at < ?1")?;
    let old: Vec<i64> =
        statement.query_map([before.as_millis()], |row| row.get(0))?.collect::<Result<_, _>>()?;
    old.iter().try_for_each(|id| remove(transaction, *id))?;
    Ok(old)
}

/// Moves the keys that versions before this one kept by batch into a table.
pub(super) fn take_over(
    transaction: &Transaction<'_>,
    now: Timestamp,
) -> Result<(), CollectorError> {
    let mut keys = Vec::new();
    let mut statement = transaction.prepare("SELECT keys FROM seen_recent")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        keys.extend(keys_in(row.get_ref(0)?.as_blob().unwrap_or_default()));
    }
    if !keys.is_empty() {
        write(transaction, &keys, now)?;
        transaction.execute("DELETE FROM seen_recent", [])?;
    }
    Ok(())
}

fn remove(transaction: &Transaction<'_>, id: i64) -> Result<(), CollectorError> {
    transaction.execute(
        "DELETE FROM seen_chunks WHERE id >= ?1 AND id < ?2",
        (id << 32, (id + 1) << 32),
    )?;
    transaction.execute("DELETE FROM seen_tables WHERE id = ?1", [id])?;
    Ok(())
}

impl Table {
    fn begin(
        transaction: &Transaction<'_>,
        level: u8,
        keys: usize,
        written_at: Timestamp,
    ) -> Result<Self, CollectorError> {
        let chunks = keys.div_ceil(CHUNK_KEYS).next_power_of_two() as u64;
        transaction.execute(
            "INSERT INTO seen_tables (keys, chunks, written_at, filter, level)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            (keys, chunks.cast_signed(), written_at.as_millis(), [0_u8; 0], level),
        )?;
        let id = transaction.last_insert_rowid();
        Ok(Self { id, level, keys, chunks, written_at, filter: Filter::for_keys(keys) })
    }

    /// Adds sorted keys, which have no piece in common with those before.
    fn write(
        &mut self,
        transaction: &Transaction<'_>,
        sorted: &[EventKey],
    ) -> Result<(), CollectorError> {
        let mut insert = transaction.prepare_cached("INSERT INTO seen_chunks VALUES (?1, ?2)")?;
        for chunk in sorted.chunk_by(|a, b| self.chunk(*a) == self.chunk(*b)) {
            let bytes: Vec<u8> = chunk.iter().flat_map(|key| key.0).collect();
            insert.execute((self.row(self.chunk(chunk[0])), bytes))?;
        }
        for key in sorted {
            self.filter.add(*key);
        }
        Ok(())
    }

    fn end(&self, transaction: &Transaction<'_>) -> Result<(), CollectorError> {
        transaction.execute(
            "UPDATE seen_tables SET filter = ?2 WHERE id = ?1",
            (self.id, self.filter.to_bytes()),
        )?;
        Ok(())
    }

    /// The piece a key is in: keys are spread evenly, so the first bits say it.
    fn chunk(&self, key: EventKey) -> u64 {
        range_of(key, self.chunks)
    }

    const fn row(&self, chunk: u64) -> i64 {
        (self.id << 32) | chunk.cast_signed()
    }

    fn has(&self, connection: &Connection, key: EventKey) -> Result<bool, CollectorError> {
        let mut statement =
            connection.prepare_cached("SELECT keys FROM seen_chunks WHERE id = ?1")?;
        let found = statement
            .query_row([self.row(self.chunk(key))], |row| {
                Ok(keys_in(row.get_ref(0)?.as_blob()?).any(|other| other == key))
            })
            .optional()?;
        Ok(found.unwrap_or(false))
    }

    /// Reads the keys of one of so many equal ranges.
    fn read(
        &self,
        connection: &Connection,
        range: u64,
        ranges: u64,
        keys: &mut Vec<EventKey>,
    ) -> Result<(), CollectorError> {
        let first = self.chunks * range / ranges;
        let last = (self.chunks * (range + 1)).div_ceil(ranges);
        let mut statement =
            connection.prepare_cached("SELECT keys FROM seen_chunks WHERE id >= ?1 AND id < ?2")?;
        let mut rows = statement.query((self.row(first), self.row(last)))?;
        while let Some(row) = rows.next()? {
            let bytes = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
            // A piece may be longer than a range.
            keys.extend(keys_in(bytes).filter(|key| range_of(*key, ranges) == range));
        }
        Ok(())
    }
}

/// Which of so many equal ranges (a power of two) a key is in.
fn range_of(key: EventKey, ranges: u64) -> u64 {
    let bits = ranges.trailing_zeros();
    if bits == 0 { 0 } else { high(key) >> (u64::BITS - bits) }
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

    #[test]
    fn tables_become_one_with_all_their_keys() {
        let directory = tempfile::tempdir().unwrap();
        let connection = &mut super::super::schema::open(&directory.path().join("db")).unwrap();
        let now = Timestamp::from_millis(0);
        let transaction = connection.transaction().unwrap();
        let mut seen = Seen::load(&transaction).unwrap();
        for number in 0..8_u32 {
            // From a single piece to many.
            let own = keys(number * 10_000..number * 10_000 + 3_u32.pow(number + 1));
            seen.folded(write(&transaction, &own, now).unwrap());
        }
        let crowd = seen.crowd().unwrap();
        let new = unite(&transaction, &crowd).unwrap();
        seen.replace(&crowd, new);
        purge(&transaction).unwrap();
        assert!(seen.crowd().is_none());
        let again = Seen::load(&transaction).unwrap();
        for mut seen in [seen, again] {
            assert_eq!(seen.tables.len(), 1);
            for number in 0..8_u32 {
                let first = number * 10_000;
                let end = first + 3_u32.pow(number + 1);
                let known = seen.take(&transaction, &keys(first..end)).unwrap();
                assert!(known.iter().all(|fresh| !fresh));
                let next = seen.take(&transaction, &keys(end..end + 100)).unwrap();
                assert!(next.iter().all(|fresh| *fresh));
            }
        }
    }

    #[test]
    fn ranges_have_all_keys_once() {
        let directory = tempfile::tempdir().unwrap();
        let connection = &mut super::super::schema::open(&directory.path().join("db")).unwrap();
        let transaction = connection.transaction().unwrap();
        for count in [1, 127, 129, 5_000] {
            let own = keys(0..count);
            let table = write(&transaction, &own, Timestamp::from_millis(0)).unwrap();
            for ranges in [1, 2, 16, 256] {
                let mut all = Vec::new();
                for range in 0..ranges {
                    table.read(&transaction, range, ranges, &mut all).unwrap();
                }
                let mut own = own.clone();
                own.sort_unstable();
                assert_eq!(all, own, "{count} in {ranges}");
            }
        }
    }
}
