//! A repository for one test.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde_json::{Map, Value, json};
use swamp_driver::{Cancel, Drivers};
use swamp_events::{EventKind, EventSink, EventStream, RunEvent, SkipReason};
use swamp_expr::EnvSource;
use swamp_ident::{Clock, RandomIds, SystemClock};
use swamp_model::reports::ReportFilter;
use swamp_model::{Engine, EngineParts, TypeRegistry};
use swamp_store::{LockOwner, Repository, RunRecord};
use swamp_workflow::{Limits, RunOutcome, RunRequest, Runner, WorkflowError};
use swamp_yaml::Document;
use tempfile::TempDir;

/// A repository with the shell models `good` (does nothing), `bad` (exits with 3) and `slow` (sleeps
/// for a minute), and an engine for it.
pub(crate) struct Repo {
    directory: TempDir,
    pub(crate) engine: Engine,
    pub(crate) cancel: Cancel,
    clock: Arc<dyn Clock>,
    pub(crate) events: Arc<Collected>,
}

#[derive(Default)]
pub(crate) struct Collected(Mutex<Vec<Arc<RunEvent>>>);

impl EventSink for Collected {
    fn accept(&self, event: &Arc<RunEvent>) {
        self.0.lock().unwrap().push(Arc::clone(event));
    }
}

#[derive(Debug)]
struct Surroundings;

impl EnvSource for Surroundings {
    fn var(&self, name: &str) -> Option<String> {
        (name == "SITE").then(|| "berlin".to_owned())
    }

    fn names(&self) -> Vec<String> {
        vec!["SITE".to_owned()]
    }
}

impl Repo {
    /// A repository with these workflows, each given by its name and the YAML of its other keys.
    pub(crate) fn new(workflows: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::write(
            directory.path().join(".swamp.yaml"),
            "swampVersion: 20260101.000000.0\ninitializedAt: '2026-01-01T00:00:00.000Z'\n",
        )
        .unwrap();
        let cancel = Cancel::new().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let engine = Engine::new(EngineParts {
            repository: Repository::open(directory.path()).unwrap(),
            types: TypeRegistry::builtin(),
            drivers: Drivers::builtin(swamp_driver::Surroundings::default()),
            env: Arc::new(Surroundings),
            secrets: Arc::new(swamp_vault::NoVaults),
            redactor: swamp_secret::Redactor::new(),
            clock: Arc::clone(&clock),
            ids: Arc::new(RandomIds),
            cancel: cancel.clone(),
            lock_owner: LockOwner {
                holder: "tester@here".to_owned(),
                hostname: "here".to_owned(),
                pid: std::process::id(),
                nested_in: None,
            },
            command_env: Vec::new(),
        });
        let repo = Self { directory, engine, cancel, clock, events: Arc::default() };
        for (name, command) in [("good", "true"), ("bad", "exit 3"), ("slow", "sleep 60")] {
            repo.add_model(
                name,
                &format!("methods: {{execute: {{arguments: {{run: '{command}'}}}}}}"),
            );
        }
        for (name, yaml) in workflows {
            repo.add_workflow(name, yaml);
        }
        repo
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path().join(path)).unwrap()
    }

    pub(crate) fn add_model(&self, name: &str, yaml: &str) {
        let id = id_of("models", name);
        self.write(
            &format!("models/command/shell/{id}.yaml"),
            &format!("type: command/shell\nid: {id}\nname: {name}\nversion: 1\n{yaml}\n"),
        );
    }

    pub(crate) fn add_workflow(&self, name: &str, yaml: &str) {
        let id = id_of("workflows", name);
        self.write(
            &format!("workflows/workflow-{id}.yaml"),
            &format!("id: {id}\nname: {}\n{yaml}\n", json!(name)),
        );
    }

    pub(crate) fn request(workflow: &str) -> RunRequest {
        let limits = Limits::new(None, NonZeroUsize::MIN);
        let reports = ReportFilter { skip_all: true, ..ReportFilter::default() };
        RunRequest { reports, ..RunRequest::new(workflow, limits) }
    }

    /// Runs a workflow without reports.
    pub(crate) fn run(&self, workflow: &str) -> Result<RunOutcome, WorkflowError> {
        self.run_with(&Self::request(workflow))
    }

    pub(crate) fn run_inputs(
        &self,
        workflow: &str,
        inputs: &Value,
    ) -> Result<RunOutcome, WorkflowError> {
        self.run_with(&RunRequest { inputs: map(inputs), ..Self::request(workflow) })
    }

    pub(crate) fn run_with(&self, request: &RunRequest) -> Result<RunOutcome, WorkflowError> {
        let sink: Arc<dyn EventSink> = Arc::<Collected>::clone(&self.events);
        let stream = EventStream::new(Arc::clone(&self.clock), vec![sink]);
        Runner::new(&self.engine).run(request, &stream.emitter())
    }

    /// Everything that was told so far.
    pub(crate) fn events(&self) -> Vec<Arc<RunEvent>> {
        self.events.0.lock().unwrap().clone()
    }

    /// What was told, in short, without lines of output.
    pub(crate) fn story(&self) -> Vec<String> {
        self.events().iter().filter_map(|event| in_short(event)).collect()
    }

    /// The records of all runs of a workflow, as values, oldest first.
    pub(crate) fn records(&self, workflow: &str) -> Vec<Value> {
        let directory = self.path().join(".swamp/workflow-runs").join(id_of("workflows", workflow));
        let mut records: Vec<Value> = fs::read_dir(directory)
            .into_iter()
            .flatten()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
            .map(|path| Document::parse(&fs::read_to_string(path).unwrap()).unwrap().into_value())
            .collect();
        records.sort_by_key(|record| record["startedAt"].to_string());
        records
    }

    /// The evaluated copy of a workflow.
    pub(crate) fn evaluated(&self, workflow: &str) -> Value {
        let id = id_of("workflows", workflow);
        let text = self.read(&format!(".swamp/workflows-evaluated/workflow-{id}.yaml"));
        Document::parse(&text).unwrap().into_value()
    }
}

/// The run record of an outcome as on disk.
pub(crate) fn record_of(outcome: &RunOutcome) -> RunRecord {
    let text = fs::read_to_string(outcome.path()).unwrap();
    RunRecord::parse(outcome.path(), &text).unwrap()
}

/// The id of a model or workflow of a test.
pub(crate) fn id_of(kind: &str, name: &str) -> String {
    let mut digits: u64 = if kind == "models" { 7 } else { 11 };
    for byte in name.bytes() {
        digits = digits.wrapping_mul(131).wrapping_add(u64::from(byte));
    }
    format!("00000000-0000-4000-8000-{:012x}", digits & 0xffff_ffff_ffff)
}

pub(crate) fn map(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

/// The JSON view of a run.
pub(crate) fn view(outcome: &RunOutcome) -> Value {
    serde_json::to_value(outcome).unwrap()
}

/// `job/step=status` of all steps of a view, with errors and `!` for allowed failures.
pub(crate) fn steps(view: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut steps = vec![];
    for job in view["jobs"].as_array().unwrap() {
        for step in job["steps"].as_array().unwrap() {
            let mut line =
                format!("{}/{}={}", text(&job["name"]), text(&step["name"]), text(&step["status"]));
            if step["allowedFailure"] == true {
                line.push('!');
            }
            if let Some(error) = step.get("error") {
                line.push_str(": ");
                line.push_str(&text(error));
            }
            steps.push(line);
        }
        let status = text(&job["status"]);
        steps.push(format!("{}={status}", text(&job["name"])));
    }
    steps
}

fn in_short(event: &RunEvent) -> Option<String> {
    let what = match &event.kind {
        EventKind::RunStarted { .. } => "run started".to_owned(),
        EventKind::RunCompleted { status, error, totals } => format!(
            "run {status} {}/{}/{}/{}{}",
            totals.succeeded,
            totals.failed,
            totals.skipped,
            totals.cancelled,
            error.as_ref().map_or_else(String::new, |error| format!(": {}", error.message))
        ),
        EventKind::Preparing(_)
        | EventKind::MethodOutput { .. }
        | EventKind::MethodNotice(_)
        | EventKind::DataSaved { .. }
        | EventKind::EnvWarning { .. }
        | EventKind::LogOpened { .. }
        | EventKind::SubInvocation(_) => return None,
        EventKind::Warning { message } => format!("warning: {message}"),
        EventKind::JobStarted => "job started".to_owned(),
        EventKind::JobCompleted { status, error } => format!(
            "job {status}{}",
            error.as_ref().map_or_else(String::new, |error| format!(": {}", error.message))
        ),
        EventKind::JobSkipped { reason, .. } => {
            format!("job skipped ({})", reason_in_short(reason))
        }
        EventKind::StepStarted => "step started".to_owned(),
        EventKind::ModelResolved(call) => format!("model {}", call.model),
        EventKind::MethodExecuting(call) => {
            format!("executing on {}", call.driver.as_ref().unwrap().name)
        }
        EventKind::MethodFinished { result } => {
            format!("finished {}", if result.is_ok() { "well" } else { "badly" })
        }
        EventKind::ReportStarted { name, .. } => format!("report {name}"),
        EventKind::ReportCompleted { .. } => "report done".to_owned(),
        EventKind::ReportFailed { error, .. } => format!("report failed: {error}"),
        EventKind::StepCompleted { artifacts } => {
            let names: Vec<&str> = artifacts.iter().map(|stored| stored.name.as_str()).collect();
            format!("step completed [{}]", names.join(" "))
        }
        EventKind::StepFailed { failure, allowed, call } => format!(
            "step failed{} {} {}{}",
            if *allowed { "!" } else { "" },
            failure.category,
            failure.message.lines().next().unwrap_or_default(),
            call.as_ref().map_or_else(String::new, |call| format!(" [{}]", call.model))
        ),
        EventKind::StepSkipped { reason } => format!("step skipped ({})", reason_in_short(reason)),
        EventKind::Cancelled { cause } => format!("cancelled {cause:?}"),
    };
    let scope = &event.scope;
    let mut place: Vec<String> =
        scope.ancestors.iter().chain(&scope.run).map(|run| run.workflow.to_string()).collect();
    place.extend(scope.job.iter().map(ToString::to_string));
    place.extend(scope.step.iter().map(|step| step.name.to_string()));
    Some(format!("{}: {what}", place.join(" > ")))
}

fn reason_in_short(reason: &SkipReason) -> String {
    match reason {
        SkipReason::Condition { on, condition } => format!("{on} {condition}"),
        SkipReason::JobSkipped => "job skipped".to_owned(),
        SkipReason::EarlierFailure => "earlier failure".to_owned(),
        SkipReason::Cancelled(cause) => format!("{cause:?}"),
    }
}
