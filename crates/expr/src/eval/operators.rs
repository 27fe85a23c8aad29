//! Binary operators.

use std::borrow::Cow;

use super::{Evaluated, Evaluator, Result, Scopes, access, arithmetic, compare, names, truth};
use crate::functions::Reject;
use crate::syntax::tree::{Binary, Kind, NodeId};
use crate::value::Value;

impl<'e> Evaluator<'e> {
    pub(super) fn binary<'s>(
        self,
        id: NodeId,
        operator: Binary,
        left: NodeId,
        right: NodeId,
        scopes: Scopes<'s>,
    ) -> Evaluated<'s>
    where
        'e: 's,
    {
        match operator {
            Binary::And => return self.logical(left, right, false, scopes).map(truth),
            Binary::Or => return self.logical(left, right, true, scopes).map(truth),
            Binary::In => return self.contained(id, left, right, scopes).map(truth),
            Binary::Equal
            | Binary::NotEqual
            | Binary::Less
            | Binary::LessEqual
            | Binary::Greater
            | Binary::GreaterEqual => {
                return self.comparison(id, operator, left, right, scopes).map(truth);
            }
            Binary::Add
            | Binary::Subtract
            | Binary::Multiply
            | Binary::Divide
            | Binary::Remainder => {}
        }
        let a = self.operand(left, scopes)?;
        let b = self.operand(right, scopes)?;
        let result = arithmetic::apply(operator, &a, &b, self.tree.mixes_numbers);
        result.map(Cow::Owned).map_err(|reject| {
            self.rejected(reject, id, || self.misfit(operator, left, &a, right, &b))
        })
    }

    fn comparison(
        self,
        id: NodeId,
        operator: Binary,
        left: NodeId,
        right: NodeId,
        scopes: Scopes<'_>,
    ) -> Result<bool> {
        let a = self.operand(left, scopes)?;
        let b = self.operand(right, scopes)?;
        let result = match operator {
            Binary::Equal => compare::equal(&a, &b).map_err(Reject::from),
            Binary::NotEqual => compare::equal(&a, &b).map(|same| !same).map_err(Reject::from),
            _ => compare::ordered(operator, &a, &b),
        };
        result.map_err(|reject| {
            self.rejected(reject, id, || self.misfit(operator, left, &a, right, &b))
        })
    }

    /// The message for operands of unfit types. Those whose type was not known before are marked.
    fn misfit(self, operator: Binary, left: NodeId, a: &Value, right: NodeId, b: &Value) -> String {
        let name = |id: NodeId, value: &Value| {
            let name = names::of(value);
            if self.tree.node(id).dynamic { format!("dyn<{name}>") } else { name }
        };
        format!("no such overload: {} {} {}", name(left, a), operator.symbol(), name(right, b))
    }

    /// An operand of `&&` and `||`; comparisons, the usual ones, are not made into values first.
    fn bool(self, id: NodeId, scopes: Scopes<'_>) -> Result<bool> {
        if let Kind::Binary(operator, left, right) = self.tree.node(id).kind {
            match operator {
                Binary::And => return self.logical(left, right, false, scopes),
                Binary::Or => return self.logical(left, right, true, scopes),
                Binary::In => return self.contained(id, left, right, scopes),
                Binary::Equal
                | Binary::NotEqual
                | Binary::Less
                | Binary::LessEqual
                | Binary::Greater
                | Binary::GreaterEqual => {
                    return self.comparison(id, operator, left, right, scopes);
                }
                _ => {}
            }
        }
        let value = self.operand(id, scopes)?;
        match *value {
            Value::Bool(truth) => Ok(truth),
            ref other => {
                let name = names::of(other);
                let message = format!("Logical operator requires bool operands, got '{name}'");
                Err(self.failed(message, id))
            }
        }
    }

    /// `&&` and `||`: the operand `decisive` decides alone, whatever happens on the other side.
    fn logical(
        self,
        left: NodeId,
        right: NodeId,
        decisive: bool,
        scopes: Scopes<'_>,
    ) -> Result<bool> {
        let first: Result<bool> = self.bool(left, scopes);
        if first.as_ref().is_ok_and(|truth| *truth == decisive) {
            return first;
        }
        let second = self.bool(right, scopes)?;
        if second == decisive { Ok(decisive) } else { first }
    }

    fn contained(
        self,
        id: NodeId,
        left: NodeId,
        right: NodeId,
        scopes: Scopes<'_>,
    ) -> Result<bool> {
        let item = self.operand(left, scopes)?;
        // A root outside the context is asked for the one key.
        if let (Value::String(key), Kind::Name(_)) = (&*item, &self.tree.node(right).kind)
            && self.tree.free_name(right).is_some_and(|name| self.context.get(name).is_none())
        {
            return Ok(self.member_of(id, right, key, scopes)?.is_some());
        }
        let within = self.operand(right, scopes)?;
        let failed = |error| self.source_fault(&error, id);
        match &*within {
            Value::List(items) => {
                for other in items.iter() {
                    if compare::equal(&item, other).map_err(failed)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Value::Map(map) => Ok(map.get(&access::key_text(&item).map_err(failed)?).is_some()),
            Value::Lazy(lazy) => {
                let key = access::key_text(&item).map_err(failed)?;
                Ok(lazy.get(&key).map_err(failed)?.is_some())
            }
            other => Err(self.failed(self.misfit(Binary::In, left, &item, right, other), id)),
        }
    }
}
