//! What the live tree knows, and how it looks at a moment. No terminal here: a frame is a list of
//! lines.

use std::collections::{HashMap, VecDeque};

use indexmap::IndexMap;
use swamp_events::{EventKind, OutputStream, RunEvent, RunRef, Scope};
use swamp_ident::{JobName, Moment, Status, StepName};

use super::duration;
use super::narrate::{count, counted, skipped};

/// How many of the last lines a step printed are shown when it fails.
const TAIL: usize = 5;

/// How a piece of a line is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Bold,
    Dim,
    Good,
    Bad,
    Busy,
    Remark,
}

/// One line: pieces of text with their tone.
pub(crate) type Line = Vec<(Tone, String)>;

/// The runs of one command.
#[derive(Debug, Default)]
pub(crate) struct TreeState {
    root: Option<RunRef>,
    runs: HashMap<RunRef, Run>,
    /// Lines that stay, in order; taken by [`Self::take_lasting`].
    lasting: Vec<Line>,
    steps_done: usize,
    steps_failed: usize,
    ended: bool,
}

#[derive(Debug)]
struct Run {
    started: Moment,
    jobs: IndexMap<JobName, Job>,
}

#[derive(Debug)]
struct Job {
    status: Status,
    waits_for: Vec<JobName>,
    started: Option<Moment>,
    ended: Option<Moment>,
    planned: usize,
    done: usize,
    failed: usize,
    skipped: usize,
    running: IndexMap<StepName, Step>,
}

#[derive(Debug)]
struct Step {
    started: Moment,
    call: Option<String>,
    tail: VecDeque<String>,
    nested: Option<RunRef>,
}

impl TreeState {
    /// Whether the run has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Takes the lines that are to stay above the tree.
    pub(crate) fn take_lasting(&mut self) -> Vec<Line> {
        std::mem::take(&mut self.lasting)
    }

    /// Takes in what happened.
    pub(crate) fn apply(&mut self, event: &RunEvent) {
        let scope = &event.scope;
        match &event.kind {
            EventKind::RunStarted { jobs, .. } => {
                let Some(run) = &scope.run else { return };
                let jobs = jobs.iter().map(|plan| {
                    let job = Job {
                        status: Status::Pending,
                        waits_for: plan.depends_on.clone(),
                        started: None,
                        ended: None,
                        planned: plan.step_count,
                        done: 0,
                        failed: 0,
                        skipped: 0,
                        running: IndexMap::new(),
                    };
                    (plan.name.clone(), job)
                });
                let state = Run { started: event.at, jobs: jobs.collect() };
                self.runs.insert(run.clone(), state);
                self.root.get_or_insert_with(|| run.clone());
                self.nest(scope);
            }
            EventKind::JobStarted => self.with_job(scope, |job| {
                job.status = Status::Running;
                job.started = Some(event.at);
            }),
            EventKind::JobCompleted { status, error } => {
                self.with_job(scope, |job| {
                    job.status = *status;
                    job.ended = Some(event.at);
                });
                if let Some(error) = error {
                    self.keep_failure(scope, &error.message, &[]);
                }
            }
            EventKind::JobSkipped { .. } => {
                self.with_job(scope, |job| job.status = Status::Skipped);
            }
            EventKind::StepStarted => self.with_job(scope, |job| {
                if let Some(step) = &scope.step {
                    let state =
                        Step { started: event.at, call: None, tail: VecDeque::new(), nested: None };
                    job.running.insert(step.name.clone(), state);
                }
            }),
            EventKind::ModelResolved(method) | EventKind::MethodExecuting(method) => {
                self.with_step(scope, |step| {
                    step.call = Some(format!("{} → {}", method.model, method.method));
                });
            }
            EventKind::MethodOutput { stream, line } => self.with_step(scope, |step| {
                if step.tail.len() == TAIL {
                    step.tail.pop_front();
                }
                let mark = if *stream == OutputStream::Stderr { "! " } else { "" };
                step.tail.push_back(format!("{mark}{line}"));
            }),
            EventKind::StepCompleted { .. } => {
                self.end_step(scope, |job| job.done += 1);
                self.steps_done += 1;
            }
            EventKind::StepFailed { failure, allowed, .. } => {
                let tail = self.end_step(scope, |job| job.failed += 1);
                self.steps_failed += 1;
                let tail: Vec<String> = tail.into_iter().flat_map(|step| step.tail).collect();
                let message = if *allowed {
                    format!("{} (allowed)", failure.message)
                } else {
                    failure.message.clone()
                };
                self.keep_failure(scope, &message, &tail);
            }
            EventKind::StepSkipped { reason } => {
                self.end_step(scope, |job| job.skipped += 1);
                let text = format!("{}: skipped, {}", place(scope), skipped(reason));
                self.lasting.push(vec![(Tone::Dim, format!("⊘ {text}"))]);
            }
            EventKind::Warning { message } => self.remark(message),
            EventKind::EnvWarning { model, uses } => {
                for env in uses {
                    self.remark(&format!("{model} reads {} at {}", env.variable, env.path));
                }
            }
            EventKind::Cancelled { cause } => {
                self.remark(&format!("stopping: {}", super::narrate::caused(*cause)));
            }
            EventKind::RunCompleted { status, error, totals } => {
                if let Some(error) = error {
                    self.keep_failure(scope, &error.message, &[]);
                }
                if scope.depth() == 0 {
                    self.ended = true;
                    self.keep_summary(event, *status, &counted(totals));
                }
            }
            _ => {}
        }
    }

    fn with_job(&mut self, scope: &Scope, change: impl FnOnce(&mut Job)) {
        let job = scope
            .run
            .as_ref()
            .and_then(|run| self.runs.get_mut(run))
            .zip(scope.job.as_ref())
            .and_then(|(run, name)| run.jobs.get_mut(name));
        if let Some(job) = job {
            change(job);
        }
    }

    fn with_step(&mut self, scope: &Scope, change: impl FnOnce(&mut Step)) {
        self.with_job(scope, |job| {
            let name = scope.step.as_ref().map(|step| &step.name);
            if let Some(step) = name.and_then(|name| job.running.get_mut(name)) {
                change(step);
            }
        });
    }

    fn end_step(&mut self, scope: &Scope, change: impl FnOnce(&mut Job)) -> Option<Step> {
        let mut ended = None;
        self.with_job(scope, |job| {
            ended = scope.step.as_ref().and_then(|step| job.running.shift_remove(&step.name));
            change(job);
        });
        ended
    }

    /// Hangs a nested run below the step that started it.
    fn nest(&mut self, scope: &Scope) {
        let outer = scope.ancestors.last().and_then(|run| self.runs.get_mut(run));
        if let Some((outer, (job, step))) = outer.zip(scope.started_by.as_ref())
            && let Some(step) = outer.jobs.get_mut(job).and_then(|job| job.running.get_mut(step))
        {
            step.nested.clone_from(&scope.run);
        }
    }

    fn remark(&mut self, text: &str) {
        self.lasting.push(vec![(Tone::Remark, format!("! {text}"))]);
    }

    fn keep_failure(&mut self, scope: &Scope, message: &str, tail: &[String]) {
        let mut lines = message.lines();
        let first = lines.next().unwrap_or_default();
        self.lasting.push(vec![
            (Tone::Bad, "✗ ".to_owned()),
            (Tone::Bold, place(scope)),
            (Tone::Plain, format!("  {first}")),
        ]);
        for line in lines {
            self.lasting.push(vec![(Tone::Plain, format!("    {line}"))]);
        }
        for line in tail {
            self.lasting.push(vec![(Tone::Dim, format!("  │ {line}"))]);
        }
    }

    fn keep_summary(&mut self, event: &RunEvent, status: Status, totals: &str) {
        let Some(run) = event.scope.run.as_ref().and_then(|run| self.runs.get(run)) else {
            return;
        };
        let mut lines: Vec<Line> =
            run.jobs.iter().map(|(name, job)| job_line(name, job, event.at, false)).collect();
        let (tone, glyph) = sign(status);
        lines.push(vec![
            (tone, format!("{glyph} ")),
            (
                Tone::Bold,
                event.scope.run.as_ref().map_or_else(String::new, |run| run.workflow.to_string()),
            ),
            (Tone::Plain, format!(" {status}")),
            (
                Tone::Dim,
                format!(" in {}: {totals}", duration::show(event.at.millis_since(&run.started))),
            ),
        ]);
        self.lasting.append(&mut lines);
    }

    /// The tree at a moment, in at most `height` lines: what runs now comes first, then what each
    /// job does, then what was printed last.
    pub(crate) fn frame(&self, now: Moment, height: usize) -> Vec<Line> {
        let Some((root, run)) = self.root.as_ref().and_then(|root| self.runs.get_key_value(root))
        else {
            return Vec::new();
        };
        let running: usize = run.jobs.values().map(|job| job.running.len()).sum();
        let mut header = vec![
            (Tone::Bold, root.workflow.to_string()),
            (Tone::Dim, format!("  {}  ", duration::show(now.millis_since(&run.started)))),
            (Tone::Plain, format!("{running} running, {} done", self.steps_done)),
        ];
        if self.steps_failed > 0 {
            header.push((Tone::Bad, format!(", {} failed", self.steps_failed)));
        }
        let mut lines = vec![(0, header)];
        self.run_lines(run, now, "", &mut lines);
        fit(lines, height.max(2))
    }

    fn run_lines(&self, run: &Run, now: Moment, indent: &str, lines: &mut Vec<(usize, Line)>) {
        for (index, (name, job)) in run.jobs.iter().enumerate() {
            let is_last = index + 1 == run.jobs.len();
            let (branch, below) = if is_last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            let is_busy = job.status == Status::Running;
            let mut line = vec![(Tone::Dim, format!("{indent}{branch}"))];
            line.extend(job_line(name, job, now, true));
            if job.status == Status::Pending && !job.waits_for.is_empty() {
                let names: Vec<&str> = job.waits_for.iter().map(JobName::as_str).collect();
                line.push((Tone::Dim, format!("  waits for {}", names.join(", "))));
            }
            lines.push((if is_busy { 1 } else { 3 }, line));
            let indent = format!("{indent}{below}");
            for (name, step) in &job.running {
                lines.push((2, step_line(&indent, name, step, now)));
                let nested = step.nested.as_ref().and_then(|nested| self.runs.get(nested));
                if let Some(nested) = nested {
                    self.run_lines(nested, now, &format!("{indent}  "), lines);
                } else if let Some(last) = step.tail.back() {
                    lines.push((4, vec![(Tone::Dim, format!("{indent}  │ {last}"))]));
                }
            }
        }
    }
}

/// Leaves out the least important lines, from the end, until the rest fits.
fn fit(mut lines: Vec<(usize, Line)>, height: usize) -> Vec<Line> {
    let mut hidden = 0;
    for importance in (1..=4).rev() {
        while lines.len() + usize::from(hidden > 0) > height {
            let Some(index) = lines.iter().rposition(|(own, _)| *own == importance) else { break };
            lines.remove(index);
            hidden += 1;
        }
    }
    let mut lines: Vec<Line> = lines.into_iter().map(|(_, line)| line).collect();
    if hidden > 0 {
        lines.push(vec![(Tone::Dim, format!("   … {} not shown", count(hidden, "line")))]);
    }
    lines
}

fn job_line(name: &JobName, job: &Job, now: Moment, is_live: bool) -> Line {
    let (tone, glyph) = if is_live && job.status == Status::Running {
        (Tone::Busy, spinner(now))
    } else {
        sign(job.status)
    };
    let mut line = vec![(tone, format!("{glyph} ")), (Tone::Plain, name.to_string())];
    if let Some(start) = job.started {
        let end = job.ended.unwrap_or(now);
        line.push((Tone::Dim, format!("  {}", duration::show(end.millis_since(&start)))));
    }
    let mut parts = Vec::new();
    if is_live && !job.running.is_empty() {
        parts.push(format!("{} running", job.running.len()));
    }
    for (number, word) in [(job.done, "done"), (job.failed, "failed"), (job.skipped, "skipped")] {
        if number > 0 {
            parts.push(format!("{number} {word}"));
        }
    }
    if parts.is_empty() && job.status == Status::Pending {
        parts.push(count(job.planned, "step"));
    }
    line.push((Tone::Dim, format!("  {}", parts.join(", "))));
    line
}

fn step_line(indent: &str, name: &StepName, step: &Step, now: Moment) -> Line {
    let mut line = vec![
        (Tone::Dim, indent.to_owned()),
        (Tone::Busy, format!("{} ", spinner(now))),
        (Tone::Plain, name.to_string()),
        (Tone::Dim, format!("  {}", duration::show(now.millis_since(&step.started)))),
    ];
    if let Some(call) = &step.call {
        line.push((Tone::Dim, format!("  {call}")));
    }
    line
}

const fn sign(status: Status) -> (Tone, &'static str) {
    match status {
        Status::Pending => (Tone::Dim, "○"),
        Status::Running => (Tone::Busy, "◐"),
        Status::Succeeded => (Tone::Good, "✓"),
        Status::Failed => (Tone::Bad, "✗"),
        Status::Skipped => (Tone::Dim, "⊘"),
        Status::Cancelled => (Tone::Remark, "■"),
    }
}

fn spinner(now: Moment) -> &'static str {
    const FRAMES: [&str; 8] = ["⠋", "⠙", "⠸", "⠴", "⠦", "⠇", "⠏", "⠋"];
    let frame = now.mono.as_millis() / 120 % FRAMES.len() as u128;
    FRAMES[usize::try_from(frame).unwrap_or_default()]
}

/// `workflow › job › step`, without the workflow the user started.
fn place(scope: &Scope) -> String {
    let workflow = (scope.depth() > 0)
        .then(|| scope.run.as_ref().map(|run| run.workflow.to_string()))
        .flatten();
    let job = scope.job.as_ref().map(ToString::to_string);
    let step = scope.step.as_ref().map(|step| step.name.to_string());
    let parts: Vec<String> = [workflow, job, step].into_iter().flatten().collect();
    if parts.is_empty() {
        return scope.run.as_ref().map_or_else(String::new, |run| run.workflow.to_string());
    }
    parts.join(" › ")
}

#[cfg(test)]
mod tests;
