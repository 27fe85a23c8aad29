//! Declared inputs: what a definition or workflow says about its `inputs`, held against what was
//! given.

use std::fmt;

use serde_json::{Map, Value};

use crate::schema::{number_value, parse_boolean, parse_number};

/// The `inputs` of a definition or workflow.
#[derive(Clone, Copy, Debug)]
pub struct Declaration<'a> {
    schema: Option<&'a Map<String, Value>>,
}

/// Which of the inputs that are declared as required have to be there.
#[derive(Clone, Copy)]
pub enum RequiredRule<'a> {
    /// All.
    All,
    /// Only those that this returns `true` for.
    Used(&'a dyn Fn(&str) -> bool),
}

/// Everything that is wrong with some inputs, one line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputErrors(pub Vec<String>);

impl fmt::Display for InputErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Input validation failed:")?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl std::error::Error for InputErrors {}

/// Keys of a declaration that say something about all inputs, where it has no `properties`.
const KEYWORDS: [&str; 5] = ["type", "required", "additionalProperties", "description", "$schema"];

impl<'a> Declaration<'a> {
    /// The declaration as it stands in the file. The inputs are described under `properties`, or,
    /// if there is no such key, directly.
    pub fn new(schema: Option<&'a Value>) -> Self {
        Self { schema: schema.and_then(Value::as_object) }
    }

    /// Declared inputs and their schemas, in order.
    pub fn properties(self) -> impl Iterator<Item = (&'a str, &'a Value)> {
        let nested = self.schema.and_then(|schema| schema.get("properties")?.as_object());
        let is_nested = nested.is_some();
        nested
            .or(self.schema)
            .into_iter()
            .flatten()
            .filter(move |(name, schema)| {
                is_nested || (schema.is_object() && !KEYWORDS.contains(&name.as_str()))
            })
            .map(|(name, schema)| (name.as_str(), schema))
    }

    /// Whether this input is declared.
    pub fn declares(self, name: &str) -> bool {
        self.property(name).is_some()
    }

    fn property(self, name: &str) -> Option<&'a Value> {
        self.properties().find(|(known, _)| *known == name).map(|(_, schema)| schema)
    }

    /// Names of the inputs that are declared as required.
    pub fn required(self) -> impl Iterator<Item = &'a str> {
        let required = self.schema.and_then(|schema| schema.get("required")?.as_array());
        required.into_iter().flatten().filter_map(Value::as_str)
    }

    /// Coerces texts to the declared types, fills in defaults for what is absent, and checks.
    /// Inputs that are not declared stay as they are, unless the declaration forbids them.
    pub fn process(
        self,
        mut given: Map<String, Value>,
        required: RequiredRule<'_>,
    ) -> Result<Map<String, Value>, InputErrors> {
        for (name, value) in &mut given {
            if let Some(schema) = self.property(name) {
                coerce(schema, value);
            }
        }
        for (name, schema) in self.properties() {
            if let Some(default) = schema.get("default").filter(|_| !given.contains_key(name)) {
                given.insert(name.to_owned(), default.clone());
            }
        }
        let mut problems = Problems::default();
        for name in self.required() {
            let enforced = match required {
                RequiredRule::All => true,
                RequiredRule::Used(is_used) => is_used(name),
            };
            if enforced && !given.contains_key(name) {
                problems.add(name, "is required");
            }
        }
        let rest = self.schema.and_then(|schema| schema.get("additionalProperties"));
        for (name, value) in &given {
            match (self.property(name), rest) {
                (Some(schema), _) | (None, Some(schema @ Value::Object(_))) => {
                    problems.check(name, schema, value);
                }
                (None, Some(Value::Bool(false))) => {
                    problems.add(name, "is not a valid input property");
                }
                (None, _) => {}
            }
        }
        if problems.0.is_empty() { Ok(given) } else { Err(InputErrors(problems.0)) }
    }
}

/// Turns a text into the number or boolean the schema wants, if it is one. Fractions are cut off
/// where an integer is wanted.
fn coerce(schema: &Value, value: &mut Value) {
    let Value::String(text) = value else { return };
    let coerced = match schema.get("type").and_then(Value::as_str) {
        Some("number") => parse_number(text).and_then(number_value),
        Some("integer") => parse_number(text).map(f64::trunc).and_then(number_value),
        Some("boolean") => parse_boolean(text).map(Value::Bool),
        _ => None,
    };
    if let Some(coerced) = coerced {
        *value = coerced;
    }
}

#[derive(Default)]
struct Problems(Vec<String>);

impl Problems {
    fn add(&mut self, path: &str, problem: &str) {
        self.0.push(format!("{path} {problem}"));
    }

    fn check(&mut self, path: &str, schema: &Value, value: &Value) {
        if value.is_null() {
            if schema.get("default").is_none() {
                self.add(path, "cannot be null or undefined");
            }
            return;
        }
        if let Some(wanted) = schema.get("type").and_then(Value::as_str)
            && let Some(problem) = wrong_type(wanted, value)
        {
            return self.add(path, problem);
        }
        if let Some(options) = schema.get("enum").and_then(Value::as_array)
            && !options.contains(value)
        {
            let list: Vec<String> = options.iter().map(ToString::to_string).collect();
            self.add(path, &format!("must be one of: {}", list.join(", ")));
        }
        match value {
            Value::Array(items) => self.check_items(path, schema, items),
            Value::Object(map) => self.check_entries(path, schema, map),
            _ => {}
        }
    }

    fn check_items(&mut self, path: &str, schema: &Value, items: &[Value]) {
        let limit = |keyword: &str| schema.get(keyword).and_then(Value::as_u64);
        let count = items.len() as u64;
        let noun = |count: u64| if count == 1 { "item" } else { "items" };
        if let Some(least) = limit("minItems").filter(|least| count < *least) {
            self.add(path, &format!("must have at least {least} {}", noun(least)));
        }
        if let Some(most) = limit("maxItems").filter(|most| count > *most) {
            self.add(path, &format!("must have at most {most} {}", noun(most)));
        }
        if schema.get("uniqueItems") == Some(&Value::Bool(true)) && has_duplicates(items) {
            self.add(path, "must have unique items");
        }
        if let Some(schema) = schema.get("items").filter(|items| items.is_object()) {
            for (index, item) in items.iter().enumerate() {
                self.check(&format!("{path}[{index}]"), schema, item);
            }
        }
    }

    fn check_entries(&mut self, path: &str, schema: &Value, map: &Map<String, Value>) {
        let required = schema.get("required").and_then(Value::as_array);
        for name in required.into_iter().flatten().filter_map(Value::as_str) {
            if !map.contains_key(name) {
                self.add(&format!("{path}.{name}"), "is required");
            }
        }
        let properties = schema.get("properties");
        for (name, value) in map {
            let path = format!("{path}.{name}");
            let known = properties.and_then(|properties| properties.get(name));
            match (known, schema.get("additionalProperties")) {
                (Some(schema), _) | (None, Some(schema @ Value::Object(_))) => {
                    self.check(&path, schema, value);
                }
                (None, Some(Value::Bool(false))) => self.add(&path, "is not a valid property"),
                (None, _) => {}
            }
        }
    }
}

/// The problem with a value that should be of some type, if there is one.
fn wrong_type(wanted: &str, value: &Value) -> Option<&'static str> {
    let (fits, problem) = match wanted {
        "string" => (value.is_string(), "must be a string"),
        "number" => (value.is_number(), "must be a number"),
        "integer" => {
            let is_whole = value.as_f64().is_some_and(|number| number.fract() == 0.0);
            (is_whole, "must be an integer")
        }
        "boolean" => (value.is_boolean(), "must be a boolean"),
        "array" => (value.is_array(), "must be an array"),
        "object" => (value.is_object(), "must be an object"),
        _ => (true, ""),
    };
    (!fits).then_some(problem)
}

fn has_duplicates(items: &[Value]) -> bool {
    // Values cannot be hashed; their canonical texts can.
    let mut seen = std::collections::HashSet::with_capacity(items.len());
    items.iter().any(|item| !seen.insert(item.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn process(schema: &Value, given: Value) -> Result<Value, Vec<String>> {
        let Value::Object(given) = given else { panic!("inputs are a map") };
        let declaration = Declaration::new(Some(schema));
        declaration.process(given, RequiredRule::All).map(Value::Object).map_err(|errors| errors.0)
    }

    #[test]
    fn coercion_and_defaults() {
        let schema = json!({"properties": {
            "str": {"type": "string"}, "num": {"type": "number"}, "int": {"type": "integer"},
            "bool": {"type": "boolean"}, "arr": {"type": "array"}, "untyped": {},
            "dflt": {"type": "string", "default": "D"},
        }});
        let cases = [
            (json!({"num": ""}), Ok(json!({"num": 0, "dflt": "D"}))),
            (json!({"num": "0x10"}), Ok(json!({"num": 16, "dflt": "D"}))),
            (json!({"int": "-5.9"}), Ok(json!({"int": -5, "dflt": "D"}))),
            (json!({"int": " 5 "}), Ok(json!({"int": 5, "dflt": "D"}))),
            (json!({"bool": "true"}), Ok(json!({"bool": true, "dflt": "D"}))),
            (json!({"bool": "True"}), Err(vec!["bool must be a boolean"])),
            (json!({"int": "many"}), Err(vec!["int must be an integer"])),
            (json!({"int": 5.5}), Err(vec!["int must be an integer"])),
            (json!({"int": 5.0}), Ok(json!({"int": 5.0, "dflt": "D"}))),
            (json!({"num": "Infinity"}), Err(vec!["num must be a number"])),
            (json!({"dflt": ""}), Ok(json!({"dflt": ""}))),
            (json!({"dflt": null}), Ok(json!({"dflt": null}))),
            (json!({"str": null}), Err(vec!["str cannot be null or undefined"])),
            (json!({"str": 5}), Err(vec!["str must be a string"])),
            (json!({"arr": "[1,2]"}), Err(vec!["arr must be an array"])),
            (json!({"untyped": "5"}), Ok(json!({"untyped": "5", "dflt": "D"}))),
            (json!({"other": "5"}), Ok(json!({"other": "5", "dflt": "D"}))),
        ];
        for (given, want) in cases {
            let want = want.map_err(|lines| lines.into_iter().map(str::to_owned).collect());
            assert_eq!(process(&schema, given.clone()), want, "{given}");
        }
    }

    #[test]
    fn all_problems_are_told_in_order() {
        let schema = json!({
            "properties": {
                "regions": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 3, "uniqueItems": true},
                "opts": {
                    "type": "object",
                    "properties": {"dry": {"type": "boolean"}, "tag": {"type": "string"}},
                    "required": ["tag"],
                    "additionalProperties": false,
                },
                "weight": {"enum": [1, "a"]},
                "map": {"type": "object", "additionalProperties": {"type": "integer"}},
                "must": {"type": "string"},
            },
            "required": ["must"],
            "additionalProperties": false,
        });
        let cases = [
            (json!({"must": "x"}), vec![]),
            (
                json!({"weight": 3, "x": 1, "regions": ["a", 2]}),
                vec![
                    "must is required",
                    r#"weight must be one of: 1, "a""#,
                    "x is not a valid input property",
                    "regions[1] must be a string",
                ],
            ),
            (
                json!({"must": "", "regions": [], "opts": {"dry": 1, "x": 2}}),
                vec![
                    "regions must have at least 1 item",
                    "opts.tag is required",
                    "opts.dry must be a boolean",
                    "opts.x is not a valid property",
                ],
            ),
            (
                json!({"must": "", "regions": ["a", "b", "a", "c"], "map": {"k": "v"}}),
                vec![
                    "regions must have at most 3 items",
                    "regions must have unique items",
                    "map.k must be an integer",
                ],
            ),
        ];
        for (given, want) in cases {
            let got = process(&schema, given.clone()).err().unwrap_or_default();
            assert_eq!(got, want, "{given}");
        }
        let errors = InputErrors(vec!["a is required".into(), "b is required".into()]);
        assert_eq!(
            errors.to_string(),
            "Input validation failed:\n  a is required\n  b is required"
        );
    }

    #[test]
    fn without_properties_the_keys_are_the_inputs() {
        let schema = json!({"who": {"type": "string", "default": "w"}, "n": {"type": "integer"}, "required": ["n"], "type": "object"});
        let declaration = Declaration::new(Some(&schema));
        let names: Vec<&str> = declaration.properties().map(|(name, _)| name).collect();
        assert_eq!(names, ["who", "n"]);
        assert_eq!(process(&schema, json!({"n": "1"})), Ok(json!({"n": 1, "who": "w"})));
        assert_eq!(process(&schema, json!({})), Err(vec!["n is required".to_owned()]));
    }

    #[test]
    fn required_can_be_narrowed_to_what_is_used() {
        let schema = json!({"properties": {"a": {}, "b": {}}, "required": ["a", "b"]});
        let declaration = Declaration::new(Some(&schema));
        let used = |name: &str| name == "b";
        let errors = declaration.process(Map::new(), RequiredRule::Used(&used)).unwrap_err();
        assert_eq!(errors.0, ["b is required"]);
        assert!(declaration.process(Map::new(), RequiredRule::Used(&|_| false)).is_ok());
        assert!(Declaration::new(None).process(Map::new(), RequiredRule::All).is_ok());
    }
}
