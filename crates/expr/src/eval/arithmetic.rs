//! Arithmetic on values.

use jiff::SignedDuration;
use jiff::civil::DateTime;

use crate::functions::Reject;
use crate::syntax::tree::Binary;
use crate::value::{Value, number};

type Result = std::result::Result<Value, Reject>;

pub(super) fn negate(value: &Value) -> Result {
    match value {
        Value::Int(number) => int(-i128::from(*number)),
        Value::Double(number) => Ok(Value::Double(-number)),
        _ => Err(Reject::Overload),
    }
}

/// Applies one of `+ - * / %`.
pub(super) fn apply(operator: Binary, left: &Value, right: &Value, mixed: bool) -> Result {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => ints(operator, *a, *b),
        (Value::Double(a), Value::Double(b)) if operator != Binary::Remainder => {
            Ok(doubles(operator, *a, *b))
        }
        (Value::Int(a), Value::Double(b)) if mixed => {
            Ok(doubles(operator, number::from_i64(*a), *b))
        }
        (Value::Double(a), Value::Int(b)) if mixed => {
            Ok(doubles(operator, *a, number::from_i64(*b)))
        }
        (Value::UInt(a), Value::UInt(b)) => uints(operator, *a, *b),
        _ => match operator {
            Binary::Add => add(left, right),
            Binary::Subtract => subtract(left, right),
            _ => Err(Reject::Overload),
        },
    }
}

fn int(exact: i128) -> Result {
    match i64::try_from(exact) {
        Ok(number) => Ok(Value::Int(number)),
        Err(_) => Reject::failed(format!("integer overflow: {exact}")),
    }
}

fn ints(operator: Binary, a: i64, b: i64) -> Result {
    let quick = match operator {
        Binary::Add => a.checked_add(b),
        Binary::Subtract => a.checked_sub(b),
        Binary::Multiply => a.checked_mul(b),
        Binary::Divide if b == 0 => return Reject::failed("division by zero"),
        Binary::Divide => a.checked_div(b),
        _ if b == 0 => return Reject::failed("modulo by zero"),
        // The least int has remainder 0 for −1, although the quotient does not exist.
        _ => Some(a.wrapping_rem(b)),
    };
    if let Some(number) = quick {
        return Ok(Value::Int(number));
    }
    // No product of two i64 is beyond i128.
    let (a, b) = (i128::from(a), i128::from(b));
    int(match operator {
        Binary::Add => a + b,
        Binary::Subtract => a - b,
        Binary::Multiply => a * b,
        _ => a / b,
    })
}

fn uints(operator: Binary, a: u64, b: u64) -> Result {
    let result = match operator {
        Binary::Add => a.checked_add(b),
        Binary::Subtract => a.checked_sub(b),
        Binary::Multiply => a.checked_mul(b),
        Binary::Divide if b == 0 => return Reject::failed("division by zero"),
        Binary::Divide => a.checked_div(b),
        _ if b == 0 => return Reject::failed("modulo by zero"),
        _ => a.checked_rem(b),
    };
    match result {
        Some(number) => Ok(Value::UInt(number)),
        None => Reject::failed("unsigned integer overflow"),
    }
}

fn doubles(operator: Binary, a: f64, b: f64) -> Value {
    Value::Double(match operator {
        Binary::Add => a + b,
        Binary::Subtract => a - b,
        Binary::Multiply => a * b,
        Binary::Divide => a / b,
        _ => a % b,
    })
}

fn add(left: &Value, right: &Value) -> Result {
    match (left, right) {
        (Value::String(a), Value::String(b)) => {
            let mut text = String::with_capacity(a.len() + b.len());
            text.push_str(a);
            text.push_str(b);
            Ok(text.into())
        }
        (Value::List(a), Value::List(b)) => {
            Ok(Value::List(a.iter().chain(b.iter()).cloned().collect()))
        }
        (Value::Bytes(a), Value::Bytes(b)) => Ok(Value::Bytes([&**a, &**b].concat().into())),
        (Value::Duration(a), Value::Duration(b)) => duration(a.checked_add(*b)),
        (Value::Timestamp(time), Value::Duration(by))
        | (Value::Duration(by), Value::Timestamp(time)) => timestamp(time.checked_add(*by).ok()),
        _ => Err(Reject::Overload),
    }
}

fn subtract(left: &Value, right: &Value) -> Result {
    match (left, right) {
        (Value::Duration(a), Value::Duration(b)) => duration(a.checked_sub(*b)),
        (Value::Timestamp(time), Value::Duration(by)) => timestamp(time.checked_sub(*by).ok()),
        (Value::Timestamp(a), Value::Timestamp(b)) => Ok(Value::Duration(a.duration_since(*b))),
        _ => Err(Reject::Overload),
    }
}

fn duration(result: Option<SignedDuration>) -> Result {
    match result {
        Some(duration) => Ok(Value::Duration(duration)),
        None => Reject::failed("duration overflow"),
    }
}

fn timestamp(result: Option<DateTime>) -> Result {
    match result {
        Some(time) => Ok(Value::Timestamp(time)),
        None => Reject::failed("timestamp overflow"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Integers are exact or an error that names the exact result; nothing wraps.
        #[test]
        fn integers_never_wrap(a in any::<i64>(), b in any::<i64>(), which in 0_usize..5) {
            let operators =
                [Binary::Add, Binary::Subtract, Binary::Multiply, Binary::Divide, Binary::Remainder];
            let (wide_a, wide_b) = (i128::from(a), i128::from(b));
            let exact = match operators[which] {
                Binary::Add => Some(wide_a + wide_b),
                Binary::Subtract => Some(wide_a - wide_b),
                Binary::Multiply => Some(wide_a * wide_b),
                Binary::Divide => wide_a.checked_div(wide_b),
                _ => wide_a.checked_rem(wide_b),
            };
            match (apply(operators[which], &Value::Int(a), &Value::Int(b), true), exact) {
                (Ok(Value::Int(got)), Some(exact)) => prop_assert_eq!(i128::from(got), exact),
                (Err(Reject::Failed(message)), Some(exact)) => {
                    prop_assert!(i64::try_from(exact).is_err());
                    prop_assert_eq!(message, format!("integer overflow: {exact}"));
                }
                (Err(Reject::Failed(_)), None) => {}
                (got, exact) => prop_assert!(false, "{got:?}, exactly {exact:?}"),
            }
        }
    }

    #[test]
    fn the_least_int() {
        let least = Value::Int(i64::MIN);
        let message = "integer overflow: 9223372036854775808";
        let failed = |result: Result| match result {
            Err(Reject::Failed(message)) => message,
            other => panic!("{other:?}"),
        };
        assert_eq!(failed(negate(&least)), message);
        assert_eq!(failed(apply(Binary::Divide, &least, &Value::Int(-1), true)), message);
        let rest = apply(Binary::Remainder, &least, &Value::Int(-1), true);
        assert!(matches!(rest, Ok(Value::Int(0))), "{rest:?}");
    }
}
