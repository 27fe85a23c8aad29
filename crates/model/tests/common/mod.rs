//! A repository in a temporary directory, an engine on it, and the events it emits.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(dead_code, reason = "every test binary uses its own part of this")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde_json::{Map, Value};
use swamp_driver::{Cancel, Drivers};
use swamp_events::{Emitter, EventKind, EventSink, EventStream, RunEvent};
use swamp_expr::EnvSource;
use swamp_ident::{
    JobName, MethodName, RandomIds, RunId, StepName, SystemClock, WorkflowId, WorkflowName,
};
use swamp_model::{
    Call, Engine, EngineParts, MethodFailure, MethodRequest, MethodRun, StepCall, TypeRegistry,
};
use swamp_secret::{Redactor, Secret};
use swamp_store::{LockOwner, Repository};
use swamp_vault::{NoVaults, SecretStore};
use tempfile::TempDir;

/// A repository with definitions.
pub(crate) struct Repo {
    dir: TempDir,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) secrets: BTreeMap<String, String>,
    pub(crate) vaults: Arc<Secrets>,
    pub(crate) redactor: Redactor,
    pub(crate) types: TypeRegistry,
    pub(crate) cancel: Cancel,
}

/// What a call gave and told.
pub(crate) struct Outcome {
    pub(crate) result: Result<MethodRun, Box<MethodFailure>>,
    pub(crate) events: Vec<Arc<RunEvent>>,
}

struct Env(BTreeMap<String, String>);

impl EnvSource for Env {
    fn var(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

/// The vaults `main` and `spare` of a test, in memory; `spare` begins empty.
#[derive(Default)]
pub(crate) struct Secrets(Mutex<BTreeMap<(String, String), Secret>>);

impl Secrets {
    pub(crate) fn get(&self, vault: &str, key: &str) -> Option<String> {
        let secrets = self.0.lock().unwrap();
        secrets.get(&(vault.to_owned(), key.to_owned())).map(|secret| secret.expose().to_owned())
    }
}

impl SecretStore for Secrets {
    fn get(&self, vault: &str, key: &str) -> swamp_vault::Result<Secret> {
        match Self::get(self, vault, key) {
            Some(secret) => Ok(Secret::new(secret)),
            None => NoVaults.get(vault, key),
        }
    }

    fn put(&self, vault: Option<&str>, key: &str, value: &Secret) -> swamp_vault::Result<String> {
        let vault = vault.unwrap_or("main").to_owned();
        if !["main", "spare"].contains(&&*vault) {
            return NoVaults.put(None, key, value);
        }
        self.0.lock().unwrap().insert((vault.clone(), key.to_owned()), value.clone());
        Ok(vault)
    }
}

#[derive(Default)]
pub(crate) struct Collector(Mutex<Vec<Arc<RunEvent>>>);

impl EventSink for Collector {
    fn accept(&self, event: &Arc<RunEvent>) {
        self.0.lock().unwrap().push(Arc::clone(event));
    }
}

impl Collector {
    pub(crate) fn stream() -> (Arc<Self>, Emitter) {
        let collector = Arc::new(Self::default());
        let clock = Arc::new(SystemClock::new());
        let sink: Arc<dyn EventSink> = Arc::<Self>::clone(&collector);
        (collector, EventStream::new(clock, vec![sink]).emitter())
    }

    pub(crate) fn events(&self) -> Vec<Arc<RunEvent>> {
        self.0.lock().unwrap().clone()
    }
}

/// A file of a data item.
pub(crate) fn data(model: &str, rest: &str) -> String {
    format!(".swamp/data/command/shell/{}/{rest}", id_of(model))
}

/// The id that [`Repo::with`] gives the definition of this name.
pub(crate) fn id_of(name: &str) -> String {
    // Any number that differs between the names of a test will do.
    let number = name
        .bytes()
        .fold(0_u64, |number, byte| (number * 257 + u64::from(byte)) & 0xffff_ffff_ffff);
    format!("00000000-0000-4000-8000-{number:012x}")
}

impl Repo {
    /// A repository with shell definitions: name and the rest of the file.
    pub(crate) fn with(definitions: &[(&str, &str)]) -> Self {
        let repo = Self {
            dir: tempfile::tempdir().unwrap(),
            env: BTreeMap::new(),
            secrets: BTreeMap::new(),
            vaults: Arc::default(),
            redactor: Redactor::new(),
            types: TypeRegistry::builtin(),
            cancel: Cancel::new().unwrap(),
        };
        repo.write(".swamp.yaml", "swampVersion: 20260206.200442.0\n");
        for (name, rest) in definitions {
            let id = id_of(name);
            let text = format!("type: command/shell\nid: {id}\nname: {name}\nversion: 1\n{rest}");
            repo.write(&format!("models/command/shell/{id}.yaml"), &text);
        }
        repo
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.dir.path().canonicalize().unwrap()
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn engine(&self) -> Engine {
        for (key, value) in &self.secrets {
            self.vaults.put(Some("main"), key, &Secret::new(value)).unwrap();
        }
        Engine::new(EngineParts {
            repository: Repository::open(&self.root()).unwrap(),
            types: self.types.clone(),
            drivers: Drivers::builtin(swamp_driver::Surroundings::default()),
            env: Arc::new(Env(self.env.clone())),
            secrets: Arc::<Secrets>::clone(&self.vaults),
            redactor: self.redactor.clone(),
            clock: Arc::new(SystemClock::new()),
            ids: Arc::new(RandomIds),
            cancel: self.cancel.clone(),
            lock_owner: LockOwner::current(Some("tester"), None),
            command_env: vec![("COMMAND_ENV".to_owned(), "set".to_owned())],
        })
    }

    /// Calls `execute` directly.
    pub(crate) fn call(&self, model: &str, inputs: Value) -> Outcome {
        self.request(&direct(model, inputs))
    }

    pub(crate) fn request(&self, request: &MethodRequest) -> Outcome {
        let engine = self.engine();
        let (collector, emitter) = Collector::stream();
        let result = match &request.call {
            Call::Direct { .. } => engine.call_method(request, &emitter),
            Call::Step(_) => engine.run_method(request, &emitter),
        };
        Outcome { result, events: collector.events() }
    }

    /// The file, parsed; `null` if there is none.
    pub(crate) fn yaml(&self, path: &str) -> Value {
        let text = fs::read_to_string(self.root().join(path)).unwrap_or_default();
        swamp_yaml::Document::parse(&text).unwrap().into_value()
    }

    pub(crate) fn text(&self, path: &str) -> String {
        fs::read_to_string(self.root().join(path)).unwrap()
    }

    /// The evaluated copy of a definition.
    pub(crate) fn copy(&self, model: &str) -> Value {
        self.yaml(&format!(".swamp/definitions-evaluated/command/shell/{}.yaml", id_of(model)))
    }

    /// Files below a directory of the repository, sorted.
    pub(crate) fn files(&self, directory: &str) -> Vec<String> {
        let mut files = Vec::new();
        collect(&self.root().join(directory), &mut files);
        let root = self.root();
        let mut files: Vec<String> = files
            .iter()
            .map(|path| path.strip_prefix(&root).unwrap().to_string_lossy().into_owned())
            .collect();
        files.sort();
        files
    }

    /// All output records, oldest first.
    pub(crate) fn records(&self) -> Vec<Value> {
        let files = self.files(".swamp/outputs").into_iter();
        files.filter(|file| has_extension(file, "yaml")).map(|file| self.yaml(&file)).collect()
    }

    /// Names of run logs.
    pub(crate) fn logs(&self) -> Vec<String> {
        let files = self.files(".swamp/outputs").into_iter();
        files.filter(|file| has_extension(file, "log")).collect()
    }
}

fn has_extension(file: &str, wanted: &str) -> bool {
    Path::new(file).extension().is_some_and(|extension| extension == wanted)
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { collect(&path, files) } else { files.push(path) }
    }
}

pub(crate) fn map(value: Value) -> Map<String, Value> {
    if let Value::Object(map) = value { map } else { Map::new() }
}

pub(crate) fn direct(model: &str, inputs: Value) -> MethodRequest {
    MethodRequest::new(model, MethodName::new("execute"), Call::Direct { inputs: map(inputs) })
}

/// A call by step `s` of job `j` in a run of workflow `w`.
pub(crate) fn step(model: &str, task_inputs: Value) -> (MethodRequest, StepCall) {
    let call = StepCall {
        workflow_id: WorkflowId::new("11111111-1111-4111-8111-111111111111"),
        workflow: WorkflowName::new("w"),
        run_id: RunId::new("22222222-2222-4222-8222-222222222222"),
        job: JobName::new("j"),
        step: StepName::new("s"),
        workflow_tags: vec![("team".to_owned(), "infra".to_owned())],
        log_file: PathBuf::from("/nowhere/run.log"),
        inputs: Arc::new(Map::new()),
        task_inputs: map(task_inputs),
        item: None,
    };
    let request =
        MethodRequest::new(model, MethodName::new("execute"), Call::Step(Box::new(call.clone())));
    (request, call)
}

impl Outcome {
    pub(crate) fn run(&self) -> &MethodRun {
        match &self.result {
            Ok(run) => run,
            Err(failure) => panic!("{failure}"),
        }
    }

    pub(crate) fn failure(&self) -> &MethodFailure {
        self.result.as_ref().unwrap_err()
    }

    /// What the command printed, or the failure.
    pub(crate) fn stdout(&self) -> String {
        match &self.result {
            Ok(run) => {
                let attributes = run.artifacts[0].attributes.as_ref().unwrap();
                attributes["stdout"].as_str().unwrap().to_owned()
            }
            Err(failure) => format!("failed: {}", failure.failure.message),
        }
    }

    pub(crate) fn kinds(&self) -> Vec<&'static str> {
        self.events.iter().map(|event| kind(&event.kind)).collect()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        let line = |event: &Arc<RunEvent>| match &event.kind {
            EventKind::MethodOutput { line, .. } => Some(line.clone()),
            _ => None,
        };
        self.events.iter().filter_map(line).collect()
    }
}

const fn kind(kind: &EventKind) -> &'static str {
    match kind {
        EventKind::LogOpened { .. } => "log",
        EventKind::Preparing(_) => "preparing",
        EventKind::Warning { .. } => "warning",
        EventKind::ModelResolved(_) => "resolved",
        EventKind::EnvWarning { .. } => "env",
        EventKind::MethodExecuting(_) => "executing",
        EventKind::MethodOutput { .. } => "line",
        EventKind::MethodNotice(_) => "notice",
        EventKind::MethodFinished { .. } => "finished",
        EventKind::DataSaved { .. } => "saved",
        EventKind::ReportStarted { .. } => "report",
        EventKind::ReportCompleted { .. } => "reported",
        EventKind::ReportFailed { .. } => "unreported",
        EventKind::StepCompleted { .. } => "completed",
        EventKind::StepFailed { .. } => "failed",
        _ => "other",
    }
}
