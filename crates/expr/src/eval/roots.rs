//! Free names, and the roots that are answered from outside: `env`, `model`, `data`, `file`,
//! `vault`.

use std::borrow::Cow;

use super::{Evaluated, Evaluator, Result, Scopes, names};
use crate::check::calls::no_matching;
use crate::error::ErrorKind;
use crate::source::{LazyMap, SourceError};
use crate::syntax::Fault;
use crate::syntax::tree::{Children, NodeId, SourceFunction, Span};
use crate::value::{Map, Value};

/// A map made on demand, as a whole.
pub(super) fn all_of(lazy: &dyn LazyMap) -> std::result::Result<Value, SourceError> {
    let mut entries = Vec::new();
    for key in lazy.keys()? {
        if let Some(value) = lazy.get(&key)? {
            entries.push((key, value));
        }
    }
    Ok(Value::Map(entries.into_iter().collect()))
}

impl<'e> Evaluator<'e> {
    /// A look-up failed. A query has its own source, so the place in this one says nothing.
    pub(super) fn source_fault(self, error: &SourceError, id: NodeId) -> Fault {
        let kind = ErrorKind::Data(error.to_string());
        match error {
            SourceError::Query(_) => Fault::nowhere(kind),
            SourceError::Failed(_) => self.fault(kind, id),
        }
    }

    fn unknown(self, name: &str, id: NodeId) -> Fault {
        self.fault(ErrorKind::UnknownVariable(name.to_owned()), id)
    }

    /// A free name on its own.
    pub(super) fn name<'s>(self, id: NodeId, name: &str) -> Evaluated<'s>
    where
        'e: 's,
    {
        if let Some(value) = self.context.get(name) {
            return Ok(Cow::Borrowed(value));
        }
        match name {
            "env" if self.context.env.is_some() => Ok(Cow::Owned(Value::Map(self.whole_env()))),
            "model" if self.context.models.is_some() => {
                let models = self.whole_model().map_err(|error| self.source_fault(&error, id))?;
                Ok(Cow::Owned(Value::Map(models)))
            }
            "data" | "file" if self.context.data.is_some() => Err(self.only_functions(name, id)),
            "vault" if self.context.secrets.is_some() => Err(self.only_functions(name, id)),
            _ => Err(self.unknown(name, id)),
        }
    }

    fn only_functions(self, name: &str, id: NodeId) -> Fault {
        self.failed(format!("'{name}' has functions, but is not a value itself"), id)
    }

    fn whole_env(self) -> Map {
        let Some(env) = self.context.env else { return Map::default() };
        let names = env.names().into_iter();
        names.filter_map(|name| env.var(&name).map(|value| (name, Value::from(value)))).collect()
    }

    fn whole_model(self) -> std::result::Result<Map, SourceError> {
        let Some(models) = self.context.models else { return Ok(Map::default()) };
        let mut entries = Vec::new();
        for key in models.keys()? {
            if let Some(model) = models.model(&key)? {
                entries.push((key, model));
            }
        }
        Ok(entries.into_iter().collect())
    }

    /// A member of a root that is no variable of the context.
    pub(super) fn root_member<'s>(
        self,
        id: NodeId,
        root: &str,
        key: &str,
    ) -> Result<Option<Cow<'s, Value>>>
    where
        'e: 's,
    {
        let context = self.context;
        match (root, context.env, context.models) {
            ("env", Some(env), _) => Ok(env.var(key).map(|value| Cow::Owned(value.into()))),
            ("model", _, Some(models)) => {
                let model = models.model(key).map_err(|error| self.source_fault(&error, id))?;
                Ok(model.map(Cow::Owned))
            }
            ("data" | "file", ..) if context.data.is_some() => Ok(None),
            ("vault", ..) if context.secrets.is_some() => Ok(None),
            _ => Err(self.unknown(root, id)),
        }
    }

    pub(super) fn secret<'s>(
        self,
        id: NodeId,
        vault: NodeId,
        key: NodeId,
        scopes: Scopes<'s>,
    ) -> Evaluated<'s>
    where
        'e: 's,
    {
        let Some(secrets) = self.context.secrets else { return Err(self.unknown("vault", id)) };
        let vault = self.eval(vault, scopes)?;
        let key = self.eval(key, scopes)?;
        let (Value::String(vault), Value::String(key)) = (&*vault, &*key) else {
            let types = [names::of(&vault), names::of(&key)];
            return Err(self.failed(no_matching(Some("vault"), "get", &types), id));
        };
        match secrets.get(vault, key) {
            Ok(secret) => Ok(Cow::Owned(secret.into())),
            Err(error) => {
                let (vault, key) = (vault.to_string(), key.to_string());
                Err(self.fault(ErrorKind::Vault { vault, key, reason: error.0 }, id))
            }
        }
    }

    pub(super) fn source_call<'s>(
        self,
        id: NodeId,
        function: SourceFunction,
        name: Span,
        children: Children,
        scopes: Scopes<'s>,
    ) -> Evaluated<'s>
    where
        'e: 's,
    {
        use SourceFunction as F;
        let Some(data) = self.context.data else {
            return Err(self.unknown(function.namespace(), id));
        };
        let children = self.tree.children(children).iter();
        let arguments =
            children.map(|child| self.eval(*child, scopes)).collect::<Result<Vec<_>>>()?;
        let views: Vec<&Value> = arguments.iter().map(AsRef::as_ref).collect();
        let vary = |list: &[Value]| vary(list).map_err(|message| self.failed(message, id));

        let or_null = |found: Option<Value>| found.unwrap_or(Value::Null);
        let result = match (function, &*views) {
            (F::Latest, [Value::String(model), Value::String(name)]) => {
                data.latest(model, name, &[]).map(or_null)
            }
            (F::Latest, [Value::String(model), Value::String(name), Value::List(list)]) => {
                data.latest(model, name, &vary(list)?).map(or_null)
            }
            (F::Version, [Value::String(model), Value::String(name), Value::Int(version)]) => {
                data.version(model, name, &[], *version).map(or_null)
            }
            (
                F::Version,
                [Value::String(model), Value::String(name), Value::List(list), Value::Int(version)],
            ) => data.version(model, name, &vary(list)?, *version).map(or_null),
            (F::ListVersions, [Value::String(model), Value::String(name)]) => {
                data.list_versions(model, name, &[]).map(ints)
            }
            (F::ListVersions, [Value::String(model), Value::String(name), Value::List(list)]) => {
                data.list_versions(model, name, &vary(list)?).map(ints)
            }
            (F::FindByTag, [Value::String(key), Value::String(value)]) => {
                data.find_by_tag(key, value).map(Value::from)
            }
            (F::FindBySpec, [Value::String(model), Value::String(spec)]) => {
                data.find_by_spec(model, spec).map(Value::from)
            }
            (F::Query, [Value::String(predicate)]) => data.query(predicate, None).map(Value::from),
            (F::Query, [Value::String(predicate), Value::String(select)]) => {
                data.query(predicate, Some(select)).map(Value::from)
            }
            (F::Contents, [Value::String(model), Value::String(spec)]) => {
                data.file_contents(model, spec).map(|text| text.map_or(Value::Null, Value::from))
            }
            _ => {
                let types: Vec<String> = views.iter().map(|value| names::of(value)).collect();
                let receiver = Some(function.namespace_type());
                let message = no_matching(receiver, self.tree.text(name), &types);
                return Err(self.failed(message, id));
            }
        };
        result.map(Cow::Owned).map_err(|error| self.source_fault(&error, id))
    }
}

fn ints(versions: Vec<i64>) -> Value {
    Value::List(versions.into_iter().map(Value::Int).collect())
}

/// The values of a `vary` list as texts that can be part of a data name.
fn vary(list: &[Value]) -> std::result::Result<Vec<String>, String> {
    let texts = list.iter().map(|value| match value {
        Value::String(_) | Value::Bool(_) | Value::Int(_) | Value::UInt(_) | Value::Double(_) => {
            let text = value.text().unwrap_or_default();
            let unfit = text.trim().is_empty()
                || text.contains(['/', '\\'])
                || matches!(&*text, "." | "..");
            if unfit {
                Err(format!("a vary value cannot be {text:?}: it is part of a data name"))
            } else {
                Ok(text)
            }
        }
        other => Err(format!("a vary value must be a text, got '{}'", names::of(other))),
    });
    texts.collect()
}
