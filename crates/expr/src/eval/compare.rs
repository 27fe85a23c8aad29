//! Equality and order of values.

use std::cmp::Ordering;

use crate::functions::{Reject, compare_texts};
use crate::source::SourceError;
use crate::syntax::tree::Binary;
use crate::value::{Map, Value, number};

/// Whether two values are equal. Numbers are compared across types, everything else only with its
/// own kind.
#[inline]
pub(super) fn equal(a: &Value, b: &Value) -> Result<bool, SourceError> {
    match (a, b) {
        (Value::String(a), Value::String(b)) => Ok(a == b),
        (Value::Double(a), Value::Int(b)) => {
            Ok(number::compare_i64(*b, *a) == Some(Ordering::Equal))
        }
        _ => equal_any(a, b),
    }
}

fn equal_any(a: &Value, b: &Value) -> Result<bool, SourceError> {
    Ok(match (a, b) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::String(a), Value::String(b)) => a == b,
        (Value::Bytes(a), Value::Bytes(b)) => a == b,
        (Value::Timestamp(a), Value::Timestamp(b)) => a == b,
        (Value::Duration(a), Value::Duration(b)) => a == b,
        (Value::Type(a), Value::Type(b)) => a == b,
        (Value::List(a), Value::List(b)) => {
            if a.len() != b.len() {
                return Ok(false);
            }
            for (a, b) in a.iter().zip(b.iter()) {
                if !equal(a, b)? {
                    return Ok(false);
                }
            }
            true
        }
        (Value::Map(a), Value::Map(b)) => return equal_maps(a, b),
        (Value::Lazy(lazy), Value::Map(_) | Value::Lazy(_)) => {
            return equal(&super::roots::all_of(&**lazy)?, b);
        }
        (Value::Map(_), Value::Lazy(lazy)) => return equal(a, &super::roots::all_of(&**lazy)?),
        _ => numbers(a, b) == Some(Ordering::Equal),
    })
}

fn equal_maps(a: &Map, b: &Map) -> Result<bool, SourceError> {
    if a.len() != b.len() {
        return Ok(false);
    }
    for (key, value) in a.iter() {
        match b.get(key) {
            Some(other) if equal(value, other)? => {}
            _ => return Ok(false),
        }
    }
    Ok(true)
}

/// The order of two numbers of any type; `None` when one is not a number, or NaN.
fn numbers(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::UInt(a), Value::UInt(b)) => Some(a.cmp(b)),
        (Value::Double(a), Value::Double(b)) => a.partial_cmp(b),
        (Value::Int(a), Value::Double(b)) => number::compare_i64(*a, *b),
        (Value::Double(a), Value::Int(b)) => number::compare_i64(*b, *a).map(Ordering::reverse),
        (Value::UInt(a), Value::Double(b)) => number::compare_u64(*a, *b),
        (Value::Double(a), Value::UInt(b)) => number::compare_u64(*b, *a).map(Ordering::reverse),
        (Value::Int(a), Value::UInt(b)) => Some(i128::from(*a).cmp(&i128::from(*b))),
        (Value::UInt(a), Value::Int(b)) => Some(i128::from(*a).cmp(&i128::from(*b))),
        _ => None,
    }
}

/// Applies one of `< <= > >=`.
pub(super) fn ordered(operator: Binary, a: &Value, b: &Value) -> Result<bool, Reject> {
    let order = match (a, b) {
        (Value::String(a), Value::String(b)) => Some(compare_texts(a, b)),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::Timestamp(a), Value::Timestamp(b)) => Some(a.cmp(b)),
        (Value::Duration(a), Value::Duration(b)) => Some(a.cmp(b)),
        (
            Value::Int(_) | Value::UInt(_) | Value::Double(_),
            Value::Int(_) | Value::UInt(_) | Value::Double(_),
        ) => numbers(a, b),
        _ => return Err(Reject::Overload),
    };
    Ok(match operator {
        Binary::Less => order == Some(Ordering::Less),
        Binary::LessEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        Binary::Greater => order == Some(Ordering::Greater),
        _ => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
    })
}
