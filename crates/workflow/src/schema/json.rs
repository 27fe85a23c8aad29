//! The schema of workflow files as JSON Schema, for editors and agents.

use serde_json::{Map, Value, json};

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
const DURATION: &str = r"^\d+(mo|y|h|m|d|w)$";

/// JSON Schemas (2020-12) of the parts of a workflow file: `workflow`, `job`, `jobDependency`,
/// `step`, `stepDependency`, `stepTask`, `triggerCondition`. Rules that JSON Schema cannot express,
/// such as cron texts and unique names, are left to validation.
pub fn json_schema() -> Value {
    let document = |schema: Value| {
        let mut keys = Map::new();
        keys.insert("$schema".to_owned(), DIALECT.into());
        if let Value::Object(schema) = schema {
            keys.extend(schema);
        }
        Value::Object(keys)
    };
    // Conditions contain conditions; each document that mentions them carries the definition.
    let with_condition = |schema: Value| {
        let mut schema = document(schema);
        schema["$defs"] = json!({"condition": condition("#/$defs/condition")});
        schema
    };
    json!({
        "workflow": with_condition(workflow()),
        "job": with_condition(job()),
        "jobDependency": with_condition(dependency("job")),
        "step": with_condition(step()),
        "stepDependency": with_condition(dependency("step")),
        "stepTask": document(task()),
        "triggerCondition": document(condition("#")),
    })
}

fn object(properties: &Value, required: &[&str]) -> Value {
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn filled() -> Value {
    json!({"type": "string", "minLength": 1})
}

fn any_map() -> Value {
    json!({"type": "object", "propertyNames": {"type": "string"}, "additionalProperties": {}})
}

fn text_map() -> Value {
    json!({
        "type": "object",
        "propertyNames": {"type": "string"},
        "additionalProperties": {"type": "string"},
    })
}

fn concurrency() -> Value {
    json!({
        "type": "integer",
        "minimum": 0,
        "description": "How many run at a time; 0 sets no limit of its own",
    })
}

fn workflow() -> Value {
    let report = json!({"anyOf": [
        {"type": "string"},
        object(
            &json!({
                "name": {"type": "string"},
                "methods": {"type": "array", "items": {"type": "string"}},
            }),
            &["name"],
        ),
    ]});
    object(
        &json!({
            "id": {"type": "string", "format": "uuid"},
            "name": filled(),
            "description": {"type": "string"},
            "trigger": object(
                &json!({"schedule": {
                    "type": "string",
                    "description": "Cron expression of five fields, or six with seconds first",
                }}),
                &[],
            ),
            "tags": with_default(text_map(), json!({})),
            "inputs": inputs(),
            "jobs": {"type": "array", "minItems": 1, "items": job()},
            "version": {"type": "integer", "exclusiveMinimum": 0, "default": 1},
            "concurrency": concurrency(),
            "reports": object(
                &json!({
                    "require": {"type": "array", "items": report},
                    "skip": {"type": "array", "items": {"type": "string"}},
                }),
                &[],
            ),
            "driver": {"type": "string"},
            "driverConfig": any_map(),
        }),
        &["id", "name", "tags", "jobs", "version"],
    )
}

fn inputs() -> Value {
    json!({
        "type": "object",
        "description": "A JSON Schema object, or directly a map of properties",
        "properties": {
            "type": {"const": "object"},
            "properties": {"type": "object", "additionalProperties": {"type": "object"}},
            "required": {"type": "array", "items": {"type": "string"}},
            "additionalProperties": {"anyOf": [{"type": "boolean"}, {"type": "object"}]},
        },
        "additionalProperties": {},
    })
}

fn job() -> Value {
    object(
        &json!({
            "name": filled(),
            "description": {"type": "string"},
            "steps": {"type": "array", "minItems": 1, "items": step()},
            "dependsOn": with_default(
                json!({"type": "array", "items": dependency("job")}),
                json!([]),
            ),
            "weight": {"type": "number", "default": 0},
            "concurrency": concurrency(),
            "driver": {"type": "string"},
            "driverConfig": any_map(),
        }),
        &["name", "steps", "dependsOn", "weight"],
    )
}

fn step() -> Value {
    object(
        &json!({
            "name": filled(),
            "description": {"type": "string"},
            "task": task(),
            "forEach": object(&json!({"item": filled(), "in": filled()}), &["item", "in"]),
            "dependsOn": with_default(
                json!({"type": "array", "items": dependency("step")}),
                json!([]),
            ),
            "weight": {"type": "number", "default": 0},
            "concurrency": concurrency(),
            "dataOutputOverrides": {"type": "array", "items": data_output_override()},
            "allowFailure": {"type": "boolean", "default": false},
            "driver": {"type": "string"},
            "driverConfig": any_map(),
        }),
        &["name", "task", "dependsOn", "weight", "allowFailure"],
    )
}

fn data_output_override() -> Value {
    object(
        &json!({
            "specName": filled(),
            "lifetime": {"anyOf": [
                {"type": "string", "pattern": DURATION},
                {"enum": ["ephemeral", "infinite", "job", "workflow"]},
            ]},
            "garbageCollection": {"anyOf": [
                {"type": "integer", "exclusiveMinimum": 0},
                {"type": "string", "pattern": DURATION},
            ]},
            "tags": text_map(),
            "vary": {"type": "array", "items": filled()},
        }),
        &["specName"],
    )
}

fn task() -> Value {
    json!({"oneOf": [
        object(
            &json!({
                "type": {"const": "model_method"},
                "modelIdOrName": filled(),
                "methodName": filled(),
                "inputs": any_map(),
            }),
            &["type", "modelIdOrName", "methodName"],
        ),
        object(
            &json!({
                "type": {"const": "workflow"},
                "workflowIdOrName": filled(),
                "inputs": any_map(),
            }),
            &["type", "workflowIdOrName"],
        ),
    ]})
}

fn dependency(on: &str) -> Value {
    let mut properties = Map::new();
    properties.insert(on.to_owned(), filled());
    properties.insert("condition".to_owned(), json!({"$ref": "#/$defs/condition"}));
    object(&Value::Object(properties), &[on, "condition"])
}

/// A condition; `this` is where the same schema can be referred to.
fn condition(this: &str) -> Value {
    let this = json!({"$ref": this});
    let leaf = |word: &str| object(&json!({"type": {"const": word}}), &["type"]);
    let group = |word: &str| {
        object(
            &json!({
                "type": {"const": word},
                "conditions": {"type": "array", "minItems": 2, "items": this},
            }),
            &["type", "conditions"],
        )
    };
    json!({"oneOf": [
        leaf("always"),
        leaf("succeeded"),
        leaf("failed"),
        leaf("completed"),
        leaf("skipped"),
        group("and"),
        group("or"),
        object(&json!({"type": {"const": "not"}, "condition": this}), &["type", "condition"]),
    ]})
}

fn with_default(mut schema: Value, default: Value) -> Value {
    schema["default"] = default;
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_has_a_schema_with_its_required_keys() {
        let schema = json_schema();
        for (part, required) in [
            ("workflow", json!(["id", "name", "tags", "jobs", "version"])),
            ("job", json!(["name", "steps", "dependsOn", "weight"])),
            ("jobDependency", json!(["job", "condition"])),
            ("step", json!(["name", "task", "dependsOn", "weight", "allowFailure"])),
            ("stepDependency", json!(["step", "condition"])),
        ] {
            assert_eq!(schema[part]["required"], required, "{part}");
            assert_eq!(schema[part]["$schema"], DIALECT, "{part}");
            assert_eq!(schema[part]["additionalProperties"], false, "{part}");
            assert_eq!(schema[part]["$defs"]["condition"]["oneOf"].as_array().unwrap().len(), 8);
        }
        assert_eq!(schema["stepTask"]["oneOf"].as_array().unwrap().len(), 2);
        assert_eq!(schema["triggerCondition"]["oneOf"][7]["properties"]["condition"]["$ref"], "#");
    }
}
