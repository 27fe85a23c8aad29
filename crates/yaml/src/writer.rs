//! From values to text, in one fixed style.

use serde_json::Value;

/// Writes a value as one document, with a newline at its end.
pub fn to_string(value: &Value) -> String {
    let _ = value;
    todo!()
}
