//! A repository of its own in surroundings that are the same everywhere.
//!
//! A [`TestEnvironment`] is a temporary directory with a repository, a home, a settings directory and
//! a place for side effects. Commands run with a cleared environment: nothing of the machine the
//! tests run on reaches them except `PATH`. Telemetry is on, as it is for everybody; entries stay in
//! the spool of the repository because no endpoint is configured.
//!
//! Fixtures are texts in YAML flow style, short enough to stand in the test that needs them.

mod entries;
mod fixtures;
mod processes;
mod showing;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;

pub use entries::Entries;
pub use fixtures::{call, jobs, nest, one_job};
pub use processes::{Ran, Running, until};
pub use showing::{number, outline, stable, text};

/// The program under test.
pub const SWAMP: &str = env!("CARGO_BIN_EXE_swamp");

/// A temporary directory with everything a command sees.
pub struct TestEnvironment {
    _root: tempfile::TempDir,
    /// The repository, which is the working directory of commands.
    pub repo: PathBuf,
    /// `HOME`.
    pub home: PathBuf,
    /// `XDG_CONFIG_HOME`.
    pub config: PathBuf,
    /// A directory next to the repository for what shell commands leave behind.
    pub effects: PathBuf,
    variables: BTreeMap<OsString, OsString>,
    fixtures: AtomicU64,
}

/// The user without rights.
const NOBODY: u32 = 65534;

/// Whether the tests run as root.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

impl TestEnvironment {
    /// An initialised repository.
    pub fn new() -> Self {
        let environment = Self::without_repository();
        environment.ok(["repo", "init", "--tool", "none", "--json", "--no-telemetry"]);
        environment
    }

    /// An empty directory that is not a repository.
    pub fn without_repository() -> Self {
        let root = tempfile::tempdir().expect("a temporary directory");
        let base = root.path().canonicalize().expect("a real path");
        let [repo, home, config, effects] = ["repo", "home", "config", "effects"].map(|name| {
            let path = base.join(name);
            fs::create_dir(&path).expect("an empty directory");
            path
        });
        let variables = [
            ("PATH", std::env::var_os("PATH").unwrap_or_default()),
            ("HOME", home.clone().into()),
            ("XDG_CONFIG_HOME", config.clone().into()),
            ("TZ", "UTC".into()),
            ("NO_COLOR", "1".into()),
            ("USER", "operator".into()),
            ("LANG", "C.UTF-8".into()),
            ("EFFECTS", effects.clone().into()),
        ]
        .map(|(name, value)| (name.into(), value))
        .into();
        let fixtures = AtomicU64::new(1);
        Self { _root: root, repo, home, config, effects, variables, fixtures }
    }

    /// Sets a variable for all following commands.
    pub fn set(&mut self, name: &str, value: impl Into<OsString>) -> &mut Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// A UUID that no other fixture of this environment has.
    pub fn fixture_id(&self) -> String {
        let number = self.fixtures.fetch_add(1, Ordering::Relaxed);
        format!("f1c50000-0000-4000-8000-{number:012x}")
    }

    /// Writes a file below the repository.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.repo.join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("parent directories");
        fs::write(&path, content).expect("a written file");
        path
    }

    /// Adds lines to the marker of the repository.
    pub fn mark(&self, lines: &str) {
        let mut marker = fs::OpenOptions::new()
            .append(true)
            .open(self.repo.join(".swamp.yaml"))
            .expect("a marker");
        writeln!(marker, "{lines}").expect("a longer marker");
    }

    /// Writes a `command/shell` definition whose method `execute` has these arguments (YAML in one
    /// line, without the braces around it). Returns its id.
    pub fn shell(&self, name: &str, arguments: &str) -> String {
        self.definition(name, &format!("methods: {{execute: {{arguments: {{{arguments}}}}}}}\n"))
    }

    /// Writes a `command/shell` definition that consists of its head and `body`. Returns its id.
    pub fn definition(&self, name: &str, body: &str) -> String {
        let id = self.fixture_id();
        let name = Value::from(name);
        let text = format!("type: command/shell\nid: {id}\nname: {name}\nversion: 1\n{body}");
        self.write(&format!("models/command/shell/{id}.yaml"), text);
        id
    }

    /// Writes a vault named `v` whose secret `K` is in the environment of the program.
    pub fn secret(&mut self, value: &str) {
        let id = self.fixture_id();
        let text = format!(
            "id: {id}\nname: v\ntype: env\nconfig: {{prefix: TEST_SECRET_}}\ncreatedAt: '2026-01-01T00:00:00.000Z'\n"
        );
        self.write(&format!("vaults/env/{id}.yaml"), text);
        self.set("TEST_SECRET_K", value);
    }

    /// Writes a workflow that consists of its id, its name and `body`. Returns its id.
    pub fn workflow(&self, name: &str, body: &str) -> String {
        let id = self.fixture_id();
        let text = format!("id: {id}\nname: {}\n{body}", Value::from(name));
        self.write(&format!("workflows/workflow-{id}.yaml"), text);
        id
    }

    /// The program with arguments, ready to be changed and started.
    pub fn command<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(&self, args: I) -> Command {
        let mut command = Command::new(SWAMP);
        command.args(args);
        self.surround(&mut command);
        command
    }

    /// Gives a command the surroundings of this environment.
    pub fn surround(&self, command: &mut Command) {
        command.env_clear().envs(&self.variables).current_dir(&self.repo).stdin(Stdio::null());
    }

    /// Runs the program to its end.
    pub fn run<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(&self, args: I) -> Ran {
        self.finish(self.command(args))
    }

    /// A copy of the program that other users may start, wherever the build directory is.
    pub fn program_for_everybody(&self) -> PathBuf {
        let program = self.repo.with_file_name("program");
        if !program.exists() && fs::hard_link(SWAMP, &program).is_err() {
            fs::copy(SWAMP, &program).expect("a copy of the program");
        }
        program
    }

    /// Makes everything below the environment belong to [`NOBODY`], if it can be given away.
    pub fn give_away(&self) {
        let base = self.repo.parent().expect("a parent");
        fs::set_permissions(base, fs::Permissions::from_mode(0o755)).expect("permissions");
        if is_root() {
            let mut command = Command::new("chown");
            command.args(["-R", &format!("{NOBODY}:{NOBODY}")]);
            command.args([&self.repo, &self.home, &self.config, &self.effects]);
            assert!(command.status().expect("chown").success(), "cannot give files away");
        }
    }

    /// A command line that starts a program without the rights of root. Somebody who is not root has
    /// none to begin with.
    pub fn as_nobody(program: &Path) -> Command {
        if !is_root() {
            return Command::new(program);
        }
        let mut command = Command::new("setpriv");
        command.args([format!("--reuid={NOBODY}"), format!("--regid={NOBODY}")]);
        command.args(["--clear-groups", "--"]).arg(program);
        command
    }

    /// A command line that runs a shell script in mounts of its own, which vanish with it; whoever is
    /// not root is root there. The script finds the arguments appended to the command as `$0`, `$1`.
    pub fn in_own_mounts(script: &str) -> Command {
        let mut command = Command::new("unshare");
        let options = if is_root() { "-m" } else { "-rm" };
        let probe = Command::new("unshare").args([options, "true"]).output();
        assert!(
            probe.as_ref().is_ok_and(|output| output.status.success()),
            "this test needs a file system of its own, and `unshare {options}` does not give it: run the \
             tests as root or allow user namespaces ({probe:?})"
        );
        if !is_root() {
            let notice = "not root: mounting in a user namespace\n";
            let _ = std::io::stderr().write_all(notice.as_bytes());
        }
        command.args([options, "sh", "-c", script]);
        command
    }

    /// Runs the program with a text on standard input.
    pub fn run_with_stdin<const N: usize>(&self, args: [&str; N], stdin: &str) -> Ran {
        let path = self.effects.join(".stdin");
        fs::write(&path, stdin).expect("a file for standard input");
        let mut command = self.command(args);
        command.stdin(fs::File::open(&path).expect("standard input"));
        self.finish(command)
    }

    /// Runs any command to its end.
    pub fn finish(&self, command: Command) -> Ran {
        self.spawn(command).wait()
    }

    /// Starts a command in a process group of its own, its output going to files.
    pub fn spawn(&self, command: Command) -> Running {
        let number = self.fixtures.fetch_add(1, Ordering::Relaxed);
        Running::start(command, &self.repo.with_file_name(format!("output-{number}")))
    }

    /// Runs the program, which must succeed.
    #[track_caller]
    pub fn ok<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(&self, args: I) -> Ran {
        self.run(args).expect_exit(0)
    }

    /// Runs the program with `--json` appended; standard output must be one document.
    #[track_caller]
    pub fn json<const N: usize>(&self, args: [&str; N], exit: i32) -> Value {
        self.run(args.iter().copied().chain(["--json"])).expect_exit(exit).json()
    }

    /// `.swamp/telemetry` of the repository.
    pub fn spool(&self) -> PathBuf {
        self.repo.join(".swamp/telemetry")
    }

    /// All telemetry entries of the repository, sorted by start, parents before their children.
    pub fn entries(&self) -> Entries {
        Entries::read(&self.spool())
    }

    /// The run records of the repository, oldest first.
    pub fn run_records(&self) -> Vec<Value> {
        let mut records: Vec<Value> = self
            .files(".swamp/workflow-runs")
            .into_iter()
            .filter(|path| path.ends_with(".yaml"))
            .map(|path| read_yaml(&self.repo.join(".swamp/workflow-runs").join(path)))
            .collect();
        records.sort_by_key(|record| text(&record["startedAt"]).to_owned());
        records
    }

    /// The only run record of a workflow.
    #[track_caller]
    pub fn run_record(&self, workflow: &str) -> Value {
        let mut records = self.run_records();
        records.retain(|record| record["workflowName"] == workflow);
        assert_eq!(records.len(), 1, "run records of {workflow}: {records:#?}");
        records.remove(0)
    }

    /// The paths of all files below a directory of the repository, sorted; caches and locks left out.
    pub fn files(&self, below: &str) -> Vec<String> {
        files(&self.repo.join(below))
    }

    /// The lines of a file that shell commands append to, sorted; none if there is no such file.
    pub fn effects(&self, name: &str) -> Vec<String> {
        let text = fs::read_to_string(self.effects.join(name)).unwrap_or_default();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    }

    /// Waits until shell commands have left `count` lines in a file.
    #[track_caller]
    pub fn await_effects(&self, name: &str, count: usize) {
        until(&format!("{count} lines in {name}"), || self.effects(name).len() >= count);
    }
}

/// A YAML file as a value.
#[track_caller]
pub fn read_yaml(path: &Path) -> Value {
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    match swamp_yaml::Document::parse(&text) {
        Ok(document) => document.into_value(),
        Err(error) => panic!("{}: {error}\n{text}", path.display()),
    }
}

/// The paths of all files below a directory, sorted; caches and locks left out.
pub fn files(below: &Path) -> Vec<String> {
    fn collect(directory: &Path, prefix: &str, found: &mut Vec<String>) {
        let Ok(entries) = fs::read_dir(directory) else { return };
        for entry in entries {
            let entry = entry.expect("a directory entry");
            let name = entry.file_name().into_string().expect("UTF-8");
            if name.contains("_catalog.db") || name.ends_with(".lock") {
                continue;
            }
            if entry.file_type().expect("a file type").is_dir() {
                collect(&entry.path(), &format!("{prefix}{name}/"), found);
            } else {
                found.push(format!("{prefix}{name}"));
            }
        }
    }
    let mut found = Vec::new();
    collect(below, "", &mut found);
    found.sort();
    found
}
