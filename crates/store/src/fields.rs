//! Reading the mapping of a record file key by key, with errors that name file, key and line.

use std::path::Path;

use indexmap::IndexMap;
use serde_json::{Map, Value};
use swamp_ident::Timestamp;
use swamp_yaml::{Document, PathItem, Position};

use crate::error::{Result, StoreError};

/// String to string, in the order of the file.
pub type Tags = IndexMap<String, String>;

/// One mapping of a document and the way to it.
pub(crate) struct Fields<'a> {
    file: &'a Path,
    document: &'a Document,
    at: Vec<PathItem>,
    map: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    /// The top of a document, which must be a mapping.
    pub(crate) fn of(file: &'a Path, document: &'a Document) -> Result<Self> {
        let Value::Object(map) = document.value() else {
            return Err(StoreError::invalid(
                file,
                document.position(&[]),
                "the file has to hold a mapping",
            ));
        };
        Ok(Self { file, document, at: Vec::new(), map })
    }

    fn path(&self, key: &str) -> Vec<PathItem> {
        let mut path = self.at.clone();
        path.push(key.into());
        path
    }

    fn position(&self, key: &str) -> Option<Position> {
        self.document.position(&self.path(key))
    }

    /// An error about the value of `key`.
    pub(crate) fn wrong(&self, key: &str, message: impl std::fmt::Display) -> StoreError {
        StoreError::invalid(self.file, self.position(key), format!("`{key}` {message}"))
    }

    /// The value of `key`; `null` counts as absent.
    pub(crate) fn value(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    fn present<T>(&self, key: &str, value: Option<T>) -> Result<T> {
        value.ok_or_else(|| {
            StoreError::invalid(
                self.file,
                self.document.position(&self.at),
                format!("`{key}` is missing"),
            )
        })
    }

    /// A text, if there.
    pub(crate) fn text(&self, key: &str) -> Result<Option<&'a str>> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::String(_)) if self.document.is_timestamp(&self.path(key)) => {
                Err(self.wrong(key, "has to be a text: put the time in quotes"))
            }
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(key, "has to be a text")),
        }
    }

    /// A text that must be there and not be empty.
    pub(crate) fn required_text(&self, key: &str) -> Result<&'a str> {
        let text = self.present(key, self.text(key)?)?;
        if text.is_empty() {
            return Err(self.wrong(key, "must not be empty"));
        }
        Ok(text)
    }

    /// A whole number that is not negative, if there.
    pub(crate) fn number(&self, key: &str) -> Result<Option<u64>> {
        match self.value(key) {
            None => Ok(None),
            Some(value) => match whole_number(value) {
                Some(number) => Ok(Some(number)),
                None => Err(self.wrong(key, "has to be a whole number that is not negative")),
            },
        }
    }

    /// A whole number that must be there.
    pub(crate) fn required_number(&self, key: &str) -> Result<u64> {
        self.present(key, self.number(key)?)
    }

    /// `true` or `false`, if there.
    pub(crate) fn boolean(&self, key: &str) -> Result<Option<bool>> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(*value)),
            Some(_) => Err(self.wrong(key, "has to be true or false")),
        }
    }

    /// A time, if there.
    pub(crate) fn time(&self, key: &str) -> Result<Option<Timestamp>> {
        match self.text(key)? {
            None => Ok(None),
            Some(text) => Timestamp::parse(text).map(Some).map_err(|error| self.wrong(key, error)),
        }
    }

    /// A time that must be there.
    pub(crate) fn required_time(&self, key: &str) -> Result<Timestamp> {
        self.present(key, self.time(key)?)
    }

    /// A text that stands for one of several words, and must be there.
    pub(crate) fn required_word<T>(
        &self,
        key: &str,
        words: impl IntoIterator<Item = T>,
        spelling: impl Fn(&T) -> &'static str,
    ) -> Result<T> {
        let text = self.required_text(key)?;
        let mut known = Vec::new();
        for word in words {
            if spelling(&word) == text {
                return Ok(word);
            }
            known.push(spelling(&word));
        }
        Err(self.wrong(key, format_args!("is {text:?}, not one of {}", known.join(", "))))
    }

    /// A map of texts; empty when absent.
    pub(crate) fn tags(&self, key: &str) -> Result<Tags> {
        let Some(value) = self.value(key) else {
            return Ok(Tags::new());
        };
        let Value::Object(map) = value else {
            return Err(self.wrong(key, "has to be a map of texts"));
        };
        map.iter()
            .map(|(name, value)| match value {
                Value::String(text) => Ok((name.clone(), text.clone())),
                _ => Err(self.wrong(key, format_args!("has a value that is not a text: {name}"))),
            })
            .collect()
    }

    /// A nested mapping, if there.
    pub(crate) fn nested(&self, key: &str) -> Result<Option<Self>> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::Object(map)) => {
                Ok(Some(Self { file: self.file, document: self.document, at: self.path(key), map }))
            }
            Some(_) => Err(self.wrong(key, "has to be a mapping")),
        }
    }

    /// A nested mapping that must be there.
    pub(crate) fn required_nested(&self, key: &str) -> Result<Self> {
        self.present(key, self.nested(key)?)
    }

    /// The items of a sequence of mappings; none when absent.
    pub(crate) fn list(&self, key: &str) -> Result<Vec<Self>> {
        let items = match self.value(key) {
            None => return Ok(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(_) => return Err(self.wrong(key, "has to be a list")),
        };
        items
            .iter()
            .enumerate()
            .map(|(index, item)| {
                let mut at = self.path(key);
                at.push(index.into());
                match item {
                    Value::Object(map) => {
                        Ok(Self { file: self.file, document: self.document, at, map })
                    }
                    _ => Err(StoreError::invalid(
                        self.file,
                        self.document.position(&at),
                        format!("an item of `{key}` is not a mapping"),
                    )),
                }
            })
            .collect()
    }
}

/// Numbers may have been written as `3` or, by programs that know only one kind, as `3.0`.
fn whole_number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| {
        let float = value.as_f64()?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked to be a whole number in the range where doubles are exact"
        )]
        let whole =
            (float >= 0.0 && float.fract() == 0.0 && float < 9e15).then_some(float as u64)?;
        Some(whole)
    })
}

/// Tags as a JSON object.
pub(crate) fn tags_value(tags: &Tags) -> Value {
    Value::Object(tags.iter().map(|(key, value)| (key.clone(), value.clone().into())).collect())
}

/// Builds the mapping of a record, leaving absent keys out.
#[derive(Default)]
pub(crate) struct Record(Map<String, Value>);

impl Record {
    pub(crate) fn put(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.insert(key.to_owned(), value.into());
        self
    }

    pub(crate) fn put_some<T: Into<Value>>(self, key: &str, value: Option<T>) -> Self {
        match value {
            Some(value) => self.put(key, value),
            None => self,
        }
    }

    pub(crate) fn done(self) -> Value {
        Value::Object(self.0)
    }
}
