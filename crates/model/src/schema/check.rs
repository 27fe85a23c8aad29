//! Holding a value against a schema.

use serde_json::{Map, Value};

use super::SchemaProblem;

/// Everything about `value` that does not fit `schema`, in the order of the schema.
pub(super) fn check(schema: &Value, value: &Value) -> Vec<SchemaProblem> {
    let mut checker = Checker { problems: Vec::new(), path: Vec::new() };
    checker.check(schema, Some(value));
    checker.problems
}

struct Checker {
    problems: Vec<SchemaProblem>,
    path: Vec<String>,
}

impl Checker {
    fn report(&mut self, message: String) {
        self.problems.push(SchemaProblem { message, path: self.path.join(".") });
    }

    fn below(&mut self, step: String, schema: &Value, value: Option<&Value>) {
        self.path.push(step);
        self.check(schema, value);
        self.path.pop();
    }

    fn check(&mut self, schema: &Value, value: Option<&Value>) {
        let Some(schema) = schema.as_object() else {
            if schema == &Value::Bool(false) {
                self.report("Invalid input: expected never".to_owned());
            }
            return;
        };
        if let Some(options) = alternatives(schema) {
            return self.check_alternatives(options, value);
        }
        if let Some(options) = schema.get("enum").and_then(Value::as_array) {
            if !value.is_some_and(|value| options.contains(value)) {
                let list: Vec<String> = options.iter().map(ToString::to_string).collect();
                self.report(format!("Invalid option: expected one of {}", list.join("|")));
            }
            return;
        }
        if let Some(wanted) = schema.get("const") {
            if value != Some(wanted) {
                self.report(format!("Invalid input: expected {wanted}"));
            }
            return;
        }
        match schema.get("type") {
            Some(Value::String(name)) => self.check_type(name, schema, value),
            Some(Value::Array(names)) => {
                let fits = names
                    .iter()
                    .filter_map(Value::as_str)
                    .find(|name| value.is_some_and(|value| is_of_type(name, value)));
                match fits {
                    Some(name) => self.check_type(name, schema, value),
                    None => self.wrong_type("one of several types", value),
                }
            }
            _ => {}
        }
    }

    /// A value fits if it fits one alternative; else the problems of the one it fits best.
    fn check_alternatives(&mut self, options: &[Value], value: Option<&Value>) {
        let mut best: Option<Vec<SchemaProblem>> = None;
        for option in options {
            let mut attempt = Self { problems: Vec::new(), path: self.path.clone() };
            attempt.check(option, value);
            if attempt.problems.is_empty() {
                return;
            }
            if best.as_ref().is_none_or(|best| attempt.problems.len() < best.len()) {
                best = Some(attempt.problems);
            }
        }
        self.problems.extend(best.into_iter().flatten());
    }

    fn wrong_type(&mut self, expected: &str, value: Option<&Value>) {
        self.report(format!("Invalid input: expected {expected}, received {}", name_of(value)));
    }

    fn check_type(&mut self, name: &str, schema: &Map<String, Value>, value: Option<&Value>) {
        match (name, value) {
            ("string", Some(Value::String(text))) => self.check_string(schema, text),
            ("number", Some(Value::Number(number))) => {
                self.check_number(schema, number.as_f64().unwrap_or(f64::NAN));
            }
            ("integer", Some(Value::Number(number))) => {
                let number = number.as_f64().unwrap_or(f64::NAN);
                if number.fract() == 0.0 {
                    self.check_number(schema, number);
                } else {
                    self.wrong_type("int", value);
                }
            }
            ("integer", _) => self.wrong_type("number", value),
            ("boolean", Some(Value::Bool(_))) | ("null", Some(Value::Null)) => {}
            ("array", Some(Value::Array(items))) => self.check_array(schema, items),
            ("object", Some(Value::Object(map))) => self.check_object(schema, map),
            ("object", _) if schema.get("properties").is_none() => self.wrong_type("record", value),
            ("string" | "number" | "boolean" | "null" | "array" | "object", _) => {
                self.wrong_type(name, value);
            }
            _ => {}
        }
    }

    fn check_string(&mut self, schema: &Map<String, Value>, text: &str) {
        let length = || text.encode_utf16().count() as u64;
        if let Some(least) = unsigned(schema, "minLength").filter(|least| length() < *least) {
            self.report(format!("Too small: expected string to have >={least} characters"));
        }
        if let Some(most) = unsigned(schema, "maxLength").filter(|most| length() > *most) {
            self.report(format!("Too big: expected string to have <={most} characters"));
        }
    }

    fn check_number(&mut self, schema: &Map<String, Value>, number: f64) {
        type Limit = (&'static str, fn(f64, f64) -> bool, &'static str, &'static str);
        let limits: [Limit; 4] = [
            ("minimum", |number, limit| number >= limit, "small", ">="),
            ("exclusiveMinimum", |number, limit| number > limit, "small", ">"),
            ("maximum", |number, limit| number <= limit, "big", "<="),
            ("exclusiveMaximum", |number, limit| number < limit, "big", "<"),
        ];
        for (keyword, fits, size, sign) in limits {
            let Some(limit) = schema.get(keyword) else { continue };
            if limit.as_f64().is_some_and(|limit| !fits(number, limit)) {
                self.report(format!("Too {size}: expected number to be {sign}{limit}"));
            }
        }
    }

    fn check_array(&mut self, schema: &Map<String, Value>, items: &[Value]) {
        let length = items.len() as u64;
        if let Some(least) = unsigned(schema, "minItems").filter(|least| length < *least) {
            self.report(format!("Too small: expected array to have >={least} items"));
        }
        if let Some(most) = unsigned(schema, "maxItems").filter(|most| length > *most) {
            self.report(format!("Too big: expected array to have <={most} items"));
        }
        if let Some(schema) = schema.get("items") {
            for (index, item) in items.iter().enumerate() {
                self.below(index.to_string(), schema, Some(item));
            }
        }
    }

    fn check_object(&mut self, schema: &Map<String, Value>, map: &Map<String, Value>) {
        let properties = schema.get("properties").and_then(Value::as_object);
        let required = schema.get("required").and_then(Value::as_array);
        let is_required =
            |name: &str| required.is_some_and(|required| required.iter().any(|key| key == name));
        for (name, property) in properties.into_iter().flatten() {
            let value = map.get(name);
            let defaulted = property.get("default").is_some();
            if value.is_some() || (is_required(name) && !defaulted) {
                self.below(name.clone(), property, value);
            }
        }
        if let Some(schema) = schema.get("additionalProperties").filter(|rest| rest.is_object()) {
            for (name, value) in map {
                if properties.is_none_or(|properties| !properties.contains_key(name)) {
                    self.below(name.clone(), schema, Some(value));
                }
            }
        }
    }
}

fn alternatives(schema: &Map<String, Value>) -> Option<&Vec<Value>> {
    schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Value::as_array)
}

fn unsigned(schema: &Map<String, Value>, keyword: &str) -> Option<u64> {
    schema.get(keyword).and_then(Value::as_u64)
}

fn is_of_type(name: &str, value: &Value) -> bool {
    match value {
        Value::Null => name == "null",
        Value::Bool(_) => name == "boolean",
        Value::Number(number) => {
            name == "number"
                || (name == "integer"
                    && number.as_f64().is_some_and(|number| number.fract() == 0.0))
        }
        Value::String(_) => name == "string",
        Value::Array(_) => name == "array",
        Value::Object(_) => name == "object",
    }
}

const fn name_of(value: Option<&Value>) -> &'static str {
    match value {
        None => "undefined",
        Some(Value::Null) => "null",
        Some(Value::Bool(_)) => "boolean",
        Some(Value::Number(_)) => "number",
        Some(Value::String(_)) => "string",
        Some(Value::Array(_)) => "array",
        Some(Value::Object(_)) => "object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::schema::{Schema, join};

    #[test]
    fn problems_are_worded_and_placed() {
        let shell = crate::types::TypeRegistry::builtin();
        let shell = shell.iter().next().unwrap().clone();
        let schema = &shell.methods[0].arguments;
        for (value, want) in [
            (json!({"run": "x"}), ""),
            (json!({"run": "x", "other": 1}), ""),
            (json!({}), r#"Invalid input: expected string, received undefined at "run""#),
            (json!({"run": ["x"]}), r#"Invalid input: expected string, received array at "run""#),
            (json!({"run": null}), r#"Invalid input: expected string, received null at "run""#),
            (json!({"run": ""}), r#"Too small: expected string to have >=1 characters at "run""#),
            (
                json!({"run": "x", "timeout": 0}),
                r#"Too small: expected number to be >0 at "timeout""#,
            ),
            (
                json!({"run": "x", "timeout": "soon"}),
                r#"Invalid input: expected number, received string at "timeout""#,
            ),
            (
                json!({"run": "x", "env": "A"}),
                r#"Invalid input: expected record, received string at "env""#,
            ),
            (
                json!({"run": "x", "ignoreExitCode": "maybe"}),
                r#"Invalid input: expected boolean, received string at "ignoreExitCode""#,
            ),
            (
                json!({"run": "x", "env": {"A": 1}, "timeout": 1.5}),
                r#"Invalid input: expected int, received number at "timeout"; Invalid input: expected string, received number at "env.A""#,
            ),
            (json!([]), "Invalid input: expected object, received array"),
        ] {
            assert_eq!(join(&schema.check(&value)), want, "{value}");
        }
    }

    #[test]
    fn other_keywords() {
        let cases = [
            (json!({"enum": ["a", 1]}), json!("b"), r#"Invalid option: expected one of "a"|1"#),
            (json!({"enum": ["a", 1]}), json!(1), ""),
            (json!({"const": true}), json!(false), "Invalid input: expected true"),
            (json!({"type": ["string", "null"]}), json!(null), ""),
            (
                json!({"type": ["string", "null"]}),
                json!(1),
                "Invalid input: expected one of several types, received number",
            ),
            (json!({"anyOf": [{"type": "string"}, {"type": "number"}]}), json!(1), ""),
            (
                json!({"anyOf": [{"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "required": ["a", "b"]}, {"type": "string"}]}),
                json!({}),
                "Invalid input: expected string, received object",
            ),
            (
                json!({"type": "array", "items": {"type": "integer"}, "minItems": 2}),
                json!([1.5]),
                "Too small: expected array to have >=2 items; Invalid input: expected int, received number at \"0\"",
            ),
            (
                json!({"type": "array", "maxItems": 0}),
                json!([1]),
                "Too big: expected array to have <=0 items",
            ),
            (
                json!({"type": "string", "maxLength": 1}),
                json!("ab"),
                "Too big: expected string to have <=1 characters",
            ),
            (
                json!({"type": "number", "maximum": 1}),
                json!(2),
                "Too big: expected number to be <=1",
            ),
            (json!({"type": "integer"}), json!(3.0), ""),
            (json!({"type": "unheard"}), json!(3.0), ""),
            (json!({}), json!({"a": []}), ""),
            (json!(false), json!(1), "Invalid input: expected never"),
            // A default makes a required property optional.
            (
                json!({"type": "object", "properties": {"a": {"type": "string", "default": "x"}}, "required": ["a"]}),
                json!({}),
                "",
            ),
        ];
        for (schema, value, want) in cases {
            assert_eq!(join(&Schema::new(schema.clone()).check(&value)), want, "{schema} {value}");
        }
    }
}
