//! What a run will do, in which order: a pure function of the workflow.
//!
//! Jobs form a graph by `dependsOn`, and so do the steps of a job. A level holds everything whose
//! dependencies are on earlier levels, ordered by weight and then by name ([`crate::collate`]); a
//! level begins when the one before has ended, whoever waits for whom in it. Names that nobody has
//! do not count for the order. The same workflow gives the same plan, byte for byte.
//!
//! The steps that come from a `forEach` are not known before the job begins, but their place is:
//! all iterations of a step stand on the level of their template. [`StepGraph`] is that part of the
//! plan; the order inside the levels follows when the names are known.

use std::collections::HashMap;

use swamp_ident::JobName;

use crate::graph::{Cycle, Node, Placed, arrange, levels_of};
use crate::schema::{Dependency, Job, Step, Workflow};

/// Why there is no order in which a workflow could run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Two jobs have the same name, or two steps of a job.
    #[error("Duplicate node names: {}", .names.join(", "))]
    DuplicateNames {
        /// The job whose steps are meant; absent when jobs are.
        job: Option<JobName>,
        /// Each name that occurs more than once.
        names: Vec<String>,
    },
    /// Jobs, or steps of a job, wait for each other.
    #[error("Cyclic dependency detected: {}", .names.join(" -> "))]
    Cycle {
        /// The job whose steps are meant; absent when jobs are.
        job: Option<JobName>,
        /// The names along the way, the first one again at the end.
        names: Vec<String>,
    },
}

/// The order of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Indices into the workflow's jobs, level by level.
    pub jobs: Vec<Vec<usize>>,
    /// For each job in file order, indices into its steps as written (`forEach` steps count as
    /// one), level by level.
    pub steps: Vec<Vec<Vec<usize>>>,
}

/// Plans a workflow whose expressions in names are evaluated.
pub fn plan(workflow: &Workflow) -> Result<Plan, PlanError> {
    let jobs = job_levels(&workflow.jobs)?;
    let mut steps = Vec::with_capacity(workflow.jobs.len());
    for job in &workflow.jobs {
        let graph = StepGraph::new(job)?;
        let names = job.steps.iter().filter(|step| step.for_each.is_none());
        refuse_duplicates(names.map(|step| step.name.as_str()), Some(&job.name))?;
        steps.push(arrange(job.steps.iter().enumerate().map(|(index, step)| Placed {
            index,
            level: graph.levels[index],
            weight: step.weight,
            name: step.name.as_str().to_owned(),
        })));
    }
    Ok(Plan { jobs, steps })
}

/// Indices into `jobs`, level by level.
pub(crate) fn job_levels(jobs: &[Job]) -> Result<Vec<Vec<usize>>, PlanError> {
    refuse_duplicates(jobs.iter().map(|job| job.name.as_str()), None)?;
    let places = Places::new(jobs.iter().map(|job| job.name.as_str()));
    let nodes: Vec<Node> = jobs
        .iter()
        .map(|job| Node {
            name: job.name.as_str().to_owned(),
            weight: job.weight,
            after: places.of(&job.depends_on),
        })
        .collect();
    let levels = levels_of(&nodes).map_err(|Cycle(names)| PlanError::Cycle { job: None, names })?;
    Ok(arrange(nodes.into_iter().zip(levels).enumerate().map(|(index, (node, level))| Placed {
        index,
        level,
        weight: node.weight,
        name: node.name,
    })))
}

/// Where the steps of a job stand, before `forEach` steps are expanded.
#[derive(Clone, Debug)]
pub(crate) struct StepGraph {
    /// The level of each step as written.
    pub(crate) levels: Vec<usize>,
}

impl StepGraph {
    /// The graph of a job's steps as written.
    pub(crate) fn new(job: &Job) -> Result<Self, PlanError> {
        Self::of(job, |_| true)
    }

    /// The graph without the steps that turned out to have no iteration: they hold nobody up, and
    /// their own place does not matter.
    pub(crate) fn of(job: &Job, has_steps: impl Fn(usize) -> bool) -> Result<Self, PlanError> {
        let places = Places::new(job.steps.iter().map(|step| step.name.as_str()));
        let nodes: Vec<Node> = job
            .steps
            .iter()
            .map(|step| {
                let mut after = places.of(&step.depends_on);
                after.retain(|&index| has_steps(index));
                Node { name: step.name.as_str().to_owned(), weight: step.weight, after }
            })
            .collect();
        let levels = levels_of(&nodes)
            .map_err(|Cycle(names)| PlanError::Cycle { job: Some(job.name.clone()), names })?;
        Ok(Self { levels })
    }
}

/// Which positions a name has. Templates of `forEach` steps may share one.
struct Places<'a>(HashMap<&'a str, Vec<usize>>);

impl<'a> Places<'a> {
    fn new(names: impl Iterator<Item = &'a str>) -> Self {
        let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, name) in names.enumerate() {
            places.entry(name).or_default().push(index);
        }
        Self(places)
    }

    fn of(&self, dependencies: &[Dependency]) -> Vec<usize> {
        let known = dependencies.iter().filter_map(|dependency| self.0.get(dependency.on.as_str()));
        known.flatten().copied().collect()
    }
}

/// The names that occur more than once, each once, in order of their second occurrence.
pub(crate) fn duplicates<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    let mut twice = Vec::new();
    for name in names {
        let count = counts.entry(name).or_default();
        *count += 1;
        if *count == 2 {
            twice.push(name.to_owned());
        }
    }
    twice
}

pub(crate) fn refuse_duplicates<'a>(
    names: impl Iterator<Item = &'a str>,
    job: Option<&JobName>,
) -> Result<(), PlanError> {
    let names = duplicates(names);
    if names.is_empty() {
        return Ok(());
    }
    Err(PlanError::DuplicateNames { job: job.cloned(), names })
}

/// The steps of a job, by position, that a dependency of one of them means.
pub(crate) fn named<'a>(steps: &'a [Step], name: &'a str) -> impl Iterator<Item = usize> + 'a {
    let same = steps.iter().enumerate().filter(move |(_, step)| step.name == *name);
    same.map(|(index, _)| index)
}
