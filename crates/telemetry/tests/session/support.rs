//! A session with a clock and ids of its own, and the files it leaves.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use swamp_events::{
    DriverUse, Emitter, EventKind, EventStream, ForEachRef, MethodRef, RunRef, StepRef,
};
use swamp_ident::{
    Clock, DriverOrigin, ErrorCategory, Failure, Fault, IdSource, JobName, MethodName, ModelName,
    Moment, Phase, RunId, StepName, Timestamp, TypeName, WorkflowId, WorkflowName,
};
use swamp_telemetry::{Closed, CommandWords, Outcome, Session, SessionConfig, surroundings};
use swamp_wire::TelemetryEntry;
use tempfile::TempDir;

/// 2026-11-22T09:58:10.000Z
pub(crate) const START: i64 = 1_795_341_490_000;

/// A clock that stands until it is moved.
#[derive(Debug)]
pub(crate) struct TestClock {
    wall: AtomicI64,
    mono: AtomicU64,
}

impl TestClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { wall: AtomicI64::new(START), mono: AtomicU64::new(1000) })
    }

    /// Lets time pass on both clocks.
    pub(crate) fn pass(&self, millis: u32) {
        self.mono.fetch_add(u64::from(millis), Ordering::SeqCst);
        self.set_wall(i64::from(millis));
    }

    /// Sets the wall clock forward or back.
    pub(crate) fn set_wall(&self, by: i64) {
        self.wall.fetch_add(by, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Moment {
        Moment {
            wall: Timestamp::from_millis(self.wall.load(Ordering::SeqCst)),
            mono: Duration::from_millis(self.mono.load(Ordering::SeqCst)),
        }
    }
}

/// Ids that count up.
#[derive(Debug, Default)]
pub(crate) struct TestIds(AtomicU64);

impl IdSource for TestIds {
    fn uuid(&self) -> uuid::Uuid {
        uuid::Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::SeqCst)))
    }
}

/// A session under test.
pub(crate) struct Rig {
    pub(crate) home: TempDir,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) stream: Arc<EventStream>,
    pub(crate) session: Option<Session>,
    pub(crate) faults: Arc<Mutex<Vec<String>>>,
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::of(CommandWords::new(["workflow", "run"]).argument("acme-flow").option("--json"))
    }

    pub(crate) fn of(words: CommandWords) -> Self {
        Self::in_home(TempDir::new().unwrap(), words, |_| {})
    }

    pub(crate) fn in_home(
        home: TempDir,
        words: CommandWords,
        change: impl FnOnce(&mut SessionConfig),
    ) -> Self {
        let clock = TestClock::new();
        let context = surroundings(&|_| None, false, None);
        let mut config = SessionConfig::new(spool(&home), words, context, "1.2.3");
        config.clock = Arc::<TestClock>::clone(&clock);
        config.started = clock.now();
        config.ids = Arc::new(TestIds::default());
        let faults = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&faults);
        config.on_fault = Some(Box::new(move |fault| told.lock().unwrap().push(fault.to_owned())));
        change(&mut config);
        let session = Session::open(config);
        let clock_of_run: Arc<dyn Clock> = Arc::<TestClock>::clone(&clock);
        let stream = EventStream::new(clock_of_run, vec![session.sink()]);
        Self { home, clock, stream, session: Some(session), faults }
    }

    /// The emitter of the run the user started.
    pub(crate) fn run(&self, workflow: &str) -> Emitter {
        let emitter = self.stream.emitter().for_run(run(workflow));
        emitter.emit(started(workflow));
        emitter
    }

    pub(crate) fn close(&mut self, outcome: &Outcome) -> Closed {
        self.session.take().unwrap().close(outcome.clone())
    }

    /// Closes and reads what is in the spool then.
    pub(crate) fn entries(&mut self, outcome: &Outcome) -> Vec<TelemetryEntry> {
        self.close(outcome);
        entries(&spool(&self.home))
    }

    pub(crate) fn spool(&self) -> PathBuf {
        spool(&self.home)
    }
}

pub(crate) fn spool(home: &TempDir) -> PathBuf {
    home.path().join("repo/.swamp/telemetry")
}

/// All entries of a spool: commands first, then calls by job and step.
pub(crate) fn entries(spool: &Path) -> Vec<TelemetryEntry> {
    let mut entries: Vec<TelemetryEntry> = files(spool)
        .iter()
        .map(|name| {
            let text = std::fs::read_to_string(spool.join(name)).unwrap();
            assert!(!text.ends_with('\n'));
            let entry: TelemetryEntry = serde_json::from_str(&text).unwrap();
            assert_eq!(*name, format!("telemetry-{}-{}.json", entry.started_at.date(), entry.id));
            assert_eq!(serde_json::to_string_pretty(&entry).unwrap(), text);
            assert_eq!(
                entry.completed_at.as_millis() - entry.started_at.as_millis(),
                entry.duration_ms
            );
            entry
        })
        .collect();
    entries.sort_by_key(|entry| {
        let context = entry.workflow_context.as_ref();
        context.map(|context| {
            let run = context.workflow_name.clone();
            (run, context.job_name.clone(), context.step_name.clone())
        })
    });
    entries
}

/// The names of a spool's files.
pub(crate) fn files(spool: &Path) -> Vec<String> {
    let Ok(dir) = std::fs::read_dir(spool) else { return Vec::new() };
    let mut names: Vec<String> = dir
        .map(|item| item.unwrap().file_name().into_string().unwrap())
        .filter(|name| !["sessions", "lost", "tally"].contains(&&**name))
        .collect();
    names.sort();
    names
}

/// The names of a spool's journals.
pub(crate) fn journals(spool: &Path) -> Vec<String> {
    files(&spool.join("sessions"))
}

pub(crate) fn run(workflow: &str) -> RunRef {
    RunRef { workflow: WorkflowName::new(workflow), id: RunId::new(format!("run-of-{workflow}")) }
}

pub(crate) fn started(workflow: &str) -> EventKind {
    EventKind::RunStarted {
        workflow_id: WorkflowId::new(format!("id-of-{workflow}")),
        driver: None,
        jobs: Vec::new(),
        log_path: PathBuf::new(),
    }
}

pub(crate) fn job(emitter: &Emitter, name: &str) -> Emitter {
    emitter.for_job(JobName::new(name))
}

pub(crate) fn step(emitter: &Emitter, name: &str) -> Emitter {
    let name = StepName::new(name);
    emitter.for_step(StepRef { template: name.clone(), name, for_each: None })
}

pub(crate) fn item(emitter: &Emitter, name: &str, template: &str, index: usize) -> Emitter {
    emitter.for_step(StepRef {
        name: StepName::new(name),
        template: StepName::new(template),
        for_each: Some(ForEachRef { index, value: format!("item {index}") }),
    })
}

pub(crate) fn call() -> MethodRef {
    MethodRef {
        model: ModelName::new("billing-db"),
        model_type: Some(TypeName::normalised("command/shell")),
        method: MethodName::new("execute"),
        driver: Some(DriverUse { name: "raw".into(), origin: DriverOrigin::Default }),
    }
}

pub(crate) fn executing() -> EventKind {
    EventKind::MethodExecuting(call())
}

pub(crate) fn finished() -> EventKind {
    EventKind::MethodFinished { result: Ok(()) }
}

pub(crate) fn completed() -> EventKind {
    EventKind::StepCompleted { artifacts: Vec::new() }
}

pub(crate) fn failure(category: ErrorCategory, message: &str) -> Failure {
    Failure { message: message.to_owned(), category, fault: Fault::User, phase: Phase::Method }
}

pub(crate) fn failed(failure: Failure, call: Option<MethodRef>) -> EventKind {
    EventKind::StepFailed { failure, allowed: false, call }
}

/// A step whose method takes some time and succeeds.
pub(crate) fn succeeds(rig: &Rig, step: &Emitter, millis: u32) {
    step.emit(executing());
    rig.clock.pass(millis);
    step.emit(finished());
    step.emit(completed());
}

/// A step whose method takes some time and exits with 3.
pub(crate) fn exits_with_3(rig: &Rig, step: &Emitter, millis: u32, allowed: bool) {
    let failure = failure(ErrorCategory::Method, "Command exited with code 3");
    step.emit(executing());
    rig.clock.pass(millis);
    step.emit(EventKind::MethodFinished { result: Err(failure.clone()) });
    step.emit(EventKind::StepFailed { failure, allowed, call: Some(call()) });
}
