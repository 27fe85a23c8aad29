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
use crate::schema::{Dependency, Job, Workflow};

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
        let places = Places::new(job.steps.iter().map(|step| step.name.as_str()));
        Self::with(job, |index| places.of(&job.steps[index].depends_on))
    }

    /// The graph of a job's steps as written, which wait for what `after` says. A `forEach` step
    /// without items keeps its place in the order: who waits for it waits for what it waits for.
    pub(crate) fn with(job: &Job, after: impl Fn(usize) -> Vec<usize>) -> Result<Self, PlanError> {
        let nodes: Vec<Node> = job
            .steps
            .iter()
            .enumerate()
            .map(|(index, step)| Node {
                name: step.name.as_str().to_owned(),
                weight: step.weight,
                after: after(index),
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn workflow(jobs: &Value) -> Workflow {
        Workflow::from_value(&json!({
            "id": "5d0c8f0e-4a53-4c55-9b0a-0f3f2f9f1c11", "name": "w", "jobs": jobs,
        }))
        .unwrap()
    }

    fn step(name: &str, after: &[&str]) -> Value {
        let depends_on: Vec<Value> =
            after.iter().map(|on| json!({"step": on, "condition": {"type": "always"}})).collect();
        json!({
            "name": name,
            "dependsOn": depends_on,
            "task": {"type": "workflow", "workflowIdOrName": "x"},
        })
    }

    fn job(name: &str, after: &[&str], steps: &[Value]) -> Value {
        let depends_on: Vec<Value> =
            after.iter().map(|on| json!({"job": on, "condition": {"type": "always"}})).collect();
        json!({"name": name, "dependsOn": depends_on, "steps": steps})
    }

    #[test]
    fn jobs_and_steps_are_ordered_by_level_weight_and_name() {
        let mut first = job("first", &[], &[step("s", &[])]);
        first["weight"] = json!(-1);
        let mut early = step("early", &[]);
        early["weight"] = json!(-1.5);
        let workflow = workflow(&json!([
            job("zeta", &[], &[step("s", &[])]),
            job("Beta", &["nobody"], &[step("s", &["nobody"])]),
            job("alpha", &[], &[step("n10", &[]), step("n9", &[]), early, step("z", &["n9"])]),
            first,
            job("last", &["first"], &[step("s", &[])]),
        ]));
        let plan = plan(&workflow).unwrap();
        assert_eq!(plan.jobs, [vec![3, 2, 1, 0], vec![4]]);
        assert_eq!(plan.steps[2], [vec![2, 0, 1], vec![3]]);
    }

    #[test]
    fn workflows_without_an_order_are_refused() {
        let simple = |name: &str, after: &[&str]| job(name, after, &[step("s", &[])]);
        for (jobs, want) in [
            (json!([simple("j", &[]), simple("j", &[])]), "Duplicate node names: j"),
            (
                json!([simple("a", &["b"]), simple("b", &["a"])]),
                "Cyclic dependency detected: a -> b -> a",
            ),
            (json!([job("j", &[], &[step("s", &[]), step("s", &[])])]), "Duplicate node names: s"),
            (json!([job("j", &[], &[step("s", &["s"])])]), "Cyclic dependency detected: s -> s"),
        ] {
            assert_eq!(plan(&workflow(&jobs)).unwrap_err().to_string(), want);
        }
    }

    /// Jobs whose names are numbers and who only wait for smaller numbers.
    fn acyclic_workflow() -> impl Strategy<Value = Workflow> {
        let job_of = (
            proptest::collection::vec(0_usize..8, 0..3),
            -2.0..2.0_f64,
            proptest::collection::vec(proptest::collection::vec(0_usize..6, 0..3), 1..6),
        );
        proptest::collection::vec(job_of, 1..8).prop_map(|jobs| {
            let smaller = |numbers: &[usize], than: usize| -> Vec<String> {
                numbers.iter().filter(|&&number| number < than).map(usize::to_string).collect()
            };
            let jobs: Vec<Value> = jobs
                .iter()
                .enumerate()
                .map(|(number, (after, weight, steps))| {
                    let steps: Vec<Value> = steps
                        .iter()
                        .enumerate()
                        .map(|(number, after)| {
                            let after = smaller(after, number);
                            let after: Vec<&str> = after.iter().map(String::as_str).collect();
                            step(&number.to_string(), &after)
                        })
                        .collect();
                    let after = smaller(after, number);
                    let after: Vec<&str> = after.iter().map(String::as_str).collect();
                    let mut job = job(&number.to_string(), &after, &steps);
                    job["weight"] = json!(weight);
                    job
                })
                .collect();
            workflow(&json!(jobs))
        })
    }

    proptest! {
        #[test]
        fn the_same_workflow_gives_the_same_plan(workflow in acyclic_workflow()) {
            let first = format!("{:?}", plan(&workflow).unwrap());
            let again = Workflow::from_value(&workflow.to_value()).unwrap();
            prop_assert_eq!(first, format!("{:?}", plan(&again).unwrap()));
        }

        #[test]
        fn the_order_of_jobs_in_the_file_does_not_matter(
            (workflow, shuffled) in acyclic_workflow().prop_flat_map(|workflow| {
                let jobs = Just(workflow.jobs.clone()).prop_shuffle();
                (Just(workflow), jobs)
            })
        ) {
            let names = |workflow: &Workflow| -> Vec<Vec<String>> {
                let levels = plan(workflow).unwrap().jobs.into_iter();
                let name = |index: usize| workflow.jobs[index].name.to_string();
                levels.map(|level| level.into_iter().map(name).collect()).collect()
            };
            let shuffled = Workflow { jobs: shuffled, ..workflow.clone() };
            prop_assert_eq!(names(&workflow), names(&shuffled));
        }
    }
}
