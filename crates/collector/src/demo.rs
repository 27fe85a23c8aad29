//! A month of made-up runs, for looking at a collector that has something to show. The same seed
//! makes the same month.

use serde_json::{Value, json};
use swamp_ident::Timestamp;

use crate::error::CollectorError;
use crate::event::ProjectId;
use crate::ingest::{Arrival, Limits, Read, read_body};
use crate::query::DAY;
use crate::store::{Outcome, Store};

/// A workflow of the made-up team: its name, how many runs it has a day, and its steps.
struct Workflow {
    name: &'static str,
    runs_a_day: u64,
    steps: &'static [Step],
}

/// A step: job, name, model type, method, driver, usual duration in milliseconds, failures in a
/// thousand.
type Step = (&'static str, &'static str, &'static str, &'static str, &'static str, u64, u64);

const TEAM: [Workflow; 4] = [
    Workflow {
        name: "deploy-web",
        runs_a_day: 24,
        steps: &[
            ("build", "checkout", "command/shell", "execute", "raw", 900, 2),
            ("build", "compile", "command/shell", "execute", "docker", 48_000, 25),
            ("build", "test", "command/shell", "execute", "docker", 95_000, 60),
            ("release", "push-image", "@acme/registry", "push", "raw", 7_000, 12),
            ("release", "roll-out", "@acme/cluster", "apply", "raw", 21_000, 18),
            ("release", "smoke-test", "command/shell", "execute", "raw", 3_200, 30),
        ],
    },
    Workflow {
        name: "nightly-backup",
        runs_a_day: 3,
        steps: &[
            ("dump", "database", "@acme/database", "dump", "ssh", 240_000, 10),
            ("dump", "files", "command/shell", "execute", "ssh", 130_000, 5),
            ("keep", "upload", "@acme/bucket", "put", "raw", 60_000, 20),
        ],
    },
    Workflow {
        name: "invoice-run",
        runs_a_day: 12,
        steps: &[
            ("collect", "orders", "@acme/database", "query", "raw", 450, 4),
            ("collect", "rates", "@acme/http", "get", "raw", 220, 35),
            ("send", "render", "command/shell", "execute", "docker", 5_400, 8),
            ("send", "mail", "@acme/mail", "send", "raw", 800, 15),
        ],
    },
    Workflow {
        name: "check-hosts",
        runs_a_day: 48,
        steps: &[
            ("probe", "ping", "command/shell", "execute", "ssh", 60, 6),
            ("probe", "disk", "command/shell", "execute", "ssh", 110, 3),
            ("probe", "certificates", "@acme/http", "get", "raw", 340, 9),
        ],
    },
];

/// Days there are.
const DAYS: i64 = 30;

/// Numbers that look random: `SplitMix64`.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let number = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        number ^ (number >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    fn one_of<T: Copy, const N: usize>(&mut self, items: &[T; N]) -> T {
        items[usize::try_from(self.next()).unwrap_or(0) % N]
    }

    fn id(&mut self) -> String {
        let (a, b) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
            a >> 32,
            (a >> 16) & 0xffff,
            a & 0xfff,
            b >> 52,
            b & 0xffff_ffff_ffff
        )
    }

    /// A duration around the usual one, sometimes several times as long.
    fn around(&mut self, usual: u64) -> u64 {
        let spread = usual / 2 + self.below(usual.max(2));
        if self.below(40) == 0 { spread * (2 + self.below(4)) } else { spread }
    }
}

/// Fills a project with the month that ends at the full hour before `now`. Gives the number of
/// events stored; those that are there already stay single.
pub fn fill(
    store: &dyn Store,
    project: ProjectId,
    seed: u64,
    now: Timestamp,
) -> Result<u64, CollectorError> {
    let mut random = Random(seed);
    let end = now.as_millis().div_euclid(crate::query::HOUR) * crate::query::HOUR;
    let mut stored = 0;
    for day in 0..DAYS {
        let start = end - (DAYS - day) * DAY;
        let mut events = Vec::new();
        for workflow in &TEAM {
            for _ in 0..workflow.runs_a_day {
                let offset = random.below(DAY.cast_unsigned() - 3_600_000).cast_signed();
                run(&mut random, workflow, start + offset, day, &mut events);
            }
        }
        let body = json!({"events": events}).to_string().into_bytes();
        let limits = Limits { events: usize::MAX, unpacked_bytes: usize::MAX, ..Limits::default() };
        let read = read_body(body, Arrival { project, at: now }, &limits)
            .map_err(|refusal| CollectorError::Invalid(refusal.to_string()))?;
        let events: Vec<_> = read
            .into_iter()
            .filter_map(|read| match read {
                Read::Event(event) => Some(*event),
                Read::Invalid(_) | Read::Dropped(_) => None,
            })
            .collect();
        let outcomes = store.append(&events)?;
        stored += outcomes.iter().filter(|outcome| **outcome == Outcome::Stored).count() as u64;
    }
    Ok(stored)
}

/// A run with its calls. In the last three days the certificates take longer and the tests fail more
/// often, so that there is something to find.
fn run(random: &mut Random, workflow: &Workflow, start: i64, day: i64, events: &mut Vec<Value>) {
    let (parent, run_id) = (random.id(), random.id());
    let recent = day >= DAYS - 3;
    let agent = random.below(3) == 0;
    let mut surroundings =
        json!({"agentSessionDetected": agent, "isInteractive": false, "configuredAiTools": []});
    if agent {
        surroundings["detectedAiTool"] = json!(random.one_of(&["claude", "cursor", "codex"]));
    }
    let platform = if random.below(6) == 0 { "darwin" } else { "linux" };
    let entry = |id: &str, invocation: Value, result: &Value, at: i64, millis: u64| {
        let begin = Timestamp::from_millis(at);
        let finish = begin.plus_millis(millis.cast_signed());
        json!({
            "id": id, "invocation": invocation, "result": result, "startedAt": begin,
            "completedAt": finish, "durationMs": millis, "swampVersion": "0.1.0",
            "denoVersion": "0.0.0", "platform": platform, "invocationContext": surroundings,
        })
    };
    let success = json!({"status": "success", "exitCode": 0});
    let (mut at, mut result) = (start + 40, success.clone());
    for (job, step, model_type, method, driver, usual, failures) in workflow.steps {
        let slow = recent && *step == "certificates";
        let millis = random.around(if slow { usual * 3 } else { *usual });
        let failures = if recent && *step == "test" { failures * 4 } else { *failures };
        let failed = random.below(1000) < failures;
        let outcome = if failed { failure(random) } else { success.clone() };
        let id = random.id();
        let invocation = json!({"command": "model", "args": ["run", "<REDACTED>", method],
            "optionKeys": [], "globalOptions": [], "subcommand": "method"});
        let mut entry = entry(&id, invocation, &outcome, at, millis);
        entry["parentInvocationId"] = json!(parent);
        entry["workflowContext"] = json!({"workflowName": workflow.name, "runId": run_id,
            "jobName": job, "stepName": step, "modelType": model_type, "driver": driver,
            "phase": "method"});
        events.push(event(&id, &entry));
        at += millis.cast_signed() + 15;
        if failed {
            result = outcome;
            break;
        }
    }
    let invocation = json!({"command": "workflow", "args": ["<REDACTED>"], "optionKeys": [],
        "globalOptions": ["--json"], "subcommand": "run"});
    let took = (at - start).cast_unsigned() + 60;
    let mut entry = entry(&parent, invocation, &result, start, took);
    entry["runId"] = json!(run_id);
    events.push(event(&parent, &entry));
}

fn failure(random: &mut Random) -> Value {
    let (category, message) = random.one_of(&[
        ("method", "Command exited with code 1"),
        ("method", "Command exited with code 137"),
        ("timeout", "The method did not end in time"),
        ("driver", "The container could not be started"),
        ("vault", "A secret could not be read"),
    ]);
    json!({"status": "error", "exitCode": 1, "errorType": "Error", "errorMessage": message,
        "errorCategory": category})
}

fn event(id: &str, entry: &Value) -> Value {
    json!({"event": "cli_invocation", "distinct_id": "demo", "insert_id": id, "properties": entry})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::questions::{breakdown, regressions, summary};
    use crate::dimension::Dimension;
    use crate::query::{Query, TimeRange};
    use crate::store::SqliteStore;

    #[test]
    fn a_seed_makes_a_month_with_something_to_find_and_makes_it_again() {
        let now = Timestamp::parse("2026-11-22T12:30:00.000Z").unwrap();
        let query = Query::all(ProjectId(1));
        let month = || {
            let directory = tempfile::tempdir().unwrap();
            let store = SqliteStore::open(directory.path()).unwrap();
            let stored = fill(&store, query.project, 7, now).unwrap();
            (directory, store, stored)
        };
        let answers = |store: &SqliteStore| {
            let by = [Dimension::Driver, Dimension::Step];
            (
                summary(store, &query, false, now).unwrap(),
                breakdown(store, &query, &by, 100, false, now).unwrap(),
                store.runs(&query, None, 20).unwrap(),
            )
        };
        let (first, second) = (month(), month());
        let (numbers, rows, runs) = answers(&first.1);
        let again = answers(&second.1);
        assert_eq!((&numbers, &rows, &runs), (&again.0, &again.1, &again.2));
        assert_eq!(first.2, second.2);
        assert_eq!(numbers.numbers.methods + numbers.numbers.runs.unwrap(), first.2);
        assert!(runs[0].started_at < now);
        assert!(runs[0].started_at.as_millis() > now.as_millis() - 2 * DAY);
        // Once more adds nothing.
        assert_eq!(fill(&first.1, query.project, 7, now).unwrap(), 0);

        let since = Some(Timestamp::parse("2026-11-19T12:00:00.000Z").unwrap());
        let baseline = TimeRange { since: None, until: since };
        let recent = query.during(TimeRange { since, until: None });
        let found = regressions(&first.1, &recent, baseline, 10).unwrap();
        let mut slower = found.rows.iter().filter(|row| row.slower);
        assert!(slower.any(|row| row.method.as_deref() == Some("get")), "{found:?}");
    }
}
