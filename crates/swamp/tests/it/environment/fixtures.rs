//! Parts of workflow files.

use std::fmt::Write;

use serde_json::Value;

/// A step in YAML that calls `execute` of a definition; `more` is empty or more keys, each after a
/// comma.
pub fn call(step: &str, model: &str, more: &str) -> String {
    let [step, model] = [step, model].map(Value::from);
    format!(
        "{{name: {step}, task: {{type: model_method, modelIdOrName: {model}, methodName: execute}}{more}}}"
    )
}

/// A step in YAML that runs another workflow.
pub fn nest(step: &str, workflow: &str, more: &str) -> String {
    let [step, workflow] = [step, workflow].map(Value::from);
    format!("{{name: {step}, task: {{type: workflow, workflowIdOrName: {workflow}}}{more}}}")
}

/// Jobs in YAML, each a name, more keys (each after a comma) and steps.
pub fn jobs<S: AsRef<str>>(jobs: &[(&str, &str, &[S])]) -> String {
    let mut text = "jobs:\n".to_owned();
    for (name, more, steps) in jobs {
        let name = Value::from(*name);
        let _ = writeln!(text, "  - {{name: {name}{more}, steps: [");
        for step in *steps {
            let _ = writeln!(text, "      {},", step.as_ref());
        }
        text.push_str("    ]}\n");
    }
    text
}

/// One job named `main` in YAML.
pub fn one_job<S: AsRef<str>>(steps: &[S]) -> String {
    jobs(&[("main", "", steps)])
}
