//! The steps of a job once its `forEach` steps are expanded.

use std::collections::HashMap;
use std::ops::Range;

use serde_json::Value;
use swamp_events::{ForEachRef, StepRef};
use swamp_ident::StepName;

use crate::Condition;
use crate::graph::{Placed, arrange};
use crate::plan::{PlanError, StepGraph, refuse_duplicates};
use crate::schema::Job;

/// A step that will run, be skipped or be cancelled.
#[derive(Clone, Debug)]
pub(crate) struct PlannedStep {
    /// The step as written it comes from.
    pub(crate) template: usize,
    /// How events name it.
    pub(crate) reference: StepRef,
    /// The value of the `forEach` variable.
    pub(crate) item: Option<Value>,
}

/// One iteration before it has its place.
#[derive(Clone, Debug)]
pub(crate) struct Iteration {
    pub(crate) name: StepName,
    pub(crate) for_each: ForEachRef,
    pub(crate) item: Value,
}

/// A dependency with the steps it means.
#[derive(Clone, Debug)]
pub(crate) struct Awaited {
    /// The name as written.
    pub(crate) on: String,
    pub(crate) condition: Condition,
    /// The steps as written that have this name, with their iterations; or one iteration. Empty
    /// for a name that nobody has.
    pub(crate) targets: Vec<Target>,
}

/// What a name in a dependency stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A step as written, with all its iterations.
    Template(usize),
    /// One iteration of a `forEach` step.
    Iteration(usize),
}

/// All steps of a job in their order.
#[derive(Clone, Debug)]
pub(crate) struct StepPlan {
    /// In file order, iterations in the order of their items.
    pub(crate) steps: Vec<PlannedStep>,
    /// For each step as written, its place in `steps`.
    pub(crate) ranges: Vec<Range<usize>>,
    /// For each step as written, what it waits for.
    pub(crate) awaited: Vec<Vec<Awaited>>,
    /// Indices into `steps`, level by level.
    pub(crate) levels: Vec<Vec<usize>>,
}

impl StepPlan {
    /// Plans the steps of a job. `iterations` has an entry for every step as written: the
    /// iterations of a `forEach` step, `None` for any other.
    pub(crate) fn new(
        job: &Job,
        iterations: Vec<Option<Vec<Iteration>>>,
    ) -> Result<Self, PlanError> {
        let mut steps = Vec::with_capacity(job.steps.len());
        let mut ranges = Vec::with_capacity(job.steps.len());
        for (template, (written, iterations)) in job.steps.iter().zip(iterations).enumerate() {
            let start = steps.len();
            match iterations {
                None => steps.push(PlannedStep {
                    template,
                    reference: StepRef {
                        name: written.name.clone(),
                        template: written.name.clone(),
                        for_each: None,
                    },
                    item: None,
                }),
                Some(iterations) => {
                    steps.extend(iterations.into_iter().map(|iteration| PlannedStep {
                        template,
                        reference: StepRef {
                            name: iteration.name,
                            template: written.name.clone(),
                            for_each: Some(iteration.for_each),
                        },
                        item: Some(iteration.item),
                    }));
                }
            }
            ranges.push(start..steps.len());
        }
        let names = steps.iter().map(|step| step.reference.name.as_str());
        refuse_duplicates(names, Some(&job.name))?;

        let targets = targets(job, &steps);
        let awaited: Vec<Vec<Awaited>> = job
            .steps
            .iter()
            .map(|step| {
                let dependencies = step.depends_on.iter().map(|dependency| Awaited {
                    on: dependency.on.clone(),
                    condition: dependency.condition.clone(),
                    targets: targets.get(dependency.on.as_str()).cloned().unwrap_or_default(),
                });
                dependencies.collect()
            })
            .collect();
        let graph = StepGraph::with(job, |template| {
            awaited[template]
                .iter()
                .flat_map(|awaited| &awaited.targets)
                .map(|target| match target {
                    Target::Template(template) => *template,
                    Target::Iteration(step) => steps[*step].template,
                })
                .collect()
        })?;
        let levels = arrange(steps.iter().enumerate().map(|(index, step)| Placed {
            index,
            level: graph.levels[step.template],
            weight: job.steps[step.template].weight,
            name: step.reference.name.as_str().to_owned(),
        }));
        Ok(Self { steps, ranges, awaited, levels })
    }
}

/// What every name stands for: a step as written first, else an iteration.
fn targets<'a>(job: &'a Job, steps: &'a [PlannedStep]) -> HashMap<&'a str, Vec<Target>> {
    let mut targets: HashMap<&str, Vec<Target>> = HashMap::new();
    for (template, step) in job.steps.iter().enumerate() {
        targets.entry(step.name.as_str()).or_default().push(Target::Template(template));
    }
    for (index, step) in steps.iter().enumerate() {
        if step.item.is_some() {
            let name = step.reference.name.as_str();
            targets.entry(name).or_insert_with(|| vec![Target::Iteration(index)]);
        }
    }
    targets
}
