//! A JSON object whose values stay text: what is not changed is passed on as it was written.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Keys in the order they stand, each with the text of its value.
pub(crate) struct Object<'a>(pub(crate) Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Object<'a> {
    /// Reads an object; `None` for any other value.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The text at a key, if it is one. Of a key that occurs twice the last counts, as everywhere.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        let (_, value) = self.0.iter().rev().find(|(name, _)| name == key)?;
        serde_json::from_str(value.get()).ok()
    }

    /// The object at a key, if it is one.
    pub(crate) fn object(&self, key: &str) -> Option<Self> {
        let (_, value) = self.0.iter().rev().find(|(name, _)| name == key)?;
        Object::parse(value.get())
    }
}

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor;

        impl<'de> Visitor<'de> for ObjectVisitor {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut keys = Vec::new();
                while let Some(Key(key)) = map.next_key()? {
                    keys.push((key, map.next_value()?));
                }
                Ok(Object(keys))
            }
        }

        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;

        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(KeyVisitor)
    }
}

/// Writes an object, value by value.
pub(crate) struct ObjectWriter<'a> {
    out: &'a mut Vec<u8>,
    is_empty: bool,
}

impl<'a> ObjectWriter<'a> {
    /// Begins an object.
    pub(crate) fn begin(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, is_empty: true }
    }

    /// Writes a key; what is written to the result next is its value.
    pub(crate) fn key(&mut self, key: &str) -> &mut Vec<u8> {
        if !self.is_empty {
            self.out.push(b',');
        }
        self.is_empty = false;
        text(self.out, key);
        self.out.push(b':');
        self.out
    }

    /// Ends the object.
    pub(crate) fn end(self) {
        self.out.push(b'}');
    }
}

/// Writes a text as JSON.
pub(crate) fn text(out: &mut Vec<u8>, value: &str) {
    // A text always is JSON, and a vector takes everything.
    let _ = serde_json::to_writer(out, value);
}

/// Writes JSON without the blanks between its tokens, and otherwise as it was written.
pub(crate) fn compact(out: &mut Vec<u8>, json: &str) {
    let (mut is_in_text, mut is_escaped) = (false, false);
    for byte in json.bytes() {
        if is_in_text {
            is_in_text = is_escaped || byte != b'"';
            is_escaped = !is_escaped && byte == b'\\';
        } else if matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
            continue;
        } else {
            is_in_text = byte == b'"';
        }
        out.push(byte);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn compacted(json: &str) -> String {
        let mut out = Vec::new();
        compact(&mut out, json);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn only_blanks_between_tokens_go() {
        for (json, want) in [
            ("{ \"a b\" : [ 1.0e5 , \"\\\" x\\\\\" ] }", "{\"a b\":[1.0e5,\"\\\" x\\\\\"]}"),
            ("\"\\\\\" ", "\"\\\\\""),
            ("12345678901234567890123456789", "12345678901234567890123456789"),
        ] {
            assert_eq!(compacted(json), want);
        }
    }

    #[test]
    fn keys_are_understood_however_they_are_written() {
        let object = Object::parse(r#"{"a\u0062": "x", "c": {"d": 1}, "c": {"d": "2"}}"#).unwrap();
        assert_eq!(object.text("ab").as_deref(), Some("x"));
        assert_eq!(object.object("c").unwrap().text("d").as_deref(), Some("2"));
        assert!(Object::parse("[]").is_none());
    }

    proptest! {
        #[test]
        fn compact_json_means_the_same(value in any_json()) {
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            prop_assert_eq!(compacted(&pretty), serde_json::to_string(&value).unwrap());
        }
    }

    fn any_json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            any::<i64>().prop_map(serde_json::Value::from),
            any::<String>().prop_map(serde_json::Value::from),
            any::<bool>().prop_map(serde_json::Value::from),
        ];
        leaf.prop_recursive(3, 20, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
                prop::collection::vec((any::<String>(), inner), 0..4)
                    .prop_map(|pairs| pairs.into_iter().collect::<serde_json::Map<_, _>>().into()),
            ]
        })
    }
}
