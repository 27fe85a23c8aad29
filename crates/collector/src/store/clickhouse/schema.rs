//! The tables, and the statements that make them.
//!
//! | Table | Row | Engine |
//! |---|---|---|
//! | `events` | an event with its text | Replacing |
//! | `rollup` | an hour × all dimensions × bucket of durations | Summing |
//! | `ids` | the key of an event and the block it came in | Merge |
//! | `spans` | a run × hour: when, how it ended, how many calls | Aggregating |
//! | `aliases` | an id by which a run is found | Replacing |
//! | `corrections` | a copy of an event that must not count | Replacing |
//! | `projects`, `access_keys`, `migrations` | as they say | Replacing |
//!
//! Collectors insert into `events` alone; materialised views fill `rollup`, `ids`, `spans` and
//! `aliases` from the same block.
//!
//! On a cluster each of the first six is a local table `…_local` on every server and a `Distributed`
//! one before it, divided by the key of the event: all copies of an event, whoever sends them, meet on
//! one shard. The last three are on every server.
//!
//! Everything here is understood by 18.16 as well as by the releases of today. Times are milliseconds
//! since 1970 and hours since 1970 in whole numbers, so that no server's time zone has a say.

use super::client::Version;
use super::location::Location;
use crate::dimension::Dimension;

/// The bucket of calls whose method did not come to run.
pub(super) const UNTIMED: u16 = u16::MAX;

/// The newest format of the tables.
pub(super) const NEWEST: u32 = 1;

/// Events, statistics and runs are kept in parts of a week: so much is thrown away at once.
pub(super) const HOURS_PER_PART: i64 = 168;

/// Keys are kept in parts of thirty days, by arrival.
pub(super) const MILLIS_PER_IDS_PART: i64 = 30 * 24 * 3_600_000;

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
struct Table {
    name: &'static str,
    columns: String,
    family: &'static str,
    arguments: &'static str,
    rest: &'static str,
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

    /// The statements that lead to a format from the one before. Each may be repeated.
    pub(super) fn migration(&self, to: u32) -> Vec<String> {
        match to {
            1 => self.first(),
            _ => Vec::new(),
        }
    }

    fn first(&self) -> Vec<String> {
        let dimensions: String = Dimension::ALL
            .map(|dimension| format!("{} LowCardinality(String), ", column(dimension)))
            .concat();
        let measures = "bucket UInt16, count Int64, errors Int64, total_ms Int64";
        let mut statements = Vec::new();
        let tables = [
            Table {
                name: "events",
                columns: format!(
                    "project UInt32, hour Int32, at Int64{delta}, received Int64{delta}, \
                     block UInt64, place UInt32, key UUID, kind UInt8, failed UInt8, \
                     duration_ms UInt64, bucket UInt16, run String{zstd}, \
                     root_run String{zstd}, root_workflow LowCardinality(String), {dimensions}raw String{zstd}",
                    delta = self.codec("Delta, ZSTD(1)"),
                    zstd = self.codec("ZSTD(3)"),
                ),
                family: "Replacing",
                arguments: "received",
                rest: "PARTITION BY intDiv(hour, 168) PRIMARY KEY (project, hour, run) \
                       ORDER BY (project, hour, run, key, block) SETTINGS index_granularity = 2048",
            },
            Table {
                name: "rollup",
                columns: format!(
                    "project UInt32, hour Int32, {dimensions}{measures}, \
                     max_ms AggregateFunction(max, UInt64), last_at AggregateFunction(max, Int64)"
                ),
                family: "Summing",
                arguments: "(count, errors, total_ms)",
                rest: "PARTITION BY intDiv(hour, 168) PRIMARY KEY (project, hour) \
                       ORDER BY (project, hour, driver, model_type, method, workflow, job, step, \
                       status, error_category, platform, agent, error_message, bucket)",
            },
            Table {
                name: "ids",
                columns: "key UUID, block UInt64, project UInt32, hour Int32, received Int64"
                    .to_owned(),
                family: "",
                arguments: "",
                rest: "PARTITION BY intDiv(received, 2592000000) ORDER BY key \
                       SETTINGS index_granularity = 256",
            },
            Table {
                name: "spans",
                columns: "project UInt32, hour Int32, run String, \
                          first_state AggregateFunction(min, Int64), \
                          reported_state AggregateFunction(max, UInt8), \
                          failed_state AggregateFunction(max, UInt8), \
                          duration_ms_state AggregateFunction(max, UInt64), \
                          root_run_state AggregateFunction(max, String), \
                          workflow_state AggregateFunction(max, String), \
                          status_state AggregateFunction(max, String), \
                          error_category_state AggregateFunction(max, String), \
                          platform_state AggregateFunction(max, String), \
                          agent_state AggregateFunction(max, String), \
                          methods_state AggregateFunction(sum, Int64), \
                          errors_state AggregateFunction(sum, Int64), \
                          total_ms_state AggregateFunction(sum, Int64)"
                    .to_owned(),
                family: "Aggregating",
                arguments: "",
                rest: "PARTITION BY intDiv(hour, 168) ORDER BY (project, hour, run) \
                       SETTINGS index_granularity = 1024",
            },
            Table {
                name: "aliases",
                columns: "project UInt32, alias String, run String, hour Int32".to_owned(),
                family: "Replacing",
                arguments: "",
                rest: "PARTITION BY intDiv(hour, 168) ORDER BY (project, alias, run, hour) \
                       SETTINGS index_granularity = 1024",
            },
            Table {
                name: "corrections",
                columns: format!(
                    "project UInt32, hour Int32, key UUID, block UInt64, run String, \
                     {dimensions}{measures}"
                ),
                family: "Replacing",
                arguments: "",
                rest: "PARTITION BY intDiv(hour, 168) ORDER BY (project, hour, key, block)",
            },
        ];
        for table in &tables {
            statements.extend(self.table(table));
        }
        statements.extend(self.views());
        statements.push(self.shared(
            "projects",
            "name String, number UInt32, created_at Int64",
            "name",
        ));
        statements.push(self.shared(
            "access_keys",
            "id String, project UInt32, scope String, hash String, note String, \
             created_at Int64, revoked_at Int64",
            "(id, revoked_at)",
        ));
        statements
    }

    /// The views that fill the tables of statistics from each block of events.
    fn views(&self) -> [String; 4] {
        let dimensions = dimension_columns();
        let from = format!("FROM {}", self.local("events"));
        [
            self.view(
                "rollup",
                &format!(
                    "SELECT project, hour, {dimensions}, bucket, toInt64(count()) AS count, \
                     toInt64(sum(failed)) AS errors, toInt64(sum(duration_ms)) AS total_ms, \
                     maxState(duration_ms) AS max_ms, maxState(at) AS last_at \
                     {from} WHERE kind = 2 GROUP BY project, hour, {dimensions}, bucket"
                ),
            ),
            self.view("ids", &format!("SELECT key, block, project, hour, received {from}")),
            self.view(
                "spans",
                &format!(
                    "SELECT project, hour, run, minState(at) AS first_state, \
                     maxState(toUInt8(kind = 1)) AS reported_state, \
                     maxState(toUInt8(kind = 1 AND failed = 1)) AS failed_state, \
                     maxState(if(kind = 1, duration_ms, toUInt64(0))) AS duration_ms_state, \
                     maxState(root_run) AS root_run_state, \
                     maxState(toString(root_workflow)) AS workflow_state, \
                     maxState(if(kind = 1, toString(status), '')) AS status_state, \
                     maxState(if(kind = 1, toString(error_category), '')) AS error_category_state, \
                     maxState(toString(platform)) AS platform_state, maxState(toString(agent)) AS agent_state, \
                     sumState(toInt64(kind = 2)) AS methods_state, \
                     sumState(toInt64(kind = 2 AND failed = 1)) AS errors_state, \
                     sumState(if(kind = 2, toInt64(duration_ms), toInt64(0))) AS total_ms_state \
                     {from} WHERE run != '' GROUP BY project, hour, run"
                ),
            ),
            self.view(
                "aliases",
                &format!(
                    "SELECT DISTINCT project, arrayJoin([run, root_run]) AS alias, run, hour \
                     {from} WHERE run != '' AND alias != ''"
                ),
            ),
        ]
    }

    fn view(&self, into: &'static str, select: &str) -> String {
        format!(
            "CREATE MATERIALIZED VIEW IF NOT EXISTS {into}_view{} TO {} AS {select}",
            self.on_cluster(),
            self.local(into)
        )
    }

    fn table(&self, table: &Table) -> Vec<String> {
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
        if let Some(name_of_cluster) = &self.location.cluster {
            let by = if columns.contains("key UUID") { ", sipHash64(toString(key))" } else { "" };
            statements.push(format!(
                "CREATE TABLE IF NOT EXISTS {name}{cluster} AS {local} \
                 ENGINE = Distributed('{name_of_cluster}', '{}', '{local}'{by})",
                self.location.database
            ));
        }
        statements
    }

    /// A small table that is whole on every server.
    fn shared(&self, name: &str, columns: &str, order: &str) -> String {
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
    fn codec(&self, codec: &str) -> String {
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
        insta::assert_snapshot!(of("ids_local"), @"CREATE TABLE IF NOT EXISTS ids_local ON CLUSTER 'main' (key UUID, block UInt64, project UInt32, hour Int32, received Int64) ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/db/ids_local', '{replica}') PARTITION BY intDiv(received, 2592000000) ORDER BY key SETTINGS index_granularity = 256");
        insta::assert_snapshot!(of("events"), @"CREATE TABLE IF NOT EXISTS events ON CLUSTER 'main' AS events_local ENGINE = Distributed('main', 'db', 'events_local', sipHash64(toString(key)))");
        insta::assert_snapshot!(of("projects"), @"CREATE TABLE IF NOT EXISTS projects ON CLUSTER 'main' (name String, number UInt32, created_at Int64) ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/all/db/projects', '{shard}-{replica}') ORDER BY name");
        assert!(of("rollup_local").contains("', '{replica}', (count, errors, total_ms))"));
        assert!(all.contains("TO rollup_local AS SELECT"));
    }

    #[test]
    fn one_server_has_plain_tables_and_old_ones_no_codecs() {
        let new = statements(&schema("clickhouse://h", Version(26, 9)));
        let old = statements(&schema("clickhouse://h", Version(18, 16)));
        assert!(!new.contains("Replicated") && !new.contains("Distributed"));
        assert!(new.contains("raw String CODEC(ZSTD(3))"));
        assert_eq!(new.replace(" CODEC(ZSTD(3))", "").replace(" CODEC(Delta, ZSTD(1))", ""), old);
    }

    #[test]
    fn every_format_has_statements() {
        let schema = schema("clickhouse://h", Version(26, 9));
        for number in 1..=NEWEST {
            assert!(!schema.migration(number).is_empty(), "{number}");
        }
    }
}
