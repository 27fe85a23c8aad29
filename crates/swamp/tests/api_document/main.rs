//! The document of the API, held against a collector that runs: schemathesis makes requests of it, good
//! ones and bad ones, and looks at whether the answers are as it says.
//!
//! Schemathesis is a package for Python. This runs where it has been installed on purpose (`cargo
//! xtask tools`); elsewhere it is listed as ignored, and said so. CI sets `SWAMP_TEST_TOOLS=required`,
//! with which its absence is a failure.

#![expect(
    clippy::expect_used,
    clippy::print_stderr,
    reason = "these are tests, without the usual harness"
)]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;

/// Names the directory of a Python environment with schemathesis in it (`cargo xtask tools` makes
/// one); the word `required` stands for the one that makes, and for failing if it is not there.
const TOOLS: &str = "SWAMP_TEST_TOOLS";

/// Requests that must have been made, and of those an operation takes, that must have been taken: a
/// document of which nothing can be made would be kept to without being asked for anything.
const REQUESTS: u64 = 3_000;
const TAKEN: u64 = 60;

/// The program, if somebody asked for it.
fn schemathesis() -> Option<PathBuf> {
    let made = Path::new(env!("CARGO_TARGET_TMPDIR")).parent()?.join("test-tools/bin/schemathesis");
    match std::env::var(TOOLS) {
        Ok(word) if word == "required" => {
            assert!(made.is_file(), "{} is not there: run `cargo xtask tools`", made.display());
            Some(made)
        }
        Ok(directory) => Some(Path::new(&directory).join("bin/schemathesis")),
        Err(_) => made.is_file().then_some(made),
    }
}

fn main() {
    let arguments = Arguments::from_args();
    let program = if arguments.list { None } else { schemathesis() };
    let ignored = program.is_none();
    if ignored && !arguments.list {
        eprintln!(
            "api_document is SKIPPED: schemathesis is not installed; `cargo xtask tools` does that"
        );
    }
    let trial = Trial::test("every_answer_is_as_the_document_says", move || {
        program.as_deref().map_or(Ok(()), every_answer_is_as_the_document_says)
    });
    libtest_mimic::run(&arguments, vec![trial.with_ignored_flag(ignored)]).exit();
}

/// The program under test, which ends with this process however that ends.
fn swamp(home: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", env!("CARGO_BIN_EXE_swamp"), "collector"]);
    command.env_clear().env("HOME", home).current_dir(home).stdin(Stdio::null());
    command
}

/// Runs a command of the collector to its end.
fn run(home: &Path, arguments: &[&str]) {
    let output = swamp(home).args(arguments).arg("--no-telemetry").output().expect("a process");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
}

/// A collector that serves a store; it ends with this value.
struct Collector {
    process: Child,
    url: String,
}

impl Collector {
    fn serve(home: &Path, data: &str) -> Self {
        let mut process = swamp(home)
            .args(["serve", "--listen", "127.0.0.1:0", "--rollup-metrics", "--data", data])
            .arg("--no-telemetry")
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process");
        let mut line = String::new();
        let stdout = process.stdout.take().expect("its output");
        BufReader::new(stdout).read_line(&mut line).expect("its address");
        Self { process, url: line.trim().to_owned() }
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to do.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A collector with the last days of a made-up month: all of it would take the time of many examples.
fn filled(home: &Path) -> Collector {
    run(home, &["demo", "--data", "month"]);
    let export = home.join("export.ndjson");
    {
        let month = Collector::serve(home, "month");
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--fail", "--noproxy", "*", "--output"]).arg(&export);
        let done = curl.arg(format!("{}/api/v1/export?since=2d", month.url)).status();
        assert!(done.expect("curl").success());
    }
    run(home, &["import", "export.ndjson", "--data", "days"]);
    Collector::serve(home, "days")
}

fn every_answer_is_as_the_document_says(program: &Path) -> Result<(), Failed> {
    let home = tempfile::tempdir().expect("a directory");
    let collector = filled(home.path());
    let report = home.path().join("report.json");
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/api_document");
    let output = Command::new(program)
        .arg("--config-file")
        .arg(here.join("schemathesis.toml"))
        .arg("run")
        .arg(format!("{}/api/v1/openapi.json", collector.url))
        .args(["--checks", "all", "--phases", "coverage,fuzzing,stateful"])
        .args(["--workers", "2", "--no-color", "--report", "json"])
        .arg("--report-json-path")
        .arg(&report)
        .current_dir(home.path())
        .stdin(Stdio::null())
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    // A request it shows may have many thousand characters.
    let short: Vec<String> =
        said.lines().map(|line| line.chars().take(400).collect::<String>()).collect();
    assert!(output.status.success(), "{}\n{output:?}", short.join("\n"));

    let report: Value = serde_json::from_slice(&std::fs::read(&report)?)?;
    let number = |pointer: &str| report.pointer(pointer).and_then(Value::as_u64);
    assert_eq!(number("/operations/tested"), Some(14), "{report:#}");
    assert_eq!(number("/test_cases/errored"), Some(0), "{report:#}");
    assert!(number("/test_cases/generated") > Some(REQUESTS), "{report:#}");
    for (operation, phases) in report["valid_rates"].as_object().expect("rates") {
        let phases = phases.as_object().expect("phases").values();
        let taken: u64 = phases.filter_map(|phase| phase["accepted"].as_u64()).sum();
        // Nothing can be said differently to these.
        let takes_nothing = ["/healthz", "/readyz", "/metrics", "/values"];
        let wanted =
            if takes_nothing.iter().any(|end| operation.ends_with(end)) { 1 } else { TAKEN };
        assert!(taken >= wanted, "{operation}: {taken} requests were taken\n{report:#}");
    }
    Ok(())
}
