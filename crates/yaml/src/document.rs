//! A parsed document: its value, and where in the text each part of it stands.

use std::fmt;

use serde_json::Value;

/// A place in a text. Displayed as `line:column`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Why a text is not a document of our dialect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct YamlError {
    /// What is wrong, without the place.
    pub message: String,
    /// Where, if one place can be named.
    pub position: Option<Position>,
}

/// One step on the way from the top of a document to a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathItem {
    /// Into a mapping.
    Key(String),
    /// Into a sequence, counted from 0.
    Index(usize),
}

impl From<&str> for PathItem {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}

impl From<usize> for PathItem {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// One YAML document.
#[derive(Clone, Debug)]
pub struct Document {
    value: Value,
}

impl Document {
    /// Reads a text that holds exactly one document. An empty text is `null`.
    pub fn parse(text: &str) -> Result<Self, YamlError> {
        let _ = text;
        todo!()
    }

    /// The value. Dates are strings here, spelled as in the text.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The value, given away.
    pub fn into_value(self) -> Value {
        self.value
    }

    /// Where the node at `path` begins, or else the nearest ancestor of it that exists. For the
    /// value of a mapping entry this is the value, see [`Document::key_position`] for its key.
    pub fn position(&self, path: &[PathItem]) -> Option<Position> {
        let _ = path;
        todo!()
    }

    /// Where the key of the mapping entry at `path` begins.
    pub fn key_position(&self, path: &[PathItem]) -> Option<Position> {
        let _ = path;
        todo!()
    }

    /// Whether the node at `path` is an unquoted date or time, which the other implementation
    /// reads as something that is not a string.
    pub fn is_timestamp(&self, path: &[PathItem]) -> bool {
        let _ = path;
        todo!()
    }
}
