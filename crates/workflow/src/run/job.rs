//! The beginning of a job: its `forEach` steps are expanded and all its steps get their place.

use std::borrow::Cow;
use std::sync::Arc;

use swamp_events::{EventKind, ForEachRef, SkipReason, StepRef};
use swamp_expr::{Context, Template};
use swamp_ident::{ErrorCategory, Failure, Fault, Phase, Status, StepName};

use super::progress::StepProgress;
use super::tree::{Crew, Run, State};
use crate::for_each::{self, ForEachError};
use crate::plan::PlanError;
use crate::schedule::not_started;
use crate::steps::{Iteration, StepPlan};

/// Why the steps of a job cannot be known.
#[derive(Debug, thiserror::Error)]
enum JobError {
    #[error("{0}")]
    ForEach(#[from] ForEachError),
    #[error("{0}")]
    Plan(#[from] PlanError),
}

impl Crew<'_, '_> {
    /// Finds out the steps of a job that has begun.
    pub(super) fn begin_job(self, run: &Arc<Run>, job: usize) {
        if run.lock().schedule.stopped().is_some() {
            return self.abandon_job(run, job);
        }
        match self.expand(run, job) {
            Ok((plan, limits)) => {
                self.allow(&limits);
                let mut state = run.lock();
                state.progress.jobs[job].steps = plan
                    .steps
                    .iter()
                    .map(|step| StepProgress::pending(step.reference.name.clone()))
                    .collect();
                let mut effects = self.stop_if_wanted(run, &mut state);
                effects.extend(state.schedule.job_ready(job, plan, limits));
                self.carry_out(run, state, effects);
            }
            Err(error) => self.break_job(run, job, &error),
        }
    }

    fn expand(self, run: &Run, job: usize) -> Result<(StepPlan, Vec<usize>), JobError> {
        let written = &run.workflow.jobs[job];
        let mut iterations = Vec::with_capacity(written.steps.len());
        for step in &written.steps {
            let Some(for_each) = &step.for_each else {
                iterations.push(None);
                continue;
            };
            let context = self.context(run);
            let items = for_each::items(for_each, &context)?;
            let template = Template::parse(step.name.as_str()).map_err(ForEachError::from)?;
            let mut own = Vec::with_capacity(items.len());
            for item in items {
                let context = for_each::with_item(context.clone(), &for_each.item, &item.value);
                let name = item.name(&template, &for_each.item, &context);
                if let Some(message) = name.remark {
                    run.job_emitters[job].emit(EventKind::Warning { message });
                }
                // What it iterates over may be a secret, or hold one. Stars are no good as a name.
                let text = match self.tree.engine.mask(&name.text) {
                    Cow::Borrowed(text) => text.to_owned(),
                    Cow::Owned(masked) => format!("{masked}-{}", item.reference().index),
                };
                own.push(Iteration {
                    name: StepName::new(text),
                    for_each: {
                        let reference = item.reference();
                        let value = self.tree.engine.mask(&reference.value).into_owned();
                        ForEachRef { value, ..reference }
                    },
                    item: item.value,
                });
            }
            iterations.push(Some(own));
        }
        let plan = StepPlan::new(written, iterations)?;
        let limits = plan
            .levels
            .iter()
            .map(|level| {
                let steps = level.iter().map(|&step| &written.steps[plan.steps[step].template]);
                self.tree.request.limits.steps(&run.workflow, written, steps)
            })
            .collect();
        Ok((plan, limits))
    }

    /// What expressions of a run see outside steps.
    pub(super) fn context<'c>(&'c self, run: &Run) -> Context<'c> {
        self.tree
            .engine
            .context()
            .with("inputs", run.inputs_value.clone())
            .with("workflowRunId", run.identity.id.as_str())
    }

    /// Ends a job whose steps cannot be known as failed.
    fn break_job(self, run: &Arc<Run>, job: usize, error: &JobError) {
        let category = match error {
            JobError::ForEach(ForEachError::Expression(error)) => error.category(),
            JobError::ForEach(_) => ErrorCategory::Expression,
            JobError::Plan(_) => ErrorCategory::Arguments,
        };
        let failure = Failure {
            message: error.to_string(),
            category,
            fault: Fault::User,
            phase: Phase::BeforeMethod,
        };
        let mut state = run.lock();
        state.broken_jobs.insert(job, failure);
        skip_as_written(run, &mut state, job, Status::Skipped, &SkipReason::EarlierFailure);
        let mut effects = self.stop_if_wanted(run, &mut state);
        effects.extend(state.schedule.job_broken(job));
        self.carry_out(run, state, effects);
    }

    /// Ends a job of a run that was stopped before the job's steps were known.
    fn abandon_job(self, run: &Arc<Run>, job: usize) {
        let mut state = run.lock();
        if let Some(stop) = state.schedule.stopped() {
            let (status, reason) = not_started(stop);
            skip_as_written(run, &mut state, job, status, &reason);
        }
        let effects = state.schedule.job_stopped(job);
        self.carry_out(run, state, effects);
    }
}

/// Notes and tells that none of the steps of a job as written runs.
fn skip_as_written(run: &Run, state: &mut State, job: usize, status: Status, reason: &SkipReason) {
    let now = run.emitter.now();
    for (progress, step) in
        state.progress.jobs[job].steps.iter_mut().zip(&run.workflow.jobs[job].steps)
    {
        progress.status = status;
        progress.times.completed = Some(now);
        let reference =
            StepRef { name: step.name.clone(), template: step.name.clone(), for_each: None };
        run.job_emitters[job]
            .for_step(reference)
            .emit_at(now, EventKind::StepSkipped { reason: reason.clone() });
    }
}
