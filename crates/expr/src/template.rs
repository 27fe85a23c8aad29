//! Texts with `${{ … }}` in them.

use std::ops::Range;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::context::Context;
use crate::error::ExprError;
use crate::program::Program;
use crate::references::References;
use crate::scan;
use crate::value::Value;

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
    pub range: Range<usize>,
    /// The expression.
    pub program: Program,
}

impl TemplateExpression {
    /// Evaluates it to JSON-like data.
    pub(crate) fn evaluate_json(&self, context: &Context<'_>) -> Result<Json, ExprError> {
        self.evaluate_as(context, Value::to_json)
    }

    /// Evaluates it to text.
    pub(crate) fn evaluate_text(&self, context: &Context<'_>) -> Result<String, ExprError> {
        self.evaluate_as(context, Value::to_text)
    }

    fn evaluate_as<T>(
        &self,
        context: &Context<'_>,
        convert: fn(&Value) -> Result<T, ExprError>,
    ) -> Result<T, ExprError> {
        convert(&self.program.evaluate(context)?)
    }
}

impl Template {
    /// Finds and compiles the expressions of a text.
    pub fn parse(text: &str) -> Result<Self, ExprError> {
        let compiled = scan::expressions(text).map(|found| {
            let program = Program::compile(&text[found.inner])?;
            Ok(TemplateExpression { range: found.outer, program })
        });
        let expressions = compiled.collect::<Result<_, ExprError>>()?;
        Ok(Self { source: text.into(), expressions })
    }

    /// Whether a text holds an expression, without compiling it.
    pub fn is_template(text: &str) -> bool {
        scan::expressions(text).next().is_some()
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

    /// The expression, when the whole text is just one.
    pub(crate) fn only_expression(&self) -> Option<&TemplateExpression> {
        match &*self.expressions {
            [only] if only.range == (0..self.source.len()) => Some(only),
            _ => None,
        }
    }

    /// Whether the whole text is one expression, so that its value keeps its type.
    pub fn is_whole_value(&self) -> bool {
        self.only_expression().is_some()
    }

    /// Whether any expression uses `env` or `vault`.
    pub fn is_runtime(&self) -> bool {
        self.expressions.iter().any(|expression| expression.program.is_runtime())
    }

    /// What all expressions together refer to.
    pub fn references(&self) -> References {
        let mut all = References::default();
        for expression in &self.expressions {
            all.merge(&expression.program.references());
        }
        all
    }

    /// The value: typed when one expression is the whole text, else a string.
    pub fn evaluate(&self, context: &Context<'_>) -> Result<Json, ExprError> {
        if let Some(only) = self.only_expression() {
            return only.evaluate_json(context);
        }
        let mut text = String::with_capacity(self.source.len());
        let mut end = 0;
        for expression in &self.expressions {
            text.push_str(&self.source[end..expression.range.start]);
            text.push_str(&expression.evaluate_text(context)?);
            end = expression.range.end;
        }
        text.push_str(&self.source[end..]);
        Ok(Json::String(text))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn evaluate(text: &str) -> Result<Json, String> {
        let inputs = json!({"a": "left", "n": 5, "text": "${{ 1 + 1 }}", "list": [1]});
        let context = Context::new().with("inputs", Value::from_json(&inputs));
        let value = Template::parse(text).and_then(|template| template.evaluate(&context));
        value.map_err(|error| error.message())
    }

    #[test]
    fn whole_values_keep_their_type() {
        for (text, want) in [
            ("${{ 1 + 1 }}", json!(2)),
            ("${{1+1}}", json!(2)),
            ("${{ 1.5 }}", json!(1.5)),
            ("${{ true }}", json!(true)),
            ("${{ null }}", json!(null)),
            ("${{ [1, 2] }}", json!([1, 2])),
            ("${{ {\"a\": 1} }}", json!({"a": 1})),
            ("${{ {\"a\": {\"b\": 1}} }}", json!({"a": {"b": 1}})),
            ("${{ {\"a\": {\"b\": 1}}.a.b }}", json!(1)),
            ("${{ \"}}\" }}", json!("}}")),
            ("${{ 1\n + 2 }}", json!(3)),
            ("${{\n 1 + 1\n}}", json!(2)),
            ("${{ 1.0/0.0 }}", json!(null)),
            ("${{ 9223372036854775807 }}", json!(i64::MAX)),
            ("${{ timestamp(\"2024-02-29T14:30:45Z\") }}", json!("2024-02-29T14:30:45Z")),
            ("${{ duration(\"90s\") }}", json!("1m30s")),
            ("${{ 1u }}", json!(1)),
            ("${{ b\"hi\" }}", json!("aGk=")),
            ("${{ inputs.text }}", json!("${{ 1 + 1 }}")),
        ] {
            assert_eq!(evaluate(text), Ok(want), "{text}");
        }
    }

    #[test]
    fn everything_else_becomes_text() {
        for (text, want) in [
            ("v${{ 1 + 1 }}", "v2"),
            ("v${{ 1.5 }}", "v1.5"),
            ("v${{ true }}", "vtrue"),
            ("v[${{ null }}]", "v[]"),
            ("v${{ [1,2] }}", "v[\n  1,\n  2\n]"),
            ("v${{ [] }}", "v[]"),
            ("v${{ {\"k\": \"v\"} }}", "v{\n  \"k\": \"v\"\n}"),
            ("x${{ 1 }}${{ 1 }}", "x11"),
            ("${{ 1 }} ${{ 1 }}1", "1 11"),
            ("${{ 1 }}-${{ 2 }}", "1-2"),
            ("${{ 1 }}${{ 2 }}", "12"),
            (" ${{ 1 }}", " 1"),
            ("${{ 1 }} ", "1 "),
            ("${{ 1 + 1 }}\n", "2\n"),
            ("line1 ${{ 3 }}\nline2 ${{ 4 }}\n", "line1 3\nline2 4\n"),
            ("\\${{ 1 }}", "\\1"),
            ("$${{ 1 }}", "$1"),
            ("${{}}", "${{}}"),
            ("{{ 1 }} ${ 1 }", "{{ 1 }} ${ 1 }"),
            ("x${{ 9223372036854775807 }}", "x9223372036854775807"),
            ("${{ 5.0 }} and ${{ 1e21 }} and ${{ 1.0/0.0 }}.", "5 and 1e+21 and Infinity."),
            ("${{ inputs.text }}!", "${{ 1 + 1 }}!"),
            ("${{ inputs.a }}-${{ inputs.n }}", "left-5"),
            ("", ""),
        ] {
            assert_eq!(evaluate(text), Ok(json!(want)), "{text}");
        }
    }

    #[test]
    fn errors_are_those_of_the_expression() {
        for (text, want) in [
            ("${{ }}", "Unexpected token: EOF"),
            ("a ${{ 'unterminated }}", "Unterminated string"),
            ("a ${{ 1 }} ${{ inputs.zz }}", "No such key: zz"),
        ] {
            assert_eq!(evaluate(text), Err(want.to_owned()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_around_expressions_is_kept(before in "[^$]*", between in "[^$]*", after in "[^$]*") {
            let text = format!("{before}${{{{ 1 }}}}{between}${{{{ \"b\" }}}}{after}");
            let want = format!("{before}1{between}b{after}");
            prop_assert_eq!(evaluate(&text), Ok(json!(want)));
        }

        #[test]
        fn text_without_expressions_is_kept(text in any::<String>()) {
            prop_assume!(!Template::is_template(&text));
            prop_assert_eq!(evaluate(&text), Ok(json!(text)));
        }
    }
}
