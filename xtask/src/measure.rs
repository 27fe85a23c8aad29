//! Taking measurements: wall time, peak memory, system calls.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// What one process used.
pub(crate) struct Usage {
    pub(crate) wall: Duration,
    /// Peak resident memory in KiB, sampled while it ran.
    pub(crate) peak_kib: u64,
}

/// Runs a command with its output thrown away; an error when it fails.
pub(crate) fn quiet(command: &mut Command) -> Result<Duration, String> {
    let start = Instant::now();
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot run {command:?}: {error}"))?;
    let wall = start.elapsed();
    if output.status.success() {
        return Ok(wall);
    }
    Err(format!(
        "{command:?} failed: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    ))
}

/// Runs a command and watches its memory.
pub(crate) fn watched(command: &mut Command) -> Result<Usage, String> {
    let start = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("cannot run {command:?}: {error}"))?;
    let status_file = format!("/proc/{}/status", child.id());
    let mut peak_kib = 0;
    let status = loop {
        peak_kib = peak_kib.max(high_water(&status_file).unwrap_or(0));
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            break status;
        }
        thread::sleep(Duration::from_millis(2));
    };
    let wall = start.elapsed();
    if status.success() {
        Ok(Usage { wall, peak_kib })
    } else {
        Err(format!("{command:?}: {status}"))
    }
}

fn high_water(status_file: &str) -> Option<u64> {
    let text = std::fs::read_to_string(status_file).ok()?;
    let line = text.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// The floor under any workflow engine: `count` times `sh -c true` with captured output, at most
/// `parallel` at once.
pub(crate) fn bare_spawns(count: usize, parallel: usize) -> Result<Duration, String> {
    let next = AtomicUsize::new(0);
    let start = Instant::now();
    let results: Vec<Result<(), String>> = thread::scope(|threads| {
        let workers: Vec<_> = (0..parallel)
            .map(|_| {
                threads.spawn(|| {
                    while next.fetch_add(1, Ordering::Relaxed) < count {
                        quiet(Command::new("sh").args(["-c", "true"]))?;
                    }
                    Ok(())
                })
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|_| Err("a worker panicked".to_owned())))
            .collect()
    });
    let wall = start.elapsed();
    results.into_iter().collect::<Result<Vec<()>, String>>()?;
    Ok(wall)
}

/// The middle of some measurements.
pub(crate) fn median(mut values: Vec<Duration>) -> Duration {
    values.sort();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Instructions that a command and its threads execute outside the kernel, children not included;
/// `None` without `valgrind`.
pub(crate) fn instructions(command: &Command) -> Option<u64> {
    let mut valgrind = Command::new("valgrind");
    // Half the price of callgrind, for the same number.
    valgrind.args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]);
    let output = under(&mut valgrind, command).output().ok()?;
    let text = String::from_utf8_lossy(&output.stderr);
    let line = text.lines().find(|line| line.contains("I   refs:"))?;
    line.rsplit(' ').next()?.replace(',', "").parse().ok()
}

/// A tool that is to run a command in its own surroundings.
fn under<'a>(tool: &'a mut Command, command: &Command) -> &'a mut Command {
    tool.arg(command.get_program()).args(command.get_args()).env_clear();
    for (key, value) in command.get_envs() {
        if let Some(value) = value {
            tool.env(key, value);
        }
    }
    if let Some(directory) = command.get_current_dir() {
        tool.current_dir(directory);
    }
    tool.stdin(Stdio::null())
}

/// System calls of a command and its threads, children not included; `None` without `strace`.
pub(crate) fn system_calls(command: &Command) -> Option<u64> {
    let log = tempfile::NamedTempFile::new().ok()?;
    let mut strace = Command::new("strace");
    // Threads are followed, and processes until they become other programs.
    strace.args(["-f", "-b", "execve", "-c", "-o"]).arg(log.path());
    let strace = under(&mut strace, command);
    let status = strace.stdout(Stdio::null()).stderr(Stdio::null()).status().ok()?;
    if !status.success() {
        return None;
    }
    let text = std::fs::read_to_string(log.path()).ok()?;
    let total = text.lines().rev().find(|line| line.ends_with("total"))?;
    total.split_whitespace().nth(3)?.parse().ok()
}
