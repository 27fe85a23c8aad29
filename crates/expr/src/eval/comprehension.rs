//! The macros over lists and maps.

use std::borrow::Cow;

use super::{Evaluated, Evaluator, Result, Scope, Scopes, names, truth};
use crate::check::calls::not_a_range;
use crate::syntax::Fault;
use crate::syntax::tree::{Comprehension, Macro, NodeId};
use crate::value::Value;

/// What has been found so far.
struct Progress {
    /// Results of `map`, elements kept by `filter`.
    kept: Vec<Value>,
    /// Elements for which the predicate held.
    count: usize,
    /// The first failure of a predicate, which another element may make irrelevant.
    failure: Option<Fault>,
}

impl<'e> Evaluator<'e> {
    pub(super) fn comprehension<'s>(self, this: &Comprehension, scopes: Scopes<'s>) -> Evaluated<'s>
    where
        'e: 's,
    {
        let range = self.operand(this.range, scopes)?;
        let mut progress = Progress { kept: Vec::new(), count: 0, failure: None };
        let mut decided = None;
        match &*range {
            Value::List(items) => {
                if this.body.is_some() && this.test.is_none() {
                    progress.kept.reserve_exact(items.len());
                }
                for item in items.iter() {
                    decided = self.element(this, item, scopes, &mut progress)?;
                    if decided.is_some() {
                        break;
                    }
                }
            }
            Value::Map(map) => {
                for (key, _) in map.iter() {
                    let key = Value::String(key.clone());
                    decided = self.element(this, &key, scopes, &mut progress)?;
                    if decided.is_some() {
                        break;
                    }
                }
            }
            Value::Lazy(lazy) => {
                let keys = lazy.keys().map_err(|error| self.source_fault(&error, this.range))?;
                for key in keys {
                    let key = Value::from(key);
                    decided = self.element(this, &key, scopes, &mut progress)?;
                    if decided.is_some() {
                        break;
                    }
                }
            }
            other => return Err(self.failed(not_a_range(&names::of(other)), this.range)),
        }
        if let Some(decided) = decided {
            return Ok(truth(decided));
        }
        if let Some(failure) = progress.failure {
            return Err(failure);
        }
        Ok(match this.kind {
            Macro::All => truth(true),
            Macro::Exists => truth(false),
            Macro::ExistsOne => truth(progress.count == 1),
            Macro::Filter | Macro::Map | Macro::MapWhere => Cow::Owned(Value::from(progress.kept)),
        })
    }

    /// Looks at one element; the answer when it decides the whole.
    fn element(
        self,
        this: &Comprehension,
        item: &Value,
        outer: Scopes<'_>,
        progress: &mut Progress,
    ) -> Result<Option<bool>> {
        let scope = Scope { value: item, outer };
        let scopes = Some(&scope);
        if let Some(test) = this.test {
            match (this.kind, self.predicate(this.kind, test, scopes)) {
                (Macro::All, Ok(false)) => return Ok(Some(false)),
                (Macro::Exists, Ok(true)) => return Ok(Some(true)),
                (Macro::All | Macro::Exists, Err(failure)) => {
                    progress.failure.get_or_insert(failure);
                }
                (_, Err(failure)) => return Err(failure),
                (_, Ok(false)) => return Ok(None),
                (_, Ok(true)) => progress.count += 1,
            }
        }
        if let Some(body) = this.body {
            progress.kept.push(self.eval(body, scopes)?.into_owned());
        } else if this.kind == Macro::Filter {
            progress.kept.push(item.clone());
        }
        Ok(None)
    }

    fn predicate(self, kind: Macro, test: NodeId, scopes: Scopes<'_>) -> Result<bool> {
        let value = self.eval(test, scopes)?;
        match *value {
            Value::Bool(truth) => Ok(truth),
            ref other => Err(self.failed(kind.not_bool(&names::of(other)), test)),
        }
    }
}
