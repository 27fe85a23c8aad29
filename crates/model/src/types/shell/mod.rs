//! `command/shell`: a shell command as a model.

mod execute;

use std::sync::Arc;

use serde_json::{Value, json};
use swamp_ident::{MethodName, SpecName, TypeName};

use super::{FileSpec, MethodType, ModelType, OutputSpec, ResourceSpec};
use crate::Schema;

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";
const LARGEST_INTEGER: u64 = (1 << 53) - 1;

/// A date and time in UTC as the format's own validators check it, leap years included.
const DATE_TIME: &str = r"^(?:(?:\d\d[2468][048]|\d\d[13579][26]|\d\d0[48]|[02468][048]00|[13579][26]00)-02-29|\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|(?:02)-(?:0[1-9]|1\d|2[0-8])))T(?:(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z))$";

/// The type.
pub(super) fn model_type() -> ModelType {
    ModelType {
        name: TypeName::normalised("command/shell"),
        version: "2026.02.09.1".into(),
        global_arguments: None,
        methods: vec![MethodType {
            name: MethodName::new("execute"),
            description: "Run a shell command and keep what it printed and its exit code".into(),
            kind: None,
            arguments: Schema::new(arguments()),
            body: Arc::new(execute::Execute),
        }],
        outputs: vec![
            OutputSpec::Resource(ResourceSpec {
                name: SpecName::new("result"),
                description: Some("How the command ended: exit code, times, output".into()),
                schema: Schema::new(result()),
                sensitive_output: false,
                vault: None,
                lifetime: "infinite".into(),
                garbage_collection: json!(10),
                tags: Vec::new(),
            }),
            OutputSpec::File(FileSpec {
                name: SpecName::new("log"),
                description: Some("What the command printed on both outputs".into()),
                content_type: "text/plain".into(),
                lifetime: "infinite".into(),
                garbage_collection: json!(10),
                streaming: true,
                tags: Vec::new(),
            }),
        ],
        checks: Vec::new(),
        reports: Vec::new(),
    }
}

fn arguments() -> Value {
    json!({
        "$schema": DRAFT,
        "type": "object",
        "properties": {
            "run": {
                "type": "string",
                "minLength": 1,
                "description": "The command, run by `sh -c`",
            },
            "workingDir": {
                "description": "Where it runs; relative to the working directory of this process",
                "type": "string",
            },
            "timeout": {
                "description": "How many milliseconds it may take",
                "type": "integer",
                "exclusiveMinimum": 0,
                "maximum": LARGEST_INTEGER,
            },
            "env": {
                "description": "Environment variables to add",
                "type": "object",
                "propertyNames": { "type": "string" },
                "additionalProperties": { "type": "string" },
            },
            "ignoreExitCode": {
                "description": "Whether the method succeeds whatever the exit code",
                "type": "boolean",
            },
        },
        "required": ["run"],
        "additionalProperties": false,
    })
}

fn result() -> Value {
    json!({
        "$schema": DRAFT,
        "type": "object",
        "properties": {
            "exitCode": {
                "type": "integer",
                "minimum": -(LARGEST_INTEGER.cast_signed()),
                "maximum": LARGEST_INTEGER,
                "description": "Exit code; 128 + n after signal n, -1 if it was stopped or never ran",
            },
            "executedAt": {
                "type": "string",
                "format": "date-time",
                "pattern": DATE_TIME,
                "description": "When it ended",
            },
            "command": { "type": "string", "description": "The command" },
            "durationMs": {
                "description": "How many milliseconds it took",
                "type": "integer",
                "minimum": 0,
                "maximum": LARGEST_INTEGER,
            },
            "stdout": { "description": "Standard output", "type": "string" },
            "stderr": { "description": "Standard error", "type": "string" },
        },
        "required": ["exitCode", "executedAt", "command"],
        "additionalProperties": false,
    })
}
