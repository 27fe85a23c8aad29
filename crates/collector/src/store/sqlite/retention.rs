//! Removing what is too old or too much.

use rusqlite::TransactionBehavior;
use swamp_ident::Timestamp;

use super::core::{Core, Folder};
use super::{seen, slots};
use crate::error::CollectorError;
use crate::query::{DAY, HOUR};
use crate::store::Retention;

impl Core {
    pub(super) fn retain(
        &self,
        retention: Retention,
        now: Timestamp,
    ) -> Result<u64, CollectorError> {
        // What is in the journal has an age as well.
        self.fold()?;
        let before = |days: Option<u32>| days.map(|days| now.plus_millis(-i64::from(days) * DAY));
        let folder = &mut *self.folder();
        let Folder { connection, .. } = folder;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut removed = 0_i64;
        let mut forgotten = Vec::new();
        let mut last = 0_i64;
        if let Some(before) = before(retention.raw_days) {
            // Segments are in the order of arrival: the last one that is old takes all before it,
            // as far as they are old too.
            last = transaction.query_row(
                "SELECT coalesce(min(id) - 1, (SELECT coalesce(max(id), 0) FROM segments))
                 FROM segments WHERE max(max_at, received_at) >= ?1",
                [before.as_millis()],
                |row| row.get(0),
            )?;
            forgotten = seen::forget(&transaction, before)?;
        }
        if let Some(most) = retention.raw_bytes {
            let mut statement =
                transaction.prepare("SELECT id, bytes FROM segments ORDER BY id DESC")?;
            let mut rows = statement.query([])?;
            let mut total = 0_u64;
            while let Some(row) = rows.next()? {
                total += row.get::<_, i64>(1)?.cast_unsigned();
                if total > most {
                    last = last.max(row.get(0)?);
                    break;
                }
            }
        }
        if last > 0 {
            removed = transaction.query_row(
                "SELECT coalesce(sum(events), 0) FROM segments WHERE id <= ?1",
                [last],
                |row| row.get(0),
            )?;
            transaction.execute("DELETE FROM segments WHERE id <= ?1", [last])?;
            transaction.execute("DELETE FROM run_segments WHERE segment <= ?1", [last])?;
        }
        let mut expired = Vec::new();
        if let Some(before) = before(retention.rollup_days) {
            expired = self.counted().slots.expired(before);
            slots::delete(&transaction, &expired)?;
            let hour = before.as_millis().div_euclid(HOUR);
            transaction.execute("DELETE FROM run_hours WHERE hour < ?1", [hour])?;
            transaction.execute("DELETE FROM runs WHERE started_at < ?1", [before.as_millis()])?;
        }
        transaction.commit()?;
        self.known_runs.forget();
        self.writer().seen.forget(&forgotten);
        self.counted_mut().slots.forget(&expired);
        Ok(removed.cast_unsigned())
    }
}
