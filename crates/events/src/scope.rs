//! Where an event belongs.

use swamp_ident::{JobName, RunId, StepName, WorkflowName};

/// A run and the workflow it runs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RunRef {
    /// The workflow's name.
    pub workflow: WorkflowName,
    /// The run.
    pub id: RunId,
}

/// One iteration of a `forEach` step.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ForEachRef {
    /// Position of the item, from 0.
    pub index: usize,
    /// The item, or its key for a map, as short text for people.
    pub value: String,
}

/// A step as it runs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StepRef {
    /// Name after expansion; unique in its job.
    pub name: StepName,
    /// Name as written in the workflow file; equal to `name` without `forEach`.
    pub template: StepName,
    /// The iteration, for steps that came from a `forEach`.
    pub for_each: Option<ForEachRef>,
}

/// The innermost run, job and step an event belongs to, and the runs around them.
///
/// Two events belong to the same invocation exactly if their scopes are equal: names are compared
/// as values of their own, never joined into one text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Scope {
    /// The innermost run: the one in whose workflow file the step stands. Absent for a method that
    /// was called directly.
    pub run: Option<RunRef>,
    /// The runs around it, outermost first; empty for the run that the user started.
    pub ancestors: Vec<RunRef>,
    /// The job and the step of the surrounding run that started this one; absent for the run that
    /// the user started.
    pub started_by: Option<(JobName, StepName)>,
    /// The job, once one is meant.
    pub job: Option<JobName>,
    /// The step, once one is meant.
    pub step: Option<StepRef>,
    /// Which attempt at the step this is, from 1; 0 where no step is meant.
    pub attempt: u32,
}

impl Scope {
    /// The run that the user started.
    pub fn root(&self) -> Option<&RunRef> {
        self.ancestors.first().or(self.run.as_ref())
    }

    /// How many runs are around the innermost one.
    pub fn depth(&self) -> usize {
        self.ancestors.len()
    }

    /// The scope of the run that the user started.
    #[must_use]
    pub fn of_run(run: RunRef) -> Self {
        Self { run: Some(run), ..Self::default() }
    }

    /// The scope of a run nested in this one.
    #[must_use]
    pub fn nested(&self, run: RunRef) -> Self {
        let mut ancestors = self.ancestors.clone();
        ancestors.extend(self.run.clone());
        let step = self.step.as_ref().map(|step| step.name.clone());
        let started_by = self.job.clone().zip(step);
        Self { run: Some(run), ancestors, started_by, job: None, step: None, attempt: 0 }
    }

    /// The scope of a job of this run.
    #[must_use]
    pub fn in_job(&self, job: JobName) -> Self {
        Self { job: Some(job), step: None, attempt: 0, ..self.clone() }
    }

    /// The scope of the first attempt at a step of this job.
    #[must_use]
    pub fn in_step(&self, step: StepRef) -> Self {
        Self { step: Some(step), attempt: 1, ..self.clone() }
    }
}
