//! Calls: macros, the functions of `data`, `file` and `vault`, and the built-in functions.

use std::sync::OnceLock;

use super::types::Ty;
use super::{Checker, Result};
use crate::error::ErrorKind;
use crate::functions::{Parameter, Signature, signatures};
use crate::syntax::Fault;
use crate::syntax::tree::{Children, Comprehension, Kind, Macro, NodeId, SourceFunction, Span};

/// What a call looks like, with its receiver apart.
#[derive(Clone, Copy)]
struct Call {
    id: NodeId,
    name: Span,
    children: Children,
    receiver: Option<NodeId>,
}

impl Call {
    const fn arguments(self) -> Children {
        let skip = if self.receiver.is_some() { 1 } else { 0 };
        Children { start: self.children.start + skip, len: self.children.len - skip }
    }
}

impl Checker<'_> {
    pub(super) fn call(
        &mut self,
        id: NodeId,
        name: Span,
        children: Children,
        has_receiver: bool,
    ) -> Result<Ty> {
        let receiver = has_receiver.then(|| self.child(children, 0));
        let call = Call { id, name, children, receiver };
        match receiver {
            None if self.tree.text(name) == "has" && call.arguments().len == 1 => self.has(call),
            None => self.function(call),
            Some(receiver) if self.is_free(receiver, "data") || self.is_free(receiver, "file") => {
                self.source_call(call, receiver)
            }
            Some(receiver)
                if self.is_free(receiver, "cel")
                    && self.tree.text(name) == "bind"
                    && call.arguments().len == 3 =>
            {
                self.bind(call)
            }
            Some(receiver) => {
                let kind = match (self.tree.text(name), call.arguments().len) {
                    ("all", 2) => Macro::All,
                    ("exists", 2) => Macro::Exists,
                    ("exists_one", 2) => Macro::ExistsOne,
                    ("filter", 2) => Macro::Filter,
                    ("map", 2) => Macro::Map,
                    ("map", 3) => Macro::MapWhere,
                    _ => return self.function(call),
                };
                self.comprehension(call, receiver, kind)
            }
        }
    }

    fn has(&mut self, call: Call) -> Result<Ty> {
        let argument = self.child(call.arguments(), 0);
        let mut at = argument;
        while let Kind::Field(object, _) = self.tree.node(at).kind {
            at = object;
        }
        if let (&Kind::Field(object, name), Kind::Name(_)) =
            (&self.tree.node(argument).kind, &self.tree.node(at).kind)
        {
            self.visit(object)?;
            self.replace(call.id, Kind::Has(object, name));
            return Ok(Ty::Bool);
        }
        let start = self.tree.node(argument).start as usize;
        Err(Fault::new(ErrorKind::Check("has() invalid argument".to_owned()), start))
    }

    fn bind(&mut self, call: Call) -> Result<Ty> {
        let [variable, init, body] = [0, 1, 2].map(|index| self.child(call.arguments(), index));
        let Kind::Name(name) = self.tree.node(variable).kind else {
            return self.fail("invalid variable argument", variable);
        };
        let ty = self.visit(init)?;
        self.locals.push((name, ty));
        let result = self.visit(body)?;
        self.locals.pop();
        self.replace(call.id, Kind::Bind { init, body });
        Ok(result)
    }

    fn comprehension(&mut self, call: Call, range: NodeId, kind: Macro) -> Result<Ty> {
        let variable = self.child(call.arguments(), 0);
        let Kind::Name(name) = self.tree.node(variable).kind else {
            let message = format!("{} invalid predicate iteration variable", kind.form());
            return self.fail(message, variable);
        };
        let range_type = self.visit(range)?;
        let element = match self.types.iterated(range_type) {
            // Keys are texts, however they were written.
            Some(_) if matches!(range_type, Ty::Map(_)) => Ty::Text,
            Some(element) => element,
            None => return self.fail(not_a_range(&self.types.name(range_type)), range),
        };
        let second = self.child(call.arguments(), 1);
        let (test, body) = match kind {
            Macro::Map => (None, Some(second)),
            Macro::MapWhere => (Some(second), Some(self.child(call.arguments(), 2))),
            _ => (Some(second), None),
        };
        self.locals.push((name, element));
        if let Some(test) = test {
            let ty = self.visit(test)?;
            if !matches!(ty, Ty::Bool | Ty::Dyn) {
                return self.fail(kind.not_bool(&self.types.name(ty)), test);
            }
        }
        let result = match body {
            Some(body) => {
                let ty = self.visit(body)?;
                self.types.list(ty)
            }
            None if kind == Macro::Filter => self.types.list(element),
            None => Ty::Bool,
        };
        self.locals.pop();
        let comprehension = Comprehension { kind, range, test, body };
        self.replace(call.id, Kind::Comprehension(Box::new(comprehension)));
        Ok(result)
    }

    fn visit_all(&mut self, children: Children) -> Result<Vec<Ty>> {
        (0..children.len as usize).map(|index| self.visit(self.child(children, index))).collect()
    }

    fn no_overload<T>(&self, call: Call, receiver: Option<&str>, arguments: &[Ty]) -> Result<T> {
        let names: Vec<String> = arguments.iter().map(|ty| self.types.name(*ty)).collect();
        self.fail(no_matching(receiver, self.tree.text(call.name), &names), call.id)
    }

    fn source_call(&mut self, call: Call, namespace: NodeId) -> Result<Ty> {
        use SourceFunction as F;
        let arguments = self.visit_all(call.arguments())?;
        let in_data = self.is_free(namespace, "data");
        let list = |ty: &Ty| ty.is_list() || *ty == Ty::Dyn;
        let text = |ty: &Ty| matches!(ty, Ty::Text | Ty::Dyn);
        let int = |ty: &Ty| matches!(ty, Ty::Int | Ty::Dyn);
        let arguments_fit = match (self.tree.text(call.name), &*arguments) {
            ("latest", [m, n]) if in_data => Some((F::Latest, text(m) && text(n))),
            ("latest", [m, n, v]) if in_data => Some((F::Latest, text(m) && text(n) && list(v))),
            ("version", [m, n, i]) if in_data => Some((F::Version, text(m) && text(n) && int(i))),
            ("version", [m, n, v, i]) if in_data => {
                Some((F::Version, text(m) && text(n) && list(v) && int(i)))
            }
            ("listVersions", [m, n]) if in_data => Some((F::ListVersions, text(m) && text(n))),
            ("listVersions", [m, n, v]) if in_data => {
                Some((F::ListVersions, text(m) && text(n) && list(v)))
            }
            ("findByTag", [k, v]) if in_data => Some((F::FindByTag, text(k) && text(v))),
            ("findBySpec", [m, s]) if in_data => Some((F::FindBySpec, text(m) && text(s))),
            ("query", [p]) if in_data => Some((F::Query, text(p))),
            ("query", [p, s]) if in_data => Some((F::Query, text(p) && text(s))),
            ("contents", [m, s]) if !in_data => Some((F::Contents, text(m) && text(s))),
            _ => None,
        };
        match arguments_fit {
            None => self.no_overload(call, Some("dyn"), &arguments),
            Some((function, false)) => {
                self.no_overload(call, Some(function.namespace_type()), &arguments)
            }
            Some((function, true)) => {
                let (name, children) = (call.name, call.arguments());
                self.replace(call.id, Kind::Source { function, name, children });
                Ok(match function {
                    F::Latest | F::Version | F::Contents => Ty::Dyn,
                    F::ListVersions => self.types.list(Ty::Int),
                    F::FindByTag | F::FindBySpec | F::Query => self.types.list(Ty::Dyn),
                })
            }
        }
    }

    fn function(&mut self, call: Call) -> Result<Ty> {
        let receiver = match call.receiver {
            Some(receiver) => Some(self.visit(receiver)?),
            None => None,
        };
        let mut arguments = [Ty::Dyn; 3];
        let count = call.arguments().len as usize;
        if count > arguments.len() {
            let arguments = self.visit_all(call.arguments())?;
            return self.no_overload(call, receiver.map(Ty::bare_name), &arguments);
        }
        for (index, ty) in arguments.iter_mut().enumerate().take(count) {
            *ty = self.visit(self.child(call.arguments(), index))?;
        }
        let arguments = &arguments[..count];

        let known = signatures(self.tree.text(call.name));
        let mut fitting = known.iter().filter(|one| self.fits(one, receiver, arguments));
        let Some(first) = fitting.next() else {
            return self.no_overload(call, receiver.map(Ty::bare_name), arguments);
        };
        let result = if fitting.any(|other| other.result != first.result) {
            Parameter::Any
        } else {
            first.result
        };
        if first.name == "matches"
            && let Some(text) = call.receiver
            && let Some(pattern) = self.tree.fixed_text(self.child(call.arguments(), 0))
        {
            let (pattern, compiled) = (pattern.into(), Box::new(OnceLock::new()));
            self.replace(call.id, Kind::Matches { text, pattern, compiled });
            return Ok(Ty::Bool);
        }
        let kind = Kind::Builtin {
            function: first.function,
            name: call.name,
            children: call.children,
            has_receiver: receiver.is_some(),
        };
        self.replace(call.id, kind);
        Ok(match result {
            Parameter::TextList => self.types.list(Ty::Text),
            other => other.static_type(),
        })
    }

    /// Whether a call could use this signature. On a receiver of unknown type only the number of
    /// arguments counts, the rest is decided at evaluation.
    fn fits(&self, signature: &Signature, receiver: Option<Ty>, arguments: &[Ty]) -> bool {
        signature.parameters.len() == arguments.len()
            && match (signature.receiver, receiver) {
                (None, None) => self.takes_all(signature, arguments),
                (Some(_), Some(Ty::Dyn)) => true,
                (Some(wanted), Some(got)) => {
                    self.takes(wanted, got) && self.takes_all(signature, arguments)
                }
                _ => false,
            }
    }

    fn takes_all(&self, signature: &Signature, arguments: &[Ty]) -> bool {
        signature.parameters.iter().zip(arguments).all(|(wanted, got)| self.takes(*wanted, *got))
    }

    fn takes(&self, wanted: Parameter, got: Ty) -> bool {
        match (wanted, got) {
            (Parameter::Any, _) | (_, Ty::Dyn) => true,
            (Parameter::Never, _) => false,
            (Parameter::List, list) => list.is_list(),
            (Parameter::TextList, list) => {
                list.is_list() && self.types.overlap(self.types.element(list), Ty::Text)
            }
            (Parameter::Map, map) => map.is_map(),
            (wanted, got) => wanted.static_type() == got,
        }
    }
}

impl Macro {
    const fn form(self) -> &'static str {
        match self {
            Self::All => "all(var, predicate)",
            Self::Exists => "exists(var, predicate)",
            Self::ExistsOne => "exists_one(var, predicate)",
            Self::Filter => "filter(var, predicate)",
            Self::Map => "map(var, transform)",
            Self::MapWhere => "map(var, filter, transform)",
        }
    }

    /// The message for a predicate that gives something else than a bool.
    pub(crate) fn not_bool(self, got: &str) -> String {
        let which = if self == Self::MapWhere { "filter predicate" } else { "predicate" };
        format!("{} {which} must return bool, got '{got}'", self.form())
    }
}

impl SourceFunction {
    /// The root it belongs to.
    pub(crate) const fn namespace(self) -> &'static str {
        match self {
            Self::Contents => "file",
            _ => "data",
        }
    }

    /// How messages call the type of the namespace.
    pub(crate) const fn namespace_type(self) -> &'static str {
        match self {
            Self::Contents => "CelFileNamespace",
            _ => "CelDataNamespace",
        }
    }
}

/// The message for a macro over something that has no elements.
pub(crate) fn not_a_range(type_name: &str) -> String {
    format!(
        "Expression of type '{type_name}' cannot be range of a comprehension (must be list, map, \
         or dynamic)."
    )
}

/// The message for a call that fits no signature.
pub(crate) fn no_matching(receiver: Option<&str>, name: &str, arguments: &[String]) -> String {
    let arguments = arguments.join(", ");
    match receiver {
        Some(receiver) => {
            format!("found no matching overload for '{receiver}.{name}({arguments})'")
        }
        None => format!("found no matching overload for '{name}({arguments})'"),
    }
}
