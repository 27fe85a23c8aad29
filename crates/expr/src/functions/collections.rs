//! Functions of everything that has a size.

use super::Reject;
use crate::value::Value;

type Result = std::result::Result<Value, Reject>;

pub(super) fn size(arguments: &[Value]) -> Result {
    let size = match arguments {
        [Value::String(text)] => text.chars().count(),
        [Value::Bytes(bytes)] => bytes.len(),
        [Value::List(list)] => list.len(),
        [Value::Map(map)] => map.len(),
        [Value::Lazy(lazy)] => lazy.keys()?.len(),
        _ => return Err(Reject::Overload),
    };
    Ok(Value::Int(i64::try_from(size).unwrap_or(i64::MAX)))
}

pub(super) fn join(arguments: &[Value]) -> Result {
    let (list, separator) = match arguments {
        [Value::List(list)] => (list, ""),
        [Value::List(list), Value::String(separator)] => (list, &**separator),
        _ => return Err(Reject::Overload),
    };
    let mut joined = String::new();
    for (index, item) in list.iter().enumerate() {
        let Value::String(text) = item else { return Err(Reject::Overload) };
        if index > 0 {
            joined.push_str(separator);
        }
        joined.push_str(text);
    }
    Ok(joined.into())
}
