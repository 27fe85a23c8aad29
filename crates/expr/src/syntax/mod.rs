//! From text to tree: lexer, literals, Pratt parser.

pub(crate) mod lexer;
pub(crate) mod literal;
pub(crate) mod parser;
pub(crate) mod tree;
mod vault_argument;

use crate::error::ErrorKind;

/// A failure with its place, on the way to becoming an [`ExprError`](crate::ExprError).
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) kind: ErrorKind,
    /// Byte offset into the source, when known.
    pub(crate) at: Option<usize>,
}

impl Fault {
    pub(crate) fn new(kind: ErrorKind, at: usize) -> Box<Self> {
        Box::new(Self { kind, at: Some(at) })
    }

    pub(crate) fn syntax(message: impl Into<String>, at: usize) -> Box<Self> {
        Self::new(ErrorKind::Syntax(message.into()), at)
    }
}
