//! The values of expressions: cheap to clone, maps in the order they were written.

mod json;
mod map;
pub(crate) mod number;

use std::sync::Arc;

use serde_json::Value as Json;

pub(crate) use self::json::base64;
pub use self::map::Map;
use crate::error::ExprError;
use crate::source::{LazyMap, SourceError};

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
    List(Arc<[Self]>),
    /// A map with text keys, in insertion order.
    Map(Map),
    /// A map whose entries are made when asked for.
    Lazy(Arc<dyn LazyMap>),
    /// A point in time, in UTC.
    Timestamp(jiff::civil::DateTime),
    /// A length of time.
    Duration(jiff::SignedDuration),
    /// A type, as given by `type(x)`.
    Type(Type),
}

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

impl Type {
    /// The type that is written so in an expression, for those whose name is one word.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "null_type" => Self::Null,
            "bool" => Self::Bool,
            "int" => Self::Int,
            "uint" => Self::UInt,
            "double" => Self::Double,
            "string" => Self::String,
            "bytes" => Self::Bytes,
            "list" => Self::List,
            "map" => Self::Map,
            "type" => Self::Type,
            _ => return None,
        })
    }

    /// As it is written in an expression: `int`, `null_type`, `google.protobuf.Timestamp`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Null => "null_type",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::UInt => "uint",
            Self::Double => "double",
            Self::String => "string",
            Self::Bytes => "bytes",
            Self::List => "list",
            Self::Map => "map",
            Self::Timestamp => "google.protobuf.Timestamp",
            Self::Duration => "google.protobuf.Duration",
            Self::Type => "type",
        }
    }
}

impl Value {
    /// From JSON-like data. **Every number becomes a double**, as the language wants for data.
    pub fn from_json(json: &Json) -> Self {
        json::read(json)
    }

    /// To JSON-like data: whole doubles become integers, NaN and infinities `null`, timestamps
    /// RFC 3339 text, durations text (`1h30m`), bytes base64 text, types their name.
    ///
    /// Fails only when a lazily made map fails.
    pub fn to_json(&self) -> Result<Json, ExprError> {
        Ok(json::write(self)?)
    }

    /// The text of the value when it stands inside other text: `null` is empty, numbers as
    /// ECMAScript writes them, lists and maps as indented JSON.
    ///
    /// Fails only when a lazily made map fails.
    pub fn to_text(&self) -> Result<String, ExprError> {
        Ok(json::text(self)?)
    }

    /// As [`Self::to_text`], for use where the place of a failure is known.
    pub(crate) fn text(&self) -> Result<String, SourceError> {
        json::text(self)
    }

    /// The type, as `type(x)` gives it.
    pub const fn type_of(&self) -> Type {
        match self {
            Self::Null => Type::Null,
            Self::Bool(_) => Type::Bool,
            Self::Int(_) => Type::Int,
            Self::UInt(_) => Type::UInt,
            Self::Double(_) => Type::Double,
            Self::String(_) => Type::String,
            Self::Bytes(_) => Type::Bytes,
            Self::List(_) => Type::List,
            Self::Map(_) | Self::Lazy(_) => Type::Map,
            Self::Timestamp(_) => Type::Timestamp,
            Self::Duration(_) => Type::Duration,
            Self::Type(_) => Type::Type,
        }
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
