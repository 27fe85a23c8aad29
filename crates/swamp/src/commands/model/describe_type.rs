//! Model types and methods as lines for people.

use serde_json::Value;
use swamp_model::{MethodType, ModelType, OutputSpec};

/// The methods of a type with their arguments and outputs.
pub(super) fn methods(model_type: &ModelType) -> Vec<String> {
    let mut lines = vec!["Methods:".to_owned()];
    for method in &model_type.methods {
        lines.push(format!("  {} - {}", method.name, method.description));
        lines.extend(indented("    ", arguments("Arguments:", method.arguments.as_json())));
        lines.extend(indented("    ", outputs(model_type)));
    }
    lines
}

/// One method with its arguments and outputs.
pub(super) fn method(model_type: &ModelType, method: &MethodType) -> Vec<String> {
    let mut lines = vec![format!("Method: {} - {}", method.name, method.description)];
    lines.push(String::new());
    lines.extend(arguments("Arguments:", method.arguments.as_json()));
    lines.push(String::new());
    lines.extend(outputs(model_type));
    lines
}

/// The properties of a JSON Schema: name, type, allowed values, whether required.
pub(super) fn arguments(heading: &str, schema: &Value) -> Vec<String> {
    let required = |name: &str| {
        schema["required"].as_array().is_some_and(|list| list.iter().any(|entry| entry == name))
    };
    let mut lines = vec![heading.to_owned()];
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let kind = property["type"].as_str().unwrap_or("any");
        let values = match property["enum"].as_array() {
            Some(values) => {
                let values: Vec<String> = values.iter().map(plain).collect();
                format!(" [{}]", values.join(", "))
            }
            None => String::new(),
        };
        let required = if required(name) { " *required" } else { "" };
        lines.push(format!("  {name} ({kind}){values}{required}"));
    }
    lines
}

fn outputs(model_type: &ModelType) -> Vec<String> {
    if model_type.outputs.is_empty() {
        return Vec::new();
    }
    let mut lines = vec!["Data Outputs:".to_owned()];
    for output in &model_type.outputs {
        let (description, kept) = match output {
            OutputSpec::Resource(spec) => (&spec.description, spec.lifetime.clone()),
            OutputSpec::File(spec) => {
                (&spec.description, format!("{}, {}", spec.content_type, spec.lifetime))
            }
        };
        let description =
            description.as_ref().map_or_else(String::new, |text| format!(" - {text}"));
        let kind = output.kind().as_str();
        lines.push(format!("  {} [{kind}]{description} ({kept})", output.name()));
    }
    lines
}

fn indented(by: &str, lines: Vec<String>) -> impl Iterator<Item = String> {
    lines.into_iter().map(move |line| format!("{by}{line}"))
}

/// A value on one line: texts as they are, everything else as compact JSON.
pub(crate) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
