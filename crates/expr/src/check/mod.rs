//! The static checker: resolves names and calls in the tree, and refuses what cannot succeed.
//!
//! Types of data are unknown (`dyn`) and fit everything; what is written in the expression itself
//! has to fit together, also in branches that would not be taken.

pub(crate) mod calls;
mod operators;
pub(crate) mod types;

use self::types::{Ty, Types};
use crate::error::ErrorKind;
use crate::syntax::Fault;
use crate::syntax::tree::{Binary, Children, Kind, NodeId, Span, Tree, Unary};
use crate::value::{Type, Value};

type Result<T> = std::result::Result<T, Fault>;

/// Where an expression stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// In a definition or a workflow.
    Document,
    /// In a data query.
    Query,
}

impl Dialect {
    /// Whether arithmetic takes an int and a double together.
    pub(crate) const fn mixes_numbers(self) -> bool {
        matches!(self, Self::Document)
    }

    /// Whether lists and maps written in an expression must be of one type.
    const fn wants_uniform_literals(self) -> bool {
        matches!(self, Self::Document)
    }
}

/// Checks a tree and resolves its names in place.
pub(crate) fn check(tree: &mut Tree, dialect: Dialect) -> Result<()> {
    let root = tree.root;
    let mut checker = Checker {
        tree,
        dialect,
        types: Types::default(),
        locals: Vec::new(),
        loose: None,
        runtime: false,
    };
    checker.visit(root)?;
    let runtime = checker.runtime;
    tree.runtime = runtime;
    tree.mixes_numbers = dialect.mixes_numbers();
    Ok(())
}

struct Checker<'t> {
    tree: &'t mut Tree,
    dialect: Dialect,
    types: Types,
    /// Local variables, outermost first.
    locals: Vec<(Span, Ty)>,
    /// The last arithmetic whose left operand has a known type and whose right has not. Its result
    /// is mostly of the left type, so it goes with everything in a literal.
    loose: Option<NodeId>,
    runtime: bool,
}

impl Checker<'_> {
    fn fail<T>(&self, message: impl Into<String>, id: NodeId) -> Result<T> {
        let at = self.tree.node(id).at as usize;
        Err(Fault::new(ErrorKind::Check(message.into()), at))
    }

    fn replace(&mut self, id: NodeId, kind: Kind) {
        self.tree.nodes[id.0 as usize].kind = kind;
    }

    fn child(&self, children: Children, index: usize) -> NodeId {
        self.tree.lists[children.start as usize + index]
    }

    fn visit(&mut self, id: NodeId) -> Result<Ty> {
        let ty = self.visit_kind(id)?;
        self.tree.nodes[id.0 as usize].dynamic = ty == Ty::Dyn;
        Ok(ty)
    }

    fn visit_kind(&mut self, id: NodeId) -> Result<Ty> {
        match self.tree.node(id).kind {
            Kind::Constant(ref value) => Ok(constant_type(value)),
            Kind::Name(name) => Ok(self.name(id, name)),
            Kind::Field(object, name) => self.field(id, object, name),
            Kind::Index(object, key) => self.index(id, object, key),
            Kind::Unary(operator, operand) => self.unary(id, operator, operand),
            Kind::Binary(operator, left, right) => self.binary(id, operator, left, right),
            Kind::Ternary(condition, yes, no) => self.ternary(id, condition, yes, no),
            Kind::List(children) => self.list(id, children),
            Kind::Map(children) => self.map(children),
            Kind::Call { name, children, has_receiver } => {
                self.call(id, name, children, has_receiver)
            }
            Kind::Secret { vault, key } => {
                self.runtime = true;
                for argument in [vault, key] {
                    let ty = self.visit(argument)?;
                    if !matches!(ty, Ty::Text | Ty::Dyn) {
                        let name = self.types.name(ty);
                        return self.fail(format!("vault.get takes texts, got '{name}'"), argument);
                    }
                }
                Ok(Ty::Text)
            }
            // Made by the checker itself.
            Kind::Local(_)
            | Kind::Builtin { .. }
            | Kind::Matches { .. }
            | Kind::Source { .. }
            | Kind::Has(..)
            | Kind::Comprehension(_)
            | Kind::Bind { .. } => Ok(Ty::Dyn),
        }
    }

    /// The place of a local variable of that name, counted from the innermost.
    fn local(&self, name: Span) -> Option<(usize, Ty)> {
        let text = self.tree.text(name);
        let found = self.locals.iter().rev().position(|(known, _)| self.tree.text(*known) == text);
        found.map(|up| (up, self.locals[self.locals.len() - 1 - up].1))
    }

    /// Whether the node is a name that is not a local variable.
    fn is_free(&self, id: NodeId, name: &str) -> bool {
        match self.tree.node(id).kind {
            Kind::Name(span) => self.tree.text(span) == name && self.local(span).is_none(),
            _ => false,
        }
    }

    fn name(&mut self, id: NodeId, name: Span) -> Ty {
        if let Some((up, ty)) = self.local(name) {
            // As many locals as nodes at most, and nodes are numbered with u32.
            self.replace(id, Kind::Local(u32::try_from(up).unwrap_or(u32::MAX)));
            return ty;
        }
        let text = self.tree.text(name);
        if let Some(named) = Type::named(text) {
            self.replace(id, Kind::Constant(Value::Type(named)));
            return Ty::Type;
        }
        self.runtime |= matches!(text, "env" | "vault");
        Ty::Dyn
    }

    fn field(&mut self, id: NodeId, object: NodeId, name: Span) -> Result<Ty> {
        if let Kind::Field(root, middle) = self.tree.node(object).kind
            && self.tree.text(middle) == "protobuf"
            && self.is_free(root, "google")
            && let Some(named) = match self.tree.text(name) {
                "Timestamp" => Some(Type::Timestamp),
                "Duration" => Some(Type::Duration),
                _ => None,
            }
        {
            self.replace(id, Kind::Constant(Value::Type(named)));
            return Ok(Ty::Type);
        }
        match self.visit(object)? {
            Ty::Dyn => Ok(Ty::Dyn),
            map if map.is_map() => Ok(self.types.element(map)),
            list if list.is_list() => self.fail("List index must be int, got 'string'", id),
            other => self.fail(format!("Cannot index type '{}'", other.bare_name()), id),
        }
    }

    fn index(&mut self, id: NodeId, object: NodeId, key: NodeId) -> Result<Ty> {
        let object = self.visit(object)?;
        let key = self.visit(key)?;
        match object {
            Ty::Dyn => Ok(Ty::Dyn),
            map if map.is_map() => Ok(self.types.element(map)),
            list if list.is_list() => {
                if matches!(key, Ty::Int | Ty::Dyn) {
                    return Ok(self.types.element(list));
                }
                let name = self.types.name(key);
                self.fail(format!("List index must be int, got '{name}'"), id)
            }
            other => self.fail(format!("Cannot index type '{}'", other.bare_name()), id),
        }
    }

    fn unary(&mut self, id: NodeId, operator: Unary, operand: NodeId) -> Result<Ty> {
        let ty = self.visit(operand)?;
        match (operator, ty) {
            (Unary::Not, Ty::Bool | Ty::Dyn) => Ok(Ty::Bool),
            (Unary::Negate, Ty::Int | Ty::Double | Ty::Dyn) => Ok(ty),
            _ => {
                let symbol = if operator == Unary::Not { '!' } else { '-' };
                let name = self.types.name(ty);
                self.fail(format!("no such overload: {symbol}{name}"), id)
            }
        }
    }

    fn binary(&mut self, id: NodeId, operator: Binary, left: NodeId, right: NodeId) -> Result<Ty> {
        let l = self.visit(left)?;
        let r = self.visit(right)?;
        let result = match operator {
            Binary::And | Binary::Or => {
                for (operand, ty) in [(left, l), (right, r)] {
                    if !matches!(ty, Ty::Bool | Ty::Dyn) {
                        let name = self.types.name(ty);
                        let message =
                            format!("Logical operator requires bool operands, got '{name}'");
                        let at = self.tree.node(operand).start as usize;
                        return Err(Fault::new(ErrorKind::Check(message), at));
                    }
                }
                Some(Ty::Bool)
            }
            Binary::Equal | Binary::NotEqual => self.types.overlap(l, r).then_some(Ty::Bool),
            Binary::Less | Binary::LessEqual | Binary::Greater | Binary::GreaterEqual => {
                operators::ordered(l, r).then_some(Ty::Bool)
            }
            Binary::In => {
                let inner = self.types.iterated(r);
                inner.filter(|inner| self.types.overlap(l, *inner)).map(|_| Ty::Bool)
            }
            Binary::Add
            | Binary::Subtract
            | Binary::Multiply
            | Binary::Divide
            | Binary::Remainder => {
                if l != Ty::Dyn && r == Ty::Dyn {
                    self.loose = Some(id);
                }
                operators::arithmetic(&mut self.types, self.dialect, operator, l, r)
            }
        };
        let Some(result) = result else {
            let (l, r) = (self.types.name(l), self.types.name(r));
            return self.fail(format!("no such overload: {l} {} {r}", operator.symbol()), id);
        };
        Ok(result)
    }

    fn ternary(&mut self, id: NodeId, condition: NodeId, yes: NodeId, no: NodeId) -> Result<Ty> {
        let test = self.visit(condition)?;
        if !matches!(test, Ty::Bool | Ty::Dyn) {
            let name = self.types.name(test);
            return self.fail(format!("Ternary condition must be bool, got '{name}'"), id);
        }
        let yes = self.visit(yes)?;
        let no = self.visit(no)?;
        if self.types.overlap(yes, no) {
            return Ok(self.types.either(yes, no));
        }
        let (yes, no) = (self.types.name(yes), self.types.name(no));
        self.fail(format!("Ternary branches must have the same type, got '{yes}' and '{no}'"), id)
    }

    /// Takes one more part of a literal into account.
    fn join(&self, what: &str, so_far: &mut Common, next: Ty, id: NodeId) -> Result<()> {
        if self.loose == Some(id) {
            so_far.loose = true;
            return Ok(());
        }
        let Some(expected) = so_far.ty else {
            so_far.ty = Some(next);
            return Ok(());
        };
        // `[]` and `{}` go with everything, but then the parts are not all of that type.
        let empty = |ty| matches!(ty, Ty::EmptyList | Ty::EmptyMap);
        let alike = (expected.is_list() && next.is_list()) || (expected.is_map() && next.is_map());
        so_far.loose |= (empty(expected) || empty(next)) && !alike;
        so_far.ty = match Types::same(expected, next) {
            Some(common) => Some(common),
            None if self.dialect.wants_uniform_literals() => {
                let (expected, next) = (self.types.name(expected), self.types.name(next));
                return self
                    .fail(format!("{what}, expected type '{expected}' but found '{next}'"), id);
            }
            None => Some(Ty::Dyn),
        };
        Ok(())
    }

    fn list(&mut self, id: NodeId, children: Children) -> Result<Ty> {
        let mut common = Common::default();
        for index in 0..children.len as usize {
            let element = self.child(children, index);
            let ty = self.visit(element)?;
            self.join("List elements must have the same type", &mut common, ty, element)?;
        }
        // A list of constants is one.
        let constant = |id: &NodeId| match &self.tree.node(*id).kind {
            Kind::Constant(value) => Some(value.clone()),
            _ => None,
        };
        if let Some(items) = self.tree.children(children).iter().map(constant).collect() {
            self.replace(id, Kind::Constant(Value::List(items)));
        }
        Ok(common.part().map_or(Ty::EmptyList, |element| self.types.list(element)))
    }

    fn map(&mut self, children: Children) -> Result<Ty> {
        let (mut keys, mut values) = (Common::default(), Common::default());
        for pair in 0..children.len as usize / 2 {
            let (key, value) = (self.child(children, 2 * pair), self.child(children, 2 * pair + 1));
            let ty = self.visit(key)?;
            self.join("Map key uses wrong type", &mut keys, ty, key)?;
            let ty = self.visit(value)?;
            self.join("Map value uses wrong type", &mut values, ty, value)?;
        }
        Ok(match (keys.part(), values.part()) {
            (Some(key), Some(value)) => self.types.map(key, value),
            _ => Ty::EmptyMap,
        })
    }
}

/// What the parts of a literal have in common so far.
#[derive(Clone, Copy, Default)]
struct Common {
    ty: Option<Ty>,
    /// Whether a part goes with everything, see [`Checker::loose`].
    loose: bool,
}

impl Common {
    /// The type of a part; `None` when there is none.
    fn part(self) -> Option<Ty> {
        if self.loose { Some(Ty::Dyn) } else { self.ty }
    }
}

const fn constant_type(value: &Value) -> Ty {
    match value {
        Value::Null => Ty::Null,
        Value::Bool(_) => Ty::Bool,
        Value::Int(_) => Ty::Int,
        Value::UInt(_) => Ty::UInt,
        Value::Double(_) => Ty::Double,
        Value::String(_) => Ty::Text,
        Value::Bytes(_) => Ty::Bytes,
        Value::Timestamp(_) => Ty::Timestamp,
        Value::Duration(_) => Ty::Duration,
        Value::Type(_) => Ty::Type,
        Value::List(_) | Value::Map(_) | Value::Lazy(_) => Ty::Dyn,
    }
}
