//! Values from and to JSON-like data, and as text.

use serde_json::{Map as JsonMap, Number, Value as Json};

use super::{Map, Value, number};
use crate::functions::duration_text;
use crate::source::SourceError;

pub(super) fn read(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::Bool(*truth),
        Json::Number(number) => Value::Double(number.as_f64().unwrap_or(f64::NAN)),
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => Value::List(items.iter().map(read).collect()),
        Json::Object(entries) => {
            Value::Map(entries.iter().map(|(key, value)| (key.as_str(), read(value))).collect())
        }
    }
}

pub(super) fn write(value: &Value) -> Result<Json, SourceError> {
    Ok(match value {
        Value::Null => Json::Null,
        Value::Bool(truth) => Json::Bool(*truth),
        Value::Int(number) => Json::from(*number),
        Value::UInt(number) => Json::from(*number),
        Value::Double(number) => double(*number),
        Value::List(items) => Json::Array(items.iter().map(write).collect::<Result<_, _>>()?),
        Value::Map(map) => Json::Object(entries(map)?),
        Value::Lazy(lazy) => {
            let mut entries = JsonMap::new();
            for key in lazy.keys()? {
                if let Some(value) = lazy.get(&key)? {
                    entries.insert(key, write(&value)?);
                }
            }
            Json::Object(entries)
        }
        Value::String(text) => Json::from(&**text),
        Value::Bytes(bytes) => Json::from(base64(bytes)),
        Value::Timestamp(time) => Json::from(format!("{time}Z")),
        Value::Duration(duration) => Json::from(duration_text(*duration)),
        Value::Type(kind) => Json::from(kind.as_str()),
    })
}

fn entries(map: &Map) -> Result<JsonMap<String, Json>, SourceError> {
    map.iter().map(|(key, value)| Ok((key.to_string(), write(value)?))).collect()
}

fn double(value: f64) -> Json {
    match number::exact_i64(value) {
        Some(whole) => Json::from(whole),
        None => Number::from_f64(value).map_or(Json::Null, Json::Number),
    }
}

pub(super) fn text(value: &Value) -> Result<String, SourceError> {
    Ok(match value {
        Value::Null => String::new(),
        Value::Double(number) => number::text(*number),
        Value::String(text) => text.to_string(),
        Value::List(_) | Value::Map(_) | Value::Lazy(_) => format!("{:#}", write(value)?),
        scalar => match write(scalar)? {
            Json::String(text) => text,
            other => other.to_string(),
        },
    })
}

/// Bytes as base64 text with padding.
pub(crate) fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let digit = (bits >> (18 - 6 * place)) as usize % 64;
            text.push(if place <= chunk.len() { char::from(DIGITS[digit]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_of_documents_are_doubles_and_come_back_whole() {
        let document = json!({"z": 1, "a": [2.5, -3, 1e30, true, null, "x"]});
        let value = read(&document);
        let Value::Map(map) = &value else { panic!("not a map: {value:?}") };
        assert!(matches!(map.get("z"), Some(Value::Double(_))));
        let written = write(&value).expect("nothing lazy");
        assert_eq!(written.to_string(), r#"{"z":1,"a":[2.5,-3,1e+30,true,null,"x"]}"#);
    }

    #[test]
    fn values_without_a_json_form_become_text_or_null() {
        let time: jiff::civil::DateTime = "2024-02-29T14:30:45".parse().expect("a time");
        for (value, want) in [
            (Value::Double(f64::NAN), json!(null)),
            (Value::Double(f64::INFINITY), json!(null)),
            (Value::Double(-0.0), json!(0)),
            (Value::Int(i64::MAX), json!(i64::MAX)),
            (Value::UInt(1), json!(1)),
            (Value::Timestamp(time), json!("2024-02-29T14:30:45Z")),
            (Value::Duration(jiff::SignedDuration::from_secs(90)), json!("1m30s")),
            (Value::Bytes((*b"hi").into()), json!("aGk=")),
            (Value::Type(super::super::Type::Null), json!("null_type")),
        ] {
            assert_eq!(write(&value), Ok(want), "{value:?}");
        }
    }

    #[test]
    fn texts() {
        for (value, want) in [
            (Value::Null, ""),
            (Value::Bool(true), "true"),
            (Value::Int(i64::MAX), "9223372036854775807"),
            (Value::Double(5.0), "5"),
            (Value::Double(1e21), "1e+21"),
            (Value::Double(f64::INFINITY), "Infinity"),
            (Value::from("as is"), "as is"),
            (read(&json!([1, 2])), "[\n  1,\n  2\n]"),
            (read(&json!([])), "[]"),
            (read(&json!({})), "{}"),
            (read(&json!({"k": "v"})), "{\n  \"k\": \"v\"\n}"),
        ] {
            assert_eq!(text(&value).as_deref(), Ok(want), "{value:?}");
        }
    }

    #[test]
    fn base64_pads() {
        for (bytes, want) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            assert_eq!(base64(bytes.as_bytes()), want);
        }
        assert_eq!(base64(&[0xff, 0xfe, 0xfd]), "//79");
    }

    proptest! {
        #[test]
        fn whole_numbers_survive(number in -9_007_199_254_740_991_i64..=9_007_199_254_740_991) {
            prop_assert_eq!(write(&read(&json!(number))), Ok(json!(number)));
        }
    }
}
