//! The formats the tables have had, and the statements that lead from each to the next.
//!
//! A statement may be repeated: a collector that was ended between two of them, or two collectors that
//! start at the same time, do no harm.

use super::client::Version;
use super::schema::{Schema, Table, column, dimension_columns};
use crate::dimension::Dimension;

/// The tables that are divided among the shards of a cluster, and whether by a key.
const DIVIDED: [(&str, bool); 5] = [
    ("events", true),
    ("rollup", false),
    ("spans", false),
    ("aliases", false),
    ("corrections", true),
];

/// The format in which keys came to be remembered in parts of a day; what `ids` has of them is to be
/// taken over after its statements.
pub(super) const WITH_KEYS: u32 = 2;

/// How keys are kept where a table can say how much is compressed together: a look-up reads a granule
/// of 4 KiB, and would have to read and unpack 64 KiB for it.
const SMALL_BLOCKS: &str = "PARTITION BY day ORDER BY key SETTINGS index_granularity = 256, \
    min_compress_block_size = 4096, max_compress_block_size = 8192";

/// The day of an instant in milliseconds, or of the server's clock.
pub(super) const DAY_OF_AT: &str = "toInt32(intDiv(at, 86400000))";
pub(super) const TODAY: &str = "toInt32(intDiv(toUInt32(now()), 86400))";

impl Schema {
    /// The statements that lead to a format from the one before. Each may be repeated.
    pub(super) fn migration(&self, to: u32) -> Vec<String> {
        match to {
            1 => self.first(),
            WITH_KEYS => self.second(),
            3 => self.third(),
            _ => Vec::new(),
        }
    }

    /// Everything, with `ids` for the keys.
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
                // With a list of columns, all others keep the value of any row when rows are merged.
                arguments: "(count, errors, total_ms, max_ms, last_at)",
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
        let from = format!("FROM {}", self.qualified("events"));
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

    /// Keys in parts of a day, and on a cluster other rules of which shard has what.
    ///
    /// The day is that of the arrival by the clock of the server, or that on which the event began if
    /// its sender's clock is ahead. So no copy of an event is ever found before the day it began.
    fn second(&self) -> Vec<String> {
        let mut statements = self.table(&Table {
            name: "keys",
            columns: "key UUID, day Int32, block UInt64, project UInt32, hour Int32".to_owned(),
            family: "",
            arguments: "",
            rest: if self.version >= Version(22, 3) {
                SMALL_BLOCKS
            } else {
                "PARTITION BY day ORDER BY key SETTINGS index_granularity = 256"
            },
        });
        statements.push(self.view(
            "keys",
            &format!(
                "SELECT key, greatest({TODAY}, {DAY_OF_AT}) AS day, block, project, hour FROM {}",
                self.qualified("events")
            ),
        ));
        for (name, has_key) in DIVIDED {
            if let Some(statement) = self.distributed(name, has_key) {
                statements.push(format!("DROP TABLE IF EXISTS {name}{}", self.on_cluster()));
                statements.push(statement);
            }
        }
        statements
    }

    /// Without `ids`. A collector of an earlier version that still runs refuses events from now on.
    fn third(&self) -> Vec<String> {
        let mut names = vec!["ids_view".to_owned(), self.local("ids"), "ids".to_owned()];
        names.dedup();
        names
            .into_iter()
            .map(|name| format!("DROP TABLE IF EXISTS {name}{}", self.on_cluster()))
            .collect()
    }
}
