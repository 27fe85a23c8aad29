//! What can go wrong, where in the source it did, and how that is shown.

use std::fmt;
use std::sync::Arc;

use swamp_ident::ErrorCategory;

use crate::source::SourceError;

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
        let before = self.0.source.get(..self.0.offset?)?;
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Some(Position {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        })
    }

    /// The message for people: `Invalid expression: …` and, when the place is known, the line with
    /// a caret under it.
    pub fn render(&self) -> String {
        let message = &self.0.kind;
        if matches!(message, ErrorKind::Vault { .. }) {
            return message.to_string();
        }
        let frame = self.position().and_then(|place| self.frame(place)).unwrap_or_default();
        format!("Invalid expression: {message}{frame}")
    }

    /// The line with a caret; nothing for an empty source, where there is nothing to point at.
    fn frame(&self, place: Position) -> Option<String> {
        let line = self.0.source.lines().nth(place.line - 1).unwrap_or_default();
        let Position { line: number, column } = place;
        let indent = 8 + column;
        (!self.0.source.is_empty()).then(|| format!("\n\n> {number:>4} | {line}\n{:indent$}^", ""))
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

/// A failure outside any expression, as when a map that is made on demand is written as JSON.
impl From<SourceError> for ExprError {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::Query(error) => error,
            SourceError::Failed(message) => Self::new(ErrorKind::Data(message), &"".into(), None),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn error(kind: ErrorKind, source: &str, offset: Option<usize>) -> ExprError {
        ExprError::new(kind, &source.into(), offset)
    }

    #[test]
    fn the_caret_stands_under_the_place() {
        let missing = || ErrorKind::MissingKey("zz".to_owned());
        for (source, offset, want) in [
            ("inputs.zz", Some(7), "\n\n>    1 | inputs.zz\n                ^"),
            ("1 +\n ü.zz", Some(8), "\n\n>    2 |  ü.zz\n            ^"),
            ("1 +", Some(3), "\n\n>    1 | 1 +\n            ^"),
            ("1 +\n", Some(4), "\n\n>    2 | \n         ^"),
            ("", Some(0), ""),
            ("inputs.zz", None, ""),
        ] {
            let wanted = format!("Invalid expression: No such key: zz{want}");
            assert_eq!(error(missing(), source, offset).to_string(), wanted);
        }
    }

    #[test]
    fn vault_errors_speak_for_themselves() {
        let kind = ErrorKind::Vault {
            vault: "v".to_owned(),
            key: "K".to_owned(),
            reason: "Vault 'v' not found. No vaults are configured.".to_owned(),
        };
        let error = error(kind, "vault.get(v, K)", Some(0));
        assert_eq!(error.category(), ErrorCategory::Vault);
        assert_eq!(
            error.to_string(),
            "Failed to resolve vault expression vault.get(v, K): Vault 'v' not found. No vaults \
             are configured."
        );
    }

    #[test]
    fn positions_count_characters() {
        let error = error(ErrorKind::Check(String::new()), "a\n  é + b", Some(7));
        assert_eq!(error.position(), Some(Position { line: 2, column: 5 }));
    }
}
