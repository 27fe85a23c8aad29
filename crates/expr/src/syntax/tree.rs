//! The tree of an expression: nodes in one vector, children by number.
//!
//! The parser makes the syntactic kinds; the checker rewrites names and calls in place to what they
//! mean, so that evaluation never looks at a name twice.

use std::sync::{Arc, OnceLock};

use regex::Regex;

use crate::functions::Builtin;
use crate::value::Value;

/// A node of a [`Tree`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NodeId(pub(crate) u32);

/// A part of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// Consecutive entries of [`Tree::lists`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Children {
    pub(crate) start: u32,
    pub(crate) len: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unary {
    Negate,
    Not,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binary {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Binary {
    /// As it is written.
    pub(crate) const fn symbol(self) -> &'static str {
        match self {
            Self::Or => "||",
            Self::And => "&&",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::In => "in",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        }
    }
}

/// The macros that run over the elements of a list or the keys of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Macro {
    All,
    Exists,
    ExistsOne,
    Filter,
    Map,
    MapWhere,
}

/// `range.all(x, …)` and its relatives. The variable is the innermost local of `test` and `body`.
#[derive(Debug)]
pub(crate) struct Comprehension {
    pub(crate) kind: Macro,
    pub(crate) range: NodeId,
    /// The predicate; absent for the two-argument `map`.
    pub(crate) test: Option<NodeId>,
    /// The transformation; absent for all but `map`.
    pub(crate) body: Option<NodeId>,
}

/// The functions of `data` and `file`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SourceFunction {
    Latest,
    Version,
    ListVersions,
    FindByTag,
    FindBySpec,
    Query,
    Contents,
}

/// What a node is.
#[derive(Debug)]
pub(crate) enum Kind {
    Constant(Value),
    /// A free name: a variable of the context or one of its roots.
    Name(Span),
    /// A local variable, counted from the innermost outwards.
    Local(u32),
    Field(NodeId, Span),
    Index(NodeId, NodeId),
    Unary(Unary, NodeId),
    Binary(Binary, NodeId, NodeId),
    Ternary(NodeId, NodeId, NodeId),
    List(Children),
    /// Keys and values in turn.
    Map(Children),
    /// A call as written; the receiver, if any, is the first child. None is left after checking.
    Call {
        name: Span,
        children: Children,
        has_receiver: bool,
    },
    /// A call of a built-in function; the receiver, if any, is the first child.
    Builtin {
        function: Builtin,
        name: Span,
        children: Children,
        has_receiver: bool,
    },
    /// `text.matches("fixed pattern")`, compiled when first used.
    Matches {
        text: NodeId,
        pattern: Arc<str>,
        compiled: Box<OnceLock<Regex>>,
    },
    /// A call of `data.…` or `file.…`, without the receiver.
    Source {
        function: SourceFunction,
        name: Span,
        children: Children,
    },
    /// `vault.get(vault, key)`.
    Secret {
        vault: NodeId,
        key: NodeId,
    },
    Has(NodeId, Span),
    Comprehension(Box<Comprehension>),
    /// `cel.bind(x, init, body)`; the variable is the innermost local of `body`.
    Bind {
        init: NodeId,
        body: NodeId,
    },
}

/// A node and where it stands.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    /// Where its own failures point: the field of a member access, else the start.
    pub(crate) at: u32,
    /// Where its leftmost part starts, parentheses left out.
    pub(crate) start: u32,
    /// Nodes on the longest way down from here, this one included.
    pub(crate) height: u16,
    /// Whether its type is known only when it is evaluated. Set by the checker.
    pub(crate) dynamic: bool,
}

/// A parsed expression.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) source: Arc<str>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) lists: Vec<NodeId>,
    pub(crate) root: NodeId,
    /// Whether `env` or `vault` is used. Set by the checker.
    pub(crate) runtime: bool,
    /// Whether arithmetic takes an int and a double together. Set by the checker.
    pub(crate) mixes_numbers: bool,
}

impl Tree {
    pub(crate) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    pub(crate) fn text(&self, span: Span) -> &str {
        &self.source[span.start as usize..span.end as usize]
    }

    pub(crate) fn children(&self, children: Children) -> &[NodeId] {
        &self.lists[children.start as usize..(children.start + children.len) as usize]
    }

    /// The name, when the node is a free name.
    pub(crate) fn free_name(&self, id: NodeId) -> Option<&str> {
        match self.node(id).kind {
            Kind::Name(span) => Some(self.text(span)),
            _ => None,
        }
    }

    /// The text, when the node is a string literal.
    pub(crate) fn fixed_text(&self, id: NodeId) -> Option<&str> {
        match &self.node(id).kind {
            Kind::Constant(Value::String(text)) => Some(text),
            _ => None,
        }
    }
}
