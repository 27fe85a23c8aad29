//! Reading values that people wrote, noting what is wrong with them and where.

use indexmap::IndexMap;
use serde_json::{Map, Value};
use swamp_yaml::{Document, PathItem};

use super::SchemaIssue;

/// How few things there may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fewest {
    pub(super) jobs: usize,
    pub(super) steps: usize,
}

/// Where we are, and what was wrong so far. Every method that returns `None` has noted an issue,
/// unless the thing it reads is optional and absent.
pub(super) struct Reader<'d> {
    document: Option<&'d Document>,
    pub(super) fewest: Fewest,
    path: Vec<PathItem>,
    pub(super) issues: Vec<SchemaIssue>,
}

pub(super) type Object = Map<String, Value>;

impl<'d> Reader<'d> {
    pub(super) fn new(document: Option<&'d Document>, fewest: Fewest) -> Self {
        Self { document, fewest, path: Vec::new(), issues: Vec::new() }
    }

    pub(super) fn issue(&mut self, message: impl Into<String>) {
        let mut path = String::new();
        for item in &self.path {
            match item {
                PathItem::Key(key) if path.is_empty() => path.push_str(key),
                PathItem::Key(key) => {
                    path.push('.');
                    path.push_str(key);
                }
                PathItem::Index(index) => {
                    path.push('[');
                    path.push_str(&index.to_string());
                    path.push(']');
                }
            }
        }
        let position = self.document.and_then(|document| document.position(&self.path));
        self.issues.push(SchemaIssue { path, message: message.into(), position });
    }

    pub(super) fn expected(&mut self, what: &str, found: Option<&Value>) {
        self.issue(format!("expected {what}, found {}", in_words(found)));
    }

    pub(super) fn at<T>(
        &mut self,
        item: impl Into<PathItem>,
        read: impl FnOnce(&mut Self) -> T,
    ) -> T {
        self.path.push(item.into());
        let result = read(self);
        self.path.pop();
        result
    }

    /// Reads the value of a key that may be absent.
    pub(super) fn optional<T>(
        &mut self,
        object: &Object,
        key: &str,
        read: impl FnOnce(&mut Self, &Value) -> Option<T>,
    ) -> Option<T> {
        let value = object.get(key)?;
        self.at(key, |reader| read(reader, value))
    }

    /// Reads the value of a key that must be there.
    pub(super) fn required<T>(
        &mut self,
        object: &Object,
        key: &str,
        read: impl FnOnce(&mut Self, &Value) -> Option<T>,
    ) -> Option<T> {
        let Some(value) = object.get(key) else {
            self.issue(format!("the key '{key}' is missing"));
            return None;
        };
        self.at(key, |reader| read(reader, value))
    }

    pub(super) fn object<'v>(&mut self, value: &'v Value) -> Option<&'v Object> {
        let object = value.as_object();
        if object.is_none() {
            self.expected("a map", Some(value));
        }
        object
    }

    pub(super) fn text(&mut self, value: &Value) -> Option<String> {
        let text = value.as_str();
        if text.is_none() {
            self.expected("text", Some(value));
        }
        text.map(ToOwned::to_owned)
    }

    pub(super) fn filled_text(&mut self, value: &Value) -> Option<String> {
        let text = self.text(value)?;
        if text.is_empty() {
            self.issue("must have at least one character");
            return None;
        }
        Some(text)
    }

    pub(super) fn flag(&mut self, value: &Value) -> Option<bool> {
        let flag = value.as_bool();
        if flag.is_none() {
            self.expected("true or false", Some(value));
        }
        flag
    }

    pub(super) fn number(&mut self, value: &Value) -> Option<f64> {
        let number = value.as_f64().filter(|number| number.is_finite());
        if number.is_none() {
            self.expected("a number", Some(value));
        }
        number
    }

    /// A whole number that is at least `least`.
    pub(super) fn whole(&mut self, value: &Value, least: u64) -> Option<u64> {
        let whole = whole_number(value);
        match whole {
            Some(whole) if whole >= i128::from(least) => u64::try_from(whole).ok(),
            Some(_) => {
                self.issue(format!("must be at least {least}"));
                None
            }
            None => {
                self.expected("a whole number", Some(value));
                None
            }
        }
    }

    pub(super) fn list<T>(
        &mut self,
        value: &Value,
        least: usize,
        mut read: impl FnMut(&mut Self, &Value) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Some(items) = value.as_array() else {
            self.expected("a list", Some(value));
            return None;
        };
        if items.len() < least {
            let plural = if least == 1 { "" } else { "s" };
            self.issue(format!("must have at least {least} item{plural}"));
            return None;
        }
        let read: Vec<Option<T>> = items
            .iter()
            .enumerate()
            .map(|(index, item)| self.at(index, |reader| read(reader, item)))
            .collect();
        read.into_iter().collect()
    }

    pub(super) fn texts(&mut self, value: &Value) -> Option<IndexMap<String, String>> {
        let object = self.object(value)?;
        let mut texts = IndexMap::with_capacity(object.len());
        let mut complete = true;
        for (key, value) in object {
            match self.at(key.as_str(), |reader| reader.text(value)) {
                Some(text) => drop(texts.insert(key.clone(), text)),
                None => complete = false,
            }
        }
        complete.then_some(texts)
    }

    pub(super) fn free(&mut self, value: &Value) -> Option<Object> {
        self.object(value).cloned()
    }
}

/// What a value is, in words for people.
fn in_words(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "nothing".to_owned(),
        Some(Value::Bool(flag)) => flag.to_string(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::String(_)) => "text".to_owned(),
        Some(Value::Array(_)) => "a list".to_owned(),
        Some(Value::Object(_)) => "a map".to_owned(),
    }
}

/// A number without a fraction that a double holds exactly.
fn whole_number(value: &Value) -> Option<i128> {
    if let Some(number) = value.as_i64() {
        return Some(i128::from(number));
    }
    if let Some(number) = value.as_u64() {
        return Some(i128::from(number));
    }
    let number = value.as_f64()?;
    let exact = number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0;
    // Such numbers print without exponent or fraction.
    if exact { format!("{number:.0}").parse().ok() } else { None }
}
