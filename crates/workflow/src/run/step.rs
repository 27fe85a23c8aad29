//! A step from its turn to its end.

use std::sync::Arc;

use serde_json::Value;
use swamp_events::{ArtifactRef, DriverUse, Emitter, EventKind, MethodRef};
use swamp_expr::{ExprError, Template};
use swamp_ident::{
    DriverName, DriverOrigin, ErrorCategory, Failure, Fault, JobName, MethodName, ModelName, Phase,
    SpecName, Status,
};
use swamp_model::{
    Call, DataOverride, DriverChoice, MethodFailure, MethodRequest, MethodRun, ReportOutcome,
    StepCall,
};

use super::output::Leavings;
use super::progress::in_step;
use super::summary::Row;
use super::tree::{Crew, Run, skip_step};
use crate::for_each::with_item;
use crate::schedule::not_started;
use crate::schema::{self, GarbageCollection, Step, Task};
use crate::steps::PlannedStep;

/// How a step ended.
pub(super) struct StepEnd {
    pub(super) result: Result<(), Failure>,
    /// The call as far as it was resolved; absent for nested runs.
    pub(super) call: Option<MethodRef>,
    /// The data it stored.
    pub(super) stored: Vec<ArtifactRef>,
    /// What is recorded of it.
    pub(super) leavings: Leavings,
    /// What the workflow summary says about it.
    pub(super) rows: Vec<Row>,
    /// The reports made of it.
    pub(super) reports: Vec<ReportOutcome>,
}

impl StepEnd {
    /// A failure that stored nothing.
    pub(super) fn failed(failure: Failure, call: Option<MethodRef>) -> Self {
        Self {
            result: Err(failure),
            call,
            stored: Vec::new(),
            leavings: Leavings::default(),
            rows: Vec::new(),
            reports: Vec::new(),
        }
    }
}

impl Crew<'_, '_> {
    /// Runs a step whose turn has come.
    pub(super) fn begin_step(self, run: &Arc<Run>, job: usize, step: usize) {
        let mut state = run.lock();
        let effects = self.stop_if_wanted(run, &mut state);
        if let Some(stop) = state.schedule.stopped() {
            let (status, reason) = not_started(stop);
            let now = run.emitter.now();
            skip_step(run, &mut state, (job, step), status, now, EventKind::StepSkipped { reason });
            let mut effects = effects;
            effects.extend(state.schedule.step_ended(job, step, status, false));
            return self.carry_out(run, state, effects);
        }
        let Some(planned) = state.schedule.plan(job).map(|plan| plan.steps[step].clone()) else {
            return;
        };
        let emitter = run.job_emitters[job].for_step(planned.reference.clone());
        let now = emitter.now();
        let progress = &mut state.progress.jobs[job].steps[step];
        progress.status = Status::Running;
        progress.times.started = Some(now);
        state.began = true;
        emitter.emit_at(now, EventKind::StepStarted);
        // Nothing to carry out: only notes that the record has changed.
        self.carry_out(run, state, Vec::new());

        let end = match &run.workflow.jobs[job].steps[planned.template].task {
            Task::ModelMethod { .. } => Some(self.call_method(run, job, &planned, &emitter)),
            Task::Workflow { .. } => self
                .begin_nested(run, (job, step), &planned, &emitter)
                .err()
                .map(|error| StepEnd::failed(error.failure(), None)),
        };
        // A nested run that has begun ends its step itself.
        if let Some(end) = end {
            self.end_step(run, job, step, end);
        }
    }

    /// Notes and tells how a step ended, and lets the run go on.
    pub(super) fn end_step(self, run: &Arc<Run>, job: usize, step: usize, mut end: StepEnd) {
        let Leavings { yaml, artifacts } = std::mem::take(&mut end.leavings);
        let keep = |text: String| (!text.is_empty()).then(|| self.tree.fragments.keep(text));
        let (rest, artifacts) = (keep(in_step(&yaml)), keep(artifacts));

        let mut state = run.lock();
        let Some(planned) = state.schedule.plan(job).map(|plan| plan.steps[step].clone()) else {
            return;
        };
        let emitter = run.job_emitters[job].for_step(planned.reference.clone());
        let allow_failure = run.workflow.jobs[job].steps[planned.template].allow_failure;
        let status = match &end.result {
            Ok(()) => Status::Succeeded,
            Err(failure) => {
                let cause = self.tree.cancelled();
                if cause.is_some_and(|cause| cause.category() == failure.category) {
                    Status::Cancelled
                } else {
                    Status::Failed
                }
            }
        };
        let allowed = allow_failure && status == Status::Failed;
        let mut effects = self.stop_if_wanted(run, &mut state);
        let now = emitter.now();
        let progress = &mut state.progress.jobs[job].steps[step];
        progress.status = status;
        progress.times.completed = Some(now);
        progress.allowed = allowed;
        progress.driver = end.call.as_ref().and_then(|call| call.driver.clone());
        progress.rest = rest;
        progress.artifacts = artifacts;
        progress.rows = end.rows;
        for row in progress.rows.iter_mut().filter(|row| row.status == Status::Running) {
            row.status = status;
        }
        if let Err(failure) = &end.result {
            progress.error = Some(failure.message.as_str().into());
            if status == Status::Failed && !allowed && state.first_failure.is_none() {
                let job = run.workflow.jobs[job].name.clone();
                state.first_failure = Some((job, planned.reference.name.clone(), failure.clone()));
            }
        }
        if self.tree.request.keep_reports && run.depth() == 0 {
            state.reports.extend(end.reports);
        }
        let kind = match end.result {
            Ok(()) => EventKind::StepCompleted { artifacts: end.stored },
            Err(failure) => EventKind::StepFailed { failure, allowed, call: end.call },
        };
        emitter.emit_at(now, kind);
        effects.extend(state.schedule.step_ended(job, step, status, allowed));
        self.carry_out(run, state, effects);
    }

    fn call_method(
        self,
        run: &Run,
        job: usize,
        planned: &PlannedStep,
        emitter: &Emitter,
    ) -> StepEnd {
        let request = match self.method_request(run, job, planned) {
            Ok(request) => request,
            Err(end) => return *end,
        };
        let name = &run.workflow.jobs[job].name;
        match self.tree.engine.run_method(&request, emitter) {
            Ok(done) => completed(&request.model, done, name, planned),
            Err(failure) => failed(*failure, name, planned),
        }
    }

    fn method_request(
        self,
        run: &Run,
        job: usize,
        planned: &PlannedStep,
    ) -> Result<MethodRequest, Box<StepEnd>> {
        let step = &run.workflow.jobs[job].steps[planned.template];
        let drivers = drivers(self.tree.request.driver.as_ref(), run, job, step);
        let Task::ModelMethod { model, method, .. } = &step.task else {
            unreachable!("only steps that call methods come here")
        };
        let resolved = (self.step_text(run, planned, step, model))
            .and_then(|model| Ok((model, self.step_text(run, planned, step, method)?)));
        let (model, method) = resolved.map_err(|error| {
            let failure = Failure {
                message: error.render(),
                category: error.category(),
                fault: Fault::User,
                phase: Phase::BeforeMethod,
            };
            let call = MethodRef {
                model: ModelName::new(model),
                model_type: None,
                method: MethodName::new(method),
                driver: drivers
                    .first()
                    .map(|driver| DriverUse { name: driver.name.clone(), origin: driver.origin }),
            };
            Box::new(StepEnd::failed(failure, Some(call)))
        })?;
        let call = StepCall {
            workflow_id: run.identity.workflow_id.clone(),
            workflow: run.identity.workflow_name.clone(),
            run_id: run.identity.id.clone(),
            job: run.workflow.jobs[job].name.clone(),
            step: planned.reference.name.clone(),
            workflow_tags: pairs(&run.workflow.tags),
            log_file: run.log_path.clone(),
            inputs: Arc::clone(&run.inputs),
            task_inputs: run.task_inputs(job, planned.template).cloned().unwrap_or_default(),
            item: step
                .for_each
                .as_ref()
                .zip(planned.item.clone())
                .map(|(for_each, value)| (for_each.item.clone(), value)),
        };
        let mut request =
            MethodRequest::new(model, MethodName::new(method), Call::Step(Box::new(call)));
        request.drivers = drivers;
        request.tags.clone_from(&self.tree.request.tags);
        request.checks.clone_from(&self.tree.request.checks);
        request.reports.clone_from(&self.tree.request.reports);
        request.last_evaluated = run.from_copy;
        request.overrides = step.data_output_overrides.iter().map(data_override).collect();
        Ok(request)
    }

    /// A text of a step in which expressions may still have been left.
    pub(super) fn step_text(
        self,
        run: &Run,
        planned: &PlannedStep,
        step: &Step,
        text: &str,
    ) -> Result<String, ExprError> {
        if !Template::is_template(text) {
            return Ok(text.to_owned());
        }
        let mut context = self.context(run);
        if let Some((for_each, item)) = step.for_each.as_ref().zip(planned.item.as_ref()) {
            context = with_item(context, &for_each.item, item);
        }
        match Template::parse(text)?.evaluate(&context)? {
            Value::String(text) => Ok(text),
            other => swamp_expr::Value::from_json(&other).to_text(),
        }
    }
}

fn completed(model: &str, done: MethodRun, job: &JobName, planned: &PlannedStep) -> StepEnd {
    let leavings = match Leavings::of_method(model, &done) {
        Ok(leavings) => leavings,
        Err(error) => {
            let failure = Failure {
                message: format!("the data of the step cannot be read back: {error}"),
                category: ErrorCategory::Internal,
                fault: Fault::Internal,
                phase: Phase::AfterMethod,
            };
            return StepEnd::failed(failure, Some(done.call));
        }
    };
    let stored: Vec<ArtifactRef> =
        done.artifacts.into_iter().map(|stored| stored.artifact).collect();
    let rows = vec![row(job, planned, &done.call, &stored, Status::Succeeded)];
    StepEnd {
        result: Ok(()),
        call: Some(done.call),
        stored,
        leavings,
        rows,
        reports: done.reports.unwrap_or_default(),
    }
}

fn failed(failure: MethodFailure, job: &JobName, planned: &PlannedStep) -> StepEnd {
    let stored: Vec<ArtifactRef> =
        failure.artifacts.into_iter().map(|stored| stored.artifact).collect();
    // Whether it counts as failed or cancelled is known when the step ends.
    let found = failure.call.model_type.is_some();
    let rows = found.then(|| row(job, planned, &failure.call, &stored, Status::Running));
    StepEnd {
        result: Err(failure.failure),
        call: Some(failure.call),
        leavings: Leavings::of_failure(&stored),
        stored,
        rows: rows.into_iter().collect(),
        reports: failure.reports,
    }
}

fn row(
    job: &JobName,
    planned: &PlannedStep,
    call: &MethodRef,
    stored: &[ArtifactRef],
    status: Status,
) -> Row {
    Row {
        job: job.clone(),
        step: planned.reference.name.clone(),
        call: call.clone(),
        status,
        commands: Row::commands(call, stored.iter().map(|stored| stored.name.as_str())),
    }
}

/// Drivers asked for around a method, strongest first.
pub(super) fn drivers(
    command_line: Option<&DriverName>,
    run: &Run,
    job: usize,
    step: &Step,
) -> Vec<DriverChoice> {
    let command_line = command_line.map(|name| DriverChoice {
        name: name.clone(),
        config: None,
        origin: DriverOrigin::CommandLine,
    });
    let levels = driver_levels(&run.workflow, &run.workflow.jobs[job], step);
    command_line.into_iter().chain(levels).chain(run.outer_drivers.iter().cloned()).collect()
}

/// Drivers asked for at a step, its job and its workflow, strongest first.
pub(crate) fn driver_levels<'a>(
    workflow: &'a schema::Workflow,
    job: &'a schema::Job,
    step: &'a Step,
) -> impl Iterator<Item = DriverChoice> + use<'a> {
    let levels = [
        (&step.driver, DriverOrigin::Step),
        (&job.driver, DriverOrigin::Job),
        (&workflow.driver, DriverOrigin::Workflow),
    ];
    levels.into_iter().filter_map(|(choice, origin)| {
        let choice = choice.as_ref()?;
        let name = DriverName::new(choice.name.as_ref()?);
        Some(DriverChoice { name, config: choice.config.clone(), origin })
    })
}

fn data_override(written: &schema::DataOutputOverride) -> DataOverride {
    DataOverride {
        spec: SpecName::new(&written.spec_name),
        lifetime: written.lifetime.clone(),
        garbage_collection: written.garbage_collection.as_ref().map(|policy| match policy {
            GarbageCollection::Versions(count) => Value::from(*count),
            GarbageCollection::Age(age) => Value::from(age.as_str()),
        }),
        tags: written.tags.as_ref().map(pairs).unwrap_or_default(),
        vary: written.vary.clone().unwrap_or_default(),
    }
}

/// Tags in their order.
pub(super) fn pairs(tags: &indexmap::IndexMap<String, String>) -> Vec<(String, String)> {
    tags.iter().map(|(key, tag)| (key.clone(), tag.clone())).collect()
}
