//! What a plain scalar means.
//!
//! The rules are those of `@std/yaml`'s default schema, because the other implementation reads the
//! same files with it. They are neither YAML 1.1 nor 1.2 to the letter: `yes` and `on` are texts,
//! `012` is octal but `0o14` is a text, `1_000` is a number, `1:30` is a text.

use serde_json::{Number, Value};

/// The meaning of a plain scalar.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Meaning {
    /// A null, boolean or number.
    Value(Value),
    /// A date or time.
    Timestamp,
    /// `<<`, which merges mappings when it is a key.
    Merge,
    /// `.inf` or `.nan` in one of their spellings, or a number too large for the machine.
    NotFinite,
    /// Anything else.
    Text,
}

/// Finds the meaning of a plain scalar.
pub(crate) fn resolve(text: &str) -> Meaning {
    let bytes = text.as_bytes();
    let Some(&first) = bytes.first() else {
        return Meaning::Value(Value::Null);
    };
    match first {
        b'0'..=b'9' | b'+' | b'-' | b'.' => number_or_time(text),
        b'~' | b'n' | b'N' if matches!(text, "~" | "null" | "Null" | "NULL") => {
            Meaning::Value(Value::Null)
        }
        b't' | b'T' if matches!(text, "true" | "True" | "TRUE") => {
            Meaning::Value(Value::Bool(true))
        }
        b'f' | b'F' if matches!(text, "false" | "False" | "FALSE") => {
            Meaning::Value(Value::Bool(false))
        }
        b'<' if text == "<<" => Meaning::Merge,
        _ => Meaning::Text,
    }
}

fn number_or_time(text: &str) -> Meaning {
    if let Some(number) = integer(text).or_else(|| float(text)) {
        return Meaning::Value(Value::Number(number));
    }
    let unsigned = text.trim_start_matches(['+', '-']);
    if text.len() - unsigned.len() <= 1 && matches!(unsigned, ".inf" | ".Inf" | ".INF")
        || matches!(text, ".nan" | ".NaN" | ".NAN")
        // Such as the hexadecimal digits 7629e820.
        || looks_like_float(text)
    {
        return Meaning::NotFinite;
    }
    if is_timestamp(text) { Meaning::Timestamp } else { Meaning::Text }
}

/// An integer in one of the bases, with `_` between digits.
pub(crate) fn integer(text: &str) -> Option<Number> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (radix, digits) = match unsigned.as_bytes() {
        [b'0'] => (10, unsigned),
        [b'0', b'b', ..] => (2, &unsigned[2..]),
        [b'0', b'x', ..] => (16, &unsigned[2..]),
        [b'0', ..] => (8, &unsigned[1..]),
        [b'_', ..] => return None,
        _ => (10, unsigned),
    };
    if digits.ends_with('_') {
        return None;
    }
    let mut magnitude: u64 = 0;
    let mut approximate: f64 = 0.0;
    let mut exact = true;
    let mut seen = false;
    for byte in digits.bytes() {
        if byte == b'_' {
            continue;
        }
        let digit = char::from(byte).to_digit(radix)?;
        seen = true;
        approximate = approximate.mul_add(f64::from(radix), f64::from(digit));
        match magnitude
            .checked_mul(u64::from(radix))
            .and_then(|value| value.checked_add(u64::from(digit)))
        {
            Some(value) if exact => magnitude = value,
            _ => exact = false,
        }
    }
    if !seen {
        return None;
    }
    if !exact {
        // Decimal digits are best left to the library, which rounds once.
        let size = if radix == 10 { digits.replace('_', "").parse().ok()? } else { approximate };
        return Number::from_f64(if negative { -size } else { size });
    }
    if !negative {
        return Some(magnitude.into());
    }
    match 0_i64.checked_sub_unsigned(magnitude) {
        Some(value) => Some(value.into()),
        #[expect(clippy::cast_precision_loss, reason = "too large to be exact anyway")]
        None => Number::from_f64(-(magnitude as f64)),
    }
}

/// A decimal fraction or a number with an exponent. Whole numbers become integers, as they do in
/// the JSON that the other implementation makes of them.
pub(crate) fn float(text: &str) -> Option<Number> {
    if !looks_like_float(text) {
        return None;
    }
    let value: f64 =
        if text.contains('_') { text.replace('_', "").parse().ok()? } else { text.parse().ok()? };
    match whole(value) {
        Some(whole) => Some(whole.into()),
        None => Number::from_f64(value),
    }
}

/// Whether the text has the form of a float, however large its value.
fn looks_like_float(text: &str) -> bool {
    let bytes = text.as_bytes();
    if text.ends_with('_') {
        return false;
    }
    let mut at = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    let digits = |mut at: usize| {
        while matches!(bytes.get(at), Some(b'0'..=b'9' | b'_')) {
            at += 1;
        }
        at
    };
    match bytes.get(at) {
        Some(b'0') => at += 1,
        Some(b'1'..=b'9') => at = digits(at),
        // A sign is not allowed here.
        Some(b'.') if at == 0 && matches!(bytes.get(1), Some(b'0'..=b'9' | b'_')) => {}
        _ => return false,
    }
    if bytes.get(at) == Some(&b'.') {
        at = digits(at + 1);
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        at += 1;
        at += usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
        let exponent = at;
        while matches!(bytes.get(at), Some(b'0'..=b'9')) {
            at += 1;
        }
        if at == exponent {
            return false;
        }
    }
    at == bytes.len()
}

/// The integer that equals `value`, if it is whole and every integer up to it is exact.
pub(crate) fn whole(value: f64) -> Option<i64> {
    const LIMIT: f64 = 9_007_199_254_740_992.0;
    if value.fract() != 0.0 || value.abs() > LIMIT {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "whole and within the limit")]
    Some(value as i64)
}

/// Whether the text is a date (`2026-11-22`) or a time in one of the forms of YAML 1.1.
pub(crate) fn is_timestamp(text: &str) -> bool {
    let mut rest = Cursor(text.as_bytes());
    if text.len() == 10 {
        return rest.digits(4, 4)
            && rest.byte(b'-')
            && rest.digits(2, 2)
            && rest.byte(b'-')
            && rest.digits(2, 2);
    }
    rest.digits(4, 4)
        && rest.byte(b'-')
        && rest.digits(1, 2)
        && rest.byte(b'-')
        && rest.digits(1, 2)
        && (rest.byte(b'T') || rest.byte(b't') || rest.blanks() > 0)
        && rest.digits(1, 2)
        && rest.byte(b':')
        && rest.digits(2, 2)
        && rest.byte(b':')
        && rest.digits(2, 2)
        && (!rest.byte(b'.') || rest.digits(0, usize::MAX))
        && rest.zone()
}

struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn byte(&mut self, wanted: u8) -> bool {
        match self.0.split_first() {
            Some((&first, rest)) if first == wanted => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    fn digits(&mut self, least: usize, most: usize) -> bool {
        let count = self.0.iter().take(most).take_while(|byte| byte.is_ascii_digit()).count();
        self.0 = &self.0[count..];
        count >= least
    }

    fn blanks(&mut self) -> usize {
        let count = self.0.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        self.0 = &self.0[count..];
        count
    }

    fn zone(&mut self) -> bool {
        if self.0.is_empty() {
            return true;
        }
        self.blanks();
        if self.byte(b'Z') {
            return self.0.is_empty();
        }
        (self.byte(b'+') || self.byte(b'-'))
            && self.digits(1, 2)
            && (!self.byte(b':') || self.digits(2, 2))
            && self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn plain_scalars_mean_what_the_other_implementation_makes_of_them() {
        for (text, want) in [
            ("", json!(null)),
            ("~", json!(null)),
            ("null", json!(null)),
            ("NULL", json!(null)),
            ("true", json!(true)),
            ("TRUE", json!(true)),
            ("False", json!(false)),
            ("0", json!(0)),
            ("-0", json!(0)),
            ("12", json!(12)),
            ("+12", json!(12)),
            ("-12", json!(-12)),
            ("012", json!(10)),
            ("-012", json!(-10)),
            ("0b11", json!(3)),
            ("0xFf", json!(255)),
            ("1_000", json!(1000)),
            ("0_7", json!(7)),
            ("9223372036854775807", json!(i64::MAX)),
            ("-9223372036854775808", json!(i64::MIN)),
            ("18446744073709551615", json!(u64::MAX)),
            ("18446744073709551616", json!(18_446_744_073_709_551_616.0)),
            ("1.5", json!(1.5)),
            ("-1.5e3", json!(-1500)),
            ("1.", json!(1)),
            ("1.0", json!(1)),
            ("1e3", json!(1000)),
            ("1.e+21", json!(1e21)),
            (".5", json!(0.5)),
            ("1_0.2_5", json!(10.25)),
            ("0.1", json!(0.1)),
        ] {
            assert_eq!(resolve(text), Meaning::Value(want), "{text:?}");
        }
        for text in [
            "yes",
            "on",
            "y",
            "n",
            "off",
            "08",
            "0o14",
            "1:30",
            "0b",
            "0b2",
            "0x",
            "_1",
            "1_",
            "+.5",
            "-.5",
            "nul",
            "nULL",
            "tRUE",
            "-",
            "+",
            ".",
            "..",
            "...",
            "1e",
            "1.2.3",
            "1e5.0",
            "0x_",
            "--1",
            "2026.02.09.1",
            "20260206.200442.0",
            "1 2",
            "2026-1-1",
            "<<<",
            "1.5_",
            "2026-11-22T",
            "2026-11-22T09:59",
            "+-.inf",
        ] {
            assert_eq!(resolve(text), Meaning::Text, "{text:?}");
        }
        for text in [
            "2026-11-22",
            "2026-11-22T09:59:20Z",
            "2026-11-22T09:59:20.462Z",
            "2026-11-22t9:59:20",
            "2026-1-2  09:59:20 +01:00",
            "2026-1-2 09:59:20. -5",
        ] {
            assert_eq!(resolve(text), Meaning::Timestamp, "{text:?}");
        }
        assert_eq!(resolve("<<"), Meaning::Merge);
        for text in [".inf", "-.Inf", "+.INF", ".nan", ".NaN", "7629e820", "-1e999"] {
            assert_eq!(resolve(text), Meaning::NotFinite, "{text:?}");
        }
    }
}
