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
const TAKEN: u64 = 20;

/// A test, given the program.
type Test = fn(&Path) -> Result<(), Failed>;

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
    let tests: [(&str, Test); 2] = [
        ("every_answer_is_as_the_document_says", every_answer_is_as_the_document_says),
        ("nothing_is_answered_without_a_key", nothing_is_answered_without_a_key),
    ];
    let trials = tests.map(|(name, test)| {
        let program = program.clone();
        Trial::test(name, move || program.as_deref().map_or(Ok(()), test))
            .with_ignored_flag(ignored)
    });
    libtest_mimic::run(&arguments, trials.into()).exit();
}

/// The program under test, which ends with this process however that ends.
fn swamp(home: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", env!("CARGO_BIN_EXE_swamp"), "collector"]);
    command.env_clear().env("HOME", home).current_dir(home).stdin(Stdio::null());
    command
}

/// Runs a command of the collector to its end; gives what it says.
fn run(home: &Path, arguments: &[&str]) -> String {
    let output = swamp(home).args(arguments).arg("--no-telemetry").output().expect("a process");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

/// A collector that serves a store; it ends with this value.
struct Collector {
    process: Child,
    url: String,
}

impl Collector {
    fn serve(home: &Path, data: &str, more: &[&str]) -> Self {
        let mut process = swamp(home)
            .args(["serve", "--listen", "127.0.0.1:0", "--rollup-metrics", "--data", data])
            .arg("--no-telemetry")
            .args(more)
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
fn filled(home: &Path, more: &[&str]) -> Collector {
    run(home, &["demo", "--data", "month"]);
    let export = home.join("export.ndjson");
    {
        let month = Collector::serve(home, "month", &[]);
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--fail", "--noproxy", "*", "--output"]).arg(&export);
        let done = curl.arg(format!("{}/api/v1/export?since=2d", month.url)).status();
        assert!(done.expect("curl").success());
    }
    run(home, &["import", "export.ndjson", "--data", "days"]);
    Collector::serve(home, "days", more)
}

/// Asks a collector whatever its document allows, and much that it does not; every check must hold.
/// Gives the report.
fn ask(program: &Path, home: &Path, url: &str, more: &[&str]) -> Result<Value, Failed> {
    let report = home.join("report.json");
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/api_document");
    let output = Command::new(program)
        .arg("--config-file")
        .arg(here.join("schemathesis.toml"))
        .arg("run")
        .arg(format!("{url}/api/v1/openapi.json"))
        .args(["--checks", "all", "--workers", "2", "--no-color", "--report", "json"])
        .arg("--report-json-path")
        .arg(&report)
        .args(more)
        .current_dir(home)
        .stdin(Stdio::null())
        .output()?;
    // A request it shows may have many thousand characters.
    let said = String::from_utf8_lossy(&output.stdout);
    let short: Vec<String> = said.lines().map(|line| line.chars().take(400).collect()).collect();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{complaints}", short.join("\n"));
    let report: Value = serde_json::from_slice(&std::fs::read(&report)?)?;
    assert_eq!(report["test_cases"]["errored"], 0, "{report:#}");
    Ok(report)
}

fn every_answer_is_as_the_document_says(program: &Path) -> Result<(), Failed> {
    let home = tempfile::tempdir().expect("a directory");
    let collector = filled(home.path(), &[]);
    // Examples for each operation, besides those for each edge of each parameter.
    let more = ["--phases", "coverage,fuzzing,stateful", "--max-examples", "300"];
    let report = ask(program, home.path(), &collector.url, &more)?;
    assert_eq!(report["operations"]["tested"], 14, "{report:#}");
    assert!(report["test_cases"]["generated"].as_u64() > Some(REQUESTS), "{report:#}");
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

/// Where keys are needed the document says so, and the same requests without one, or with one that
/// somebody made up, are refused.
fn nothing_is_answered_without_a_key(program: &Path) -> Result<(), Failed> {
    let home = tempfile::tempdir().expect("a directory");
    let collector = filled(home.path(), &["--behind-proxy"]);
    let key = run(home.path(), &["key", "create", "--scope", "read", "--data", "days"]);
    let header = format!("x-api-key: {key}");
    let more = ["--phases", "coverage,fuzzing", "--max-examples", "20", "--header", &header];
    // The key is for reading.
    let sending = ["--exclude-method", "POST"];
    let report = ask(program, home.path(), &collector.url, &[&more[..], &sending].concat())?;
    assert_eq!(report["operations"]["tested"], 13, "{report:#}");
    Ok(())
}
