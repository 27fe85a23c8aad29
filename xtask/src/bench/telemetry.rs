//! What telemetry costs.

use std::path::Path;
use std::process::Command;

use super::{float, fresh, millis, ratio, run_workflow};
use crate::measure::{instructions, median, quiet, system_calls};
use crate::workload::Workload;

/// Telemetry on against off: a short command, and runs of many steps.
pub(super) fn telemetry(swamp: &Path) -> Result<(), String> {
    const OFF: &[&str] = &["--no-telemetry"];
    let mut used = Vec::new();
    let workload = fresh(&mut used, swamp, &[])?;
    let (mut on, mut off) = (Vec::new(), Vec::new());
    for _ in 0..200 {
        off.push(quiet(workload.command(swamp).args(["version", "--no-telemetry"]))?);
        on.push(quiet(workload.command(swamp).arg("version"))?);
    }
    let (on, off) = (median(on), median(off));
    println!(
        "telemetry: `swamp version` on {:.2} ms, off {:.2} ms, ratio {:.2}",
        millis(on),
        millis(off),
        ratio(on, off)
    );
    for (size, rounds) in [(1000, 9), (10_000, 5)] {
        let (mut on, mut off) = (Vec::new(), Vec::new());
        for round in 0..rounds {
            // The disk is slower for whoever comes second.
            let mut turns = [(OFF, &mut off), (&[], &mut on)];
            if round % 2 == 1 {
                turns.reverse();
            }
            for (more, times) in turns {
                let workload = fresh(&mut used, swamp, &[size])?;
                times.push(quiet(&mut run_workflow(workload, swamp, size, more))?);
            }
        }
        let (on, off) = (median(on), median(off));
        println!("  {size:>6} steps: on {:.1} ms, off {:.1} ms", millis(on), millis(off));
        println!("         wall ratio {:.3} (budget 1.02)", ratio(on, off));
    }
    let both = |used: &mut Vec<Workload>, size, count: fn(&Command) -> Option<u64>| {
        let mut counts = [OFF, &[]].into_iter().map(|more| {
            let workload = fresh(used, swamp, &[size])?;
            Ok::<_, String>(count(&run_workflow(workload, swamp, size, more)))
        });
        let off = counts.next().transpose()?.flatten();
        let on = counts.next().transpose()?.flatten();
        Ok::<_, String>(on.zip(off))
    };
    for size in [1000, 10_000] {
        match both(&mut used, size, instructions)? {
            Some((on, off)) => println!(
                "  {size:>6} steps: instructions on {on}, off {off}, ratio {:.3} (budget 1.05)",
                float(on) / float(off)
            ),
            None => println!("  instructions: not counted, valgrind is not installed"),
        }
        match both(&mut used, size, system_calls)? {
            Some((on, off)) => println!(
                "  {size:>6} steps: system calls on {on}, off {off}, ratio {:.3}",
                float(on) / float(off)
            ),
            None => println!("  system calls: not counted, strace is not installed"),
        }
    }
    Ok(())
}

/// What settling a dead session costs.
pub(super) fn recovery(_: &Path) -> Result<(), String> {
    crate_bench("recovery")
}

/// Memory of a session of many calls.
pub(super) fn memory(_: &Path) -> Result<(), String> {
    crate_bench("memory")
}

/// A benchmark of the telemetry crate itself, which needs to look closer than a command allows.
fn crate_bench(name: &str) -> Result<(), String> {
    let status = Command::new("cargo")
        .args(["bench", "--quiet", "--package", "swamp-telemetry", "--bench", name])
        .status()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("the benchmark {name} failed")) }
}
