//! A run with all runs nested in it, and the threads that carry it out.
//!
//! Each run has a [`Schedule`] that decides and a [`Progress`] that remembers, under one lock.
//! Threads of the pool perform [`Task`]s without that lock, report the end of a step under it, and
//! carry out what the schedule answers: events are emitted under the lock, so the order in which
//! consumers see them is the order in which things were decided. The thread that asked for the run
//! looks after it: it saves records that have changed, watches the deadline, and passes on the
//! request to stop.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Scope;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use swamp_events::{Emitter, EventKind, RunRef, RunTotals};
use swamp_ident::{
    CancelCause, Failure, JobName, Moment, Status, StepName, WorkflowId, WorkflowName,
};
use swamp_model::{DriverChoice, Engine, ReportOutcome};
use swamp_store::{StoreError, atomic};

use super::bell::Bell;
use super::fragments::Fragments;
use super::pool::Pool;
use super::progress::{Identity, Progress};
use super::request::RunRequest;
use crate::library::Library;
use crate::schedule::{Effect, Schedule, Stop};
use crate::schema::Workflow;

/// At least this long between two writes of a record while its run goes on.
const BETWEEN_SAVES: Duration = Duration::from_millis(500);
/// Writing a record may take this part of the time at most.
const SHARE_OF_SAVES: u32 = 20;

/// What all runs of a tree have in common.
pub(super) struct Tree<'e> {
    pub(super) engine: &'e Engine,
    pub(super) request: &'e RunRequest,
    pub(super) library: Library<'e>,
    pub(super) fragments: Fragments,
    pool: Pool<Task>,
    bell: Bell,
    deadline: Option<Instant>,
    /// Runs that have begun and not ended.
    live: Mutex<Vec<Arc<Run>>>,
    /// The first record that could not be written.
    broken: Mutex<Option<StoreError>>,
    is_broken: AtomicBool,
    ended: Mutex<Option<Ended>>,
}

/// How the outermost run ended.
pub(super) struct Ended {
    pub(super) run: Arc<Run>,
    pub(super) status: Status,
    pub(super) totals: RunTotals,
    pub(super) error: Option<Failure>,
    /// A bug: what a thread died of.
    panic: Option<Box<dyn std::any::Any + Send>>,
}

/// Something for a thread to do.
pub(super) enum Task {
    /// Find out the steps of a job.
    Job(Arc<Run>, usize),
    /// Run a step.
    Step(Arc<Run>, usize, usize),
}

/// A run.
pub(super) struct Run {
    pub(super) identity: Identity,
    pub(super) reference: RunRef,
    /// The evaluated workflow.
    pub(super) workflow: Workflow,
    /// `task.inputs` as they were written, where they held expressions.
    written_inputs: HashMap<(usize, usize), Map<String, Value>>,
    /// Whether the workflow was read from its evaluated copy.
    pub(super) from_copy: bool,
    pub(super) inputs: Arc<Map<String, Value>>,
    pub(super) inputs_value: swamp_expr::Value,
    pub(super) emitter: Emitter,
    pub(super) job_emitters: Vec<Emitter>,
    pub(super) record_path: PathBuf,
    pub(super) log_path: PathBuf,
    /// Drivers chosen around this run, strongest first.
    pub(super) outer_drivers: Vec<DriverChoice>,
    /// The workflows around this one and itself, outermost first.
    pub(super) lineage: Vec<(WorkflowId, WorkflowName)>,
    pub(super) parent: Option<Parent>,
    pub(super) state: Mutex<State>,
    saving: Mutex<Saving>,
    changed: AtomicBool,
}

/// The step that a nested run is.
pub(super) struct Parent {
    pub(super) run: Arc<Run>,
    pub(super) job: usize,
    pub(super) step: usize,
    /// The workflow as the step calls it.
    pub(super) reference: String,
}

/// What changes while a run goes on.
pub(super) struct State {
    pub(super) schedule: Schedule,
    pub(super) progress: Progress,
    /// Whether any step has begun.
    pub(super) began: bool,
    /// The first step that failed without that being allowed.
    pub(super) first_failure: Option<(JobName, StepName, Failure)>,
    /// Why jobs failed whose steps could not be known, by job.
    pub(super) broken_jobs: HashMap<usize, Failure>,
    pub(super) reports: Vec<ReportOutcome>,
}

struct Saving {
    not_before: Instant,
}

impl Run {
    #[expect(clippy::too_many_arguments, reason = "called once, with what a run is made of")]
    pub(super) fn new(
        identity: Identity,
        workflow: Workflow,
        written_inputs: HashMap<(usize, usize), Map<String, Value>>,
        from_copy: bool,
        inputs: Map<String, Value>,
        emitter: Emitter,
        paths: (PathBuf, PathBuf),
        outer_drivers: Vec<DriverChoice>,
        parent: Option<Parent>,
        state: State,
    ) -> Self {
        let (record_path, log_path) = paths;
        let lineage = parent.iter().flat_map(|parent| parent.run.lineage.iter().cloned());
        let own = (identity.workflow_id.clone(), identity.workflow_name.clone());
        Self {
            reference: RunRef { workflow: identity.workflow_name.clone(), id: identity.id.clone() },
            job_emitters: workflow
                .jobs
                .iter()
                .map(|job| emitter.for_job(job.name.clone()))
                .collect(),
            inputs_value: crate::prepare::inputs_value(&inputs),
            inputs: Arc::new(inputs),
            lineage: lineage.chain([own]).collect(),
            identity,
            workflow,
            written_inputs,
            from_copy,
            emitter,
            record_path,
            log_path,
            outer_drivers,
            parent,
            state: Mutex::new(state),
            saving: Mutex::new(Saving { not_before: Instant::now() }),
            changed: AtomicBool::new(false),
        }
    }

    /// `task.inputs` of a step as written.
    pub(super) fn task_inputs(&self, job: usize, step: usize) -> Option<&Map<String, Value>> {
        let evaluated = || self.workflow.jobs[job].steps[step].task.inputs();
        self.written_inputs.get(&(job, step)).or_else(evaluated)
    }

    /// How many runs are around this one.
    pub(super) fn depth(&self) -> usize {
        self.lineage.len() - 1
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Writes the record as it is now.
    pub(super) fn save(&self) -> Result<(), StoreError> {
        // Whoever comes later writes later: the last writer is the one that knows most.
        let mut saving = lock(&self.saving);
        self.changed.store(false, Ordering::Release);
        let begin = Instant::now();
        let record = self.lock().progress.record(&self.identity);
        atomic::write_quick_with(&self.record_path, |writer| record.write_to(writer))?;
        let end = Instant::now();
        saving.not_before = end + BETWEEN_SAVES.max((end - begin) * SHARE_OF_SAVES);
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A thread that panics ends the whole run; what it leaves is only looked at for that.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'e> Tree<'e> {
    pub(super) fn new(
        engine: &'e Engine,
        request: &'e RunRequest,
        library: Library<'e>,
        bell: Bell,
        deadline: Option<Instant>,
    ) -> Self {
        let fragments = Fragments::new(engine.parts().repository.paths().workflow_runs());
        Self {
            engine,
            request,
            library,
            fragments,
            pool: Pool::new(request.limits.usual()),
            bell,
            deadline,
            live: Mutex::new(Vec::new()),
            broken: Mutex::new(None),
            is_broken: AtomicBool::new(false),
            ended: Mutex::new(None),
        }
    }

    /// Why nothing must be started any more, if so.
    fn stop(&self) -> Option<Stop> {
        if self.is_broken.load(Ordering::Acquire) {
            return Some(Stop::Broken);
        }
        self.cancelled().map(Stop::Cancelled)
    }

    pub(super) fn cancelled(&self) -> Option<CancelCause> {
        self.engine.parts().cancel.cause()
    }

    /// The record that could not be written, if that is what ended the run.
    pub(super) fn into_broken(self) -> Option<StoreError> {
        self.broken.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn break_off(&self, error: StoreError) {
        lock(&self.broken).get_or_insert(error);
        self.is_broken.store(true, Ordering::Release);
        self.bell.ring();
    }

    /// Notes that a run's record is no longer as on disk.
    fn note_change(&self, run: &Run) {
        if !run.changed.swap(true, Ordering::AcqRel) {
            self.bell.ring();
        }
    }

    /// Saves what has changed and may be written now; says when the next may be.
    fn save_changed(&self) -> Option<Instant> {
        let live: Vec<Arc<Run>> = lock(&self.live).clone();
        let mut next: Option<Instant> = None;
        for run in live.iter().filter(|run| run.changed.load(Ordering::Acquire)) {
            let not_before = lock(&run.saving).not_before;
            if not_before > Instant::now() {
                next = Some(next.map_or(not_before, |next| next.min(not_before)));
            } else if let Err(error) = run.save() {
                self.break_off(error);
            }
        }
        next
    }
}

/// The threads of a tree and what they work on.
#[derive(Clone, Copy)]
pub(super) struct Crew<'scope, 'env> {
    pub(super) tree: &'env Tree<'env>,
    threads: &'scope Scope<'scope, 'env>,
}

impl<'scope, 'env> Crew<'scope, 'env> {
    pub(super) fn new(tree: &'env Tree<'env>, threads: &'scope Scope<'scope, 'env>) -> Self {
        Self { tree, threads }
    }

    /// Lets a run whose record is written begin.
    pub(super) fn begin(self, run: &Arc<Run>) {
        lock(&self.tree.live).push(Arc::clone(run));
        let mut state = run.lock();
        let effects = state.schedule.begin();
        self.carry_out(run, state, effects);
    }

    /// Looks after the tree until its outermost run has ended.
    pub(super) fn look_after(self) -> Ended {
        let tree = self.tree;
        let cancel = &tree.engine.parts().cancel;
        let mut stopped = false;
        loop {
            if let Some(ended) = lock(&tree.ended).take() {
                tree.pool.close();
                if let Some(panic) = ended.panic {
                    self.wreck();
                    resume_unwind(panic);
                }
                return ended;
            }
            let next_save = tree.save_changed();
            if !stopped && tree.stop().is_some() {
                stopped = true;
                let live: Vec<Arc<Run>> = lock(&tree.live).clone();
                for run in live {
                    self.pass_on_stop(&run);
                }
                continue;
            }
            if !tree.pool.is_manned() {
                // No thread could be had: this one has to do.
                while let Some(task) = tree.pool.take() {
                    self.perform(task);
                }
            }
            let now = Instant::now();
            let deadline = tree.deadline.filter(|_| tree.cancelled().is_none());
            if deadline.is_some_and(|deadline| deadline <= now) {
                cancel.cancel(CancelCause::Deadline);
                continue;
            }
            let wake = next_save.into_iter().chain(deadline).min();
            let limit = wake.map(|wake| wake.saturating_duration_since(now));
            let watched = (!stopped).then_some(cancel as &dyn std::os::fd::AsFd);
            tree.bell.wait(watched, limit);
        }
    }

    /// After a panic: stops what runs, starts nothing more, and leaves no record that says "running".
    fn wreck(self) {
        let tree = self.tree;
        tree.is_broken.store(true, Ordering::Release);
        tree.engine.parts().cancel.cancel(CancelCause::Terminate);
        while tree.pool.take().is_some() {}
        let live: Vec<Arc<Run>> = lock(&tree.live).clone();
        for run in live {
            run.lock().progress.give_up("swamp itself failed during this run", run.emitter.now());
            // The panic is the news; that its trace cannot be written is none beside it.
            drop(run.save());
        }
    }

    fn pass_on_stop(self, run: &Arc<Run>) {
        let mut state = run.lock();
        let effects = self.stop_if_wanted(run, &mut state);
        self.carry_out(run, state, effects);
    }

    /// Stops a run's schedule if nothing is to be started any more; tells that it is so, once.
    pub(super) fn stop_if_wanted(self, run: &Run, state: &mut State) -> Vec<Effect> {
        let Some(stop) = self.tree.stop() else { return Vec::new() };
        if state.schedule.stopped().is_some() || state.schedule.has_ended() {
            return Vec::new();
        }
        if let Stop::Cancelled(cause) = stop {
            run.emitter.emit(EventKind::Cancelled { cause });
        }
        state.schedule.stop(stop)
    }

    /// Does what a schedule wants, in order. Takes the lock with it: the end of the run is handled
    /// without it.
    pub(super) fn carry_out(
        self,
        run: &Arc<Run>,
        mut state: MutexGuard<'_, State>,
        effects: Vec<Effect>,
    ) {
        let mut ended = None;
        for effect in effects {
            let now = run.emitter.now();
            match effect {
                Effect::JobStarts(job) => {
                    let progress = &mut state.progress.jobs[job];
                    progress.status = Status::Running;
                    progress.times.started = Some(now);
                    run.job_emitters[job].emit_at(now, EventKind::JobStarted);
                    self.hand_in(run, Task::Job(Arc::clone(run), job));
                }
                Effect::JobSkipped(job, status, reason) => {
                    let progress = &mut state.progress.jobs[job];
                    progress.status = status;
                    progress.times.completed = Some(now);
                    for step in &mut progress.steps {
                        step.status = status;
                        step.times.completed = Some(now);
                    }
                    let kind = EventKind::JobSkipped { reason, steps: progress.steps.len() };
                    run.job_emitters[job].emit_at(now, kind);
                }
                Effect::StepStarts(job, step) => {
                    self.hand_in(run, Task::Step(Arc::clone(run), job, step));
                }
                Effect::StepSkipped(job, step, status, reason) => {
                    let kind = EventKind::StepSkipped { reason };
                    skip_step(run, &mut state, (job, step), status, now, kind);
                }
                Effect::JobEnded(job, status) => {
                    let error = state.broken_jobs.get(&job).cloned();
                    let progress = &mut state.progress.jobs[job];
                    progress.status = status;
                    progress.times.completed = Some(now);
                    progress.error = error.as_ref().map(|error| error.message.clone());
                    let kind = EventKind::JobCompleted { status, error };
                    run.job_emitters[job].emit_at(now, kind);
                }
                Effect::RunEnded(status) => ended = Some((status, now)),
            }
        }
        drop(state);
        match ended {
            Some((status, now)) => self.finish(run, status, now),
            None => self.tree.note_change(run),
        }
    }

    fn hand_in(self, run: &Run, task: Task) {
        self.tree.pool.push(self.threads, run.depth(), task, move |task| self.perform(task));
    }

    /// Allows as many threads as a level may use.
    pub(super) fn allow(self, limits: &[usize]) {
        if let Some(&most) = limits.iter().max() {
            self.tree.pool.allow(most);
        }
    }

    fn perform(self, task: Task) {
        let run = match &task {
            Task::Job(run, _) | Task::Step(run, ..) => Arc::clone(run),
        };
        let performed = catch_unwind(AssertUnwindSafe(|| match task {
            Task::Job(run, job) => self.begin_job(&run, job),
            Task::Step(run, job, step) => self.begin_step(&run, job, step),
        }));
        if let Err(panic) = performed {
            self.end_tree(Ended {
                run,
                status: Status::Failed,
                totals: RunTotals::default(),
                error: None,
                panic: Some(panic),
            });
        }
    }

    /// The end of the outermost run.
    pub(super) fn end_tree(self, ended: Ended) {
        lock(&self.tree.ended).get_or_insert(ended);
        self.tree.bell.ring();
    }

    /// Writes a run's record for the last time; a record that cannot be written ends the tree.
    pub(super) fn save_last(self, run: &Arc<Run>) {
        lock(&self.tree.live).retain(|other| !Arc::ptr_eq(other, run));
        if let Err(error) = run.save() {
            self.tree.break_off(error);
        }
    }

    /// What is wrong with the tree as a whole.
    pub(super) fn broken(self) -> Option<String> {
        lock(&self.tree.broken).as_ref().map(ToString::to_string)
    }
}

impl Ended {
    pub(super) fn new(
        run: Arc<Run>,
        status: Status,
        totals: RunTotals,
        error: Option<Failure>,
    ) -> Self {
        Self { run, status, totals, error, panic: None }
    }
}

/// Notes and tells that a step does not run.
pub(super) fn skip_step(
    run: &Run,
    state: &mut State,
    (job, step): (usize, usize),
    status: Status,
    now: Moment,
    kind: EventKind,
) {
    let progress = &mut state.progress.jobs[job].steps[step];
    progress.status = status;
    progress.times.completed = Some(now);
    if let Some(plan) = state.schedule.plan(job) {
        let reference = plan.steps[step].reference.clone();
        run.job_emitters[job].for_step(reference).emit_at(now, kind);
    }
}
