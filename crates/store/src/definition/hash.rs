//! The hash of a definition. Two programs must come to the same one, so every byte of the text that
//! is hashed is pinned: compact JSON as JavaScript writes it, with the keys of every object sorted.

use std::fmt::Write as _;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// SHA-256 of a value in its canonical form, in lower-case hex.
pub(super) fn of(value: &Value) -> String {
    let mut text = String::with_capacity(512);
    write(&mut text, value);
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(text.as_bytes()) {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

fn write(text: &mut String, value: &Value) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<(&String, &Value)> = map.iter().collect();
            entries.sort_by(|(one, _), (other, _)| one.encode_utf16().cmp(other.encode_utf16()));
            text.push('{');
            for (index, (key, value)) in entries.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                let _ = write!(text, "{}:", Value::from(key.as_str()));
                write(text, value);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write(text, item);
            }
            text.push(']');
        }
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(float) => write_float(text, float),
            None => {
                let _ = write!(text, "{number}");
            }
        },
        other => {
            let _ = write!(text, "{other}");
        }
    }
}

/// JavaScript writes exponents from 1e21 and below 1e-6, with a sign.
fn write_float(text: &mut String, float: f64) {
    let size = float.abs();
    let _ = if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let digits = format!("{float:e}");
        let sign = if digits.contains("e-") { "" } else { "+" };
        write!(text, "{}", digits.replacen('e', &format!("e{sign}"), 1))
    } else {
        write!(text, "{}", if size == 0.0 { 0.0 } else { float })
    };
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_hashed_text_is_what_javascript_writes() {
        let value = json!({
            "b": [1, 2.5, true, null, 1e21, 1.5e-7, -0.0, 100.0],
            "a": {"z": "grün\n\"\u{1}/", "\u{10000}": 1, "\u{ffff}": 2},
        });
        let mut text = String::new();
        write(&mut text, &value);
        assert_eq!(
            text,
            "{\"a\":{\"z\":\"grün\\n\\\"\\u0001/\",\"\u{10000}\":1,\"\u{ffff}\":2},\"b\":[1,2.5,true,null,1e+21,1.5e-7,0,100]}"
        );
    }
}
