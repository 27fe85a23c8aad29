//! Functions of bytes.

use std::fmt::Write;

use super::Reject;
use crate::value::{Value, base64 as encode};

type Result = std::result::Result<Value, Reject>;

pub(super) fn to_text(arguments: &[Value]) -> Result {
    match arguments {
        [Value::Bytes(bytes)] => Ok(String::from_utf8_lossy(bytes).as_ref().into()),
        _ => Err(Reject::Overload),
    }
}

pub(super) fn hex(arguments: &[Value]) -> Result {
    let [Value::Bytes(bytes)] = arguments else { return Err(Reject::Overload) };
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes.iter() {
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text.into())
}

pub(super) fn base64(arguments: &[Value]) -> Result {
    match arguments {
        [Value::Bytes(bytes)] => Ok(encode(bytes).into()),
        _ => Err(Reject::Overload),
    }
}

pub(super) fn at(arguments: &[Value]) -> Result {
    let [Value::Bytes(bytes), Value::Int(at)] = arguments else { return Err(Reject::Overload) };
    match usize::try_from(*at).ok().and_then(|at| bytes.get(at)) {
        Some(byte) => Ok(Value::Int(i64::from(*byte))),
        None => Reject::failed("Bytes index out of range"),
    }
}

pub(super) fn json(arguments: &[Value]) -> Result {
    let [Value::Bytes(bytes)] = arguments else { return Err(Reject::Overload) };
    match serde_json::from_slice(bytes) {
        Ok(json) => Ok(Value::from_json(&json)),
        Err(error) => Reject::failed(format!("Bytes are not JSON: {error}")),
    }
}
