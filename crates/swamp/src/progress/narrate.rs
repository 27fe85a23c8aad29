//! The story of a run as log lines. The console and the run log tell the same one.

use std::collections::HashMap;
use std::sync::Arc;

use swamp_events::{
    EventKind, MethodRef, Notice, OutputStream, Preparation, ReportScope, RunEvent, RunTotals,
    Scope, SkipReason,
};
use swamp_ident::{CancelCause, DriverOrigin, Failure, Moment, Status};
use swamp_secret::Redactor;

use super::duration;
use crate::output::Level;

/// Who chose a driver, in words.
const fn said(origin: DriverOrigin) -> &'static str {
    match origin {
        DriverOrigin::CommandLine => "chosen on the command line",
        DriverOrigin::Step => "chosen by the step",
        DriverOrigin::Job => "chosen by the job",
        DriverOrigin::Workflow => "chosen by the workflow",
        DriverOrigin::Definition => "chosen by the definition",
        DriverOrigin::Repository => "the repository's default",
        DriverOrigin::Default => "the default",
    }
}

/// One line of the story.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// How much it matters.
    pub(crate) level: Level,
    /// Whose line it is: `workflow·run·<workflow>·<job>·<step>` or
    /// `model·method·run·<model>·<method>`.
    pub(crate) category: String,
    /// What happened. Indented by the depth of the run.
    pub(crate) message: String,
}

/// Turns events into lines. Remembers what later events do not repeat: start times and, for methods
/// that are called directly, the method.
#[derive(Debug, Default)]
pub(crate) struct Narrator {
    started: HashMap<Arc<Scope>, Moment>,
    /// Whether the command calls a method directly. What a workflow run emits before it has an
    /// identity stands in no run either.
    is_direct_call: bool,
    direct: Option<MethodRef>,
    /// What a line says is redacted where it is told; this is the net below, for names and the
    /// like.
    redactor: Redactor,
}

impl Narrator {
    /// A narrator whose lines hold none of the secrets that `redactor` knows.
    pub(crate) fn new(redactor: Redactor) -> Self {
        Self { redactor, ..Self::default() }
    }

    /// The lines an event is worth; often none.
    pub(crate) fn lines(&mut self, event: &RunEvent) -> Vec<Line> {
        self.is_direct_call |= matches!(event.kind, EventKind::LogOpened { .. });
        let is_direct = event.scope.run.is_none() && self.is_direct_call;
        if let EventKind::ModelResolved(method) | EventKind::MethodExecuting(method) = &event.kind
            && is_direct
        {
            self.direct = Some(method.clone());
        }
        self.story(event, is_direct)
            .into_iter()
            .map(|(level, message)| Line {
                level,
                category: self.redactor.redact(&self.category(&event.scope)).into_owned(),
                message: format!(
                    "{:width$}{}",
                    "",
                    self.redactor.redact(&message),
                    width = 2 * event.scope.depth()
                ),
            })
            .collect()
    }

    fn category(&self, scope: &Scope) -> String {
        let mut parts = Vec::with_capacity(6);
        if let Some(run) = &scope.run {
            parts.extend(["workflow", "run", run.workflow.as_str()]);
            parts.extend(scope.job.iter().map(AsRef::<str>::as_ref));
            parts.extend(scope.step.iter().map(|step| step.name.as_str()));
        } else if !self.is_direct_call {
            parts.extend(["workflow", "run"]);
        } else {
            parts.extend(["model", "method", "run"]);
            if let Some(method) = &self.direct {
                parts.extend([method.model.as_str(), method.method.as_str()]);
            }
        }
        parts.join("·")
    }

    fn story(&mut self, event: &RunEvent, is_direct: bool) -> Vec<(Level, String)> {
        // Details that one method is worth but that would drown a run of a thousand steps.
        let detail = if is_direct { Level::Info } else { Level::Debug };
        let line = |level, message: String| vec![(level, message)];
        match &event.kind {
            EventKind::LogOpened { .. }
            | EventKind::MethodFinished { .. }
            | EventKind::ReportCompleted { .. } => Vec::new(),
            EventKind::RunStarted { jobs, .. } => {
                self.start(event);
                line(Level::Info, format!("Run started, {}", count(jobs.len(), "job")))
            }
            EventKind::Preparing(what) => line(detail, preparing(*what).to_owned()),
            EventKind::Warning { message } => line(Level::Warning, message.clone()),
            EventKind::JobStarted => {
                self.start(event);
                line(Level::Info, "Job started".to_owned())
            }
            EventKind::JobCompleted { status, error } => {
                let took = self.took(event);
                let level = level_of(*status);
                line(level, format!("Job {status}{took}{}", because(error.as_ref())))
            }
            EventKind::JobSkipped { reason, .. } => {
                line(Level::Info, format!("Job skipped: {}", skipped(reason)))
            }
            EventKind::StepStarted => {
                self.start(event);
                line(Level::Info, "Step started".to_owned())
            }
            EventKind::ModelResolved(method) => {
                line(detail, format!("Found model \"{}\"{}", method.model, of_type(method)))
            }
            EventKind::EnvWarning { uses, .. } => uses
                .iter()
                .map(|env| {
                    let message = format!(
                        "The definition reads the environment: {} uses {}",
                        env.path, env.variable
                    );
                    (Level::Warning, message)
                })
                .collect(),
            EventKind::MethodExecuting(method) => {
                if is_direct {
                    self.start(event);
                }
                let driver = match &method.driver {
                    Some(driver) if driver.name.as_str() != "raw" => {
                        format!(" with driver {} ({})", driver.name, said(driver.origin))
                    }
                    _ => String::new(),
                };
                let (name, model) = (&method.method, &method.model);
                let message = format!("Executing method \"{name}\" on \"{model}\"{driver}");
                line(Level::Info, message)
            }
            EventKind::MethodOutput { stream: OutputStream::Stdout, line: text } => {
                line(Level::Info, text.clone())
            }
            EventKind::MethodOutput { stream: OutputStream::Stderr, line: text } => {
                line(Level::Warning, text.clone())
            }
            EventKind::MethodNotice(notice) => noticed(notice),
            EventKind::DataSaved { path, artifact } => line(
                detail,
                format!(
                    "Saved {} version {} in {}",
                    artifact.name,
                    artifact.version,
                    path.display()
                ),
            ),
            EventKind::ReportStarted { name, .. } => {
                line(Level::Debug, format!("Making report {name}"))
            }
            EventKind::ReportFailed { name, error, .. } => {
                line(Level::Warning, format!("Report {name} failed: {error}"))
            }
            EventKind::StepCompleted { .. } => {
                let what = if is_direct { "Method" } else { "Step" };
                line(Level::Info, format!("{what} succeeded{}", self.took(event)))
            }
            EventKind::StepFailed { failure, allowed, .. } => {
                let took = self.took(event);
                let what = if is_direct { "Method" } else { "Step" };
                if *allowed {
                    let message = format!("{what} failed{took}, as it may: {}", failure.message);
                    line(Level::Warning, message)
                } else {
                    line(Level::Error, format!("{what} failed{took}: {}", failure.message))
                }
            }
            EventKind::StepSkipped { reason } => {
                line(Level::Info, format!("Step skipped: {}", skipped(reason)))
            }
            EventKind::SubInvocation(method) => {
                line(Level::Info, format!("Calls {} on \"{}\"", method.method, method.model))
            }
            EventKind::Cancelled { cause } => {
                line(Level::Warning, format!("Stopping: {}", caused(*cause)))
            }
            EventKind::RunCompleted { status, error, totals } => {
                let took = self.took(event);
                let message =
                    format!("Run {status}{took}: {}{}", counted(totals), because(error.as_ref()));
                line(level_of(*status), message)
            }
        }
    }

    fn start(&mut self, event: &RunEvent) {
        self.started.insert(Arc::clone(&event.scope), event.at);
    }

    fn took(&mut self, event: &RunEvent) -> String {
        self.started.remove(&event.scope).map_or_else(String::new, |start| {
            format!(" in {}", duration::show(event.at.millis_since(&start)))
        })
    }
}

const fn level_of(status: Status) -> Level {
    match status {
        Status::Failed => Level::Error,
        Status::Cancelled => Level::Warning,
        _ => Level::Info,
    }
}

fn because(failure: Option<&Failure>) -> String {
    failure.map_or_else(String::new, |failure| format!(": {}", failure.message))
}

fn of_type(method: &MethodRef) -> String {
    method.model_type.as_ref().map_or_else(String::new, |name| format!(" ({name})"))
}

const fn preparing(what: Preparation) -> &'static str {
    match what {
        Preparation::Inputs => "Checking inputs",
        Preparation::Workflow | Preparation::Definition => "Evaluating expressions",
        Preparation::EvaluatedDefinition => "Loading the definition as evaluated last",
    }
}

/// Why a job or step did not run, in words that finish the sentence "skipped: …".
pub(crate) fn skipped(reason: &SkipReason) -> String {
    match reason {
        SkipReason::Condition { on, condition } => {
            format!("\"{on}\" does not meet its condition ({condition})")
        }
        SkipReason::JobSkipped => "its job was skipped".to_owned(),
        SkipReason::EarlierFailure => "an earlier step failed".to_owned(),
        SkipReason::Cancelled(cause) => caused(*cause).to_owned(),
    }
}

/// Why a run stops, in words.
pub(crate) const fn caused(cause: CancelCause) -> &'static str {
    match cause {
        CancelCause::Interrupt => "interrupted",
        CancelCause::Terminate => "asked to terminate",
        CancelCause::Deadline => "the time is over",
    }
}

/// The totals of a run in words: only what there is.
pub(crate) fn counted(totals: &RunTotals) -> String {
    let parts: Vec<String> = [
        (totals.succeeded, "succeeded"),
        (totals.failed, "failed"),
        (totals.skipped, "skipped"),
        (totals.cancelled, "cancelled"),
    ]
    .into_iter()
    .filter(|(number, _)| *number > 0)
    .map(|(number, word)| format!("{number} {word}"))
    .collect();
    if parts.is_empty() { "no steps".to_owned() } else { parts.join(", ") }
}

/// `1 job`, `2 jobs`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

fn noticed(notice: &Notice) -> Vec<(Level, String)> {
    match notice {
        Notice::SecretStored { field, vault, key } => {
            vec![(Level::Info, format!("Stored {field} as {key} in vault \"{vault}\""))]
        }
        Notice::SchemaMismatch { spec, name, error } => vec![(
            Level::Warning,
            format!(
                "{name} does not fit the schema of {spec}, and is stored all the same: {error}"
            ),
        )],
        Notice::OutputTruncated { stream, bytes, kept } => {
            let stream = match stream {
                OutputStream::Stdout => "standard output",
                OutputStream::Stderr => "standard error",
            };
            let message = format!("Kept {kept} of {bytes} bytes of {stream}; the run log has all");
            vec![(Level::Warning, message)]
        }
    }
}

/// Whether a report's text is shown when it is done: those of a method that was called directly and
/// those of a whole workflow run. The others would drown a run; they are stored all the same.
pub(crate) fn is_shown(scope: ReportScope, event: &RunEvent) -> bool {
    event.scope.run.is_none() || (scope == ReportScope::Workflow && event.scope.depth() == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use swamp_events::{RunRef, StepRef};
    use swamp_ident::{
        ErrorCategory, Fault, JobName, MethodName, ModelName, Phase, RunId, StepName, Timestamp,
        WorkflowName,
    };

    fn event(at: u64, scope: &Scope, kind: EventKind) -> RunEvent {
        let mono = std::time::Duration::from_millis(at);
        let moment = Moment { wall: Timestamp::from_millis(0), mono };
        RunEvent { seq: 1, at: moment, scope: Arc::new(scope.clone()), kind }
    }

    fn step_scope() -> Scope {
        let run = |name: &str| RunRef { workflow: WorkflowName::new(name), id: RunId::new(name) };
        let name = StepName::new("s");
        Scope::of_run(run("outer"))
            .nested(run("inner"))
            .in_job(JobName::new("j"))
            .in_step(StepRef { name: name.clone(), template: name, for_each: None })
    }

    fn told(narrator: &mut Narrator, event: &RunEvent) -> Vec<String> {
        let lines = narrator.lines(event);
        lines
            .into_iter()
            .map(|line| format!("{:?} {}|{}", line.level, line.category, line.message))
            .collect()
    }

    #[test]
    fn steps_of_nested_runs_are_indented_and_timed() {
        let (mut narrator, scope) = (Narrator::default(), step_scope());
        let story = "workflow·run·inner·j·s|  ";
        let started = told(&mut narrator, &event(1000, &scope, EventKind::StepStarted));
        assert_eq!(started, [format!("Info {story}Step started")]);
        let failure = Failure {
            message: "Command exited with code 3".to_owned(),
            category: ErrorCategory::Method,
            fault: Fault::User,
            phase: Phase::Method,
        };
        let failed = EventKind::StepFailed { failure, allowed: false, call: None };
        assert_eq!(
            told(&mut narrator, &event(2500, &scope, failed)),
            [format!("Error {story}Step failed in 1.5s: Command exited with code 3")]
        );
    }

    #[test]
    fn command_output_is_printed_as_it_is() {
        let mut narrator = Narrator::default();
        let method = MethodRef {
            model: ModelName::new("m"),
            model_type: None,
            method: MethodName::new("execute"),
            driver: None,
        };
        let scope = Scope::default();
        let opened = EventKind::LogOpened { path: "x.log".into() };
        told(&mut narrator, &event(0, &scope, opened));
        told(&mut narrator, &event(0, &scope, EventKind::ModelResolved(method)));
        let line = "a {b} {{c}} ${d} %s".to_owned();
        let output = EventKind::MethodOutput { stream: OutputStream::Stderr, line: line.clone() };
        assert_eq!(
            told(&mut narrator, &event(0, &scope, output)),
            [format!("Warning model·method·run·m·execute|{line}")]
        );
    }

    #[test]
    fn what_comes_before_a_run_is_no_method() {
        let preparing = EventKind::Preparing(Preparation::Inputs);
        assert_eq!(
            told(&mut Narrator::default(), &event(0, &Scope::default(), preparing)),
            ["Debug workflow·run|Checking inputs"]
        );
    }

    #[test]
    fn a_run_ends_with_its_totals() {
        let scope = Scope::of_run(RunRef { workflow: WorkflowName::new("w"), id: RunId::new("r") });
        let totals = RunTotals { succeeded: 2, failed: 1, skipped: 0, cancelled: 0 };
        let ended = EventKind::RunCompleted { status: Status::Failed, error: None, totals };
        assert_eq!(
            told(&mut Narrator::default(), &event(0, &scope, ended)),
            ["Error workflow·run·w|Run failed: 2 succeeded, 1 failed"]
        );
    }
}
