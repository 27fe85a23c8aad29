//! Functions of texts.

use super::{Reject, utf16};
use crate::value::Value;

type Result = std::result::Result<Value, Reject>;

fn index(units: usize) -> Value {
    Value::Int(i64::try_from(units).unwrap_or(i64::MAX))
}

pub(super) fn starts_with(arguments: &[Value]) -> Result {
    match arguments {
        [Value::String(text), Value::String(start)] => Ok(Value::Bool(text.starts_with(&**start))),
        _ => Err(Reject::Overload),
    }
}

pub(super) fn ends_with(arguments: &[Value]) -> Result {
    match arguments {
        [Value::String(text), Value::String(end)] => Ok(Value::Bool(text.ends_with(&**end))),
        _ => Err(Reject::Overload),
    }
}

pub(super) fn contains(arguments: &[Value]) -> Result {
    match arguments {
        [Value::String(text), Value::String(part)] => Ok(Value::Bool(text.contains(&**part))),
        _ => Err(Reject::Overload),
    }
}

pub(super) fn lower(arguments: &[Value]) -> Result {
    match arguments {
        [Value::String(text)] => Ok(text.to_lowercase().into()),
        _ => Err(Reject::Overload),
    }
}

pub(super) fn upper(arguments: &[Value]) -> Result {
    match arguments {
        [Value::String(text)] => Ok(text.to_uppercase().into()),
        _ => Err(Reject::Overload),
    }
}

/// White space and line ends as ECMAScript counts them: Unicode's, and the byte order mark, but not
/// the next-line control character.
const fn is_blank(character: char) -> bool {
    (character.is_whitespace() && character != '\u{85}') || character == '\u{feff}'
}

pub(super) fn trim(arguments: &[Value]) -> Result {
    match arguments {
        [Value::String(text)] => Ok(text.trim_matches(is_blank).into()),
        _ => Err(Reject::Overload),
    }
}

/// A position given as an argument, when it lies in the text.
fn position(text: &str, at: i64) -> Option<usize> {
    usize::try_from(at).ok().filter(|at| *at <= utf16::len(text))
}

pub(super) fn index_of(arguments: &[Value]) -> Result {
    let (text, part, from) = match arguments {
        [Value::String(text), Value::String(part)] => (text, part, 0),
        [Value::String(text), Value::String(part), Value::Int(from)] => (text, part, *from),
        _ => return Err(Reject::Overload),
    };
    let Some(from) = position(text, from).and_then(|from| utf16::byte_at(text, from)) else {
        return Reject::failed("string.indexOf(search, fromIndex): fromIndex out of range");
    };
    Ok(text[from..]
        .find(&**part)
        .map_or(Value::Int(-1), |at| index(utf16::units_before(text, from + at))))
}

pub(super) fn last_index_of(arguments: &[Value]) -> Result {
    let (text, part, from) = match arguments {
        [Value::String(text), Value::String(part)] => (text, part, None),
        [Value::String(text), Value::String(part), Value::Int(from)] => (text, part, Some(*from)),
        _ => return Err(Reject::Overload),
    };
    // The match may begin at `from` at the latest.
    let end = match from {
        None => text.len(),
        Some(from) => {
            let from = position(text, from).and_then(|from| utf16::byte_at(text, from));
            let Some(from) = from else {
                return Reject::failed(
                    "string.lastIndexOf(search, fromIndex): fromIndex out of range",
                );
            };
            let end = (from + part.len()).min(text.len());
            (end..=text.len()).find(|end| text.is_char_boundary(*end)).unwrap_or(text.len())
        }
    };
    Ok(text[..end].rfind(&**part).map_or(Value::Int(-1), |at| index(utf16::units_before(text, at))))
}

pub(super) fn substring(arguments: &[Value]) -> Result {
    let (text, start, end) = match arguments {
        [Value::String(text), Value::Int(start)] => (text, *start, None),
        [Value::String(text), Value::Int(start), Value::Int(end)] => (text, *start, Some(*end)),
        _ => return Err(Reject::Overload),
    };
    let Some(start) = position(text, start) else {
        return Reject::failed("string.substring(start, end): start index out of range");
    };
    let end = match end {
        None => utf16::len(text),
        Some(end) => match position(text, end) {
            Some(end) if end >= start => end,
            _ => return Reject::failed("string.substring(start, end): end index out of range"),
        },
    };
    Ok(utf16::slice(text, start, end).into())
}

pub(super) fn split(arguments: &[Value]) -> Result {
    let (text, separator, limit) = match arguments {
        [Value::String(text), Value::String(separator)] => (text, separator, -1),
        [Value::String(text), Value::String(separator), Value::Int(limit)] => {
            (text, separator, *limit)
        }
        _ => return Err(Reject::Overload),
    };
    // A negative limit is none; else there are at most that many parts, the last holding the rest.
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let parts: Vec<Value> = if limit == 0 {
        Vec::new()
    } else if separator.is_empty() {
        characters(text, limit)
    } else {
        text.splitn(limit, &**separator).map(Value::from).collect()
    };
    Ok(parts.into())
}

fn characters(text: &str, limit: usize) -> Vec<Value> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let length = if parts.len() + 1 == limit { rest.len() } else { character.len_utf8() };
        parts.push(Value::from(&rest[..length]));
        rest = &rest[length..];
    }
    parts
}
