//! From a workflow to the value its file holds.

use std::io;

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::{
    DataOutputOverride, Dependency, DriverChoice, GarbageCollection, Job, Reports, Step, Task,
    Workflow,
};
use crate::Condition;
use crate::yaml_text::indented;

/// Builds a map in which absent things have no key.
#[derive(Default)]
struct Keys(Map<String, Value>);

impl Keys {
    fn put(&mut self, key: &str, value: impl Into<Value>) {
        self.0.insert(key.to_owned(), value.into());
    }

    fn put_some(&mut self, key: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.put(key, value);
        }
    }

    fn put_driver(&mut self, driver: Option<&DriverChoice>) {
        if let Some(driver) = driver {
            self.put_some("driver", driver.name.clone());
            self.put_some("driverConfig", driver.config.clone());
        }
    }
}

impl From<Keys> for Value {
    fn from(keys: Keys) -> Self {
        Self::Object(keys.0)
    }
}

pub(super) fn workflow(workflow: &Workflow) -> Value {
    let mut keys = before_jobs(workflow);
    keys.put("jobs", workflow.jobs.iter().map(job).collect::<Vec<_>>());
    keys.0.extend(after_jobs(workflow).0);
    keys.into()
}

fn before_jobs(workflow: &Workflow) -> Keys {
    let mut keys = Keys::default();
    keys.put("id", workflow.id.as_str());
    keys.put("name", workflow.name.as_str());
    keys.put_some("description", workflow.description.clone());
    keys.put_some(
        "trigger",
        workflow.trigger.as_ref().map(|trigger| {
            let mut keys = Keys::default();
            keys.put_some("schedule", trigger.schedule.clone());
            Value::from(keys)
        }),
    );
    keys.put("tags", texts(&workflow.tags));
    keys.put_some("inputs", workflow.inputs.clone());
    keys
}

fn after_jobs(workflow: &Workflow) -> Keys {
    let mut keys = Keys::default();
    keys.put("version", workflow.version);
    keys.put_some("concurrency", workflow.concurrency);
    keys.put_some("reports", workflow.reports.as_ref().map(reports));
    keys.put_driver(workflow.driver.as_ref());
    keys
}

pub(super) fn job(job: &Job) -> Value {
    let mut keys = before_steps(job);
    keys.put("steps", job.steps.iter().map(step).collect::<Vec<_>>());
    keys.0.extend(after_steps(job).0);
    keys.into()
}

fn before_steps(job: &Job) -> Keys {
    let mut keys = Keys::default();
    keys.put("name", job.name.as_str());
    keys.put_some("description", job.description.clone());
    keys
}

fn after_steps(job: &Job) -> Keys {
    let mut keys = Keys::default();
    keys.put("dependsOn", depends_on(&job.depends_on, "job"));
    keys.put("weight", number(job.weight));
    keys.put_some("concurrency", job.concurrency);
    keys.put_driver(job.driver.as_ref());
    keys
}

/// Writes what [`workflow`] gives, step by step.
pub(super) fn yaml(workflow: &Workflow, writer: &mut dyn io::Write) -> io::Result<()> {
    let mut write = |text: String| writer.write_all(text.as_bytes());
    let yaml = |value: Value, depth: usize| indented(&swamp_yaml::to_string(&value), depth);
    write(yaml(before_jobs(workflow).into(), 0))?;
    write(if workflow.jobs.is_empty() { "jobs: []\n" } else { "jobs:\n" }.to_owned())?;
    for job in &workflow.jobs {
        write(yaml(json!([Value::from(before_steps(job))]), 2))?;
        let empty = job.steps.is_empty();
        write(if empty { "    steps: []\n" } else { "    steps:\n" }.to_owned())?;
        for one in &job.steps {
            write(yaml(json!([step(one)]), 6))?;
        }
        write(yaml(after_steps(job).into(), 4))?;
    }
    write(yaml(after_jobs(workflow).into(), 0))
}

pub(super) fn step(step: &Step) -> Value {
    let mut keys = Keys::default();
    keys.put("name", step.name.as_str());
    keys.put_some("description", step.description.clone());
    keys.put("task", task(&step.task));
    keys.put_some(
        "forEach",
        step.for_each
            .as_ref()
            .map(|for_each| json!({"item": for_each.item, "in": for_each.within})),
    );
    keys.put("dependsOn", depends_on(&step.depends_on, "step"));
    keys.put("weight", number(step.weight));
    keys.put_some("concurrency", step.concurrency);
    if !step.data_output_overrides.is_empty() {
        let overrides: Vec<Value> =
            step.data_output_overrides.iter().map(data_output_override).collect();
        keys.put("dataOutputOverrides", overrides);
    }
    keys.put("allowFailure", step.allow_failure);
    keys.put_driver(step.driver.as_ref());
    keys.into()
}

fn task(task: &Task) -> Value {
    let mut keys = Keys::default();
    keys.put("type", task.kind());
    match task {
        Task::ModelMethod { model, method, .. } => {
            keys.put("modelIdOrName", model.as_str());
            keys.put("methodName", method.as_str());
        }
        Task::Workflow { workflow, .. } => keys.put("workflowIdOrName", workflow.as_str()),
    }
    keys.put_some("inputs", task.inputs().cloned());
    keys.into()
}

fn depends_on(dependencies: &[Dependency], what: &str) -> Value {
    let items = dependencies.iter().map(|dependency| {
        let mut keys = Keys::default();
        keys.put(what, dependency.on.as_str());
        keys.put("condition", condition(&dependency.condition));
        Value::from(keys)
    });
    Value::Array(items.collect())
}

fn condition(wanted: &Condition) -> Value {
    let parts = |parts: &[Condition]| parts.iter().map(condition).collect::<Vec<_>>();
    match wanted {
        Condition::And(all) => json!({"type": "and", "conditions": parts(all)}),
        Condition::Or(any) => json!({"type": "or", "conditions": parts(any)}),
        Condition::Not(part) => json!({"type": "not", "condition": condition(part)}),
        // The others are written as they are called.
        word => json!({"type": word.to_string()}),
    }
}

fn data_output_override(wanted: &DataOutputOverride) -> Value {
    let mut keys = Keys::default();
    keys.put("specName", wanted.spec_name.as_str());
    keys.put_some("lifetime", wanted.lifetime.clone());
    keys.put_some(
        "garbageCollection",
        wanted.garbage_collection.as_ref().map(|collection| match collection {
            GarbageCollection::Versions(count) => Value::from(*count),
            GarbageCollection::Age(age) => Value::from(age.as_str()),
        }),
    );
    keys.put_some("tags", wanted.tags.as_ref().map(texts));
    keys.put_some("vary", wanted.vary.clone());
    keys.into()
}

pub(super) fn reports(wanted: &Reports) -> Value {
    let mut keys = Keys::default();
    let require = wanted.require.as_ref().map(|required| {
        let items = required.iter().map(|report| match &report.methods {
            None => Value::from(report.name.as_str()),
            Some(methods) => json!({"name": report.name, "methods": methods}),
        });
        items.collect::<Vec<_>>()
    });
    keys.put_some("require", require);
    keys.put_some("skip", wanted.skip.clone());
    keys.into()
}

fn texts(texts: &IndexMap<String, String>) -> Value {
    texts.iter().map(|(key, text)| (key.clone(), Value::from(text.as_str()))).collect()
}

/// A whole number is written without a fraction.
fn number(number: f64) -> Value {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the range is checked, and whole numbers in it are exact"
    )]
    if number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0 {
        return Value::from(number as i64);
    }
    Value::from(number)
}
