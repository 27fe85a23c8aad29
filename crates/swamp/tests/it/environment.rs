//! A repository of its own in surroundings that are the same everywhere.
//!
//! A [`TestEnvironment`] is a temporary directory with a repository, a home, a settings directory and
//! a place for side effects. Commands run with a cleared environment: nothing of the machine the
//! tests run on reaches them except `PATH`. Telemetry is on, as it is for everybody; entries stay in
//! the spool of the repository because no endpoint is configured.
//!
//! Fixtures are texts in YAML flow style, short enough to stand in the test that needs them.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A command that takes longer than this hangs.
const PATIENCE: Duration = Duration::from_secs(60);

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

/// How a command ended and what it said.
#[derive(Debug)]
pub struct Ran {
    /// `None` if a signal ended it.
    pub exit: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// A command that still runs, in a process group of its own.
pub struct Running {
    child: Option<Child>,
    stdout: PathBuf,
    stderr: PathBuf,
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
    pub fn as_nobody(&self, program: &Path) -> Command {
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
            eprintln!("not root: mounting in a user namespace");
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
    pub fn spawn(&self, mut command: Command) -> Running {
        let number = self.fixtures.fetch_add(1, Ordering::Relaxed);
        let [stdout, stderr] = ["stdout", "stderr"]
            .map(|name| self.repo.with_file_name(format!("output-{number}.{name}")));
        command
            .stdout(fs::File::create(&stdout).expect("a file for standard output"))
            .stderr(fs::File::create(&stderr).expect("a file for standard error"))
            .process_group(0);
        let child = command.spawn().expect("a started program");
        Running { child: Some(child), stdout, stderr }
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

impl Ran {
    /// Fails the test unless the program ended with this code.
    #[track_caller]
    pub fn expect_exit(self, exit: i32) -> Self {
        let Self { exit: real, stdout, stderr } = &self;
        assert_eq!(*real, Some(exit), "exit code; stdout:\n{stdout}\nstderr:\n{stderr}");
        self
    }

    /// Standard output as one JSON document.
    #[track_caller]
    pub fn json(&self) -> Value {
        match serde_json::from_str(&self.stdout) {
            Ok(value) => value,
            Err(error) => panic!("not one JSON document ({error}):\n{}", self.stdout),
        }
    }
}

impl Running {
    /// The process id, which is also that of its process group.
    pub fn id(&self) -> u32 {
        self.child.as_ref().expect("a running program").id()
    }

    /// What it has written to standard output so far.
    pub fn stdout_so_far(&self) -> String {
        fs::read_to_string(&self.stdout).unwrap_or_default()
    }

    /// What it has written to standard error so far.
    pub fn stderr_so_far(&self) -> String {
        fs::read_to_string(&self.stderr).unwrap_or_default()
    }

    /// Sends it a signal; its children get none.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let id = rustix::process::Pid::from_raw(i32::try_from(self.id()).expect("a small number"));
        rustix::process::kill_process(id.expect("a process"), signal).expect("a delivered signal");
    }

    /// Waits for its end, kills it when that does not come.
    #[track_caller]
    pub fn wait(mut self) -> Ran {
        let mut child = self.child.take().expect("a running program");
        let status = end_of(&mut child);
        let [stdout, stderr] = [&self.stdout, &self.stderr]
            .map(|path| String::from_utf8_lossy(&fs::read(path).expect("its output")).into_owned());
        let Some(status) = status else {
            panic!("still running after {PATIENCE:?}; stdout:\n{stdout}\nstderr:\n{stderr}");
        };
        Ran { exit: status.code(), stdout, stderr }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Telemetry entries, told apart by whether they have a parent.
#[derive(Debug)]
pub struct Entries(pub Vec<Value>);

impl Entries {
    /// Reads a spool; one that does not exist has none.
    pub fn read(spool: &Path) -> Self {
        let mut entries: Vec<Value> = files(spool)
            .iter()
            .filter(|name| name.starts_with("telemetry-") && name.ends_with(".json"))
            .map(|name| {
                let text = fs::read_to_string(spool.join(name)).expect("a readable entry");
                serde_json::from_str(&text)
                    .unwrap_or_else(|error| panic!("{name}: {error}\n{text}"))
            })
            .collect();
        entries.sort_by_key(|entry| {
            let child = entry.get("parentInvocationId").is_some();
            (text(&entry["startedAt"]).to_owned(), child)
        });
        Self(entries)
    }

    /// Those of commands.
    pub fn parents(&self) -> Vec<&Value> {
        self.0.iter().filter(|entry| entry.get("parentInvocationId").is_none()).collect()
    }

    /// Those of methods that steps called.
    pub fn children(&self) -> Vec<&Value> {
        self.0.iter().filter(|entry| entry.get("parentInvocationId").is_some()).collect()
    }

    /// The only entry of a command.
    #[track_caller]
    pub fn parent(&self) -> &Value {
        let parents = self.parents();
        assert_eq!(parents.len(), 1, "entries of commands: {self:#?}");
        parents[0]
    }

    /// The child of a step.
    #[track_caller]
    pub fn child(&self, job: &str, step: &str) -> &Value {
        let mut children = self.children();
        children.retain(|entry| {
            let context = &entry["workflowContext"];
            context["jobName"] == job && context["stepName"] == step
        });
        assert_eq!(children.len(), 1, "children of {job}, {step}: {self:#?}");
        children[0]
    }

    /// The child entries in a few lines, sorted: where the step stands, and how the call ended.
    pub fn outline(&self) -> String {
        let mut lines: Vec<String> = self
            .children()
            .iter()
            .map(|entry| {
                let (context, result) = (&entry["workflowContext"], &entry["result"]);
                let mut line = ["workflowName", "jobName", "stepName"]
                    .map(|key| text(&context[key]))
                    .join(" | ");
                line.push_str(&format!(" | {}", text(&result["status"])));
                for word in [&result["errorCategory"], &context["phase"]] {
                    if let Some(word) = word.as_str() {
                        line.push_str(&format!(" {word}"));
                    }
                }
                if context["allowedFailure"] == true {
                    line.push_str(" allowed");
                }
                line + "\n"
            })
            .collect();
        lines.sort();
        lines.concat()
    }

    /// `workflow, job, step` of all children, sorted.
    pub fn called(&self) -> Vec<(String, String, String)> {
        let mut called: Vec<_> = self
            .children()
            .iter()
            .map(|entry| {
                let context = &entry["workflowContext"];
                let [workflow, job, step] = ["workflowName", "jobName", "stepName"]
                    .map(|key| text(&context[key]).to_owned());
                (workflow, job, step)
            })
            .collect();
        called.sort();
        called
    }
}

/// A step in YAML that calls `execute` of a definition; `more` is empty or more keys, each after a
/// comma.
pub fn call(step: &str, model: &str, more: &str) -> String {
    let [step, model] = [step, model].map(Value::from);
    format!(
        "{{name: {step}, task: {{type: model_method, modelIdOrName: {model}, methodName: execute}}{more}}}"
    )
}

/// A step in YAML that runs another workflow.
pub fn nest(step: &str, workflow: &str, more: &str) -> String {
    let [step, workflow] = [step, workflow].map(Value::from);
    format!("{{name: {step}, task: {{type: workflow, workflowIdOrName: {workflow}}}{more}}}")
}

/// Jobs in YAML, each a name, more keys (each after a comma) and steps.
pub fn jobs<S: AsRef<str>>(jobs: &[(&str, &str, &[S])]) -> String {
    let mut text = "jobs:\n".to_owned();
    for (name, more, steps) in jobs {
        let name = Value::from(*name);
        text.push_str(&format!("  - {{name: {name}{more}, steps: [\n"));
        for step in *steps {
            text.push_str(&format!("      {},\n", step.as_ref()));
        }
        text.push_str("    ]}\n");
    }
    text
}

/// One job named `main` in YAML.
pub fn one_job<S: AsRef<str>>(steps: &[S]) -> String {
    jobs(&[("main", "", steps)])
}

/// A run record in a few lines: the status and error of everything.
pub fn outline(record: &Value) -> String {
    let line = |indent: &str, name: &str, value: &Value| {
        let error = value.get("error").map(|error| format!(" - {}", text(error)));
        let allowed = if value["allowedFailure"] == true { " (allowed)" } else { "" };
        let status = text(&value["status"]);
        format!("{indent}{}: {status}{allowed}{}\n", text(&value[name]), error.unwrap_or_default())
    };
    let mut outline = line("", "workflowName", record);
    for job in record["jobs"].as_array().expect("jobs") {
        outline.push_str(&line("  ", "jobName", job));
        for step in job["steps"].as_array().expect("steps") {
            outline.push_str(&line("    ", "stepName", step));
        }
    }
    outline
}

/// A text with what differs from run to run replaced: ids, times, durations, paths.
pub fn stable(text: &str, environment: &TestEnvironment) -> String {
    const RULES: [(&str, &str); 6] = [
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<uuid>"),
        (r"\d{4}-\d\d-\d\d[T ]\d\d[:-]\d\d[:-]\d\d[.-]\d{3}(Z| \+00:00)?", "<time>"),
        (r#"("(?:duration|durationMs)": |durationMs: )\d+"#, "${1}<ms>"),
        (r"\b\d+(\.\d+)?(ms|s)\b", "<ms>"),
        (r#"((?:"size"|size): )\d+"#, "${1}<size>"),
        (r"\b[0-9a-f]{64}\b", "<sha256>"),
    ];
    let repo = environment.repo.to_str().expect("UTF-8");
    let mut stable = text.replace(repo, "<repo>");
    for (pattern, replacement) in RULES {
        let rule = regex::Regex::new(pattern).expect("a regular expression");
        stable = rule.replace_all(&stable, replacement).into_owned();
    }
    stable
}

/// The text in a JSON value; fails the test if there is none.
#[track_caller]
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}"))
}

/// The number in a JSON value; fails the test if there is none.
#[track_caller]
pub fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("not a number: {value}"))
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

/// Waits for something that comes soon.
#[track_caller]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "waited {PATIENCE:?} for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits for the end of a process, `None` if it had to be killed.
fn end_of(child: &mut Child) -> Option<ExitStatus> {
    let start = Instant::now();
    let mut pause = Duration::from_micros(500);
    loop {
        if let Some(status) = child.try_wait().expect("a child process") {
            return Some(status);
        }
        if start.elapsed() > PATIENCE {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(10));
    }
}
