//! The benchmarks. Every figure is a ratio taken in one run, or a count.

mod collector;
mod delivery;
mod start;
mod steps;
mod telemetry;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::workload::Workload;

type Bench = fn(&Path) -> Result<(), String>;

const BENCHES: [(&str, Bench); 7] = [
    ("start", start::start),
    ("steps", steps::steps),
    ("growth", steps::growth),
    ("telemetry", telemetry::telemetry),
    ("recovery", telemetry::recovery),
    ("memory", telemetry::memory),
    ("delivery", delivery::delivery),
];

/// Events the collector is given if nobody says how many.
const EVENTS: u64 = 1_000_000;

/// Runs the benchmarks with these names, or all. A number among them is how many events the collector
/// is given.
pub(crate) fn run(asked: &[String]) -> Result<(), String> {
    let swamp = build()?;
    let (numbers, names): (Vec<&String>, Vec<&String>) =
        asked.iter().partition(|word| word.parse::<u64>().is_ok());
    let is_wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| *wanted == name);
    for (name, bench) in BENCHES {
        if is_wanted(name) {
            bench(&swamp)?;
        }
    }
    if is_wanted("collector") {
        let events = numbers.first().and_then(|number| number.parse().ok()).unwrap_or(EVENTS);
        collector::collector(&swamp, events)?;
    }
    Ok(())
}

fn build() -> Result<PathBuf, String> {
    let status = Command::new("cargo")
        .args(["build", "--quiet", "--release", "--bin", "swamp"])
        .status()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    if !status.success() {
        return Err("the release build failed".to_owned());
    }
    // This program itself was built into the same directory.
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    Ok(own.with_file_name("swamp"))
}

fn ratio(of: Duration, to: Duration) -> f64 {
    of.as_secs_f64() / to.as_secs_f64()
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

fn float(count: u64) -> f64 {
    // Exact as far as any count here goes.
    f64::from(u32::try_from(count >> 20).unwrap_or(u32::MAX)) * 1_048_576.0
        + f64::from(u32::try_from(count & 0xF_FFFF).unwrap_or(0))
}

/// A repository that nobody has written to. Those before it stay until the benchmark is over:
/// ext4 avoids inodes that were freed a moment ago, and looking for others would be measured too.
fn fresh<'a>(
    used: &'a mut Vec<Workload>,
    swamp: &Path,
    sizes: &[usize],
) -> Result<&'a Workload, String> {
    used.push(Workload::new(swamp, sizes)?);
    used.last().ok_or_else(|| "no workload".to_owned())
}

fn run_workflow(workload: &Workload, swamp: &Path, size: usize, more: &[&str]) -> Command {
    let mut command = workload.command(swamp);
    command.args(["workflow", "run", &format!("steps-{size}"), "--json"]).args(more);
    command
}
