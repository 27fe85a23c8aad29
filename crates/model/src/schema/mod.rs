//! Schemas of arguments and data.

use serde_json::Value;

/// A JSON Schema (draft 2020-12) as it is published.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema(Value);

/// One thing about a value that does not fit its schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaProblem {
    /// What is wrong: `Invalid input: expected string, received undefined`.
    pub message: String,
    /// Where in the value: `env.A`, `list[0]`; empty for the value itself.
    pub path: String,
}

impl Schema {
    /// Takes a JSON Schema.
    pub const fn new(schema: Value) -> Self {
        Self(schema)
    }

    /// The schema as it is published.
    pub const fn as_json(&self) -> &Value {
        &self.0
    }

    /// The names of the properties, in order.
    pub fn property_names(&self) -> impl Iterator<Item = &str> {
        self.0
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .map(|(name, _)| name.as_str())
    }
}
