//! The beginning and end of a run, outermost or nested.

use std::borrow::Cow;
use std::collections::HashMap;

use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Map, Value};
use swamp_events::{Emitter, EventKind, JobPlan, ReportScope, RunRef};
use swamp_ident::{
    DefinitionId, DriverName, ErrorCategory, Failure, Fault, JobName, Moment, Phase, RunId, Status,
    TypeName,
};
use swamp_model::inputs::{Declaration, RequiredRule};
use swamp_model::reports::{self, ReportOwner};
use swamp_model::{DriverChoice, ReportOutcome};
use swamp_store::atomic;

use super::output::Leavings;
use super::progress::{Identity, JobProgress, Progress, StepProgress, Times};
use super::step::{StepEnd, drivers, pairs};
use super::summary;
use super::tree::{Crew, Ended, Parent, Run, State, Tree};
use crate::error::WorkflowError;
use crate::for_each::with_item;
use crate::handed_down::{HandedDown, HandingError};
use crate::library::KnownWorkflow;
use crate::plan::plan;
use crate::prepare::{self, Evaluated, evaluate, inputs_value};
use crate::schedule::{AwaitedJob, Schedule};
use crate::schema::{Task, Workflow};
use crate::steps::PlannedStep;

/// How many runs may be around a run.
const DEEPEST: usize = 10;

/// A workflow that is ready to run.
pub(super) struct Prepared {
    workflow: Workflow,
    written_inputs: HashMap<(usize, usize), Map<String, Value>>,
    from_copy: bool,
    inputs: Map<String, Value>,
    levels: Vec<Vec<usize>>,
}

impl Prepared {
    /// Makes a workflow ready to run with what it was given: inputs, expressions, plan, and the
    /// evaluated copy on disk.
    pub(super) fn evaluate(
        tree: &Tree<'_>,
        loaded: &KnownWorkflow,
        given: HandedDown,
    ) -> Result<Self, WorkflowError> {
        let written = inlined(&loaded.workflow, &given)?;
        let inputs = process_inputs(&written, given)?;
        let context = tree.engine.context().with("inputs", inputs_value(&inputs));
        let evaluated = evaluate(&written, &context)?;
        if let Some(failure) = evaluated.failures.first() {
            return Err(prepare::expression_error(failure, Some(&loaded.path)));
        }
        let levels = plan(&evaluated.workflow)?.jobs;
        let Evaluated { workflow, written_inputs, .. } = evaluated;
        let copy = tree.engine.parts().repository.paths().evaluated_workflow(&workflow.id);
        atomic::write_quick_with(&copy, |writer| workflow.write_yaml(writer))?;
        Ok(Self { workflow, written_inputs, from_copy: false, inputs, levels })
    }

    /// Makes the evaluated copy of a workflow ready to run. Inputs that are declared as required
    /// need not be there: what used them is evaluated.
    pub(super) fn from_copy(
        tree: &Tree<'_>,
        loaded: &KnownWorkflow,
        given: Map<String, Value>,
    ) -> Result<Self, WorkflowError> {
        let repository = &tree.engine.parts().repository;
        let id = &loaded.workflow.id;
        let Some(document) = repository.workflow_files().load_evaluated(id)? else {
            return Err(WorkflowError::NoEvaluatedCopy(loaded.workflow.name.to_string()));
        };
        let workflow = Workflow::parse_evaluated(&document).map_err(|error| {
            WorkflowError::Invalid { path: repository.paths().evaluated_workflow(id), error }
        })?;
        let schema = workflow.inputs.clone().map(Value::Object);
        let declaration = Declaration::new(schema.as_ref());
        let inputs = declaration.process(given, RequiredRule::Used(&|_| false))?;
        let levels = plan(&workflow)?.jobs;
        let written_inputs = HashMap::new();
        Ok(Self { workflow, written_inputs, from_copy: true, inputs, levels })
    }
}

/// The workflow with expressions in place of the inputs that were handed down as written.
fn inlined<'w>(
    workflow: &'w Workflow,
    given: &HandedDown,
) -> Result<Cow<'w, Workflow>, WorkflowError> {
    if given.as_written.is_empty() {
        return Ok(Cow::Borrowed(workflow));
    }
    let mut value = workflow.to_value();
    given.inline(&mut value);
    // Texts became other texts: what was a workflow still is one.
    Workflow::from_value(&value)
        .map(Cow::Owned)
        .map_err(|error| WorkflowError::Invalid { path: "(inputs)".into(), error })
}

/// Coerces, fills in defaults and checks. Inputs that were handed down as written have no value
/// that could be checked.
fn process_inputs(
    workflow: &Workflow,
    given: HandedDown,
) -> Result<Map<String, Value>, WorkflowError> {
    let HandedDown { mut values, as_written } = given;
    let unknown: Vec<(String, String)> = as_written
        .into_iter()
        .filter_map(|(path, text)| Some((path, text)).filter(|(path, _)| path.len() == 1))
        .map(|(path, text)| (path.concat(), text))
        .collect();
    for (name, _) in &unknown {
        values.shift_remove(name);
    }
    let schema = workflow.inputs.clone().map(Value::Object);
    let is_known = |name: &str| unknown.iter().all(|(other, _)| other != name);
    let mut inputs =
        Declaration::new(schema.as_ref()).process(values, RequiredRule::Used(&is_known))?;
    inputs.extend(unknown.into_iter().map(|(name, text)| (name, Value::from(text))));
    Ok(inputs)
}

impl Crew<'_, '_> {
    /// Begins a run: writes its record, tells that it started, and lets it go.
    pub(super) fn start(
        self,
        prepared: Prepared,
        emitter: &Emitter,
        outer_drivers: Vec<DriverChoice>,
        parent: Option<Parent>,
    ) -> Result<(), WorkflowError> {
        let Prepared { workflow, written_inputs, from_copy, inputs, levels } = prepared;
        let parts = self.tree.engine.parts();
        let paths = parts.repository.paths();
        let id = RunId::from(parts.ids.uuid());
        let record_path = paths.run_record(&workflow.id, &id);
        let log_path = paths.run_log(&workflow.id, &id);
        let mut tags: IndexMap<String, String> = workflow.tags.clone();
        tags.extend(self.tree.request.tags.iter().cloned());
        let identity = Identity {
            workflow_id: workflow.id.clone(),
            workflow_name: workflow.name.clone(),
            tags: pairs(&tags),
            log_file: paths.relative(&log_path),
            id,
        };
        let emitter = emitter
            .for_run(RunRef { workflow: identity.workflow_name.clone(), id: identity.id.clone() });
        let now = emitter.now();
        let limit = self.tree.request.limits.jobs(&workflow);
        let state = State {
            schedule: Schedule::new(awaited_jobs(&workflow), levels, limit),
            progress: not_begun(&workflow, now),
            began: false,
            first_failure: None,
            broken_jobs: HashMap::new(),
            reports: Vec::new(),
        };
        let started = EventKind::RunStarted {
            workflow_id: workflow.id.clone(),
            driver: workflow
                .driver
                .as_ref()
                .and_then(|driver| driver.name.as_ref())
                .map(DriverName::new),
            jobs: workflow
                .jobs
                .iter()
                .map(|job| JobPlan {
                    name: job.name.clone(),
                    step_count: job.steps.len(),
                    depends_on: job
                        .depends_on
                        .iter()
                        .map(|dependency| JobName::new(&dependency.on))
                        .collect(),
                })
                .collect(),
            log_path: log_path.clone(),
        };
        let run = Arc::new(Run::new(
            identity,
            workflow,
            written_inputs,
            from_copy,
            inputs,
            emitter,
            (record_path, log_path),
            outer_drivers,
            parent,
            state,
        ));
        run.save()?;
        run.emitter.emit_at(now, started);
        warn_of_unknown_names(&run);
        self.begin(&run);
        Ok(())
    }

    /// Begins the run that a step is. The end of that run ends the step.
    pub(super) fn begin_nested(
        self,
        run: &Arc<Run>,
        (job, step): (usize, usize),
        planned: &PlannedStep,
        emitter: &Emitter,
    ) -> Result<(), WorkflowError> {
        let evaluated = &run.workflow.jobs[job].steps[planned.template];
        let Task::Workflow { workflow: reference, .. } = &evaluated.task else {
            unreachable!("only steps that run workflows come here")
        };
        let place = format!("jobs[{job}].steps[{}].task", planned.template);
        let reference = self.step_text(run, planned, evaluated, reference).map_err(|error| {
            WorkflowError::Expression {
                message: error.render(),
                path: format!("{place}.workflowIdOrName"),
                file: None,
                position: None,
                category: error.category(),
            }
        })?;
        if run.depth() + 1 > DEEPEST {
            return Err(WorkflowError::NestedTooDeeply { workflow: reference, deepest: DEEPEST });
        }
        let loaded = self.tree.library.load(&reference)?;
        let again = run
            .lineage
            .iter()
            .position(|(id, name)| *id == loaded.workflow.id || *name == loaded.workflow.name);
        if let Some(first) = again {
            let around = run.lineage[first..].iter().map(|(_, name)| name.to_string());
            let names = around.chain([loaded.workflow.name.to_string()]).collect();
            return Err(WorkflowError::NestingCycle(names));
        }
        let given = self.hand_down(run, job, planned, &place)?;
        let prepared = Prepared::evaluate(self.tree, &loaded, given)?;
        let outer_drivers = drivers(None, run, job, evaluated);
        let parent = Parent { run: Arc::clone(run), job, step, reference };
        self.start(prepared, emitter, outer_drivers, Some(parent))
    }

    /// Evaluates what a nested run gets.
    fn hand_down(
        self,
        run: &Run,
        job: usize,
        planned: &PlannedStep,
        place: &str,
    ) -> Result<HandedDown, WorkflowError> {
        let evaluated = &run.workflow.jobs[job].steps[planned.template];
        let Some(inputs) = run.task_inputs(job, planned.template) else {
            return Ok(HandedDown::default());
        };
        let mut context = self.context(run);
        if let Some((for_each, item)) = evaluated.for_each.as_ref().zip(planned.item.as_ref()) {
            context = with_item(context, &for_each.item, item);
        }
        HandedDown::evaluate(inputs, &context).map_err(|error| match error {
            HandingError::Expression(failure) => WorkflowError::Expression {
                message: failure.error.render(),
                path: format!("{place}.inputs.{}", failure.path),
                file: None,
                position: None,
                category: failure.error.category(),
            },
            HandingError::Mixed { path } => WorkflowError::Expression {
                message: "an expression that is handed to another workflow cannot use env or \
                          vault together with inputs or self; hand down two inputs instead"
                    .to_owned(),
                path: format!("{place}.inputs.{path}"),
                file: None,
                position: None,
                category: ErrorCategory::Expression,
            },
        })
    }

    /// Ends a run whose schedule has ended: record, reports, event, and what comes after it.
    pub(super) fn finish(self, run: &Arc<Run>, status: Status, now: Moment) {
        let (totals, rows, error) = {
            let mut state = run.lock();
            let error = self.run_error(&state);
            state.progress.status = status;
            state.progress.times.completed = Some(now);
            state.progress.error = error.as_ref().map(|error| error.message.clone());
            let steps = state.progress.jobs.iter_mut().flat_map(|job| &mut job.steps);
            let rows: Vec<summary::Row> =
                steps.flat_map(|step| std::mem::take(&mut step.rows)).collect();
            (state.progress.totals(), rows, error)
        };
        self.save_last(run);
        let broken = self.broken().map(|message| internal_failure(&message));
        let (status, error) = match broken {
            Some(broken) => (Status::Failed, Some(broken)),
            None => (status, error),
        };
        self.make_reports(run, status, &rows);
        run.emitter.emit(EventKind::RunCompleted { status, error: error.clone(), totals });
        match &run.parent {
            None => self.end_tree(Ended::new(Arc::clone(run), status, totals, error)),
            Some(parent) => {
                let result = match status {
                    Status::Succeeded => Ok(()),
                    _ => Err(self.nested_failure(run, parent, status, error)),
                };
                let leavings = match &result {
                    Ok(()) => Leavings::of_workflow(&parent.reference, run.identity.id.as_str()),
                    Err(_) => Leavings::default(),
                };
                let end = StepEnd {
                    result,
                    call: None,
                    stored: Vec::new(),
                    leavings,
                    rows,
                    reports: Vec::new(),
                };
                self.end_step(&parent.run, parent.job, parent.step, end);
            }
        }
    }

    /// Why the run itself failed: its record, or the first job whose steps could not be known.
    fn run_error(self, state: &State) -> Option<Failure> {
        let job = state.broken_jobs.iter().min_by_key(|(job, _)| **job);
        self.broken()
            .map(|message| internal_failure(&message))
            .or_else(|| job.map(|(_, failure)| failure.clone()))
    }

    /// What a failed or cancelled run is to the step that it was.
    fn nested_failure(
        self,
        run: &Run,
        parent: &Parent,
        status: Status,
        error: Option<Failure>,
    ) -> Failure {
        let name = &parent.reference;
        let cause = self.tree.cancelled().filter(|_| status == Status::Cancelled);
        if let Some(cause) = cause {
            return Failure {
                message: format!("Nested workflow \"{name}\" was told to stop"),
                category: cause.category(),
                fault: Fault::User,
                phase: Phase::Method,
            };
        }
        let first = run.lock().first_failure.take();
        let (reason, category, fault) = match (error, first) {
            (Some(error), _) => (error.message, error.category, error.fault),
            (None, Some((job, step, failure))) => (
                format!("step \"{step}\" of job \"{job}\": {}", failure.message),
                failure.category,
                failure.fault,
            ),
            (None, None) => ("a job failed".to_owned(), ErrorCategory::Internal, Fault::Internal),
        };
        Failure {
            message: format!("Nested workflow \"{name}\" failed: {reason}"),
            category,
            fault,
            phase: Phase::Method,
        }
    }

    fn make_reports(self, run: &Run, status: Status, rows: &[summary::Row]) {
        let rules = run.workflow.reports.as_ref().map(crate::schema::Reports::to_value);
        let filter = &self.tree.request.reports;
        for info in reports::select(ReportScope::Workflow, filter, rules.as_ref(), None) {
            let (name, scope) = (info.name.to_owned(), info.scope);
            run.emitter.emit(EventKind::ReportStarted { name: name.clone(), scope });
            let (markdown, json) = summary::report(&run.identity, status, rows);
            let owner = ReportOwner {
                type_name: TypeName::from("workflow"),
                id: DefinitionId::new(run.identity.workflow_id.as_str()),
                variant: None,
            };
            let saved = self.tree.engine.save_report(&owner, info, &markdown, &json);
            let (kind, result, artifacts) = match saved {
                Ok(artifacts) => {
                    let kind = EventKind::ReportCompleted {
                        name: name.clone(),
                        scope,
                        markdown: markdown.clone(),
                        json: json.clone(),
                    };
                    (kind, Ok((markdown, json)), artifacts)
                }
                Err(error) => {
                    let error = error.to_string();
                    let kind =
                        EventKind::ReportFailed { name: name.clone(), scope, error: error.clone() };
                    (kind, Err(error), Vec::new())
                }
            };
            run.emitter.emit(kind);
            if self.tree.request.keep_reports && run.depth() == 0 {
                run.lock().reports.push(ReportOutcome { name, scope, result, artifacts });
            }
        }
    }
}

fn internal_failure(message: &str) -> Failure {
    Failure {
        message: format!("the run's record cannot be kept: {message}"),
        category: ErrorCategory::Internal,
        fault: Fault::Internal,
        phase: Phase::AfterMethod,
    }
}

/// A run of which only the begin is known.
fn not_begun(workflow: &Workflow, now: Moment) -> Progress {
    let jobs = workflow.jobs.iter().map(|job| JobProgress {
        name: job.name.clone(),
        status: Status::Pending,
        times: Times::default(),
        error: None,
        steps: job.steps.iter().map(|step| StepProgress::pending(step.name.clone())).collect(),
    });
    Progress {
        status: Status::Running,
        times: Times { started: Some(now), completed: None },
        error: None,
        jobs: jobs.collect(),
    }
}

fn awaited_jobs(workflow: &Workflow) -> Vec<Vec<AwaitedJob>> {
    let places: HashMap<&str, usize> =
        workflow.jobs.iter().enumerate().map(|(place, job)| (job.name.as_str(), place)).collect();
    let awaited = workflow.jobs.iter().map(|job| {
        let awaited = job.depends_on.iter().map(|dependency| AwaitedJob {
            on: dependency.on.clone(),
            condition: dependency.condition.clone(),
            job: places.get(dependency.on.as_str()).copied(),
        });
        awaited.collect()
    });
    awaited.collect()
}

/// Tells of dependencies on names that nobody has. They are no error: their conditions are simply
/// never true, except `always` and `not`.
fn warn_of_unknown_names(run: &Run) {
    let jobs = &run.workflow.jobs;
    for (index, job) in jobs.iter().enumerate() {
        let warn = |who: &str, what: &str, on: &str| {
            let message = format!("{who} depends on {what} \"{on}\", which does not exist");
            run.job_emitters[index].emit(EventKind::Warning { message });
        };
        for dependency in &job.depends_on {
            if run.workflow.job(&dependency.on).is_none() {
                warn(&format!("job \"{}\"", job.name), "job", &dependency.on);
            }
        }
        if job.steps.iter().any(|step| step.for_each.is_some()) {
            // The names of iterations are not known yet.
            continue;
        }
        for step in &job.steps {
            for dependency in &step.depends_on {
                if job.steps.iter().all(|other| other.name != *dependency.on) {
                    let who = format!("step \"{}\" of job \"{}\"", step.name, job.name);
                    warn(&who, "step", &dependency.on);
                }
            }
        }
    }
}
