//! Schemas of arguments and data: JSON Schema as it is published, and our own checks against it.
//!
//! The checks know the keywords that model types use and word their findings as the format's users
//! know them (`Invalid input: expected string, received undefined`). Keywords they do not know
//! allow everything.

mod check;
mod coerce;
mod sensitive;

use serde_json::{Map, Value};

pub(crate) use coerce::{number_value, parse_boolean, parse_number};
pub(crate) use sensitive::SensitiveField;

/// A JSON Schema (draft 2020-12) as it is published.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema(Value);

/// One thing about a value that does not fit its schema. `Display` is `<message> at "<path>"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaProblem {
    /// What is wrong: `Invalid input: expected string, received undefined`.
    pub message: String,
    /// Where in the value: `env.A`, `list.0`; empty for the value itself.
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
        let properties = self.0.get("properties").and_then(Value::as_object);
        properties.into_iter().flatten().map(|(name, _)| name.as_str())
    }

    /// The schema of one property.
    pub fn property(&self, name: &str) -> Option<&Value> {
        self.0.get("properties")?.get(name)
    }

    /// The fields that hold secrets.
    pub(crate) fn sensitive_fields(&self) -> Vec<SensitiveField> {
        sensitive::fields(&self.0)
    }

    /// Everything about a value that does not fit, in the order of the schema. Properties the
    /// schema does not name are no problem.
    pub fn check(&self, value: &Value) -> Vec<SchemaProblem> {
        check::check(&self.0, value)
    }

    /// Turns texts into numbers and booleans where the schema of a property wants one and the text
    /// is one.
    pub fn coerce(&self, values: &mut Map<String, Value>) {
        for (name, value) in values {
            if let Some(schema) = self.property(name) {
                coerce::coerce(schema, value);
            }
        }
    }

    /// Whether properties that the schema does not name are kept.
    pub fn is_open(&self) -> bool {
        match self.0.get("additionalProperties") {
            Some(Value::Bool(open)) => *open,
            Some(rest) => rest.is_object(),
            None => false,
        }
    }

    /// Fills in the defaults of properties that are absent, and leaves out properties the schema
    /// does not name unless it is open.
    pub fn complete(&self, values: &mut Map<String, Value>) {
        if !self.is_open() {
            values.retain(|name, _| self.property(name).is_some());
        }
        for name in self.property_names() {
            let default = self.property(name).and_then(|schema| schema.get("default"));
            if let Some(default) = default.filter(|_| !values.contains_key(name)) {
                values.insert(name.to_owned(), default.clone());
            }
        }
    }
}

impl std::fmt::Display for SchemaProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)?;
        if self.path.is_empty() { Ok(()) } else { write!(f, " at \"{}\"", self.path) }
    }
}

/// Problems as one text: joined by `; `.
pub(crate) fn join(problems: &[SchemaProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
