use std::collections::HashMap;

use proptest::prelude::*;
use serde_json::{Value, json};
use swamp_events::ForEachRef;
use swamp_ident::StepName;

use super::*;
use crate::plan::job_levels;
use crate::schema::Workflow;
use crate::steps::Iteration;

fn workflow(jobs: &Value) -> Workflow {
    Workflow::from_value(&json!({
        "id": "5d0c8f0e-4a53-4c55-9b0a-0f3f2f9f1c11", "name": "w", "jobs": jobs,
    }))
    .unwrap()
}

/// A run without an executor: steps end when the test says so.
struct Simulation {
    workflow: Workflow,
    schedule: Schedule,
    plans: Vec<Option<StepPlan>>,
    /// How many iterations each `forEach` step has; one item each if not said.
    items: HashMap<String, usize>,
    limit: usize,
    running: Vec<(usize, usize)>,
    /// What happened, in order.
    log: Vec<Effect>,
}

impl Simulation {
    fn new(jobs: &Value, items: &[(&str, usize)], limit: usize) -> Self {
        let workflow = workflow(jobs);
        let schedule =
            Schedule::new(awaited_jobs(&workflow), job_levels(&workflow.jobs).unwrap(), limit);
        let plans = vec![None; workflow.jobs.len()];
        let items = items.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        Self { workflow, schedule, plans, items, limit, running: vec![], log: vec![] }
    }

    fn apply(&mut self, effects: Vec<Effect>) {
        let mut effects = VecDeque::from(effects);
        while let Some(effect) = effects.pop_front() {
            self.log.push(effect.clone());
            match effect {
                Effect::JobStarts(job) => {
                    let plan = self.plan_of(job);
                    let limits = vec![self.limit; plan.levels.len()];
                    self.plans[job] = Some(plan.clone());
                    effects.extend(self.schedule.job_ready(job, plan, limits));
                }
                Effect::StepStarts(job, step) => self.running.push((job, step)),
                _ => {}
            }
        }
    }

    fn plan_of(&self, job: usize) -> StepPlan {
        let job = &self.workflow.jobs[job];
        let iterations = job.steps.iter().map(|step| {
            step.for_each.as_ref()?;
            let count = self.items.get(step.name.as_str()).copied().unwrap_or(1);
            let iteration = |index: usize| Iteration {
                name: StepName::new(format!("{}-{index}", step.name)),
                for_each: ForEachRef { index, value: index.to_string() },
                item: json!(index),
            };
            Some((0..count).map(iteration).collect())
        });
        StepPlan::new(job, iterations.collect()).unwrap()
    }

    fn begin(&mut self) {
        let effects = self.schedule.begin();
        self.apply(effects);
    }

    fn end(&mut self, (job, step): (usize, usize), status: Status) {
        self.running.retain(|running| *running != (job, step));
        let allowed = self.written(job, step).allow_failure;
        let effects = self.schedule.step_ended(job, step, status, allowed);
        self.apply(effects);
    }

    fn written(&self, job: usize, step: usize) -> &crate::schema::Step {
        let plan = self.plans[job].as_ref().unwrap();
        &self.workflow.jobs[job].steps[plan.steps[step].template]
    }

    fn name(&self, job: usize, step: usize) -> String {
        self.plans[job].as_ref().unwrap().steps[step].reference.name.to_string()
    }

    /// Ends steps in the order they began; those whose model is `bad` fail.
    fn finish(&mut self) {
        self.begin();
        while let Some(&(job, step)) = self.running.first() {
            let bad = matches!(
                &self.written(job, step).task,
                crate::schema::Task::ModelMethod { model, .. } if model == "bad"
            );
            self.end((job, step), if bad { Status::Failed } else { Status::Succeeded });
        }
    }

    /// `job=status` and `job/step=status`, skipped ones with their reason, in the order they ended.
    fn ends(&self) -> Vec<String> {
        let job_name = |job: usize| self.workflow.jobs[job].name.to_string();
        let mut ends = vec![];
        for effect in &self.log {
            match effect {
                Effect::StepSkipped(job, step, status, reason) => ends.push(format!(
                    "{}/{}={status}{}",
                    job_name(*job),
                    self.name(*job, *step),
                    in_words(reason)
                )),
                Effect::JobSkipped(job, status, reason) => {
                    ends.push(format!("{}={status}{}", job_name(*job), in_words(reason)));
                }
                Effect::StepStarts(job, step) => ends.push(format!(
                    "{}/{}={}",
                    job_name(*job),
                    self.name(*job, *step),
                    self.schedule.jobs[*job].steps[*step].status
                )),
                Effect::JobEnded(job, status) => {
                    ends.push(format!("{}={status}", job_name(*job)));
                }
                Effect::RunEnded(status) => ends.push(status.to_string()),
                Effect::JobStarts(_) => {}
            }
        }
        ends
    }
}

fn in_words(reason: &SkipReason) -> String {
    match reason {
        SkipReason::Condition { on, condition } => format!(" ({on} {condition})"),
        SkipReason::EarlierFailure => " (earlier failure)".to_owned(),
        other => format!(" ({other:?})"),
    }
}

fn awaited_jobs(workflow: &Workflow) -> Vec<Vec<AwaitedJob>> {
    let place = |name: &str| workflow.jobs.iter().position(|job| job.name == *name);
    let awaited = |job: &crate::schema::Job| {
        let awaited = job.depends_on.iter().map(|dependency| AwaitedJob {
            on: dependency.on.clone(),
            condition: dependency.condition.clone(),
            job: place(&dependency.on),
        });
        awaited.collect()
    };
    workflow.jobs.iter().map(awaited).collect()
}

/// `a <- b:succeeded c:failed` is a step `a`; `!` in front allows failure, `*` after the name makes
/// a `forEach`, `bad` in the name makes it fail.
fn steps(written: &[&str]) -> Value {
    written
        .iter()
        .map(|text| {
            let (name, after) = text.split_once(" <- ").unwrap_or((text, ""));
            let allowed = name.starts_with('!');
            let name = name.trim_start_matches('!');
            let mut step = json!({
                "name": name.trim_end_matches('*'),
                "allowFailure": allowed,
                "task": {
                    "type": "model_method",
                    "modelIdOrName": if name.contains("bad") { "bad" } else { "good" },
                    "methodName": "m",
                },
                "dependsOn": dependencies("step", after),
            });
            if name.ends_with('*') {
                step["forEach"] = json!({"item": "i", "in": "${{ [] }}"});
            }
            step
        })
        .collect()
}

fn dependencies(what: &str, written: &str) -> Value {
    let of = |text: &str| {
        let (on, condition) = text.split_once(':').unwrap();
        let condition = match condition.strip_prefix("not-") {
            Some(part) => json!({"type": "not", "condition": {"type": part}}),
            None => json!({"type": condition}),
        };
        json!({what: on, "condition": condition})
    };
    written.split_whitespace().map(of).collect()
}

fn one_job(written: &[&str], items: &[(&str, usize)]) -> Vec<String> {
    let mut simulation =
        Simulation::new(&json!([{"name": "j", "steps": steps(written)}]), items, 9);
    simulation.finish();
    simulation.ends()
}

#[test]
fn after_a_failure_handlers_run_and_the_others_are_skipped() {
    assert_eq!(
        one_job(
            &[
                "bad-copy",
                "sibling",
                "verify <- bad-copy:succeeded",
                "cleanup <- bad-copy:failed",
                "report <- sibling:succeeded",
                "either-way <- sibling:completed",
                "after-cleanup <- cleanup:succeeded",
                "after-report <- report:skipped",
                "after-verify <- verify:succeeded",
            ],
            &[]
        ),
        [
            "j/bad-copy=failed",
            "j/sibling=succeeded",
            "j/cleanup=succeeded",
            "j/either-way=succeeded",
            "j/report=skipped (earlier failure)",
            "j/verify=skipped (bad-copy succeeded)",
            "j/after-cleanup=succeeded",
            "j/after-report=succeeded",
            "j/after-verify=skipped (verify succeeded)",
            "j=failed",
            "failed",
        ]
    );
}

#[test]
fn an_allowed_failure_is_a_failure_for_conditions_but_not_for_the_job() {
    assert_eq!(
        one_job(
            &[
                "!a-bad",
                "b <- a-bad:succeeded",
                "c <- b:succeeded",
                "d <- b:skipped",
                "e <- c:completed",
                "f <- c:always a-bad:failed",
                "g <- nowhere:always",
                "h <- nowhere:succeeded",
                "i <- a-bad:failed",
            ],
            &[]
        ),
        [
            "j/a-bad=failed",
            "j/g=succeeded",
            "j/h=skipped (nowhere succeeded)",
            "j/b=skipped (a-bad succeeded)",
            "j/i=succeeded",
            "j/c=skipped (b succeeded)",
            "j/d=succeeded",
            "j/e=skipped (c completed)",
            "j/f=succeeded",
            "j=succeeded",
            "succeeded",
        ]
    );
}

#[test]
fn dependents_of_a_for_each_see_all_iterations() {
    let conditions = [
        "s <- x:succeeded",
        "f <- x:failed",
        "c <- x:completed",
        "k <- x:skipped",
        "n <- x:not-succeeded",
        "loop* <- x:failed",
    ];
    let run = |first: &str, items: usize| -> Vec<String> {
        let mut written = vec![first, "first"];
        written.extend(conditions);
        let name = first.trim_start_matches('!').split('*').next().unwrap();
        let all: Vec<String> =
            written.iter().map(|text| text.replace("x:", &format!("{name}:"))).collect();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let ends = one_job(&all, &[(name, items), ("loop", 2)]);
        let ran = ends.iter().filter_map(|end| end.strip_prefix("j/")?.strip_suffix("=succeeded"));
        ran.filter(|step| !step.starts_with(name) && *step != "first").map(str::to_owned).collect()
    };
    assert_eq!(run("x*", 3), ["c", "s"]);
    assert_eq!(run("!bad*", 3), ["c", "f", "loop-0", "loop-1", "n"]);
    assert_eq!(run("x*", 0), ["c", "s"], "no item: nothing that could fail");
    assert_eq!(run("x* <- first:failed", 3), ["k", "n"]);
    assert_eq!(run("x* <- first:failed", 0), ["k", "n"]);
}

#[test]
fn one_failed_iteration_makes_the_whole_for_each_failed() {
    let jobs =
        json!([{"name": "j", "steps": steps(&["!x*", "s <- x:succeeded", "f <- x:failed"])}]);
    let mut simulation = Simulation::new(&jobs, &[("x", 3)], 9);
    simulation.begin();
    simulation.end((0, 0), Status::Succeeded);
    simulation.end((0, 1), Status::Failed);
    simulation.end((0, 2), Status::Succeeded);
    assert_eq!(simulation.running, [(0, 4)]);
}

#[test]
fn an_iteration_can_be_waited_for_by_its_own_name() {
    let jobs = json!([{"name": "j", "steps": steps(&["!x*", "s <- x-0:succeeded", "t <- x-1:succeeded"])}]);
    let mut simulation = Simulation::new(&jobs, &[("x", 2)], 9);
    simulation.begin();
    assert_eq!(simulation.running, [(0, 0), (0, 1)]);
    simulation.end((0, 0), Status::Succeeded);
    simulation.end((0, 1), Status::Failed);
    assert_eq!(simulation.running, [(0, 2)]);
}

#[test]
fn a_for_each_without_items_keeps_its_place_in_the_order() {
    let jobs = json!([{"name": "j", "steps": steps(&["a", "e* <- a:succeeded", "b <- e:always"])}]);
    let mut simulation = Simulation::new(&jobs, &[("e", 0)], 9);
    simulation.begin();
    assert_eq!(simulation.running, [(0, 0)]);
    simulation.end((0, 0), Status::Succeeded);
    assert_eq!(simulation.running, [(0, 1)]);
}

#[test]
fn jobs_run_whatever_other_jobs_did_if_their_conditions_hold() {
    let job = |name: &str, step: &str, after: &str| json!({"name": name, "steps": steps(&[step]), "dependsOn": dependencies("job", after)});
    let mut simulation = Simulation::new(
        &json!([
            job("a", "bad", ""),
            job("fine", "s", ""),
            job("page", "s", "a:failed"),
            job("publish", "s", "a:succeeded"),
            job("last", "s", "publish:skipped fine:succeeded"),
            job("lost", "s", "nobody:succeeded"),
        ]),
        &[],
        9,
    );
    simulation.finish();
    assert_eq!(
        simulation.ends(),
        [
            "lost=skipped (nobody succeeded)",
            "a/bad=failed",
            "fine/s=succeeded",
            "a=failed",
            "fine=succeeded",
            "publish=skipped (a succeeded)",
            "page/s=succeeded",
            "page=succeeded",
            "last/s=succeeded",
            "last=succeeded",
            "failed",
        ]
    );
}

#[test]
fn jobs_whose_steps_cannot_be_known_fail_and_so_does_the_run() {
    let jobs = json!([
        {"name": "a", "steps": steps(&["s"])},
        {"name": "b", "steps": steps(&["s"])},
    ]);
    let workflow = workflow(&jobs);
    let mut schedule =
        Schedule::new(awaited_jobs(&workflow), job_levels(&workflow.jobs).unwrap(), 9);
    assert_eq!(schedule.begin(), [Effect::JobStarts(0), Effect::JobStarts(1)]);
    assert_eq!(schedule.job_broken(0), [Effect::JobEnded(0, Status::Failed)]);
    assert_eq!(
        schedule.job_broken(1),
        [Effect::JobEnded(1, Status::Failed), Effect::RunEnded(Status::Failed)]
    );
}

#[test]
fn a_stopped_run_waits_for_what_runs_and_starts_nothing() {
    let jobs = json!([
        {"name": "a", "steps": steps(&["s", "t <- s:always"])},
        {"name": "b", "steps": steps(&["s"]), "dependsOn": dependencies("job", "a:always")},
    ]);
    let cause = CancelCause::Deadline;
    for (stop, rest, run) in [
        (Stop::Cancelled(cause), Status::Cancelled, Status::Cancelled),
        (Stop::Broken, Status::Skipped, Status::Failed),
    ] {
        let mut simulation = Simulation::new(&jobs, &[], 9);
        simulation.begin();
        let effects = simulation.schedule.stop(stop);
        assert_eq!(effects, [], "the first step still runs");
        assert_eq!(simulation.schedule.stop(Stop::Broken), [], "the first reason counts");
        simulation.end((0, 0), Status::Succeeded);
        let (_, reason) = not_started(stop);
        let job = if rest == Status::Cancelled { Status::Cancelled } else { Status::Succeeded };
        assert_eq!(
            simulation.log[2..],
            [
                Effect::StepSkipped(0, 1, rest, reason.clone()),
                Effect::JobEnded(0, job),
                Effect::JobSkipped(1, rest, reason),
                Effect::RunEnded(run),
            ]
        );
    }
}

#[test]
fn a_stop_after_the_end_changes_nothing() {
    let mut simulation = Simulation::new(&json!([{"name": "j", "steps": steps(&["s"])}]), &[], 1);
    simulation.finish();
    assert_eq!(simulation.schedule.stop(Stop::Cancelled(CancelCause::Interrupt)), []);
    assert_eq!(simulation.ends().last().unwrap(), "succeeded");
}

/// A random workflow, decisions to make on the way, and the step after which to stop, if at all.
type AnyRun = (Value, Vec<(&'static str, usize)>, usize, Vec<u8>, usize);

fn any_run() -> impl Strategy<Value = AnyRun> {
    const CONDITIONS: [&str; 6] =
        ["always", "succeeded", "failed", "completed", "skipped", "not-succeeded"];
    let after = proptest::collection::vec((0_usize..5, 0_usize..CONDITIONS.len()), 0..3);
    let step = (after.clone(), any::<bool>(), 0_usize..3);
    let job = (after, proptest::collection::vec(step, 1..6));
    let names = |after: &[(usize, usize)], than: usize| -> String {
        // Numbers from `than` on are names that nobody has.
        let dependency = |(on, condition): &(usize, usize)| {
            let on = if *on < than { format!("n{on}") } else { format!("ghost{on}") };
            format!("{on}:{} ", CONDITIONS[*condition])
        };
        after.iter().map(dependency).collect()
    };
    let jobs = proptest::collection::vec(job, 1..5).prop_map(move |jobs| {
        let jobs = jobs.iter().enumerate().map(|(number, (after, written))| {
            let written: Vec<String> = written
                .iter()
                .enumerate()
                .map(|(number, (after, allowed, kind))| {
                    let mark = if *allowed { "!" } else { "" };
                    let star = if *kind == 0 { "*" } else { "" };
                    format!("{mark}n{number}{star} <- {}", names(after, number))
                })
                .collect();
            let written: Vec<&str> = written.iter().map(String::as_str).collect();
            json!({
                "name": format!("n{number}"),
                "steps": steps(&written),
                "dependsOn": dependencies("job", &names(after, number)),
            })
        });
        jobs.collect::<Value>()
    });
    let items = Just(vec![("n0", 2), ("n1", 0), ("n2", 3), ("n3", 1)]);
    (jobs, items, 1_usize..4, proptest::collection::vec(any::<u8>(), 200), 0_usize..40)
}

proptest! {
    #[test]
    fn everything_ends_exactly_once_and_as_its_conditions_want(
        (jobs, items, limit, decisions, stop_after) in any_run()
    ) {
        let mut simulation = Simulation::new(&jobs, &items, limit);
        simulation.begin();
        let mut stopped_at = None;
        let mut decisions = decisions.into_iter().cycle();
        for round in 0.. {
            if simulation.running.is_empty() {
                break;
            }
            if round == stop_after {
                let effects = simulation.schedule.stop(Stop::Cancelled(CancelCause::Terminate));
                stopped_at = Some(simulation.log.len());
                simulation.apply(effects);
            }
            let pick = usize::from(decisions.next().unwrap()) % simulation.running.len();
            let status = match decisions.next().unwrap() % 3 {
                0 => Status::Failed,
                1 if stopped_at.is_some() => Status::Cancelled,
                _ => Status::Succeeded,
            };
            simulation.end(simulation.running[pick], status);
        }
        check(&simulation, stopped_at)?;
    }
}

/// Replays the log of a finished run.
fn check(simulation: &Simulation, stopped_at: Option<usize>) -> Result<(), TestCaseError> {
    let mut starts: HashMap<(usize, usize), usize> = HashMap::new();
    let mut skips: HashMap<(usize, usize), usize> = HashMap::new();
    let mut job_ends: HashMap<usize, usize> = HashMap::new();
    for (time, effect) in simulation.log.iter().enumerate() {
        match effect {
            Effect::StepStarts(job, step) => {
                prop_assert!(starts.insert((*job, *step), time).is_none());
            }
            Effect::StepSkipped(job, step, ..) => {
                prop_assert!(skips.insert((*job, *step), time).is_none());
            }
            Effect::JobEnded(job, _) | Effect::JobSkipped(job, ..) => {
                prop_assert!(job_ends.insert(*job, time).is_none());
            }
            Effect::JobStarts(_) | Effect::RunEnded(_) => {}
        }
        if stopped_at.is_some_and(|stopped| time >= stopped) {
            prop_assert!(!matches!(effect, Effect::StepStarts(..) | Effect::JobStarts(_)));
        }
    }
    prop_assert_eq!(job_ends.len(), simulation.workflow.jobs.len());
    let run_ends = simulation.log.iter().filter(|e| matches!(e, Effect::RunEnded(_))).count();
    prop_assert_eq!(run_ends, 1);
    prop_assert!(matches!(simulation.log.last(), Some(Effect::RunEnded(_))));

    for (job, plan) in simulation.plans.iter().enumerate() {
        let Some(plan) = plan else { continue };
        let state = &simulation.schedule.jobs[job];
        let levels: HashMap<usize, usize> = plan
            .levels
            .iter()
            .enumerate()
            .flat_map(|(level, steps)| steps.iter().map(move |step| (*step, level)))
            .collect();
        prop_assert_eq!(levels.len(), plan.steps.len());
        for step in 0..plan.steps.len() {
            let key = (job, step);
            prop_assert!(starts.contains_key(&key) != skips.contains_key(&key));
            let status = state.steps[step].status;
            prop_assert!(status.is_terminal());
            // Conditions look at earlier levels, which have not changed since.
            let awaited = &plan.awaited[plan.steps[step].template];
            let hold = awaited.iter().all(|on| on.condition.holds(state.status_of(on)));
            if starts.contains_key(&key) {
                prop_assert!(hold, "{} ran", simulation.name(job, step));
            }
            if let Some(time) = skips.get(&key) {
                let Effect::StepSkipped(_, _, status, reason) = &simulation.log[*time] else {
                    unreachable!()
                };
                match reason {
                    SkipReason::Condition { .. } => prop_assert!(!hold),
                    SkipReason::EarlierFailure => {
                        prop_assert!(hold && state.failed);
                        prop_assert!(awaited.iter().all(|on| !on.condition.expects_trouble()));
                    }
                    SkipReason::Cancelled(_) => {
                        prop_assert!(*status == Status::Cancelled && stopped_at.is_some());
                    }
                    SkipReason::JobSkipped => prop_assert!(false, "the job ran"),
                }
            }
            // Nothing of a level begins before everything of the level before has begun.
            let begun = starts.get(&key).or(skips.get(&key)).unwrap();
            for (other, level) in &levels {
                let other_begun = starts.get(&(job, *other)).or(skips.get(&(job, *other))).unwrap();
                if *level < levels[&step] {
                    prop_assert!(other_begun < begun);
                }
            }
        }
    }
    Ok(())
}
