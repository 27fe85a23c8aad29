//! Texts that are meant as numbers and booleans.

use serde_json::{Number, Value};

/// Replaces a text by the number or boolean that the schema wants, if it is one.
pub(super) fn coerce(schema: &Value, value: &mut Value) {
    let Value::String(text) = value else { return };
    let coerced = match schema.get("type").and_then(Value::as_str) {
        Some("number" | "integer") => parse_number(text).and_then(number_value),
        Some("boolean") => parse_boolean(text).map(Value::Bool),
        _ => None,
    };
    if let Some(coerced) = coerced {
        *value = coerced;
    }
}

/// A boolean as a text: exactly `true` or `false`.
pub(crate) fn parse_boolean(text: &str) -> Option<bool> {
    match text {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// A number as ECMAScript's `Number()` reads it: white space around it does not count, an empty
/// text is 0, `0x10`, `0o17` and `0b11` are integers, `1e3` and `Infinity` are numbers.
pub(crate) fn parse_number(text: &str) -> Option<f64> {
    let text = text.trim();
    if text.is_empty() {
        return Some(0.0);
    }
    for (prefix, radix) in [("0x", 16), ("0X", 16), ("0o", 8), ("0O", 8), ("0b", 2), ("0B", 2)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            return parse_digits(digits, radix);
        }
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if unsigned == "Infinity" {
        return Some(if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY });
    }
    // What Rust reads beyond that: `inf`, `nan` and the like.
    let is_decimal = unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && unsigned.contains(|digit: char| digit.is_ascii_digit());
    if is_decimal { text.parse().ok() } else { None }
}

fn parse_digits(digits: &str, radix: u32) -> Option<f64> {
    if digits.is_empty() {
        return None;
    }
    digits.chars().try_fold(0.0, |number, digit| {
        Some(number * f64::from(radix) + f64::from(digit.to_digit(radix)?))
    })
}

/// A double as JSON: an integer when it is whole and exact. `None` for infinities and NaN.
pub(crate) fn number_value(number: f64) -> Option<Value> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
        return Some(Value::from(number as i64));
    }
    Number::from_f64(number).map(Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn texts_become_what_the_schema_wants() {
        let number = json!({"type": "number"});
        let integer = json!({"type": "integer"});
        let boolean = json!({"type": "boolean"});
        let cases = [
            (&number, "5", json!(5)),
            (&number, " 5.5 ", json!(5.5)),
            (&number, "", json!(0)),
            (&number, "0x10", json!(16)),
            (&number, "0x", json!("0x")),
            (&number, "1e3", json!(1000)),
            (&number, "-.5", json!(-0.5)),
            (&number, "5.", json!(5)),
            (&number, ".", json!(".")),
            (&number, "-", json!("-")),
            (&number, "1_0", json!("1_0")),
            (&number, "nan", json!("nan")),
            (&number, "inf", json!("inf")),
            (&number, "5 6", json!("5 6")),
            (&integer, "1.5", json!(1.5)),
            (&integer, "7", json!(7)),
            (&boolean, "true", json!(true)),
            (&boolean, "True", json!("True")),
            (&json!({"type": "string"}), "5", json!("5")),
            (&json!({}), "5", json!("5")),
        ];
        for (schema, text, want) in cases {
            let mut value = json!(text);
            coerce(schema, &mut value);
            assert_eq!(value, want, "{schema} {text:?}");
        }
    }
}
