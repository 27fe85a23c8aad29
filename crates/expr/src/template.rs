//! Texts with `${{ … }}` in them.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::context::Context;
use crate::error::ExprError;
use crate::program::Program;
use crate::references::References;

/// A text in which `${{ … }}` are expressions.
///
/// When one expression is the whole text, its value keeps its type. Otherwise every expression is
/// replaced by the text of its value. Several expressions in one text are fine; a `}}` inside a
/// string or map of an expression does not end it; an expression may span lines. There is no
/// escape, and results are never looked at again.
#[derive(Clone, Debug)]
pub struct Template {
    source: Arc<str>,
    expressions: Vec<TemplateExpression>,
}

/// One expression of a template.
#[derive(Clone, Debug)]
pub struct TemplateExpression {
    /// Byte range in the template, with delimiters.
    pub range: std::ops::Range<usize>,
    /// The expression.
    pub program: Program,
}

impl Template {
    /// Finds and compiles the expressions of a text.
    pub fn parse(text: &str) -> Result<Self, ExprError> {
        let _ = text;
        todo!()
    }

    /// Whether a text holds an expression, without compiling it.
    pub fn is_template(text: &str) -> bool {
        let _ = text;
        todo!()
    }

    /// The text it was parsed from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The expressions, in order.
    pub fn expressions(&self) -> &[TemplateExpression] {
        &self.expressions
    }

    /// Whether there is any expression.
    pub fn has_expressions(&self) -> bool {
        !self.expressions.is_empty()
    }

    /// Whether the whole text is one expression, so that its value keeps its type.
    pub fn is_whole_value(&self) -> bool {
        todo!()
    }

    /// Whether any expression uses `env` or `vault`.
    pub fn is_runtime(&self) -> bool {
        self.expressions.iter().any(|expression| expression.program.is_runtime())
    }

    /// What all expressions together refer to.
    pub fn references(&self) -> References {
        todo!()
    }

    /// The value: typed when one expression is the whole text, else a string.
    pub fn evaluate(&self, context: &Context<'_>) -> Result<Json, ExprError> {
        let _ = context;
        todo!()
    }
}
