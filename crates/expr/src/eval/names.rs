//! How messages call the types of values.

use crate::value::Value;

/// With what is in lists and maps, as far as their first element tells: `list<double>`.
pub(super) fn of(value: &Value) -> String {
    let inside = |value: Option<&Value>| value.map_or_else(|| "dyn".to_owned(), of);
    match value {
        Value::List(items) => format!("list<{}>", inside(items.first())),
        Value::Map(map) => {
            let first = map.iter().next().map(|(_, value)| value);
            format!("map<string, {}>", inside(first))
        }
        Value::Lazy(_) => "map<string, dyn>".to_owned(),
        other => bare(other).to_owned(),
    }
}

/// Without.
pub(super) const fn bare(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        other => other.type_of().as_str(),
    }
}
