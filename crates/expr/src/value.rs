//! The values of expressions: cheap to clone, maps in the order they were written.

use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::Value as Json;

use crate::error::ExprError;
use crate::source::LazyMap;

/// A value of the expression language. Cloning copies a pointer at most.
#[derive(Clone, Debug)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A signed 64-bit integer: literals and the results of functions.
    Int(i64),
    /// An unsigned 64-bit integer (`1u`).
    UInt(u64),
    /// A double: every number that comes from a document.
    Double(f64),
    /// Text.
    String(Arc<str>),
    /// Bytes (`b"…"`).
    Bytes(Arc<[u8]>),
    /// A list.
    List(Arc<[Value]>),
    /// A map with text keys, in insertion order.
    Map(Map),
    /// A map whose entries are made when asked for.
    Lazy(Arc<dyn LazyMap>),
    /// A point in time.
    Timestamp(jiff::Timestamp),
    /// A length of time.
    Duration(jiff::SignedDuration),
    /// A type, as given by `type(x)`.
    Type(Type),
}

/// A map with text keys that keeps the order of insertion. Cloning copies a pointer.
#[derive(Clone, Debug, Default)]
pub struct Map(pub(crate) Arc<IndexMap<Arc<str>, Value>>);

/// The types of values as far as `type(x)` tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `null_type`
    Null,
    /// `bool`
    Bool,
    /// `int`
    Int,
    /// `uint`
    UInt,
    /// `double`
    Double,
    /// `string`
    String,
    /// `bytes`
    Bytes,
    /// `list`
    List,
    /// `map`
    Map,
    /// `google.protobuf.Timestamp`
    Timestamp,
    /// `google.protobuf.Duration`
    Duration,
    /// `type`
    Type,
}

impl Map {
    /// The value under `key`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// Entries in insertion order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Arc<str>, &Value)> {
        self.0.iter()
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<K: Into<Arc<str>>> FromIterator<(K, Value)> for Map {
    fn from_iter<I: IntoIterator<Item = (K, Value)>>(entries: I) -> Self {
        Self(Arc::new(entries.into_iter().map(|(key, value)| (key.into(), value)).collect()))
    }
}

impl Value {
    /// From JSON-like data. **Every number becomes a double**, as the dialect wants for data.
    pub fn from_json(json: &Json) -> Self {
        let _ = json;
        todo!()
    }

    /// To JSON-like data: whole doubles become integers, NaN and infinities `null`, timestamps
    /// RFC 3339 text, durations text (`1h30m`), bytes base64 text, types their name.
    ///
    /// Fails only when a lazily made map fails.
    pub fn to_json(&self) -> Result<Json, ExprError> {
        todo!()
    }

    /// The text of the value when it stands inside other text: `null` is empty, numbers as
    /// ECMAScript writes them, lists and maps as indented JSON.
    pub fn to_text(&self) -> Result<String, ExprError> {
        todo!()
    }
}

impl From<&Json> for Value {
    fn from(json: &Json) -> Self {
        Self::from_json(json)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text.into())
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Double(number)
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Self {
        Self::Map(map)
    }
}

impl From<Vec<Self>> for Value {
    fn from(items: Vec<Self>) -> Self {
        Self::List(items.into())
    }
}
