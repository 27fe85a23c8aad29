//! The tables, and the statements that make them.
//!
//! | Table | Row | Engine |
//! |---|---|---|
//! | `events` | an event with its text | Replacing |
//! | `rollup` | an hour × all dimensions × bucket of durations | Summing |
//! | `keys` | the key of an event, the block it came in, the day it can be asked for | Merge |
//! | `spans` | a run × hour: when, how it ended, how many calls | Aggregating |
//! | `aliases` | an id by which a run is found | Replacing |
//! | `corrections` | a copy of an event that must not count | Replacing |
//! | `projects`, `access_keys`, `migrations` | as they say | Replacing |
//!
//! Collectors insert into `events` alone; materialised views fill `rollup`, `keys`, `spans` and
//! `aliases` from the same block. `formats` has the statements.
//!
//! On a cluster each of the first six is a local table `…_local` on every server and a `Distributed`
//! one before it. Events are divided by the first byte of their key *in the order in which keys are
//! sorted*: all copies of an event, whoever sends them, meet on one shard, and a shard's keys lie in
//! ranges of their own. A look-up goes to every shard, but the index of `keys` tells at once which
//! keys are another shard's; nothing is read for those. It needs to know neither how many shards
//! there are nor where, and finds copies on whatever shard they are. The last three tables are on
//! every server.
//!
//! Everything here is understood by 18.16 as well as by the releases of today. Times are milliseconds
//! since 1970 and hours since 1970 in whole numbers, so that no server's time zone has a say.

use super::client::Version;
use super::location::Location;
use crate::dimension::Dimension;

/// The bucket of calls whose method did not come to run.
pub(super) const UNTIMED: u16 = u16::MAX;

/// The newest format of the tables.
pub(super) const NEWEST: u32 = 3;

/// Events, statistics and runs are kept in parts of a week: so much is thrown away at once.
pub(super) const HOURS_PER_PART: i64 = 168;

/// By what events are divided among shards: the first byte of the key as it is sorted, which begins
/// with its second half.
const BY_KEY: &str = "reinterpretAsUInt8(substring(UUIDStringToNum(toString(key)), 9, 1))";

/// By what rows are divided among shards that no key belongs to.
const BY_HOUR: &str = "sipHash64(hour)";

/// The column of a dimension.
pub(super) const fn column(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Driver => "driver",
        Dimension::ModelType => "model_type",
        Dimension::Method => "method",
        Dimension::Workflow => "workflow",
        Dimension::Job => "job",
        Dimension::Step => "step",
        Dimension::Status => "status",
        Dimension::ErrorCategory => "error_category",
        Dimension::Platform => "platform",
        Dimension::Agent => "agent",
        Dimension::ErrorMessage => "error_message",
    }
}

/// The columns of all dimensions, in order.
pub(super) fn dimension_columns() -> String {
    Dimension::ALL.map(column).join(", ")
}

/// Columns of `events` that an insert fills, in order.
pub(super) fn event_columns() -> String {
    format!(
        "project, hour, at, received, block, place, key, kind, failed, duration_ms, bucket, run, \
         root_run, root_workflow, {}, raw",
        dimension_columns()
    )
}

/// How tables are made at one place.
#[derive(Clone, Debug)]
pub(super) struct Schema {
    pub(super) location: Location,
    pub(super) version: Version,
}

/// A table before engine and name are decided.
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: String,
    pub(super) family: &'static str,
    pub(super) arguments: &'static str,
    pub(super) rest: &'static str,
}

impl Schema {
    /// The statement that makes the database.
    pub(super) fn database(&self) -> String {
        format!("CREATE DATABASE IF NOT EXISTS `{}`{}", self.location.database, self.on_cluster())
    }

    /// The statement that makes the table in which the steps of this list are noted.
    pub(super) fn ledger(&self) -> String {
        self.shared("migrations", "version UInt32, applied_at Int64", "version")
    }

    /// A view that fills a table from another.
    pub(super) fn view(&self, into: &'static str, select: &str) -> String {
        format!(
            "CREATE MATERIALIZED VIEW IF NOT EXISTS {into}_view{} TO {} AS {select}",
            self.on_cluster(),
            self.qualified(into)
        )
    }

    /// A table, and the one before it on a cluster.
    pub(super) fn table(&self, table: &Table) -> Vec<String> {
        let Table { name, columns, family, arguments, rest } = table;
        let local = self.local(name);
        let cluster = self.on_cluster();
        let engine = if self.location.replicated {
            let comma = if arguments.is_empty() { "" } else { ", " };
            format!(
                "Replicated{family}MergeTree('/clickhouse/tables/{{shard}}/{}/{local}', \
                 '{{replica}}'{comma}{arguments})",
                self.location.database
            )
        } else {
            format!("{family}MergeTree({arguments})")
        };
        let mut statements = vec![format!(
            "CREATE TABLE IF NOT EXISTS {local}{cluster} ({columns}) ENGINE = {engine} {rest}"
        )];
        statements.extend(self.distributed(name, columns.contains("key UUID")));
        statements
    }

    /// The table before those of all shards, if there are shards.
    pub(super) fn distributed(&self, name: &str, has_key: bool) -> Option<String> {
        let cluster = self.location.cluster.as_ref()?;
        let by = if has_key { BY_KEY } else { BY_HOUR };
        Some(format!(
            "CREATE TABLE IF NOT EXISTS {name}{} AS {} \
             ENGINE = Distributed('{cluster}', '{}', '{}', {by})",
            self.on_cluster(),
            self.qualified(name),
            self.location.database,
            self.local(name)
        ))
    }

    /// A small table that is whole on every server.
    pub(super) fn shared(&self, name: &str, columns: &str, order: &str) -> String {
        let engine = if self.location.replicated {
            format!(
                "ReplicatedReplacingMergeTree('/clickhouse/tables/all/{}/{name}', \
                 '{{shard}}-{{replica}}')",
                self.location.database
            )
        } else {
            "ReplacingMergeTree()".to_owned()
        };
        let cluster = self.on_cluster();
        format!(
            "CREATE TABLE IF NOT EXISTS {name}{cluster} ({columns}) ENGINE = {engine} \
             ORDER BY {order}"
        )
    }

    /// The name of a table's part on the server that is spoken to.
    pub(super) fn local(&self, name: &str) -> String {
        let suffix = if self.location.cluster.is_some() { "_local" } else { "" };
        format!("{name}{suffix}")
    }

    /// The same with the database: a statement for all servers of a cluster is not run in the
    /// database of who sent it.
    pub(super) fn qualified(&self, name: &str) -> String {
        format!("`{}`.{}", self.location.database, self.local(name))
    }

    pub(super) fn on_cluster(&self) -> String {
        let cluster = self.location.cluster.as_ref();
        cluster.map_or_else(String::new, |name| format!(" ON CLUSTER '{name}'"))
    }

    /// The parts of all tables, wherever they are.
    pub(super) fn parts(&self) -> String {
        match &self.location.cluster {
            Some(name) => format!("cluster('{name}', system, parts)"),
            None => "system.parts".to_owned(),
        }
    }

    /// What a condition with a subquery about a table begins with.
    pub(super) fn not_in(&self) -> &'static str {
        if self.location.cluster.is_some() { "GLOBAL NOT IN" } else { "NOT IN" }
    }

    /// Codecs of single columns came with 19.1.
    pub(super) fn codec(&self, codec: &str) -> String {
        if self.version >= Version(19, 1) { format!(" CODEC({codec})") } else { String::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(address: &str, version: Version) -> Schema {
        Schema { location: Location::parse(address).unwrap(), version }
    }

    fn statements(schema: &Schema) -> String {
        let mut all = vec![schema.database(), schema.ledger()];
        all.extend((1..=NEWEST).flat_map(|number| schema.migration(number)));
        all.join("\n")
    }

    #[test]
    fn a_cluster_has_local_and_distributed_tables_and_everybody_the_keys() {
        let all = statements(&schema("clickhouse://h/db?cluster=main", Version(26, 9)));
        for line in all.lines() {
            let is_everywhere = line.contains(" ON CLUSTER 'main'");
            assert!(is_everywhere, "{line}");
            if let Some((_, engine)) = line.split_once(" ENGINE = ") {
                let is_known =
                    engine.starts_with("Replicated") || engine.starts_with("Distributed");
                assert!(is_known, "{line}");
            }
        }
        let of = |name: &str| {
            let begin = format!("CREATE TABLE IF NOT EXISTS {name} ");
            all.lines().find(|line| line.starts_with(&begin)).unwrap().to_owned()
        };
        insta::assert_snapshot!(of("keys_local"), @"CREATE TABLE IF NOT EXISTS keys_local ON CLUSTER 'main' (key UUID, day Int32, block UInt64, project UInt32, hour Int32) ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/db/keys_local', '{replica}') PARTITION BY day ORDER BY key SETTINGS index_granularity = 256, min_compress_block_size = 4096, max_compress_block_size = 8192");
        insta::assert_snapshot!(of("events"), @"CREATE TABLE IF NOT EXISTS events ON CLUSTER 'main' AS `db`.events_local ENGINE = Distributed('main', 'db', 'events_local', reinterpretAsUInt8(substring(UUIDStringToNum(toString(key)), 9, 1)))");
        insta::assert_snapshot!(of("projects"), @"CREATE TABLE IF NOT EXISTS projects ON CLUSTER 'main' (name String, number UInt32, created_at Int64) ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/all/db/projects', '{shard}-{replica}') ORDER BY name");
        assert!(
            of("rollup_local")
                .contains("', '{replica}', (count, errors, total_ms, max_ms, last_at))")
        );
        assert!(all.contains("TO `db`.rollup_local AS SELECT"));
    }

    #[test]
    fn one_server_has_plain_tables_and_old_ones_no_codecs() {
        let new = statements(&schema("clickhouse://h", Version(26, 9)));
        let old = statements(&schema("clickhouse://h", Version(18, 16)));
        assert!(!new.contains("Replicated") && !new.contains("Distributed"));
        assert!(new.contains("raw String CODEC(ZSTD(3))"));
        let blocks = ", min_compress_block_size = 4096, max_compress_block_size = 8192";
        let plain = new.replace(" CODEC(ZSTD(3))", "").replace(" CODEC(Delta, ZSTD(1))", "");
        assert_eq!(plain.replace(blocks, ""), old);
    }

    #[test]
    fn every_format_has_statements() {
        let schema = schema("clickhouse://h", Version(26, 9));
        for number in 1..=NEWEST {
            assert!(!schema.migration(number).is_empty(), "{number}");
        }
    }
}
