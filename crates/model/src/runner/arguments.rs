//! What the method gets: arguments assembled and checked, global arguments checked, names that vary.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use swamp_ident::{ErrorCategory, SpecName};

use super::stop::Stop;
use super::target::Target;
use crate::request::DataOverride;
use crate::schema::{Schema, join};
use crate::types::ModelType;

/// The arguments of a method: global arguments it takes, below the definition's own, below what the
/// call replaces; texts turned into numbers and booleans where the schema wants them.
pub(super) fn assemble(
    target: &Target,
    globals: &Map<String, Value>,
    own: Map<String, Value>,
    replaced: &Map<String, Value>,
) -> Result<Map<String, Value>, Stop> {
    let mut arguments = globals.clone();
    arguments.extend(own);
    arguments.extend(replaced.iter().map(|(name, value)| (name.clone(), value.clone())));
    let schema = &target.method.arguments;
    fit(schema, &mut arguments).map_err(|problems| {
        let message = format!("Method arguments validation failed: {problems}");
        Stop::unfit(ErrorCategory::Arguments, message)
    })?;
    Ok(arguments)
}

/// The global arguments of a type that has a schema for them, checked; else as they are.
pub(super) fn check_globals(
    model_type: &ModelType,
    mut globals: Map<String, Value>,
) -> Result<Map<String, Value>, Stop> {
    let Some(schema) = &model_type.global_arguments else { return Ok(globals) };
    let problems = match unknown_arguments(schema, &globals) {
        Some(problem) => Err(problem),
        None => fit(schema, &mut globals),
    };
    problems.map_err(|problems| {
        let message = format!("Global arguments validation failed: {problems}");
        Stop::unfit(ErrorCategory::Arguments, message)
    })?;
    Ok(globals)
}

/// Coerces, checks and completes values in place.
fn fit(schema: &Schema, values: &mut Map<String, Value>) -> Result<(), String> {
    schema.coerce(values);
    let whole = Value::Object(std::mem::take(values));
    let problems = schema.check(&whole);
    if let Value::Object(map) = whole {
        *values = map;
    }
    if !problems.is_empty() {
        return Err(join(&problems));
    }
    schema.complete(values);
    Ok(())
}

/// The problem with arguments that a schema does not name, if there are any.
pub(crate) fn unknown_arguments(schema: &Schema, values: &Map<String, Value>) -> Option<String> {
    if schema.is_open() {
        return None;
    }
    let unknown: Vec<&str> =
        values.keys().map(String::as_str).filter(|name| schema.property(name).is_none()).collect();
    if unknown.is_empty() {
        return None;
    }
    let known: Vec<&str> = schema.property_names().collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Some(format!("Unknown argument(s): {}. Valid arguments are: {known}", unknown.join(", ")))
}

/// What is appended to the names of an output's data, for outputs that a step lets vary.
pub(super) fn suffixes(
    overrides: &[DataOverride],
    model_type: &ModelType,
    inputs: &Map<String, Value>,
) -> Result<BTreeMap<SpecName, String>, Stop> {
    let mut suffixes = BTreeMap::new();
    for item in overrides {
        if item.vary.is_empty() || model_type.output(&item.spec).is_none() {
            continue;
        }
        let mut parts = Vec::with_capacity(item.vary.len());
        for key in &item.vary {
            let value = inputs.get(key).filter(|value| !value.is_null()).ok_or_else(|| {
                let spec = &item.spec;
                let message =
                    format!("Vary dimension '{key}' not found in step inputs for spec '{spec}'");
                Stop::unfit(ErrorCategory::Vary, message)
            })?;
            parts.push(vary_text(value));
        }
        let suffix = parts.join("-");
        let name = format!("{}-{suffix}", item.spec);
        swamp_store::check_data_name(&name).map_err(|error| {
            let message = format!("Vary values for spec '{}' make no name: {error}", item.spec);
            Stop::unfit(ErrorCategory::Vary, message)
        })?;
        suffixes.insert(item.spec.clone(), suffix);
    }
    Ok(suffixes)
}

/// A value as part of a name: the text of a scalar, what names a map, else JSON cut short.
pub(super) fn vary_text(value: &Value) -> String {
    const LONGEST: usize = 64;
    match value {
        Value::String(text) => text.clone(),
        Value::Object(map) => {
            let named = ["key", "name", "id"].iter().find_map(|key| map.get(*key));
            match named {
                Some(Value::String(text)) => text.clone(),
                Some(scalar @ (Value::Number(_) | Value::Bool(_))) => scalar.to_string(),
                _ => value.to_string().chars().take(LONGEST).collect(),
            }
        }
        Value::Array(_) => value.to_string().chars().take(LONGEST).collect(),
        scalar => scalar.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::TypeRegistry;
    use serde_json::json;

    #[test]
    fn vary_values_become_parts_of_names() {
        let types = TypeRegistry::builtin();
        let shell = types.iter().next().unwrap();
        let item = |spec: &str, vary: &[&str]| DataOverride {
            spec: SpecName::new(spec),
            lifetime: None,
            garbage_collection: None,
            tags: Vec::new(),
            vary: vary.iter().map(ToString::to_string).collect(),
        };
        let inputs = json!({
            "region": "eu", "n": 3, "flag": true, "null": null, "slash": "a/b",
            "pair": {"key": "k", "value": 1}, "named": {"name": 7}, "other": {"a": "x".repeat(100)},
            "list": [1, 2],
        });
        let inputs = inputs.as_object().unwrap();
        for (vary, want) in [
            (vec!["region"], Ok("eu".to_owned())),
            (vec!["region", "n", "flag"], Ok("eu-3-true".to_owned())),
            (vec!["pair"], Ok("k".to_owned())),
            (vec!["named"], Ok("7".to_owned())),
            (vec!["other"], Ok(format!("{{\"a\":\"{}", "x".repeat(58)))),
            (vec!["list"], Ok("[1,2]".to_owned())),
            (vec!["gone"], Err("Vary dimension 'gone' not found in step inputs for spec 'result'")),
            (vec!["null"], Err("Vary dimension 'null' not found in step inputs for spec 'result'")),
            (vec!["slash"], Err("Vary values for spec 'result' make no name: ")),
        ] {
            let got = suffixes(&[item("result", &vary)], shell, inputs);
            match (got, want) {
                (Ok(got), Ok(want)) => assert_eq!(got[&SpecName::new("result")], want),
                (Err(got), Err(want)) => {
                    assert!(got.failure.message.starts_with(want), "{}", got.failure.message);
                    assert_eq!(got.failure.category, ErrorCategory::Vary);
                }
                (got, want) => panic!("{vary:?}: {} but wanted {want:?}", got.is_ok()),
            }
        }
        // Outputs that the type does not have are nobody's business.
        assert!(suffixes(&[item("unknown", &["gone"])], shell, inputs).unwrap().is_empty());
    }
}
