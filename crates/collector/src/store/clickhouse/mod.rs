//! A store in a ClickHouse, for when one machine is not enough.
//!
//! Any number of collectors may stand in front of one ClickHouse, or of a cluster of them: they keep
//! nothing themselves. `schema` has the tables, `formats` the statements that make them, `insert` how
//! each event comes to count once, `copies` how a repeat is known, `repair` what is done about a server
//! that was killed.

mod client;
mod copies;
mod directory;
mod formats;
mod insert;
mod known;
mod location;
mod questions;
mod repair;
mod runs;
mod schema;
mod text;

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use swamp_ident::Timestamp;

use self::client::Client;
use self::directory::Lately;
use self::formats::WITH_KEYS;
use self::known::KnownValues;
pub use self::location::{Location, SCHEME};
use self::schema::{HOURS_PER_PART, NEWEST, Schema};
use super::{
    Cardinality, Group, Outcome, Point, Retention, RunCounts, RunCursor, RunEvents, RunSummary,
    SlowCall, Store, StoreSize,
};
use crate::dimension::{Dimension, OTHER, most_values};
use crate::error::CollectorError;
use crate::event::{Event, ProjectId};
use crate::query::{DAY, HOUR, Interval, Query, TimeRange};

/// A store in a ClickHouse.
#[derive(Debug)]
pub struct ClickHouse {
    client: Client,
    schema: Schema,
    values: KnownValues,
    lately: Lately,
}

impl ClickHouse {
    /// Opens the store at an address like `clickhouse://user:password@host:8123/database`; makes
    /// database and tables, or brings them to this version.
    ///
    /// # Errors
    ///
    /// [`CollectorError::Invalid`] for no such address, [`CollectorError::TooNew`] for tables of a
    /// later version, [`CollectorError::Store`] with what the server says.
    pub fn open(address: &str, now: Timestamp) -> Result<Self, CollectorError> {
        let location = Location::parse(address)?;
        let database = Schema { location: location.clone(), version: client::Version(0, 0) };
        Client::create_database(&location, &database.database())?;
        let (client, version) = Client::connect(&location)?;
        let store = Self {
            client,
            schema: Schema { location, version },
            values: KnownValues::default(),
            lately: Lately::default(),
        };
        store.migrate(now)?;
        directory::create_default(&store, now)?;
        Ok(store)
    }

    fn migrate(&self, now: Timestamp) -> Result<(), CollectorError> {
        self.client.run(&self.schema.ledger())?;
        let answer = self.client.rows("SELECT max(version) FROM migrations")?;
        let found: u32 = self.row(answer.trim_end()).number()?;
        if found > NEWEST {
            return Err(CollectorError::TooNew {
                path: self.schema.location.to_string().into(),
                found: i64::from(found),
                known: i64::from(NEWEST),
            });
        }
        for to in found + 1..=NEWEST {
            for statement in self.schema.migration(to) {
                self.client.run(&statement)?;
            }
            if to == WITH_KEYS {
                self.take_over_keys(now)?;
            }
            let mut rows = text::Rows::default();
            rows.plain(to).plain(now.as_millis()).end();
            let into = "migrations (version, applied_at)";
            self.client.insert(into, rows.as_bytes(), &Self::statement_name()?, None)?;
        }
        Ok(())
    }

    /// Copies keys from where they were before the format `WITH_KEYS`, a day at a time: a day may be
    /// a hundred million.
    fn take_over_keys(&self, now: Timestamp) -> Result<(), CollectorError> {
        let day = |name: &str| format!("toInt32(intDiv({name}, {DAY}))");
        let answer = self.client.rows(&format!(
            "SELECT count(), {}, {} FROM ids",
            day("min(received)"),
            day("max(received)")
        ))?;
        let mut values = self.row(answer.trim_end());
        let (count, first, last): (u64, i64, i64) =
            (values.number()?, values.number()?, values.number()?);
        if count == 0 {
            return Ok(());
        }
        let oldest = now.as_millis().div_euclid(DAY) - i64::from(self.schema.location.key_days);
        for day in first.max(oldest)..=last {
            // When the events began is not known here. No clock that was believed was ahead of the
            // arrival by more than a day.
            self.client.run_long(&format!(
                "INSERT INTO keys (key, day, block, project, hour) \
                 SELECT key, toInt32({}), block, project, hour FROM ids \
                 WHERE received >= {} AND received < {}",
                day + 1,
                day * DAY,
                (day + 1) * DAY
            ))?;
        }
        Ok(())
    }

    /// A name for a statement.
    fn statement_name() -> Result<String, CollectorError> {
        let number = getrandom::u64().map_err(|error| {
            CollectorError::io("The system gives no random numbers", std::io::Error::other(error))
        })?;
        Ok(format!("swamp-{number:016x}"))
    }

    /// The server answered something that makes no sense.
    fn senseless(&self, line: &str) -> CollectorError {
        let line: String = line.chars().take(200).collect();
        let location = &self.schema.location;
        CollectorError::Store(format!("{location} answered something unexpected: {line:?}"))
    }

    /// Removes whole parts of tables, those below a number. Gives the rows that were in them.
    fn drop_parts(&self, tables: &[&str], below: i64) -> Result<u64, CollectorError> {
        let mut rows = 0;
        for table in tables {
            let local = self.schema.local(table);
            for (part, held, _) in self.parts(&local)? {
                if part < below {
                    self.drop_part(&local, part)?;
                    rows += held;
                }
            }
        }
        Ok(rows)
    }

    fn drop_part(&self, local: &str, part: i64) -> Result<(), CollectorError> {
        let cluster = self.schema.on_cluster();
        self.client.run(&format!("ALTER TABLE {local}{cluster} DROP PARTITION {part}"))
    }

    /// The parts of a table, oldest first: number, rows and bytes.
    fn parts(&self, local: &str) -> Result<Vec<(i64, u64, u64)>, CollectorError> {
        let answer = self.client.rows(&format!(
            "SELECT partition, sum(rows), sum(bytes_on_disk) FROM {} \
             WHERE active AND database = '{}' AND table = '{local}' GROUP BY partition",
            self.schema.parts(),
            self.schema.location.database
        ))?;
        let mut parts = answer
            .lines()
            .map(|line| {
                let mut values = self.row(line);
                Ok((values.number()?, values.number()?, values.number()?))
            })
            .collect::<Result<Vec<_>, CollectorError>>()?;
        parts.sort_unstable();
        Ok(parts)
    }
}

impl Store for ClickHouse {
    fn append_all(&self, parts: &[&[Event]]) -> Result<Vec<Outcome>, CollectorError> {
        let batch = parts.concat();
        self.keep(&batch)
    }

    fn groups(&self, query: &Query, by: &[Dimension]) -> Result<Vec<Group>, CollectorError> {
        self.grouped(query, by)
    }

    fn series(
        &self,
        query: &Query,
        interval: Interval,
        by: &[Dimension],
    ) -> Result<Vec<Point>, CollectorError> {
        self.over_time(query, interval, by)
    }

    fn run_counts(&self, query: &Query) -> Result<Option<RunCounts>, CollectorError> {
        self.counts(query)
    }

    fn runs(
        &self,
        query: &Query,
        after: Option<&RunCursor>,
        limit: usize,
    ) -> Result<Vec<RunSummary>, CollectorError> {
        self.page(query, after, limit)
    }

    fn run(&self, project: ProjectId, id: &str) -> Result<Option<RunEvents>, CollectorError> {
        self.one(project, id)
    }

    fn slowest(&self, query: &Query, limit: usize) -> Result<Vec<SlowCall>, CollectorError> {
        self.slow_calls(query, limit)
    }

    fn values(
        &self,
        project: ProjectId,
        dimension: Dimension,
    ) -> Result<Vec<String>, CollectorError> {
        let mut values = self.distinct(project, dimension)?;
        values.sort_unstable();
        Ok(values)
    }

    fn cardinality(&self, project: ProjectId) -> Result<Vec<Cardinality>, CollectorError> {
        let columns = Dimension::ALL.map(|dimension| {
            let column = schema::column(dimension);
            let is_other = format!("{column} = {}", text::literal(OTHER));
            format!(
                "uniqExactIf({column}, {column} != '' AND NOT {is_other}), \
                 sum(if({is_other}, count, 0))"
            )
        });
        let answer = self.client.rows(&format!(
            "SELECT {} FROM rollup WHERE project = {}",
            columns.join(", "),
            project.0
        ))?;
        let mut row = self.row(answer.trim_end());
        Dimension::ALL
            .into_iter()
            .map(|dimension| {
                Ok(Cardinality {
                    dimension: dimension.as_str(),
                    values: row.number()?,
                    limit: most_values(dimension) as u64,
                    other: row.sum()?,
                })
            })
            .collect()
    }

    fn export(
        &self,
        query: &Query,
        show: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<(), CollectorError> {
        let mut conditions = questions::hours(query);
        let TimeRange { since, until } = query.range;
        conditions.extend(since.map(|since| format!("at >= {}", since.as_millis())));
        conditions.extend(until.map(|until| format!("at < {}", until.as_millis())));
        conditions.push(self.counting(query.project));
        let statement = format!(
            "SELECT block, place, raw FROM events WHERE {} ORDER BY received, block, place",
            conditions.join(" AND ")
        );
        // A block that had to be sent a second time may stand there twice until it is merged.
        let mut last = String::new();
        self.client.each(&statement, &mut |line| {
            let end = line.match_indices('\t').nth(1).map_or(0, |(end, _)| end);
            let (name, raw) = line.split_at(end);
            if name == last {
                return ControlFlow::Continue(());
            }
            name.clone_into(&mut last);
            show(&text::unescaped(raw.trim_start_matches('\t')))
        })
    }

    /// Whole weeks are removed, when their last hour is too old; of keys, whole days.
    fn retain(&self, retention: Retention, now: Timestamp) -> Result<u64, CollectorError> {
        let week =
            |days: u32| (now.as_millis() - i64::from(days) * DAY).div_euclid(HOUR * HOURS_PER_PART);
        let mut removed = 0;
        if let Some(days) = retention.raw_days {
            removed += self.drop_parts(&["events"], week(days))?;
        }
        if let Some(most) = retention.raw_bytes {
            let local = self.schema.local("events");
            let parts = self.parts(&local)?;
            let mut bytes: u64 = parts.iter().map(|(_, _, bytes)| bytes).sum();
            // The latest week stays: it is being written to.
            for (part, rows, held) in parts.iter().take(parts.len().saturating_sub(1)) {
                if bytes <= most {
                    break;
                }
                self.drop_part(&local, *part)?;
                bytes -= held;
                removed += rows;
            }
        }
        if let Some(days) = retention.rollup_days {
            self.drop_parts(&["rollup", "spans", "aliases", "corrections"], week(days))?;
        }
        let forgotten = now.as_millis().div_euclid(DAY) - i64::from(self.schema.location.key_days);
        self.drop_parts(&["keys"], forgotten)?;
        Ok(removed)
    }

    fn repair(&self, days: u32, settled: Duration, now: Timestamp) -> Result<u64, CollectorError> {
        self.put_right(days, settled, now)
    }

    fn ready(&self) -> Result<(), CollectorError> {
        self.client.run("SELECT 1 FROM events LIMIT 1")
    }

    fn size(&self) -> Result<StoreSize, CollectorError> {
        let answer = self.client.rows(&format!(
            "SELECT sum(if(table = '{}', rows, 0)), sum(bytes_on_disk) FROM {} \
             WHERE active AND database = '{}'",
            self.schema.local("events"),
            self.schema.parts(),
            self.schema.location.database
        ))?;
        let mut values = self.row(answer.trim_end());
        Ok(StoreSize { events: values.number()?, bytes: values.number()? })
    }

    fn backup(&self, _to: &Path) -> Result<(), CollectorError> {
        Err(CollectorError::Invalid(
            "A ClickHouse is backed up by its own means: BACKUP DATABASE, or ALTER TABLE … FREEZE"
                .to_owned(),
        ))
    }

    fn close(&self) -> Result<(), CollectorError> {
        Ok(())
    }

    fn linger(&self) -> Duration {
        // Each insert makes files that have to be merged; few large ones cost least.
        Duration::from_millis(200)
    }
}
