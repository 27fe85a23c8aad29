//! `GET /metrics`: what the collector does, in the text format of Prometheus (version 0.0.4).
//!
//! The numbers about the collector are of all projects together. They are for whoever runs it: for a
//! key of the scope `metrics`, and for callers on this machine where no key is needed. A key for
//! reading shows statistics of the method calls of its own project, and of others neither names nor
//! totals. These statistics are there if the collector was started with `--rollup-metrics`. Their
//! labels are driver, model type and status; beyond [`MOST_SERIES`] combinations, the rarest are one.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use super::App;
use crate::dimension::{Dimension, OTHER};
use crate::error::CollectorError;
use crate::event::ProjectId;
use crate::query::Query;
use crate::store::{GroupKey, Store, StoreSize, Totals};

/// The kind of content.
pub(super) const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Series of method calls that are shown; the smallest ones beyond are one.
const MOST_SERIES: usize = 500;

/// What the labels of method calls are.
const LABELS: [Dimension; 3] = [Dimension::Driver, Dimension::ModelType, Dimension::Status];

struct Text(String);

impl Text {
    /// A family of metrics.
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a text cannot fail.
        let _ = writeln!(self.0, "# HELP swamp_collector_{name} {help}");
        let _ = writeln!(self.0, "# TYPE swamp_collector_{name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        let labels: Vec<String> =
            labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escape(value))).collect();
        let labels =
            if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.0, "swamp_collector_{name}{labels} {value}");
    }

    fn single(&mut self, name: &str, kind: &str, help: &str, value: impl std::fmt::Display) {
        self.family(name, kind, help);
        self.sample(name, &[], value);
    }
}

/// A label's value (the format's own escapes).
fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// Seconds from a number of thousandths or millionths, without rounding.
fn seconds(number: u64, per_second: u64) -> String {
    let digits = if per_second == 1000 { 3 } else { 6 };
    format!("{}.{:0digits$}", number / per_second, number % per_second)
}

/// Which version this is.
pub(super) fn version() -> String {
    let mut text = Text(String::new());
    text.family("build_info", "gauge", "The version of the collector.");
    text.sample("build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    text.0
}

/// What the collector does.
pub(super) fn own(app: &App, size: StoreSize) -> String {
    let mut text = Text(String::new());
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let (requests, commits) = (&app.requests, app.committer.counters());
    text.family("requests_total", "counter", "Requests by what was asked for and how it went.");
    let refused = read(&requests.refused);
    let taken = read(&requests.accepted);
    text.sample("requests_total", &[("kind", "ingest"), ("outcome", "accepted")], taken);
    text.sample("requests_total", &[("kind", "ingest"), ("outcome", "refused")], refused);
    let questions = read(&requests.questions);
    text.sample("requests_total", &[("kind", "question"), ("outcome", "asked")], questions);
    text.family("events_total", "counter", "Events received, by what became of them.");
    for (outcome, number) in [
        ("ok", read(&commits.stored)),
        ("duplicate", read(&commits.duplicates)),
        ("invalid", read(&requests.invalid)),
        ("dropped", read(&commits.dropped) + read(&requests.dropped)),
    ] {
        text.sample("events_total", &[("outcome", outcome)], number);
    }
    let bytes = read(&requests.body_bytes);
    text.single("received_bytes_total", "counter", "Bytes of bodies as they came.", bytes);
    let number = read(&commits.commits);
    text.single("commits_total", "counter", "Batches made durable.", number);
    let number = read(&commits.failures);
    text.single("commit_failures_total", "counter", "Batches the store refused.", number);
    let busy = seconds(read(&commits.busy_micros), 1_000_000);
    text.single("commit_seconds_total", "counter", "Time spent making batches durable.", busy);
    let waiting = read(&commits.queued).saturating_sub(read(&commits.taken));
    text.single("queue_requests", "gauge", "Requests that wait for the disk.", waiting);
    let number = read(&commits.refused);
    text.single("queue_refused_total", "counter", "Requests refused as too many waited.", number);
    let number = read(&requests.connections);
    text.single("connections", "gauge", "Connections that are open.", number);
    text.single("store_events", "gauge", "Events whose text is kept.", size.events);
    text.single("store_bytes", "gauge", "Bytes of the store on disk.", size.bytes);
    text.0
}

/// What the calls of methods were.
pub(super) fn calls(store: &dyn Store, project: ProjectId) -> Result<String, CollectorError> {
    let mut groups = store.groups(&Query::all(project), &LABELS)?;
    groups.sort_by(|a, b| b.totals.count.cmp(&a.totals.count).then_with(|| a.key.cmp(&b.key)));
    let rest = groups.split_off(groups.len().min(MOST_SERIES));
    let mut series: Vec<(GroupKey, Totals)> =
        groups.into_iter().map(|group| (group.key, group.totals)).collect();
    if !rest.is_empty() {
        let mut together = Totals::default();
        for group in &rest {
            together.merge(&group.totals);
        }
        series.push((vec![Some(OTHER.to_owned()); LABELS.len()], together));
    }
    let mut text = Text(String::new());
    let mut family = |name: &str, help: &str, value: &dyn Fn(&Totals) -> String| {
        text.family(name, "counter", help);
        for (key, totals) in &series {
            let labels: Vec<(&str, &str)> = ["driver", "model_type", "status"]
                .into_iter()
                .zip(key.iter().map(|value| value.as_deref().unwrap_or_default()))
                .collect();
            text.sample(name, &labels, value(totals));
        }
    };
    family("method_calls_total", "Method calls.", &|totals| totals.count.to_string());
    family("method_seconds_total", "Time in method calls.", &|totals| {
        seconds(totals.total_ms, 1000)
    });
    Ok(text.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_numbers_are_what_the_format_wants() {
        let mut text = Text(String::new());
        text.family("x", "gauge", "Help.");
        text.sample("x", &[("a", "say \"hi\\\"\n"), ("b", "")], seconds(1_005, 1000));
        assert_eq!(
            text.0,
            "# HELP swamp_collector_x Help.\n# TYPE swamp_collector_x gauge\n\
             swamp_collector_x{a=\"say \\\"hi\\\\\\\"\\n\",b=\"\"} 1.005\n"
        );
        assert_eq!(seconds(2_000_001, 1_000_000), "2.000001");
    }
}
