//! Members and elements: `a.b`, `a["b"]`, `a[1]`, `has(a.b)`.

use std::borrow::Cow;
use std::sync::Arc;

use super::{Evaluated, Evaluator, Scopes, truth};
use crate::error::ErrorKind;
use crate::source::SourceError;
use crate::syntax::tree::{Kind, NodeId};
use crate::value::{Value, number};

/// The value of a map under a key; `None` when it is missing or there is no map at all.
fn member<'s>(object: Cow<'s, Value>, key: &str) -> Result<Option<Cow<'s, Value>>, SourceError> {
    Ok(match object {
        Cow::Borrowed(Value::Map(map)) => map.get(key).map(Cow::Borrowed),
        Cow::Owned(Value::Map(map)) => map.get(key).cloned().map(Cow::Owned),
        Cow::Borrowed(Value::Lazy(lazy)) => lazy.get(key)?.map(Cow::Owned),
        Cow::Owned(Value::Lazy(lazy)) => lazy.get(key)?.map(Cow::Owned),
        _ => None,
    })
}

/// The text under which a value is a key of a map: ints, doubles and texts are interchangeable.
pub(super) fn key_text(key: &Value) -> Result<Arc<str>, SourceError> {
    match key {
        Value::String(text) => Ok(Arc::clone(text)),
        Value::Null => Ok("null".into()),
        other => other.text().map(Into::into),
    }
}

/// Why a list has no such element.
fn list_index(size: usize, key: &Value) -> Result<usize, String> {
    let at = match key {
        Value::Int(at) => Some(*at),
        Value::Double(at) => number::exact_i64(*at),
        _ => None,
    };
    match at {
        None => Err(key.text().unwrap_or_default()),
        Some(at) if at < 0 => Err(format!("index out of bounds, index {at} < 0")),
        Some(at) => match usize::try_from(at) {
            Ok(at) if at < size => Ok(at),
            _ => Err(format!("index out of bounds, index {at} >= size {size}")),
        },
    }
}

impl<'e> Evaluator<'e> {
    /// The member of a node's value; roots that live outside the context are asked directly.
    pub(super) fn member_of<'s>(
        self,
        id: NodeId,
        object: NodeId,
        key: &str,
        scopes: Scopes<'s>,
    ) -> super::Result<Option<Cow<'s, Value>>>
    where
        'e: 's,
    {
        let object = match self.tree.node(object).kind {
            Kind::Name(name) => {
                let name = self.tree.text(name);
                match self.context.get(name) {
                    Some(value) => Cow::Borrowed(value),
                    None => return self.root_member(object, name, key),
                }
            }
            _ => self.eval(object, scopes)?,
        };
        member(object, key).map_err(|error| self.source_fault(&error, id))
    }

    pub(super) fn field<'s>(
        self,
        id: NodeId,
        object: NodeId,
        key: &str,
        scopes: Scopes<'s>,
    ) -> Evaluated<'s>
    where
        'e: 's,
    {
        match self.member_of(id, object, key, scopes)? {
            Some(value) => Ok(value),
            None => Err(self.missing(id, object, key)),
        }
    }

    fn missing(self, id: NodeId, object: NodeId, key: &str) -> crate::syntax::Fault {
        let in_env =
            self.tree.free_name(object) == Some("env") && self.context.get("env").is_none();
        let kind = if in_env { ErrorKind::MissingEnv } else { ErrorKind::MissingKey };
        self.fault(kind(key.to_owned()), id)
    }

    pub(super) fn index<'s>(
        self,
        id: NodeId,
        object: NodeId,
        key: NodeId,
        scopes: Scopes<'s>,
    ) -> Evaluated<'s>
    where
        'e: 's,
    {
        let key = self.eval(key, scopes)?;
        if let (Value::String(text), Kind::Name(_)) = (&*key, &self.tree.node(object).kind) {
            return self.field(id, object, text, scopes);
        }
        let value = self.eval(object, scopes)?;
        let at = |items: &[Value]| {
            list_index(items.len(), &key)
                .map_err(|reason| self.fault(ErrorKind::MissingKey(reason), id))
        };
        let value = match value {
            Cow::Borrowed(Value::List(items)) => return Ok(Cow::Borrowed(&items[at(items)?])),
            Cow::Owned(Value::List(items)) => return Ok(Cow::Owned(items[at(&items)?].clone())),
            other => other,
        };
        let text = key_text(&key).map_err(|error| self.source_fault(&error, id))?;
        match member(value, &text).map_err(|error| self.source_fault(&error, id))? {
            Some(value) => Ok(value),
            None => Err(self.fault(ErrorKind::MissingKey(text.to_string()), id)),
        }
    }

    pub(super) fn has<'s>(
        self,
        id: NodeId,
        object: NodeId,
        key: &str,
        scopes: Scopes<'s>,
    ) -> Evaluated<'s>
    where
        'e: 's,
    {
        Ok(truth(self.member_of(id, object, key, scopes)?.is_some()))
    }
}
