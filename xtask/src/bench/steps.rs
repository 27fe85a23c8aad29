//! What steps of workflows cost.

use std::path::Path;
use std::thread;

use super::{fresh, millis, ratio, run_workflow};
use crate::measure::{bare_spawns, median, watched};

fn parallelism() -> usize {
    // The engine's own default.
    let cores = thread::available_parallelism().map_or(1, usize::from);
    (4 * cores).max(32)
}

/// Workflows of empty steps against the bare spawns, with everything persisted.
pub(super) fn steps(swamp: &Path) -> Result<(), String> {
    let sizes = [10, 100, 1000];
    let mut used = Vec::new();
    println!(
        "steps: `sh -c true` as workflow steps against bare spawns, {} at once",
        parallelism()
    );
    for size in sizes {
        let rounds = if size < 1000 { 9 } else { 5 };
        let (mut ours, mut floor) = (Vec::new(), Vec::new());
        let mut peak_kib = 0;
        for _ in 0..rounds {
            let workload = fresh(&mut used, swamp, &[size])?;
            floor.push(bare_spawns(size, parallelism())?);
            let usage = watched(&mut run_workflow(workload, swamp, size, &[]))?;
            ours.push(usage.wall);
            peak_kib = peak_kib.max(usage.peak_kib);
        }
        let (ours, floor) = (median(ours), median(floor));
        println!(
            "  {size:>5} steps: {:>8.1} ms, bare {:>7.1} ms, ratio {:.2}, added per step {:.3} ms, peak {:.1} MiB",
            millis(ours),
            millis(floor),
            ratio(ours, floor),
            millis(ours.saturating_sub(floor)) / f64::from(u32::try_from(size).unwrap_or(u32::MAX)),
            f64::from(u32::try_from(peak_kib).unwrap_or(u32::MAX)) / 1024.0,
        );
    }
    Ok(())
}

/// Cost per step as workflows and the stored history grow.
pub(super) fn growth(swamp: &Path) -> Result<(), String> {
    let sizes = [100, 1000, 10_000];
    let mut used = Vec::new();
    println!("growth: time per step, one run each from an empty store");
    let mut first = None;
    for size in sizes {
        let workload = fresh(&mut used, swamp, &[100, size])?;
        let usage = watched(&mut run_workflow(workload, swamp, size, &[]))?;
        let per_step = usage.wall / u32::try_from(size).unwrap_or(u32::MAX);
        let base = *first.get_or_insert(per_step);
        println!(
            "  {size:>6} steps: {:.3} ms per step, {:.2} × the first, peak {:.1} MiB",
            millis(per_step),
            ratio(per_step, base),
            f64::from(u32::try_from(usage.peak_kib).unwrap_or(u32::MAX)) / 1024.0,
        );
    }
    println!("growth: the same 100 steps again on top of that history");
    let Some(workload) = used.last() else { return Ok(()) };
    let usage = watched(&mut run_workflow(workload, swamp, 100, &[]))?;
    if let Some(base) = first {
        println!("  {:.2} × the first run", ratio(usage.wall / 100, base));
    }
    Ok(())
}
