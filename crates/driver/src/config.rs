//! Reading `driverConfig`: everything that is wrong with it is said at once.

use std::time::Duration;

use serde_json::{Map, Value};
use swamp_ident::closest;

/// A configuration that a driver cannot use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", problems.join("; "))]
pub struct ConfigError {
    /// One sentence without a full stop per problem.
    pub problems: Vec<String>,
}

/// The keys of a configuration, taken out one by one.
pub(crate) struct Fields<'a> {
    config: &'a Map<String, Value>,
    known: Vec<&'static str>,
    problems: Vec<String>,
}

impl<'a> Fields<'a> {
    pub(crate) const fn new(config: &'a Map<String, Value>) -> Self {
        Self { config, known: Vec::new(), problems: Vec::new() }
    }

    fn take(&mut self, key: &'static str) -> Option<&'a Value> {
        self.known.push(key);
        // What is written as `key:` and nothing else is not there.
        self.config.get(key).filter(|value| !value.is_null())
    }

    fn wrong(&mut self, key: &str, wanted: &str, value: &Value) {
        let found = match value {
            Value::Null => "nothing",
            Value::Bool(_) => "a truth value",
            Value::Number(_) => "a number",
            Value::String(text) if text.is_empty() => "an empty text",
            Value::String(_) => "a text",
            Value::Array(_) => "a list",
            Value::Object(_) => "a mapping",
        };
        self.problems.push(format!("'{key}' must be {wanted}, but is {found}"));
    }

    /// A problem of another kind.
    pub(crate) fn problem(&mut self, problem: String) {
        self.problems.push(problem);
    }

    /// A text that must be there. `what` says what it is good for.
    pub(crate) fn required(&mut self, key: &'static str, what: &str) -> String {
        let before = self.problems.len();
        let found = self.text(key);
        if found.is_none() && self.problems.len() == before {
            self.problems.push(format!("'{key}' is missing: {what}"));
        }
        found.unwrap_or_default()
    }

    /// A text that is not empty.
    pub(crate) fn text(&mut self, key: &'static str) -> Option<String> {
        match self.take(key)? {
            Value::String(text) if text.contains('\0') => {
                self.problems.push(format!("'{key}' contains a null byte"));
            }
            Value::String(text) if !text.is_empty() => return Some(text.clone()),
            other => self.wrong(key, "a text", other),
        }
        None
    }

    /// A text, or a number that was meant as one (`cpus: 2`).
    pub(crate) fn text_or_number(&mut self, key: &'static str) -> Option<String> {
        match self.config.get(key) {
            Some(Value::Number(number)) => {
                self.known.push(key);
                Some(number.to_string())
            }
            _ => self.text(key),
        }
    }

    /// A list of texts.
    pub(crate) fn texts(&mut self, key: &'static str) -> Vec<String> {
        let Some(value) = self.take(key) else { return Vec::new() };
        let texts = value.as_array().map(|items| items.iter().map(usable_text).collect());
        texts.flatten().unwrap_or_else(|| {
            self.wrong(key, "a list of texts", value);
            Vec::new()
        })
    }

    /// A mapping from names to texts; numbers and truth values count as theirs.
    pub(crate) fn env(&mut self, key: &'static str) -> Vec<(String, String)> {
        let Some(value) = self.take(key) else { return Vec::new() };
        let Some(entries) = value.as_object() else {
            self.wrong(key, "a mapping from names to texts", value);
            return Vec::new();
        };
        let mut env = Vec::with_capacity(entries.len());
        for (name, value) in entries {
            let text = match value {
                Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
                other => usable_text(other),
            };
            match text {
                Some(text) if !name.is_empty() && !name.contains(['=', '\0']) => {
                    env.push((name.clone(), text));
                }
                _ => self.problems.push(format!("'{key}.{name}' is no variable with a text")),
            }
        }
        env
    }

    /// A number of milliseconds.
    pub(crate) fn millis(&mut self, key: &'static str) -> Option<Duration> {
        let value = self.take(key)?;
        let millis = value.as_f64().filter(|millis| *millis > 0.0);
        let found = millis.and_then(|millis| Duration::try_from_secs_f64(millis / 1000.0).ok());
        if found.is_none() {
            self.wrong(key, "a number of milliseconds above 0", value);
        }
        found
    }

    /// A number from 1 to 65535.
    pub(crate) fn port(&mut self, key: &'static str) -> Option<u16> {
        let value = self.take(key)?;
        let port = match value {
            Value::String(text) => text.parse().ok(),
            other => other.as_u64().and_then(|port| u16::try_from(port).ok()),
        };
        let port = port.filter(|port| *port > 0);
        if port.is_none() {
            self.wrong(key, "a port from 1 to 65535", value);
        }
        port
    }

    /// What is wrong, keys that nobody took included.
    pub(crate) fn finish(mut self) -> Result<(), ConfigError> {
        for key in self.config.keys() {
            if self.known.contains(&key.as_str()) {
                continue;
            }
            let hint = match closest(key, self.known.iter().copied()) {
                Some(known) => format!("did you mean '{known}'?"),
                None => format!("there are {}", self.known.join(", ")),
            };
            self.problems.push(format!("there is no key '{key}': {hint}"));
        }
        if self.problems.is_empty() {
            return Ok(());
        }
        Err(ConfigError { problems: self.problems })
    }
}

fn usable_text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.contains('\0')).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn everything_wrong_is_said_at_once() {
        let config = json!({
            "memry": "64m", "volumes": "/a:/b", "env": {"A": 1, "B": [], "=": "x"}, "port": 70000,
            "timeout": -1, "zzz": 1, "network": "",
        });
        let mut fields = Fields::new(config.as_object().unwrap());
        assert_eq!(fields.required("image", "what to run"), "");
        fields.text("memory");
        fields.text("network");
        fields.texts("volumes");
        assert_eq!(fields.env("env"), [("A".to_owned(), "1".to_owned())]);
        fields.port("port");
        fields.millis("timeout");
        assert_eq!(
            fields.finish().unwrap_err().problems,
            [
                "'image' is missing: what to run",
                "'network' must be a text, but is an empty text",
                "'volumes' must be a list of texts, but is a text",
                "'env.B' is no variable with a text",
                "'env.=' is no variable with a text",
                "'port' must be a port from 1 to 65535, but is a number",
                "'timeout' must be a number of milliseconds above 0, but is a number",
                "there is no key 'memry': did you mean 'memory'?",
                "there is no key 'zzz': there are image, memory, network, volumes, env, port, timeout",
            ]
        );
    }

    #[test]
    fn values_come_in_the_forms_people_write() {
        let config = json!({"cpus": 0.5, "port": "2222", "timeout": 1500, "network": null});
        let mut fields = Fields::new(config.as_object().unwrap());
        assert_eq!(fields.text_or_number("cpus").unwrap(), "0.5");
        assert_eq!(fields.port("port"), Some(2222));
        assert_eq!(fields.millis("timeout"), Some(Duration::from_millis(1500)));
        assert_eq!(fields.text("network"), None);
        fields.finish().unwrap();
    }
}
