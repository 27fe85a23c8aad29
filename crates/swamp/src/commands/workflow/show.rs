//! Workflows as documents and lines.

use serde_json::{Value, json};
use swamp_workflow::{Task, Workflow};

/// The jobs and steps of a workflow without what the steps do in detail.
pub(super) fn outline(workflow: &Workflow) -> Value {
    jobs_json(workflow, |task| ("taskType", json!(task.kind())))
}

/// The jobs and steps of a workflow with their tasks.
pub(super) fn full(workflow: &Workflow) -> Value {
    jobs_json(workflow, |task| {
        let mut value = match task {
            Task::ModelMethod { model, method, .. } => {
                json!({"type": "model_method", "modelIdOrName": model, "methodName": method})
            }
            Task::Workflow { workflow, .. } => {
                json!({"type": "workflow", "workflowIdOrName": workflow})
            }
        };
        if let Some(inputs) = task.inputs() {
            value["inputs"] = Value::Object(inputs.clone());
        }
        ("task", value)
    })
}

fn jobs_json(workflow: &Workflow, task: impl Fn(&Task) -> (&'static str, Value)) -> Value {
    let jobs = workflow.jobs.iter().map(|job| {
        let mut entry = json!({"name": job.name});
        if let Some(description) = &job.description {
            entry["description"] = json!(description);
        }
        let steps = job.steps.iter().map(|step| {
            let mut entry = json!({"name": step.name});
            if let Some(description) = &step.description {
                entry["description"] = json!(description);
            }
            let (key, value) = task(&step.task);
            entry[key] = value;
            entry
        });
        entry["steps"] = steps.collect();
        entry
    });
    jobs.collect()
}

/// The jobs and steps for people.
pub(super) fn jobs(workflow: &Workflow) -> Vec<String> {
    let described =
        |text: &Option<String>| text.as_ref().map_or_else(String::new, |text| format!(" - {text}"));
    let mut lines = vec!["Jobs:".to_owned()];
    for job in &workflow.jobs {
        lines.push(format!("  {}{}", job.name, described(&job.description)));
        lines.push("    Steps:".to_owned());
        for step in &job.steps {
            let kind = step.task.kind();
            lines.push(format!("      {} ({kind}){}", step.name, described(&step.description)));
        }
    }
    lines
}
