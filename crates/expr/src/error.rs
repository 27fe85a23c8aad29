//! What can go wrong, where in the source it did, and how that is shown.

use std::fmt;
use std::sync::Arc;

use swamp_ident::ErrorCategory;

/// A place in a text, both parts from 1; the column counts characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// The kind of an [`ExprError`], with its one-sentence message where the kind does not say it all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text is not an expression.
    #[error("{0}")]
    Syntax(String),
    /// The expression cannot succeed whatever the data: types do not fit.
    #[error("{0}")]
    Check(String),
    /// Evaluation failed on the data at hand.
    #[error("{0}")]
    Evaluate(String),
    /// A map has no such key, or a list no such index.
    #[error("No such key: {0}")]
    MissingKey(String),
    /// Nothing of this name exists where the expression stands.
    #[error("Unknown variable: {0}")]
    UnknownVariable(String),
    /// `env.NAME` of a variable that is not set.
    #[error("No such key: {0}")]
    MissingEnv(String),
    /// A secret could not be had.
    #[error("Failed to resolve vault expression vault.get({vault}, {key}): {reason}")]
    Vault {
        /// Name of the vault.
        vault: String,
        /// Key in it.
        key: String,
        /// What the vault said.
        reason: String,
    },
    /// A `data`, `file` or `model` look-up failed.
    #[error("{0}")]
    Data(String),
}

/// An expression failed. `Display` is [`ExprError::render`].
#[derive(Clone, PartialEq, Eq)]
pub struct ExprError(Box<Inner>);

#[derive(Clone, PartialEq, Eq)]
struct Inner {
    kind: ErrorKind,
    source: Arc<str>,
    offset: Option<usize>,
}

impl ExprError {
    pub(crate) fn new(kind: ErrorKind, source: &Arc<str>, offset: Option<usize>) -> Self {
        Self(Box::new(Inner { kind, source: Arc::clone(source), offset }))
    }

    /// What kind of error this is.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// One sentence (two lines for an unknown query field), without prefix or place.
    pub fn message(&self) -> String {
        self.0.kind.to_string()
    }

    /// The text of the expression, without the template's delimiters.
    pub fn source_text(&self) -> &str {
        &self.0.source
    }

    /// Byte offset into [`Self::source_text`] of the part that failed, when known.
    pub fn offset(&self) -> Option<usize> {
        self.0.offset
    }

    /// Line and column in [`Self::source_text`], when known.
    pub fn position(&self) -> Option<Position> {
        todo!()
    }

    /// The message for people: `Invalid expression: …` and, when the place is known, the line with
    /// a caret under it.
    pub fn render(&self) -> String {
        todo!()
    }

    /// The category a failure of this kind is counted under: `expression`, `env` or `vault`.
    pub fn category(&self) -> ErrorCategory {
        match self.0.kind {
            ErrorKind::MissingEnv(_) => ErrorCategory::Env,
            ErrorKind::Vault { .. } => ErrorCategory::Vault,
            _ => ErrorCategory::Expression,
        }
    }
}

impl fmt::Display for ExprError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render())
    }
}

impl fmt::Debug for ExprError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExprError")
            .field("kind", &self.0.kind)
            .field("source", &self.0.source)
            .field("offset", &self.0.offset)
            .finish()
    }
}

impl std::error::Error for ExprError {}
