//! The built-in functions: what the checker knows of them, and where they are done.
//!
//! All signatures of a name with a receiver share one function, all without one share another; the
//! function looks at the values it gets and refuses those that fit no signature.

mod bytes;
mod collections;
mod convert;
mod pattern;
mod text;
mod time;
mod utf16;

pub(crate) use pattern::{compile as compile_pattern, invalid as invalid_pattern};
pub(crate) use time::duration_text;
pub(crate) use utf16::compare as compare_texts;

use crate::check::types::Ty;
use crate::error::ErrorKind;
use crate::source::SourceError;
use crate::value::Value;

/// A built-in function; the receiver, if any, is the first argument.
pub(crate) type Builtin = fn(&[Value]) -> Result<Value, Reject>;

/// Why a function or operator gives no value.
#[derive(Debug)]
pub(crate) enum Reject {
    /// It does not take values of these types.
    Overload,
    /// It failed; one sentence.
    Failed(String),
    /// A map that is made on demand failed.
    Source(SourceError),
}

impl Reject {
    pub(crate) fn failed<T>(message: impl Into<String>) -> Result<T, Self> {
        Err(Self::Failed(message.into()))
    }

    /// As an error, with the message for a misfit made only when needed.
    pub(crate) fn into_kind(self, misfit: impl FnOnce() -> String) -> ErrorKind {
        match self {
            Self::Overload => ErrorKind::Evaluate(misfit()),
            Self::Failed(message) => ErrorKind::Evaluate(message),
            Self::Source(error) => ErrorKind::Data(error.to_string()),
        }
    }
}

impl From<SourceError> for Reject {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}

/// A type in a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parameter {
    Any,
    Bool,
    Int,
    UInt,
    Double,
    Text,
    Bytes,
    Timestamp,
    Duration,
    Type,
    List,
    TextList,
    Map,
    /// Of values that do not exist.
    Never,
}

impl Parameter {
    /// The static type, without what is in lists and maps.
    pub(crate) const fn static_type(self) -> Ty {
        match self {
            Self::Bool => Ty::Bool,
            Self::Int => Ty::Int,
            Self::UInt => Ty::UInt,
            Self::Double => Ty::Double,
            Self::Text => Ty::Text,
            Self::Bytes => Ty::Bytes,
            Self::Timestamp => Ty::Timestamp,
            Self::Duration => Ty::Duration,
            Self::Type => Ty::Type,
            Self::Any | Self::List | Self::TextList | Self::Map | Self::Never => Ty::Dyn,
        }
    }
}

/// One way to call a function.
#[derive(Debug)]
pub(crate) struct Signature {
    pub(crate) name: &'static str,
    pub(crate) receiver: Option<Parameter>,
    pub(crate) parameters: &'static [Parameter],
    pub(crate) result: Parameter,
    pub(crate) function: Builtin,
}

/// Shorthand for tables of signatures: `method Text.indexOf(Text, Int) -> Int = text::index_of`.
macro_rules! table {
    (@receiver function) => { None };
    (@receiver method $receiver:ident) => { Some(Parameter::$receiver) };
    ($($kind:ident $($receiver:ident .)? $name:literal ($($parameter:ident),*) -> $result:ident = $function:expr;)*) => {
        &[$(Signature {
            name: $name,
            receiver: table!(@receiver $kind $($receiver)?),
            parameters: &[$(Parameter::$parameter),*],
            result: Parameter::$result,
            function: $function,
        }),*]
    };
}

/// Every way to call a function of this name; empty when there is none.
pub(crate) fn signatures(name: &str) -> &'static [Signature] {
    match name {
        "bool" => table! {
            function "bool"(Bool) -> Bool = convert::to_bool;
            function "bool"(Text) -> Bool = convert::to_bool;
        },
        "int" => table! {
            function "int"(Int) -> Int = convert::to_int;
            function "int"(Double) -> Int = convert::to_int;
            function "int"(Text) -> Int = convert::to_int;
        },
        "uint" => table! {
            function "uint"(UInt) -> UInt = convert::to_uint;
            function "uint"(Int) -> UInt = convert::to_uint;
            function "uint"(Double) -> UInt = convert::to_uint;
            function "uint"(Text) -> UInt = convert::to_uint;
        },
        "double" => table! {
            function "double"(Double) -> Double = convert::to_double;
            function "double"(Int) -> Double = convert::to_double;
            function "double"(UInt) -> Double = convert::to_double;
            function "double"(Text) -> Double = convert::to_double;
        },
        "string" => table! {
            function "string"(Text) -> Text = convert::to_text;
            function "string"(Bool) -> Text = convert::to_text;
            function "string"(Int) -> Text = convert::to_text;
            function "string"(UInt) -> Text = convert::to_text;
            function "string"(Double) -> Text = convert::to_text;
            function "string"(Bytes) -> Text = convert::to_text;
            method Bytes."string"() -> Text = bytes::to_text;
        },
        "bytes" => table! {
            function "bytes"(Text) -> Bytes = convert::to_bytes;
            function "bytes"(Bytes) -> Bytes = convert::to_bytes;
        },
        "dyn" => table! { function "dyn"(Any) -> Any = convert::same; },
        "type" => table! { function "type"(Any) -> Type = convert::type_of; },
        "timestamp" => table! {
            function "timestamp"(Text) -> Timestamp = time::timestamp;
            function "timestamp"(Int) -> Timestamp = time::timestamp;
        },
        "duration" => table! { function "duration"(Text) -> Duration = time::duration; },
        "size" => table! {
            function "size"(Text) -> Int = collections::size;
            function "size"(Bytes) -> Int = collections::size;
            function "size"(List) -> Int = collections::size;
            function "size"(Map) -> Int = collections::size;
            method Text."size"() -> Int = collections::size;
            method Bytes."size"() -> Int = collections::size;
            method List."size"() -> Int = collections::size;
            method Map."size"() -> Int = collections::size;
        },
        "startsWith" => table! { method Text."startsWith"(Text) -> Bool = text::starts_with; },
        "endsWith" => table! { method Text."endsWith"(Text) -> Bool = text::ends_with; },
        "contains" => table! { method Text."contains"(Text) -> Bool = text::contains; },
        "matches" => table! { method Text."matches"(Text) -> Bool = pattern::matches; },
        "lowerAscii" => table! { method Text."lowerAscii"() -> Text = text::lower; },
        "upperAscii" => table! { method Text."upperAscii"() -> Text = text::upper; },
        "trim" => table! { method Text."trim"() -> Text = text::trim; },
        "indexOf" => table! {
            method Text."indexOf"(Text) -> Int = text::index_of;
            method Text."indexOf"(Text, Int) -> Int = text::index_of;
        },
        "lastIndexOf" => table! {
            method Text."lastIndexOf"(Text) -> Int = text::last_index_of;
            method Text."lastIndexOf"(Text, Int) -> Int = text::last_index_of;
        },
        "substring" => table! {
            method Text."substring"(Int) -> Text = text::substring;
            method Text."substring"(Int, Int) -> Text = text::substring;
        },
        "split" => table! {
            method Text."split"(Text) -> TextList = text::split;
            method Text."split"(Text, Int) -> TextList = text::split;
        },
        "join" => table! {
            method TextList."join"() -> Text = collections::join;
            method TextList."join"(Text) -> Text = collections::join;
        },
        // Optional values are switched off in this dialect; their functions are known so that the
        // first thing wrong with `a.missing.orValue(b)` is the missing key.
        "or" => table! { method Never."or"(Any) -> Any = convert::never; },
        "orValue" => table! { method Never."orValue"(Any) -> Any = convert::never; },
        "value" => table! { method Never."value"() -> Any = convert::never; },
        "hasValue" => table! { method Never."hasValue"() -> Bool = convert::never; },
        "none" => table! { method Never."none"() -> Any = convert::never; },
        "of" => table! { method Never."of"(Any) -> Any = convert::never; },
        "json" => table! { method Bytes."json"() -> Any = bytes::json; },
        "hex" => table! { method Bytes."hex"() -> Text = bytes::hex; },
        "base64" => table! { method Bytes."base64"() -> Text = bytes::base64; },
        "at" => table! { method Bytes."at"(Int) -> Int = bytes::at; },
        "getFullYear" => table! {
            method Timestamp."getFullYear"() -> Int = time::full_year;
            method Timestamp."getFullYear"(Text) -> Int = time::full_year;
        },
        "getMonth" => table! {
            method Timestamp."getMonth"() -> Int = time::month;
            method Timestamp."getMonth"(Text) -> Int = time::month;
        },
        "getDate" => table! {
            method Timestamp."getDate"() -> Int = time::date;
            method Timestamp."getDate"(Text) -> Int = time::date;
        },
        "getDayOfMonth" => table! {
            method Timestamp."getDayOfMonth"() -> Int = time::day_of_month;
            method Timestamp."getDayOfMonth"(Text) -> Int = time::day_of_month;
        },
        "getDayOfWeek" => table! {
            method Timestamp."getDayOfWeek"() -> Int = time::day_of_week;
            method Timestamp."getDayOfWeek"(Text) -> Int = time::day_of_week;
        },
        "getDayOfYear" => table! {
            method Timestamp."getDayOfYear"() -> Int = time::day_of_year;
            method Timestamp."getDayOfYear"(Text) -> Int = time::day_of_year;
        },
        "getHours" => table! {
            method Timestamp."getHours"() -> Int = time::hours;
            method Timestamp."getHours"(Text) -> Int = time::hours;
            method Duration."getHours"() -> Int = time::hours;
        },
        "getMinutes" => table! {
            method Timestamp."getMinutes"() -> Int = time::minutes;
            method Timestamp."getMinutes"(Text) -> Int = time::minutes;
            method Duration."getMinutes"() -> Int = time::minutes;
        },
        "getSeconds" => table! {
            method Timestamp."getSeconds"() -> Int = time::seconds;
            method Timestamp."getSeconds"(Text) -> Int = time::seconds;
            method Duration."getSeconds"() -> Int = time::seconds;
        },
        "getMilliseconds" => table! {
            method Timestamp."getMilliseconds"() -> Int = time::milliseconds;
            method Timestamp."getMilliseconds"(Text) -> Int = time::milliseconds;
            method Duration."getMilliseconds"() -> Int = time::milliseconds;
        },
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 41] = [
        "bool",
        "int",
        "uint",
        "double",
        "string",
        "bytes",
        "dyn",
        "type",
        "timestamp",
        "duration",
        "size",
        "startsWith",
        "endsWith",
        "contains",
        "matches",
        "lowerAscii",
        "upperAscii",
        "trim",
        "indexOf",
        "lastIndexOf",
        "substring",
        "split",
        "join",
        "json",
        "hex",
        "base64",
        "at",
        "getFullYear",
        "getMonth",
        "getDate",
        "getDayOfMonth",
        "getDayOfWeek",
        "getDayOfYear",
        "getHours",
        "getMinutes",
        "getSeconds",
        "getMilliseconds",
        "orValue",
        "of",
        "nope",
        "map",
    ];

    fn sample(parameter: Parameter) -> Value {
        match parameter {
            Parameter::Any | Parameter::Bool | Parameter::Never => Value::Bool(true),
            Parameter::Int => Value::Int(0),
            Parameter::UInt => Value::UInt(1),
            Parameter::Double => Value::Double(1.0),
            Parameter::Text => Value::from("true"),
            Parameter::Bytes => Value::Bytes((*b"[1]").into()),
            Parameter::Timestamp => Value::Timestamp(jiff::civil::date(2024, 2, 29).at(0, 0, 0, 0)),
            Parameter::Duration => Value::Duration(jiff::SignedDuration::from_secs(1)),
            Parameter::Type => Value::Type(crate::value::Type::Int),
            Parameter::List => Value::from(vec![Value::Int(1)]),
            Parameter::TextList => Value::from(vec![Value::from("a")]),
            Parameter::Map => Value::Map(crate::value::Map::default()),
        }
    }

    /// What the checker promises, evaluation keeps: a declared signature is never a misfit, and
    /// gives the declared type.
    #[test]
    fn functions_take_and_give_what_their_signatures_say() {
        let mut seen = 0;
        for signature in NAMES.iter().flat_map(|name| signatures(name)) {
            if signature.receiver == Some(Parameter::Never) {
                continue;
            }
            seen += 1;
            let arguments: Vec<Value> =
                signature.receiver.iter().chain(signature.parameters).map(|p| sample(*p)).collect();
            match (signature.function)(&arguments) {
                Err(Reject::Overload) => panic!("{signature:?} refuses its own types"),
                Err(_) => {}
                Ok(value) => {
                    let same = match signature.result {
                        Parameter::Any => true,
                        other => value.type_of() == sample(other).type_of(),
                    };
                    assert!(same, "{signature:?} gave {value:?}");
                }
            }
        }
        assert_eq!(seen, 80);
    }

    #[test]
    fn functions_refuse_other_types() {
        for signature in NAMES.iter().flat_map(|name| signatures(name)) {
            if matches!(signature.name, "dyn" | "type") {
                continue;
            }
            let count = signature.parameters.len() + usize::from(signature.receiver.is_some());
            let nulls = vec![Value::Null; count];
            let refused = matches!((signature.function)(&nulls), Err(Reject::Overload));
            assert!(refused, "{signature:?} takes null");
        }
    }
}
