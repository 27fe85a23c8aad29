//! `swamp telemetry stats`

use serde_json::{Value, json};
use swamp_store::Repository;
use swamp_telemetry::stats::{CallStats, Calls, Group, Period, Statistics, read};
use swamp_telemetry::{config_dir, repository_spool, user_spool};

use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::ending::{CommandError, CommandResult, Ending};
use crate::output::{Level, Table};
use crate::progress::duration;

/// What the log and the JSON document say when there is nothing to count.
const NOTHING: &str = "No telemetry data found";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many days to look back, besides today
    #[arg(long, value_name = "n", default_value_t = 2.0, allow_negative_numbers = true)]
    days: f64,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let spool = self.spool(cx)?;
        let mut statistics = Statistics::default();
        let mut found = 0;
        if let Some(period) = Period::last_days(cx.clock.now().wall, self.days) {
            let read = read(&spool, Some(&period), |entry| statistics.add(entry))
                .map_err(|error| CommandError::user(error.to_string()))?;
            found = read.entries;
            if read.unreadable > 0 {
                let message = format!(
                    "{} unreadable file(s) in {} are left out",
                    read.unreadable,
                    spool.display()
                );
                cx.output.record(Level::Warning, "telemetry·stats", message);
            }
        }
        if found == 0 {
            if cx.output.is_json() {
                cx.output.document(&json!({ "message": NOTHING }));
            } else {
                cx.output.record(Level::Info, "telemetry·stats", format!("{NOTHING}."));
            }
        } else if cx.output.is_json() {
            cx.output.document(&self.document(&statistics)?);
        } else {
            for line in self.table(&statistics) {
                cx.output.line(line);
            }
        }
        Ok(Ending::SUCCESS)
    }

    /// The spool of the repository, or that of the user outside one.
    fn spool(&self, cx: &Cx<'_>) -> Result<std::path::PathBuf, CommandError> {
        let env = |name: &str| cx.environment.get(name);
        match (cx.repository(&self.repo), config_dir(&env)) {
            (Ok(repository), _) => Ok(repository_spool(repository.root())),
            (Err(error), None) => Err(error),
            (Err(error), Some(config)) => {
                let variable = cx.environment.get("SWAMP_REPO_DIR");
                let option = self.repo.repo_dir.as_deref();
                let directory = Repository::directory(option, variable.as_deref(), &cx.cwd()?);
                // A repository that was named, or is here but broken, is not to be passed over.
                let is_meant = option.is_some() || directory.join(".swamp.yaml").exists();
                if is_meant { Err(error) } else { Ok(user_spool(&config)) }
            }
        }
    }

    /// The document of the original with our method calls beside its counts.
    fn document(&self, statistics: &Statistics) -> Result<Value, CommandError> {
        let unexpected = |error: serde_json::Error| CommandError::internal(error.to_string());
        let mut document =
            serde_json::to_value(statistics.summary(self.days)).map_err(unexpected)?;
        document["methodCalls"] = serde_json::to_value(statistics.calls()).map_err(unexpected)?;
        Ok(document)
    }

    fn table(&self, statistics: &Statistics) -> Vec<String> {
        let summary = statistics.summary(self.days);
        let calls = statistics.calls();
        let mut lines = vec![
            format!(
                "{} entries of the last {} day(s): {} succeeded, {} user errors, {} errors",
                summary.total_invocations,
                self.days,
                summary.success_count,
                summary.user_error_count,
                summary.error_count
            ),
            String::new(),
        ];
        if calls.total.calls == 0 {
            lines.push("No method was called. Call one: swamp model method run".to_owned());
            return lines;
        }
        let mut table = Table::new(&[
            "METHOD CALLS",
            ">CALLS",
            ">FAILED",
            ">RATE",
            ">P50",
            ">P95",
            ">MAX",
            ">TOTAL",
        ]);
        table.row(cells("all".to_owned(), &calls.total));
        for (heading, rows) in sections(&calls) {
            table.row([String::new()]);
            table.row([heading.to_owned()]);
            for (name, stats) in rows {
                table.row(cells(format!("  {name}"), stats));
            }
        }
        lines.extend(table.lines());
        if !calls.total.failures.is_empty() {
            let failures: Vec<String> = calls
                .total
                .failures
                .iter()
                .map(|(category, number)| format!("{category} {number}"))
                .collect();
            lines.push(String::new());
            lines.push(format!("Failures by category: {}", failures.join(", ")));
        }
        lines
    }
}

type Section<'a> = (&'static str, Vec<(String, &'a CallStats)>);

fn sections(calls: &Calls) -> [Section<'_>; 4] {
    [
        ("by model type", named(&calls.by_model_type, |key| known(key.model_type.as_ref()))),
        ("by driver", named(&calls.by_driver, |key| known(key.driver.as_ref()))),
        (
            "by method",
            named(&calls.by_method, |key| {
                format!("{} → {}", known(key.model_type.as_ref()), key.method)
            }),
        ),
        (
            "by step",
            named(&calls.by_step, |key| format!("{} / {} / {}", key.workflow, key.job, key.step)),
        ),
    ]
}

fn named<K>(groups: &[Group<K>], name: impl Fn(&K) -> String) -> Vec<(String, &CallStats)> {
    groups.iter().map(|group| (name(&group.key), &group.stats)).collect()
}

fn known(name: Option<&impl ToString>) -> String {
    name.map_or_else(|| "(not found)".to_owned(), ToString::to_string)
}

fn cells(name: String, stats: &CallStats) -> [String; 8] {
    let time = |millis: Option<u64>| millis.map_or_else(|| "–".to_owned(), duration::show);
    [
        name,
        stats.calls.to_string(),
        stats.failed.to_string(),
        format!("{:.1}%", stats.failure_rate * 100.0),
        time(stats.p50_ms),
        time(stats.p95_ms),
        time(stats.max_ms),
        duration::show(stats.total_ms),
    ]
}
