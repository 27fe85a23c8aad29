//! `swamp telemetry stats`

mod table;

use serde_json::{Value, json};
use swamp_ident::Timestamp;
use swamp_telemetry::stats::{Dimension, Period, Rows, Sources, Statistics, collect};

use super::place;
use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::ending::{CommandError, CommandResult, Ending};
use crate::output::Level;
use crate::times;

/// What the log and the JSON document say when there is nothing to count.
const NOTHING: &str = "No telemetry data found";

/// Milliseconds of a day.
const DAY: f64 = 86_400_000.0;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many days to look back, besides today
    #[arg(long, value_name = "n", default_value_t = 2.0, allow_negative_numbers = true)]
    days: f64,
    /// Look back to a moment instead: 24h, 7d, 2026-11-01
    #[arg(long, value_name = "time", conflicts_with = "days")]
    since: Option<String>,
    /// Group method calls: driver, modelType, method, workflow, job, step, status, errorCategory,
    /// platform, agent, or several with commas
    #[arg(long, value_name = "what", value_delimiter = ',')]
    by: Vec<String>,
    /// Only calls by steps of this workflow
    #[arg(long, value_name = "name")]
    workflow: Option<String>,
    /// Only the slowest groups, by the 95th percentile
    #[arg(long, value_name = "n")]
    slowest: Option<usize>,
    /// Only groups with failures, most of them first
    #[arg(long)]
    failing: bool,
    #[command(flatten)]
    repo: RepoArgs,
}

/// What a user asked for.
struct Asked {
    /// What period, `None` for one that no entry can be in.
    period: Option<Period>,
    /// The period in days.
    days: f64,
    /// The period in words.
    words: String,
    /// Which rows; `None` for the usual breakdowns.
    rows: Option<Rows>,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let now = cx.clock.now().wall;
        let asked = self.asked(now)?;
        let spool = place::spool(cx, &self.repo)?;
        let statistics = match &asked.period {
            Some(period) => {
                collect(&spool, period).map_err(|error| CommandError::user(error.to_string()))?
            }
            None => Statistics::default(),
        };
        let sources = statistics.sources();
        for message in remarks(&sources, &spool.display().to_string()) {
            cx.output.record(Level::Warning, "telemetry·stats", message);
        }
        if statistics.entries() == 0 {
            if cx.output.is_json() {
                cx.output.document(&json!({ "message": NOTHING }));
            } else {
                cx.output.record(Level::Info, "telemetry·stats", format!("{NOTHING}."));
            }
        } else if cx.output.is_json() {
            cx.output.document(&document(&asked, &statistics)?);
        } else {
            for line in table::lines(&asked, &statistics, cx.columns()) {
                cx.output.line(line);
            }
        }
        Ok(Ending::SUCCESS)
    }

    fn asked(&self, now: Timestamp) -> Result<Asked, CommandError> {
        let by: Vec<Dimension> = self
            .by
            .iter()
            .map(|name| Dimension::parse(name.trim()))
            .collect::<Result<_, _>>()
            .map_err(|error| CommandError::user(format!("--by: {error}")))?;
        let is_plain = by.is_empty() && self.workflow.is_none() && self.slowest.is_none();
        let rows = (!is_plain || self.failing).then(|| Rows {
            by: if by.is_empty() { USUAL.to_vec() } else { by },
            workflow: self.workflow.clone(),
            failing: self.failing,
            slowest: self.slowest,
        });
        let Some(since) = &self.since else {
            let (days, period) = (self.days, Period::last_days(now, self.days));
            return Ok(Asked { period, days, words: format!("of the last {days} day(s)"), rows });
        };
        let from = times::moment(since, now)?;
        let millis = now.as_millis().saturating_sub(from.as_millis()).max(0);
        #[expect(clippy::cast_precision_loss, reason = "only shown")]
        let days = millis as f64 / DAY;
        let words = format!("since {from}");
        Ok(Asked { period: Some(Period::since(from, now)), days, words, rows })
    }
}

/// What a row is when nobody says: one kind of call.
const USUAL: [Dimension; 5] =
    [Dimension::Workflow, Dimension::Job, Dimension::Step, Dimension::ModelType, Dimension::Method];

/// What somebody should know about the numbers.
fn remarks(sources: &Sources, spool: &str) -> Vec<String> {
    let mut remarks = Vec::new();
    if sources.unreadable > 0 {
        let count = sources.unreadable;
        remarks.push(format!("{count} unreadable file(s) in {spool} are left out"));
    }
    if sources.damaged > 0 {
        let count = sources.damaged;
        remarks.push(format!(
            "{count} day(s) of delivered entries in {spool}/rollup are damaged and left out"
        ));
    }
    if sources.changing {
        remarks.push(
            "Entries are being delivered, and some may be missing here; try again later".to_owned(),
        );
    }
    remarks
}

/// The document of the original with our views beside its counts.
fn document(asked: &Asked, statistics: &Statistics) -> Result<Value, CommandError> {
    let unexpected = |error: serde_json::Error| CommandError::internal(error.to_string());
    let mut document = serde_json::to_value(statistics.summary(asked.days)).map_err(unexpected)?;
    let calls = match &asked.rows {
        Some(rows) => serde_json::to_value(statistics.rows(rows)),
        None => serde_json::to_value(statistics.calls()),
    };
    document["methodCalls"] = calls.map_err(unexpected)?;
    let commands = serde_json::to_value(statistics.commands()).map_err(unexpected)?;
    document["commands"] = commands;
    if let Some(Period { now, before }) = asked.period {
        document["period"] = json!({"from": now.from, "to": now.to});
        document["periodBefore"] = json!({"from": before.from, "to": before.to});
    }
    document["sources"] = serde_json::to_value(statistics.sources()).map_err(unexpected)?;
    Ok(document)
}
