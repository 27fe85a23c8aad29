//! From text to tree: lexer, literals, Pratt parser.

pub(crate) mod lexer;
pub(crate) mod literal;
pub(crate) mod parser;
pub(crate) mod tree;
mod vault_argument;

use crate::error::ErrorKind;

/// A failure with its place, on the way to becoming an [`ExprError`](crate::ExprError). One pointer
/// wide, so that results of evaluation stay small.
#[derive(Debug)]
pub(crate) struct Fault(Box<(ErrorKind, Option<usize>)>);

impl Fault {
    pub(crate) fn new(kind: ErrorKind, at: usize) -> Self {
        Self(Box::new((kind, Some(at))))
    }

    /// A failure that is at no place of this source.
    pub(crate) fn nowhere(kind: ErrorKind) -> Self {
        Self(Box::new((kind, None)))
    }

    pub(crate) fn syntax(message: impl Into<String>, at: usize) -> Self {
        Self::new(ErrorKind::Syntax(message.into()), at)
    }

    /// What failed, and the byte offset into the source, when known.
    pub(crate) fn into_parts(self) -> (ErrorKind, Option<usize>) {
        *self.0
    }
}
