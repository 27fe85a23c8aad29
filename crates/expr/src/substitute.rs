//! Templates of a whole document: visiting them, and replacing them by their values.

use serde_json::Value as Json;

use crate::context::Context;
use crate::error::ExprError;
use crate::path::DocumentPath;
use crate::program::Program;
use crate::template::Template;

/// One expression in a document, as shown to the policy of [`substitute`].
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    /// Where the text stands.
    pub path: &'a DocumentPath,
    /// The expression.
    pub program: &'a Program,
    /// Whether the expression is the whole text.
    pub whole_value: bool,
}

/// What to do with an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// Replace it by its value.
    Evaluate,
    /// Leave its text as it is.
    Keep,
}

/// An expression that could not be compiled or evaluated; its text was left as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Where the text stands.
    pub path: DocumentPath,
    /// What went wrong.
    pub error: ExprError,
}

/// The result of [`substitute`].
#[derive(Clone, Debug)]
pub struct Substitution {
    /// The document with values, to go on with.
    pub value: Json,
    /// The document to write to disk: like `value`, but expressions that use `env` or `vault` keep
    /// their text, next to the values of others in the same string. Values that look like such an
    /// expression are quoted so that [`only_runtime`] gives them back as they were.
    pub persistable: Json,
    /// What failed, in document order. Strict callers take the first, lenient ones those in the
    /// fields they use.
    pub failures: Vec<Failure>,
    /// Whether the document held any expression.
    pub had_expressions: bool,
}

impl Substitution {
    /// The first failure as an error: for callers that are strict.
    pub fn strict(self) -> Result<Self, Failure> {
        match self.failures.first() {
            Some(failure) => Err(failure.clone()),
            None => Ok(self),
        }
    }
}

/// Policy: every expression is evaluated.
pub fn evaluate_all(_: &Site<'_>) -> Treatment {
    Treatment::Evaluate
}

/// Policy: expressions that use `env` or `vault` stay, all others are evaluated.
pub fn keep_runtime(site: &Site<'_>) -> Treatment {
    if site.program.is_runtime() { Treatment::Keep } else { Treatment::Evaluate }
}

/// Policy for a document read back from an evaluated copy ([`Substitution::persistable`]): only
/// expressions that use `env` or `vault`, and quoted texts, are evaluated; everything else was
/// evaluated before and is plain text.
pub fn only_runtime(site: &Site<'_>) -> Treatment {
    let _ = site;
    todo!()
}

/// Calls `visit` for every string value that holds an expression, in document order. Keys are not
/// templates. A text that does not compile is passed on as its error.
pub fn for_each_template(
    document: &Json,
    visit: &mut dyn FnMut(&DocumentPath, Result<&Template, &ExprError>),
) {
    let _ = (document, visit);
    todo!()
}

/// Replaces the expressions of all string values of a document, each at most once and in document
/// order, as `policy` says. Keys are never replaced. Never fails as a whole: see
/// [`Substitution::failures`].
pub fn substitute(
    document: &Json,
    context: &Context<'_>,
    policy: &dyn Fn(&Site<'_>) -> Treatment,
) -> Substitution {
    let _ = (document, context, policy);
    todo!()
}
