//! A parsed document: its value, and where in the text each part of it stands.

use std::fmt;

use serde_json::Value;

use crate::reader;

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

/// What the text tells about a node besides its value. The children of a mapping stand in the
/// order of its entries.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) start: Position,
    /// Where the key begins, if the node is the value of a mapping's entry.
    pub(crate) key: Option<Position>,
    pub(crate) timestamp: bool,
    pub(crate) children: Vec<Self>,
}

/// One YAML document.
#[derive(Clone, Debug)]
pub struct Document {
    value: Value,
    node: Node,
}

impl Document {
    /// Reads a text that holds at most one document. An empty text is `null`.
    pub fn parse(text: &str) -> Result<Self, YamlError> {
        let (value, node) = reader::read(text)?;
        Ok(Self { value, node })
    }

    /// The value. Dates are strings here, spelled as in the text.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The value, given away.
    pub fn into_value(self) -> Value {
        self.value
    }

    /// Where the node at `path` begins, or else its nearest ancestor that exists. For an entry of
    /// a mapping this is the place of the value; [`Document::key_position`] gives that of the key.
    pub fn position(&self, path: &[PathItem]) -> Option<Position> {
        Some(self.walk(path).0.start)
    }

    /// Where the key of the mapping entry at `path` begins. What has no key of its own, such as an
    /// item of a sequence, answers with its own place, and what does not exist with that of its
    /// nearest ancestor that does.
    pub fn key_position(&self, path: &[PathItem]) -> Option<Position> {
        let node = self.walk(path).0;
        Some(node.key.unwrap_or(node.start))
    }

    /// Whether the node at `path` is an unquoted date or time, which the other implementation
    /// reads as something that is not a string.
    pub fn is_timestamp(&self, path: &[PathItem]) -> bool {
        let (node, complete) = self.walk(path);
        complete && node.timestamp
    }

    /// The node at `path` and `true`, or its nearest existing ancestor and `false`.
    fn walk(&self, path: &[PathItem]) -> (&Node, bool) {
        let mut node = &self.node;
        let mut value = &self.value;
        for item in path {
            let next = match (value, item) {
                (Value::Object(map), PathItem::Key(key)) => map
                    .iter()
                    .position(|(name, _)| name == key)
                    .and_then(|index| Some((node.children.get(index)?, map.get(key)?))),
                (Value::Array(items), PathItem::Index(index)) => {
                    node.children.get(*index).zip(items.get(*index))
                }
                _ => None,
            };
            let Some((child, inner)) = next else {
                return (node, false);
            };
            node = child;
            value = inner;
        }
        (node, true)
    }
}
