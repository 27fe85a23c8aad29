//! Evaluation: a walk over the checked tree.
//!
//! Values are borrowed from the context as long as possible, so that `inputs.a.b.c` touches no
//! reference count until its end. Local variables are a chain of scopes on the stack; the checker
//! has already counted how far up each one is.

mod access;
mod arithmetic;
mod compare;
mod comprehension;
mod names;
mod operators;
mod roots;

use std::borrow::Cow;

use crate::check::calls::no_matching;
use crate::context::Context;
use crate::error::ErrorKind;
use crate::functions::{Builtin, Reject, compile_pattern, invalid_pattern};
use crate::syntax::Fault;
use crate::syntax::tree::{Children, Kind, NodeId, Span, Tree, Unary};
use crate::value::{Map, Value};

pub(crate) type Result<T> = std::result::Result<T, Fault>;
type Evaluated<'s> = Result<Cow<'s, Value>>;

/// The local variables, innermost first.
#[derive(Clone, Copy)]
struct Scope<'s> {
    value: &'s Value,
    outer: Scopes<'s>,
}

type Scopes<'s> = Option<&'s Scope<'s>>;

/// Evaluates a checked tree.
pub(crate) fn evaluate(tree: &Tree, context: &Context<'_>) -> Result<Value> {
    let evaluator = Evaluator { tree, context };
    evaluator.eval(tree.root, None).map(Cow::into_owned)
}

#[derive(Clone, Copy)]
struct Evaluator<'e> {
    tree: &'e Tree,
    context: &'e Context<'e>,
}

const fn truth<'s>(truth: bool) -> Cow<'s, Value> {
    Cow::Owned(Value::Bool(truth))
}

impl<'e> Evaluator<'e> {
    fn fault(self, kind: ErrorKind, id: NodeId) -> Fault {
        Fault::new(kind, self.tree.node(id).at as usize)
    }

    fn failed(self, message: String, id: NodeId) -> Fault {
        self.fault(ErrorKind::Evaluate(message), id)
    }

    fn rejected(self, reject: Reject, id: NodeId, misfit: impl FnOnce() -> String) -> Fault {
        match reject {
            Reject::Source(error) => self.source_fault(&error, id),
            other => self.fault(other.into_kind(misfit), id),
        }
    }

    /// The value of a node, when it is already somewhere: a constant, a variable, or a member of one.
    /// `None` means nothing; then [`Self::eval`] finds it, or out why not.
    fn place<'s>(self, id: NodeId, scopes: Scopes<'s>) -> Option<&'s Value>
    where
        'e: 's,
    {
        match &self.tree.node(id).kind {
            Kind::Constant(value) => Some(value),
            Kind::Name(name) => self.context.get(self.tree.text(*name)),
            Kind::Local(up) => Some(local(scopes, *up)),
            Kind::Field(object, name) => match self.place(*object, scopes)? {
                Value::Map(map) => map.get(self.tree.text(*name)),
                _ => None,
            },
            _ => None,
        }
    }

    /// The value of an operand.
    #[inline]
    fn operand<'s>(self, id: NodeId, scopes: Scopes<'s>) -> Evaluated<'s>
    where
        'e: 's,
    {
        match self.place(id, scopes) {
            Some(value) => Ok(Cow::Borrowed(value)),
            None => self.eval(id, scopes),
        }
    }

    fn eval<'s>(self, id: NodeId, scopes: Scopes<'s>) -> Evaluated<'s>
    where
        'e: 's,
    {
        match &self.tree.node(id).kind {
            Kind::Constant(value) => Ok(Cow::Borrowed(value)),
            Kind::Name(name) => self.name(id, self.tree.text(*name)),
            Kind::Local(up) => Ok(Cow::Borrowed(local(scopes, *up))),
            Kind::Field(object, name) => match self.place(id, scopes) {
                Some(value) => Ok(Cow::Borrowed(value)),
                None => self.field(id, *object, self.tree.text(*name), scopes),
            },
            Kind::Index(object, key) => self.index(id, *object, *key, scopes),
            Kind::Unary(operator, operand) => self.unary(id, *operator, *operand, scopes),
            Kind::Binary(operator, left, right) => {
                self.binary(id, *operator, *left, *right, scopes)
            }
            Kind::Ternary(condition, yes, no) => {
                let test = self.operand(*condition, scopes)?;
                match *test {
                    Value::Bool(true) => self.eval(*yes, scopes),
                    Value::Bool(false) => self.eval(*no, scopes),
                    ref other => {
                        let name = names::of(other);
                        let message = format!("Ternary condition must be bool, got '{name}'");
                        Err(self.failed(message, *condition))
                    }
                }
            }
            Kind::List(children) => {
                let items = self.tree.children(*children).iter();
                let items = items.map(|item| self.operand(*item, scopes).map(Cow::into_owned));
                Ok(Cow::Owned(Value::List(items.collect::<Result<_>>()?)))
            }
            Kind::Map(children) => self.map(id, *children, scopes),
            Kind::Builtin { function, name, children, has_receiver } => {
                self.builtin(id, *function, *name, *children, *has_receiver, scopes)
            }
            Kind::Matches { text, pattern, compiled } => {
                let text = self.eval(*text, scopes)?;
                let Value::String(text) = &*text else {
                    let receiver = names::bare(&text);
                    let message = no_matching(Some(receiver), "matches", &["string".to_owned()]);
                    return Err(self.failed(message, id));
                };
                if let Some(regex) = compiled.get() {
                    return Ok(truth(regex.is_match(text)));
                }
                match compile_pattern(pattern) {
                    Some(regex) => Ok(truth(compiled.get_or_init(|| regex).is_match(text))),
                    None => Err(self.failed(invalid_pattern(pattern), id)),
                }
            }
            Kind::Source { function, name, children } => {
                self.source_call(id, *function, *name, *children, scopes)
            }
            Kind::Secret { vault, key } => self.secret(id, *vault, *key, scopes),
            Kind::Has(object, name) => self.has(id, *object, self.tree.text(*name), scopes),
            Kind::Comprehension(comprehension) => self.comprehension(comprehension, scopes),
            Kind::Bind { init, body } => {
                let value = self.eval(*init, scopes)?;
                let scope = Scope { value: &value, outer: scopes };
                self.eval(*body, Some(&scope)).map(|result| Cow::Owned(result.into_owned()))
            }
            // The checker leaves none of these.
            Kind::Call { name, .. } => {
                let name = self.tree.text(*name);
                Err(self.failed(no_matching(None, name, &[]), id))
            }
        }
    }

    fn unary<'s>(
        self,
        id: NodeId,
        operator: Unary,
        operand: NodeId,
        scopes: Scopes<'s>,
    ) -> Evaluated<'s>
    where
        'e: 's,
    {
        let value = self.operand(operand, scopes)?;
        let result = match (operator, &*value) {
            (Unary::Not, Value::Bool(truth)) => Ok(Value::Bool(!truth)),
            (Unary::Negate, value) => arithmetic::negate(value),
            _ => Err(Reject::Overload),
        };
        let symbol = if operator == Unary::Not { '!' } else { '-' };
        let misfit = || format!("no such overload: {symbol}{}", names::of(&value));
        result.map(Cow::Owned).map_err(|reject| self.rejected(reject, id, misfit))
    }

    fn map<'s>(self, id: NodeId, children: Children, scopes: Scopes<'s>) -> Evaluated<'s>
    where
        'e: 's,
    {
        let pairs = self.tree.children(children).chunks_exact(2);
        let entries = pairs.map(|pair| {
            let key = self.eval(pair[0], scopes)?;
            let key = access::key_text(&key).map_err(|error| self.source_fault(&error, id))?;
            let value = self.eval(pair[1], scopes)?.into_owned();
            Ok((key, value))
        });
        Ok(Cow::Owned(Value::Map(entries.collect::<Result<Map>>()?)))
    }

    fn builtin<'s>(
        self,
        id: NodeId,
        function: Builtin,
        name: Span,
        children: Children,
        has_receiver: bool,
        scopes: Scopes<'s>,
    ) -> Evaluated<'s>
    where
        'e: 's,
    {
        // A receiver and two arguments at most, see the table of signatures.
        let mut arguments = [const { Value::Null }; 3];
        let children = self.tree.children(children);
        for (slot, child) in arguments.iter_mut().zip(children) {
            *slot = self.operand(*child, scopes)?.into_owned();
        }
        let arguments = &arguments[..children.len().min(3)];
        let misfit = || {
            let skip = usize::from(has_receiver);
            let receiver = has_receiver.then(|| names::bare(&arguments[0]));
            let rest: Vec<String> = arguments[skip..].iter().map(names::of).collect();
            no_matching(receiver, self.tree.text(name), &rest)
        };
        function(arguments).map(Cow::Owned).map_err(|reject| self.rejected(reject, id, misfit))
    }
}

/// The local variable `up` scopes outwards.
fn local(scopes: Scopes<'_>, up: u32) -> &Value {
    const MISSING: &Value = &Value::Null;
    let mut scope = scopes;
    for _ in 0..up {
        scope = scope.and_then(|scope| scope.outer);
    }
    scope.map_or(MISSING, |scope| scope.value)
}
