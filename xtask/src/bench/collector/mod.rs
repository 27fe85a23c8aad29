//! How fast the collector takes events and answers, and how fast `DuckDB` and ClickHouse give the same
//! answer from the same events.
//!
//! The events are those of `crates/collector/benches/ingest`, over thirty days. The collector then
//! exports them as CSV, and both databases read that into a table of their own, in a file. All three
//! are asked for the calls by driver and model type with counts, failures, percentiles and total time;
//! what they answer must be the same, except for percentiles, which the collector keeps within 1 %.

mod clickhouse;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::test::{python_package, target_directory};

/// How often each question is asked; the middle counts.
const ROUNDS: usize = 9;

/// A group of the answer: driver, model type, calls, failures, milliseconds in all.
type Group = (String, String, u64, u64, u64);

/// How long an answer took, and what it was.
struct Answer {
    who: String,
    /// The middle of the rounds, in milliseconds.
    middle: f64,
    /// The first round.
    first: f64,
    groups: Vec<Group>,
}

/// A process that ends with this value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to do.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(super) fn collector(swamp: &Path, events: u64) -> Result<(), String> {
    let python = python_package("bench-tools", "duckdb==2.0.*")?;
    let place = TempDir::new_in(target_directory()?).map_err(|error| error.to_string())?;
    println!("collector: {events} events that began in the last 30 days");
    let intake = intake(place.path(), events)?;
    println!(
        "  taken: {} durable events/s, collector {} µs of CPU and {} bytes per event, acknowledged after p50 {} ms, p99 {} ms",
        intake["eventsPerSecond"],
        intake["collectorMicrosPerEvent"],
        intake["bytesPerEvent"],
        intake["acknowledgedMillis"]["p50"],
        intake["acknowledgedMillis"]["p99"],
    );
    let store = intake["directory"].as_str().ok_or("the benchmark names no directory")?;
    let (_serving, url) = serve(swamp, Path::new(store))?;
    let (mut answers, since) = ask_collector(&url)?;
    let csv = place.path().join("events.csv");
    let export = format!("{url}/api/v1/export?format=csv");
    curl(Command::new("curl").arg("--output").arg(&csv).arg(export))?;
    answers.extend(ask_duckdb(&python, &csv, &place.path().join("events.duckdb"), &since)?);
    answers.extend(clickhouse::ask(place.path(), &csv, &since)?);
    show(&answers)
}

/// Sends the events to a collector; gives what was measured.
fn intake(place: &Path, events: u64) -> Result<Value, String> {
    let output = Command::new("cargo")
        .args(["bench", "--quiet", "--package", "swamp-collector", "--bench", "ingest", "--"])
        .arg(events.to_string())
        .envs([("BENCH_DAYS", "30"), ("BENCH_KEEP", "1")])
        .env("BENCH_DIR", place)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().rfind(|line| line.starts_with('{'));
    let last = last.filter(|_| output.status.success());
    let last = last.ok_or_else(|| format!("the benchmark ingest failed: {text}"))?;
    serde_json::from_str(last).map_err(|error| error.to_string())
}

fn serve(swamp: &Path, store: &Path) -> Result<(Running, String), String> {
    let mut child = tied(swamp)
        .args(["collector", "serve", "--listen", "127.0.0.1:0", "--no-telemetry", "--data"])
        .arg(store)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot start the collector: {error}"))?;
    let stdout = child.stdout.take();
    let running = Running(child);
    let mut url = String::new();
    BufReader::new(stdout.ok_or("the collector has no output")?)
        .read_line(&mut url)
        .map_err(|error| error.to_string())?;
    Ok((running, url.trim().to_owned()))
}

/// A program that the system ends when this process ends, however it ends.
fn tied(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).arg(program);
    command
}

/// Asks the collector; gives the beginning of the period too, as the others take it.
fn ask_collector(url: &str) -> Result<(Vec<Answer>, String), String> {
    // The first hour may be a broken one.
    let question = format!("{url}/api/v1/breakdown?by=driver,modelType&since=31d&limit=1000");
    let mut took = Vec::new();
    let mut answer = Value::Null;
    for _ in 0..ROUNDS {
        let (text, millis) = timed(&question, &[])?;
        answer = serde_json::from_str(&text).map_err(|error| format!("{error}: {text}"))?;
        took.push(millis);
    }
    let since = answer["period"]["since"].as_str().ok_or("the answer has no period")?;
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let number = |row: &Value, name: &str| row[name].as_u64().unwrap_or_default();
    let rows = answer["rows"].as_array().ok_or("the answer has no rows")?;
    let groups = rows
        .iter()
        .map(|row| {
            let (driver, model_type) = (text(row, "driver"), text(row, "modelType"));
            let (count, errors) = (number(row, "count"), number(row, "errors"));
            (driver, model_type, count, errors, number(row, "totalMs"))
        })
        .collect();
    let who = "the collector, over HTTP".to_owned();
    Ok((vec![answer_of(who, took, groups)], since.trim_end_matches('Z').replace('T', " ")))
}

fn answer_of(who: String, took: Vec<f64>, groups: Vec<Group>) -> Answer {
    let first = took.first().copied().unwrap_or_default();
    let mut sorted = took;
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.get(sorted.len() / 2).copied().unwrap_or_default();
    Answer { who, middle, first, groups }
}

fn ask_duckdb(
    python: &Path,
    csv: &Path,
    database: &Path,
    since: &str,
) -> Result<Vec<Answer>, String> {
    let output = Command::new(python)
        .args(["-c", include_str!("duckdb.py")])
        .args([csv, database])
        .args([since, &ROUNDS.to_string()])
        .output()
        .map_err(|error| format!("cannot run {}: {error}", python.display()))?;
    if !output.status.success() {
        return Err(format!("DuckDB failed: {}", String::from_utf8_lossy(&output.stderr)));
    }
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| {
            let told: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
            let groups = serde_json::from_value(told["groups"].clone());
            Ok(Answer {
                who: format!("DuckDB, {}", told["what"].as_str().unwrap_or_default()),
                middle: told["millis"].as_f64().unwrap_or_default(),
                first: told["first"].as_f64().unwrap_or_default(),
                groups: groups.map_err(|error| error.to_string())?,
            })
        })
        .collect()
}

/// A request, and the milliseconds it took without the start of `curl`.
fn timed(url: &str, more: &[&str]) -> Result<(String, f64), String> {
    let text =
        curl(Command::new("curl").args(["--write-out", "\n%{time_total}"]).args(more).arg(url))?;
    let (body, seconds) = text.rsplit_once('\n').ok_or("curl does not tell the time")?;
    let seconds: f64 = seconds.parse().map_err(|_| format!("curl tells {seconds:?}"))?;
    Ok((body.to_owned(), seconds * 1000.0))
}

fn curl(command: &mut Command) -> Result<String, String> {
    let command = command.args(["--silent", "--show-error", "--fail-with-body", "--noproxy", "*"]);
    let output = command.output().map_err(|error| format!("cannot run curl: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(text);
    }
    Err(format!("{command:?}: {text}{}", String::from_utf8_lossy(&output.stderr)))
}

fn show(answers: &[Answer]) -> Result<(), String> {
    let Some(ours) = answers.first() else { return Ok(()) };
    let calls: u64 = ours.groups.iter().map(|group| group.2).sum();
    println!(
        "  breakdown by driver and model type: {} groups of {calls} calls; {ROUNDS} rounds",
        ours.groups.len()
    );
    println!("  {:<40} {:>10} {:>10} {:>8}", "", "median ms", "first ms", "ratio");
    let sorted = |answer: &Answer| {
        let mut groups = answer.groups.clone();
        for (driver, model_type, ..) in &mut groups {
            // What a spreadsheet would take for a formula has an apostrophe before it in a CSV.
            for name in [driver, model_type] {
                *name = name.trim_start_matches('\'').to_owned();
            }
        }
        groups.sort();
        groups
    };
    for answer in answers {
        if sorted(answer) != sorted(ours) {
            return Err(format!("{} answers something else: {:?}", answer.who, answer.groups));
        }
        println!(
            "  {:<40} {:>10.1} {:>10.1} {:>8.2}",
            answer.who,
            answer.middle,
            answer.first,
            answer.middle / ours.middle
        );
    }
    Ok(())
}
