//! Conversions between types.

use super::Reject;
use crate::value::{Value, number};

type Result = std::result::Result<Value, Reject>;

pub(super) fn same(arguments: &[Value]) -> Result {
    match arguments {
        [value] => Ok(value.clone()),
        _ => Err(Reject::Overload),
    }
}

/// Takes nothing at all.
pub(super) const fn never(_: &[Value]) -> Result {
    Err(Reject::Overload)
}

pub(super) fn type_of(arguments: &[Value]) -> Result {
    match arguments {
        [value] => Ok(Value::Type(value.type_of())),
        _ => Err(Reject::Overload),
    }
}

pub(super) fn to_bool(arguments: &[Value]) -> Result {
    match arguments {
        [Value::Bool(truth)] => Ok(Value::Bool(*truth)),
        [Value::String(text)] => match &**text {
            "1" | "t" | "true" | "TRUE" | "True" => Ok(Value::Bool(true)),
            "0" | "f" | "false" | "FALSE" | "False" => Ok(Value::Bool(false)),
            _ => {
                Reject::failed(format!("bool() conversion error: invalid string value \"{text}\""))
            }
        },
        _ => Err(Reject::Overload),
    }
}

pub(super) fn to_int(arguments: &[Value]) -> Result {
    match arguments {
        [Value::Int(number)] => Ok(Value::Int(*number)),
        [Value::Double(number)] => match number::to_i64(*number) {
            Some(number) => Ok(Value::Int(number)),
            None => Reject::failed("int() type error: integer overflow"),
        },
        [Value::String(text)] if text.is_empty() => Ok(Value::Int(0)),
        [Value::String(text)] => match text.parse() {
            Ok(number) if text.len() <= 20 => Ok(Value::Int(number)),
            _ => Reject::failed("int() type error: cannot convert to int"),
        },
        _ => Err(Reject::Overload),
    }
}

pub(super) fn to_uint(arguments: &[Value]) -> Result {
    let refuse = || Reject::failed("uint() type error: cannot convert to uint");
    match arguments {
        [Value::UInt(number)] => Ok(Value::UInt(*number)),
        [Value::Int(number)] => {
            u64::try_from(*number).map_or_else(|_| refuse(), |n| Ok(Value::UInt(n)))
        }
        [Value::Double(number)] => match number::to_u64(*number) {
            Some(number) => Ok(Value::UInt(number)),
            None => Reject::failed("uint() type error: unsigned integer overflow"),
        },
        [Value::String(text)] if text.is_empty() => Ok(Value::UInt(0)),
        [Value::String(text)] => match text.parse() {
            Ok(number) if text.len() <= 20 => Ok(Value::UInt(number)),
            _ => refuse(),
        },
        _ => Err(Reject::Overload),
    }
}

pub(super) fn to_double(arguments: &[Value]) -> Result {
    match arguments {
        [Value::Double(number)] => Ok(Value::Double(*number)),
        [Value::Int(number)] => Ok(Value::Double(number::from_i64(*number))),
        [Value::UInt(number)] => Ok(Value::Double(number::from_u64(*number))),
        [Value::String(text)] => match number::parse(text) {
            Some(number) => Ok(Value::Double(number)),
            None => Reject::failed("double() type error: cannot convert to double"),
        },
        _ => Err(Reject::Overload),
    }
}

pub(super) fn to_text(arguments: &[Value]) -> Result {
    match arguments {
        [Value::String(text)] => Ok(Value::String(text.clone())),
        [Value::Bool(truth)] => Ok(truth.to_string().into()),
        [Value::Int(number)] => Ok(number.to_string().into()),
        [Value::UInt(number)] => Ok(number.to_string().into()),
        [Value::Double(number)] if number.is_infinite() => {
            Ok(if *number > 0.0 { "+Inf" } else { "-Inf" }.into())
        }
        [Value::Double(number)] => Ok(number::text(*number).into()),
        [Value::Bytes(bytes)] => Ok(String::from_utf8_lossy(bytes).as_ref().into()),
        _ => Err(Reject::Overload),
    }
}

pub(super) fn to_bytes(arguments: &[Value]) -> Result {
    match arguments {
        [Value::Bytes(bytes)] => Ok(Value::Bytes(bytes.clone())),
        [Value::String(text)] => Ok(Value::Bytes(text.as_bytes().into())),
        _ => Err(Reject::Overload),
    }
}
