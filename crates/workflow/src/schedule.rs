//! What happens next in a run: a state machine without clocks, files or threads.
//!
//! The executor tells it what happened (the run begins, a job's steps are known, a step ended, the
//! run has to stop) and carries out the [`Effect`]s it answers with, in order. Everything about
//! levels, limits, conditions and final statuses is decided here, so that it can be tested with any
//! graph and any order of events.
//!
//! * A level begins when everything of the level before has ended. Inside a level things start in
//!   order, as many at a time as the limit allows.
//! * Conditions are looked at when a thing's turn comes.
//! * Once a step has failed and that was not allowed, the rest of its job's level still runs. Of the
//!   levels after it only those steps run whose conditions hold and that are meant for trouble: one
//!   of their conditions accepts something that went wrong, or they wait for a step that ran for
//!   this reason. The others are skipped.
//! * Once the run has to stop, nothing starts any more; what runs is waited for.
//! * Every job and step ends in exactly one terminal status, and the run ends after all of them.

use std::collections::VecDeque;

use swamp_events::SkipReason;
use swamp_ident::{CancelCause, Status};

use crate::Condition;
use crate::steps::{Awaited, StepPlan, Target};

/// What the executor has to do, in order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Effect {
    /// The job begins; its steps are wanted: answer with [`Schedule::job_ready`] or
    /// [`Schedule::job_broken`].
    JobStarts(usize),
    /// The job will not run, nor will its steps.
    JobSkipped(usize, Status, SkipReason),
    /// Run a step: answer with [`Schedule::step_ended`].
    StepStarts(usize, usize),
    /// A step will not run.
    StepSkipped(usize, usize, Status, SkipReason),
    /// The job is at its end.
    JobEnded(usize, Status),
    /// The run is at its end.
    RunEnded(Status),
}

/// Why a run stops before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Somebody asked for it.
    Cancelled(CancelCause),
    /// It cannot go on.
    Broken,
}

/// A dependency of a job.
#[derive(Clone, Debug)]
pub(crate) struct AwaitedJob {
    /// The name as written.
    pub(crate) on: String,
    pub(crate) condition: Condition,
    /// The job; nothing for a name that nobody has.
    pub(crate) job: Option<usize>,
}

/// The state of a run.
#[derive(Debug)]
pub(crate) struct Schedule {
    jobs: Vec<JobState>,
    levels: Vec<Vec<usize>>,
    next_level: usize,
    queue: VecDeque<usize>,
    running: usize,
    limit: usize,
    stop: Option<Stop>,
    ended: bool,
}

#[derive(Debug)]
struct JobState {
    status: Status,
    awaited: Vec<AwaitedJob>,
    /// Known once the job has begun.
    plan: Option<StepPlan>,
    steps: Vec<StepState>,
    limits: Vec<usize>,
    next_level: usize,
    queue: VecDeque<usize>,
    running: usize,
    limit: usize,
    /// Whether a step has failed and that was not allowed.
    failed: bool,
    /// The same, as it was when the current level began.
    in_trouble: bool,
    /// Whether the run was stopped before the steps were known.
    stopped: bool,
}

#[derive(Clone, Copy, Debug)]
struct StepState {
    status: Status,
    /// Whether it ran because of a failure before it.
    for_trouble: bool,
}

impl Schedule {
    /// A run of jobs in these levels, so many at a time.
    pub(crate) fn new(
        awaited: Vec<Vec<AwaitedJob>>,
        levels: Vec<Vec<usize>>,
        limit: usize,
    ) -> Self {
        let jobs = awaited.into_iter().map(|awaited| JobState {
            status: Status::Pending,
            awaited,
            plan: None,
            steps: Vec::new(),
            limits: Vec::new(),
            next_level: 0,
            queue: VecDeque::new(),
            running: 0,
            limit: 1,
            failed: false,
            in_trouble: false,
            stopped: false,
        });
        Self {
            jobs: jobs.collect(),
            levels,
            next_level: 0,
            queue: VecDeque::new(),
            running: 0,
            limit: limit.max(1),
            stop: None,
            ended: false,
        }
    }

    /// Begins the run.
    pub(crate) fn begin(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.advance(&mut effects);
        effects
    }

    /// The job's steps are known; `limits` has one entry per level of `plan`.
    pub(crate) fn job_ready(
        &mut self,
        job: usize,
        plan: StepPlan,
        limits: Vec<usize>,
    ) -> Vec<Effect> {
        let mut effects = Vec::new();
        let state = &mut self.jobs[job];
        state.steps =
            vec![StepState { status: Status::Pending, for_trouble: false }; plan.steps.len()];
        state.plan = Some(plan);
        state.limits = limits;
        self.advance_job(job, &mut effects);
        effects
    }

    /// The job's steps cannot be known: it ends as failed.
    pub(crate) fn job_broken(&mut self, job: usize) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.jobs[job].failed = true;
        self.end_job(job, &mut effects);
        effects
    }

    /// The run was stopped before the job's steps were known: none of them runs.
    pub(crate) fn job_stopped(&mut self, job: usize) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.jobs[job].stopped = true;
        self.end_job(job, &mut effects);
        effects
    }

    /// The steps of a job that has begun.
    pub(crate) fn plan(&self, job: usize) -> Option<&StepPlan> {
        self.jobs[job].plan.as_ref()
    }

    /// A step ended, as `Succeeded`, `Failed` or `Cancelled`; or it was not begun because the run
    /// was stopped, and has the status that goes with that.
    pub(crate) fn step_ended(
        &mut self,
        job: usize,
        step: usize,
        status: Status,
        allowed: bool,
    ) -> Vec<Effect> {
        let mut effects = Vec::new();
        let state = &mut self.jobs[job];
        state.steps[step].status = status;
        state.running -= 1;
        state.failed |= status == Status::Failed && !allowed;
        self.advance_job(job, &mut effects);
        effects
    }

    /// Nothing is started any more. What has not begun ends now.
    pub(crate) fn stop(&mut self, stop: Stop) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.stop.is_some() || self.ended {
            return effects;
        }
        self.stop = Some(stop);
        for job in 0..self.jobs.len() {
            if self.jobs[job].status == Status::Running && self.jobs[job].plan.is_some() {
                self.advance_job(job, &mut effects);
            }
        }
        if !self.ended {
            self.advance(&mut effects);
        }
        effects
    }

    /// Whether nothing is started any more, and why.
    pub(crate) fn stopped(&self) -> Option<Stop> {
        self.stop
    }

    /// Whether everything is at its end.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Starts jobs until the level is exhausted or the limit reached; begins levels; ends the run.
    fn advance(&mut self, effects: &mut Vec<Effect>) {
        loop {
            while self.running < self.limit || self.stop.is_some() {
                let Some(job) = self.queue.pop_front() else { break };
                self.begin_job(job, effects);
            }
            if self.running > 0 || !self.queue.is_empty() {
                return;
            }
            let Some(level) = self.levels.get(self.next_level) else { break };
            self.next_level += 1;
            self.queue.extend(level);
        }
        if !self.ended {
            self.ended = true;
            effects.push(Effect::RunEnded(self.run_status()));
        }
    }

    fn begin_job(&mut self, job: usize, effects: &mut Vec<Effect>) {
        let skipped = match self.stop {
            Some(stop) => Some(not_started(stop)),
            None => self.unmet(job).map(|reason| (Status::Skipped, reason)),
        };
        if let Some((status, reason)) = skipped {
            self.jobs[job].status = status;
            effects.push(Effect::JobSkipped(job, status, reason));
        } else {
            self.jobs[job].status = Status::Running;
            self.running += 1;
            effects.push(Effect::JobStarts(job));
        }
    }

    /// The first condition of a job that does not hold.
    fn unmet(&self, job: usize) -> Option<SkipReason> {
        let unmet = self.jobs[job]
            .awaited
            .iter()
            .find(|awaited| !awaited.condition.holds(awaited.job.map(|on| self.jobs[on].status)))?;
        Some(SkipReason::Condition { on: unmet.on.clone(), condition: unmet.condition.to_string() })
    }

    /// Starts steps of a job until its level is exhausted or the limit reached; begins levels; ends
    /// the job.
    fn advance_job(&mut self, job: usize, effects: &mut Vec<Effect>) {
        let stopped = self.stop;
        let state = &mut self.jobs[job];
        loop {
            while state.running < state.limit || stopped.is_some() {
                let Some(step) = state.queue.pop_front() else { break };
                let skipped = match stopped {
                    Some(why) => Some(not_started(why)),
                    None => state.reason_to_skip(step).map(|reason| (Status::Skipped, reason)),
                };
                if let Some((status, reason)) = skipped {
                    state.steps[step].status = status;
                    effects.push(Effect::StepSkipped(job, step, status, reason));
                } else {
                    state.steps[step].status = Status::Running;
                    state.running += 1;
                    effects.push(Effect::StepStarts(job, step));
                }
            }
            if state.running > 0 || !state.queue.is_empty() {
                return;
            }
            let levels = state.plan.as_ref().map_or(&[][..], |plan| &plan.levels);
            let Some(level) = levels.get(state.next_level) else { break };
            state.queue.extend(level);
            state.limit = state.limits.get(state.next_level).copied().unwrap_or(1).max(1);
            state.next_level += 1;
            state.in_trouble = state.failed;
        }
        self.end_job(job, effects);
    }

    fn end_job(&mut self, job: usize, effects: &mut Vec<Effect>) {
        let state = &mut self.jobs[job];
        if state.status != Status::Running {
            return;
        }
        let broken = state.stopped && self.stop == Some(Stop::Broken);
        state.status = if state.failed || broken {
            Status::Failed
        } else if state.stopped || state.steps.iter().any(|step| step.status == Status::Cancelled) {
            Status::Cancelled
        } else {
            Status::Succeeded
        };
        effects.push(Effect::JobEnded(job, state.status));
        self.running -= 1;
        self.advance(effects);
    }

    fn run_status(&self) -> Status {
        let any = |status| self.jobs.iter().any(|job| job.status == status);
        let cancelled = self.jobs.iter().any(|job| {
            job.status == Status::Cancelled
                || job.steps.iter().any(|step| step.status == Status::Cancelled)
        });
        if self.stop == Some(Stop::Broken) {
            Status::Failed
        } else if cancelled {
            Status::Cancelled
        } else if any(Status::Failed) {
            Status::Failed
        } else {
            Status::Succeeded
        }
    }
}

/// How things end that a stopped run never starts.
pub(crate) fn not_started(stop: Stop) -> (Status, SkipReason) {
    match stop {
        Stop::Cancelled(cause) => (Status::Cancelled, SkipReason::Cancelled(cause)),
        Stop::Broken => (Status::Skipped, SkipReason::EarlierFailure),
    }
}

impl JobState {
    /// Why a step whose turn has come does not run. Notes if it runs because of a failure.
    fn reason_to_skip(&mut self, step: usize) -> Option<SkipReason> {
        let plan = self.plan.as_ref()?;
        let awaited = &plan.awaited[plan.steps[step].template];
        let unmet =
            awaited.iter().find(|awaited| !awaited.condition.holds(self.status_of(awaited)));
        if let Some(unmet) = unmet {
            return Some(SkipReason::Condition {
                on: unmet.on.clone(),
                condition: unmet.condition.to_string(),
            });
        }
        if self.in_trouble {
            let meant = awaited.iter().any(|awaited| {
                awaited.condition.expects_trouble()
                    || steps_of(plan, awaited).any(|step| self.steps[step].for_trouble)
            });
            if !meant {
                return Some(SkipReason::EarlierFailure);
            }
            self.steps[step].for_trouble = true;
        }
        None
    }

    /// The status of what a dependency names. Of several steps, failed beats cancelled beats
    /// skipped beats succeeded; `None` when nobody has the name.
    fn status_of(&self, awaited: &Awaited) -> Option<Status> {
        let plan = self.plan.as_ref()?;
        let statuses = awaited.targets.iter().map(|target| match target {
            Target::Template(template) => self.status_of_template(plan, *template),
            Target::Iteration(step) => self.steps[*step].status,
        });
        combined(statuses)
    }

    /// A `forEach` step without items succeeds at nothing, if its conditions let it.
    fn status_of_template(&self, plan: &StepPlan, template: usize) -> Status {
        let iterations = plan.ranges[template].clone();
        combined(iterations.map(|step| self.steps[step].status)).unwrap_or_else(|| {
            let mut awaited = plan.awaited[template].iter();
            let runs = awaited.all(|awaited| awaited.condition.holds(self.status_of(awaited)));
            if runs { Status::Succeeded } else { Status::Skipped }
        })
    }
}

/// All steps that a dependency means.
fn steps_of<'a>(plan: &'a StepPlan, awaited: &'a Awaited) -> impl Iterator<Item = usize> + 'a {
    awaited.targets.iter().flat_map(|target| match target {
        Target::Template(template) => plan.ranges[*template].clone(),
        Target::Iteration(step) => *step..*step + 1,
    })
}

fn combined(statuses: impl Iterator<Item = Status>) -> Option<Status> {
    const WEAKEST_FIRST: [Status; 6] = [
        Status::Succeeded,
        Status::Skipped,
        Status::Cancelled,
        Status::Failed,
        Status::Pending,
        Status::Running,
    ];
    statuses.max_by_key(|status| WEAKEST_FIRST.iter().position(|other| other == status))
}

#[cfg(test)]
mod tests;
