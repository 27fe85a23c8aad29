//! The benchmarks. Every figure is a ratio taken in one run, or a count.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use crate::measure::{bare_spawns, instructions, median, quiet, system_calls, watched};
use crate::workload::Workload;

type Bench = fn(&Path) -> Result<(), String>;

const BENCHES: [(&str, Bench); 7] = [
    ("start", start),
    ("steps", steps),
    ("growth", growth),
    ("telemetry", telemetry),
    ("recovery", recovery),
    ("memory", memory),
    ("delivery", delivery),
];

pub(crate) fn run(names: &[String]) -> Result<(), String> {
    let swamp = build()?;
    for (name, bench) in BENCHES {
        if names.is_empty() || names.iter().any(|wanted| wanted == name) {
            bench(&swamp)?;
        }
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

fn parallelism() -> usize {
    // The engine's own default.
    let cores = thread::available_parallelism().map_or(1, usize::from);
    (4 * cores).max(32)
}

fn ratio(of: Duration, to: Duration) -> f64 {
    of.as_secs_f64() / to.as_secs_f64()
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// `swamp version` against `/bin/true`.
fn start(swamp: &Path) -> Result<(), String> {
    let workload = Workload::new(swamp, &[])?;
    let (mut ours, mut floor) = (Vec::new(), Vec::new());
    for _ in 0..200 {
        floor.push(quiet(&mut Command::new("/bin/true"))?);
        ours.push(quiet(workload.command(swamp).args(["version", "--no-telemetry"]))?);
    }
    let (ours, floor) = (median(ours), median(floor));
    println!("start-up: `swamp version` {:.2} ms, /bin/true {:.2} ms", millis(ours), millis(floor));
    println!("  ratio {:.1} (budget 10)", ratio(ours, floor));
    Ok(())
}

/// Workflows of empty steps against the bare spawns, with everything persisted.
fn steps(swamp: &Path) -> Result<(), String> {
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
fn growth(swamp: &Path) -> Result<(), String> {
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

/// Telemetry on against off: a short command, and runs of many steps.
fn telemetry(swamp: &Path) -> Result<(), String> {
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
fn recovery(_: &Path) -> Result<(), String> {
    crate_bench("recovery")
}

/// Memory of a session of many calls.
fn memory(_: &Path) -> Result<(), String> {
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

fn float(count: u64) -> f64 {
    // Exact as far as any count here goes.
    f64::from(u32::try_from(count >> 20).unwrap_or(u32::MAX)) * 1_048_576.0
        + f64::from(u32::try_from(count & 0xF_FFFF).unwrap_or(0))
}

/// What sending costs a command that does not wait for it, against no endpoint at all, and what a
/// full spool costs.
fn delivery(swamp: &Path) -> Result<(), String> {
    let failed = |error: std::io::Error| error.to_string();
    // Nobody accepts: the system does, and no answer ever comes.
    let silent = TcpListener::bind("127.0.0.1:0").map_err(failed)?;
    let hanging = format!("http://{}", silent.local_addr().map_err(failed)?);
    // Nobody listens on a port that was given back.
    let refusing =
        TcpListener::bind("127.0.0.1:0").map_err(failed)?.local_addr().map_err(failed)?;
    let answering = answering().map_err(failed)?;
    let cases = [
        ("hangs", Some(hanging), 0),
        ("refuses", Some(format!("http://{refusing}")), 0),
        ("answers", Some(answering), 0),
        ("none, 100,000 waiting", None, 100_000),
    ];
    println!("delivery: `swamp version`, by what the endpoint does");
    for (what, endpoint, waiting) in cases {
        let (plain, loaded) = (Workload::new(swamp, &[])?, Workload::new(swamp, &[])?);
        if waiting > 0 {
            loaded.fill_spool(waiting)?;
            // The first one counts what is there.
            quiet(loaded.command(swamp).args(["version", "--telemetry-flush=off"]))?;
        }
        let (mut ours, mut floor) = (Vec::new(), Vec::new());
        for _ in 0..100 {
            floor.push(quiet(plain.command(swamp).arg("version"))?);
            let mut command = loaded.command(swamp);
            if let Some(endpoint) = &endpoint {
                command.env("SWAMP_TELEMETRY_ENDPOINT", endpoint);
            }
            ours.push(quiet(command.arg("version"))?);
        }
        let (ours, floor) = (median(ours), median(floor));
        println!(
            "  {what:<22} {:.2} ms, no endpoint {:.2} ms, ratio {:.2}, added {:.2} ms (budget 5)",
            millis(ours),
            millis(floor),
            ratio(ours, floor),
            millis(ours) - millis(floor),
        );
    }
    drop(silent);
    Ok(())
}

/// A server that takes everything, as long as this process lives.
fn answering() -> std::io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut seen = [0; 8 * 1024];
            // One small request arrives at once.
            let _ = (&stream).read(&mut seen);
            let answer = b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            let _ = (&stream).write_all(answer);
        }
    });
    Ok(format!("http://{address}"))
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
