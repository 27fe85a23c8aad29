//! Templates of a whole document: visiting them, and replacing them by their values.

use serde_json::Value as Json;

use crate::context::Context;
use crate::error::ExprError;
use crate::path::{DocumentPath, PathItem};
use crate::persist::{self, Piece};
use crate::program::Program;
use crate::scan;
use crate::template::{Template, TemplateExpression};

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
    if site.program.is_runtime() || site.program.quoted_text().is_some() {
        Treatment::Evaluate
    } else {
        Treatment::Keep
    }
}

/// Calls `visit` for every string value that holds an expression, in document order. Keys are not
/// templates. A text that does not compile is passed on as its error.
pub fn for_each_template(
    document: &Json,
    visit: &mut dyn FnMut(&DocumentPath, Result<&Template, &ExprError>),
) {
    walk(document, &mut DocumentPath::default(), &mut |path, text| {
        if scan::expressions(text).next().is_some() {
            visit(path, Template::parse(text).as_ref());
        }
    });
}

fn walk(value: &Json, path: &mut DocumentPath, visit: &mut dyn FnMut(&DocumentPath, &str)) {
    match value {
        Json::String(text) => visit(path, text),
        Json::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                path.0.push(PathItem::Index(index));
                walk(item, path, visit);
                path.0.pop();
            }
        }
        Json::Object(entries) => {
            for (key, value) in entries {
                path.0.push(PathItem::Key(key.clone()));
                walk(value, path, visit);
                path.0.pop();
            }
        }
        _ => {}
    }
}

/// Replaces the expressions of all string values of a document, each at most once and in document
/// order, as `policy` says. Keys are never replaced. Never fails as a whole: see
/// [`Substitution::failures`].
///
/// Values are not looked at again, with one exception: an expression that only reads what the
/// definition itself says (`self.globalArguments.…`, `self.tags.…`, `model.<name>.input.…` and
/// `.definition.…`) gives text that its author wrote as a template, so where that text uses `env` or
/// `vault` it is resolved, once.
pub fn substitute(
    document: &Json,
    context: &Context<'_>,
    policy: &dyn Fn(&Site<'_>) -> Treatment,
) -> Substitution {
    let path = DocumentPath::default();
    let mut run = Run { context, policy, path, failures: Vec::new(), had_expressions: false };
    let Both { value, persistable } = run.visit(document);
    let Run { failures, had_expressions, .. } = run;
    Substitution { value, persistable, failures, had_expressions }
}

/// A part of the document in its two forms.
struct Both {
    value: Json,
    persistable: Json,
}

struct Run<'r> {
    context: &'r Context<'r>,
    policy: &'r dyn Fn(&Site<'_>) -> Treatment,
    path: DocumentPath,
    failures: Vec<Failure>,
    had_expressions: bool,
}

impl Run<'_> {
    fn visit(&mut self, value: &Json) -> Both {
        match value {
            Json::String(text) => self.text(text),
            Json::Array(items) => {
                let mut values = Vec::with_capacity(items.len());
                let mut persistables = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    self.path.0.push(PathItem::Index(index));
                    let both = self.visit(item);
                    self.path.0.pop();
                    values.push(both.value);
                    persistables.push(both.persistable);
                }
                Both { value: Json::Array(values), persistable: Json::Array(persistables) }
            }
            Json::Object(entries) => {
                let mut values = serde_json::Map::with_capacity(entries.len());
                let mut persistables = serde_json::Map::with_capacity(entries.len());
                for (key, value) in entries {
                    self.path.0.push(PathItem::Key(key.clone()));
                    let both = self.visit(value);
                    self.path.0.pop();
                    values.insert(key.clone(), both.value);
                    persistables.insert(key.clone(), both.persistable);
                }
                Both { value: Json::Object(values), persistable: Json::Object(persistables) }
            }
            other => Both { value: other.clone(), persistable: other.clone() },
        }
    }

    fn fail(&mut self, error: ExprError) {
        self.failures.push(Failure { path: self.path.clone(), error });
    }

    fn treatment(&self, program: &Program, whole_value: bool) -> Treatment {
        (self.policy)(&Site { path: &self.path, program, whole_value })
    }

    fn text(&mut self, text: &str) -> Both {
        let raw = || Both { value: Json::from(text), persistable: Json::from(text) };
        if !Template::is_template(text) {
            return raw();
        }
        self.had_expressions = true;
        match Template::parse(text) {
            Ok(template) => match template.only_expression() {
                Some(only) => self.whole(text, only).unwrap_or_else(raw),
                None => self.embedded(text, template.expressions()),
            },
            Err(error) => {
                self.fail(error);
                raw()
            }
        }
    }

    /// The value of an expression as the policy wants it, and whether it may be written to disk;
    /// `None` when the expression stays.
    fn evaluate<T>(
        &mut self,
        expression: &TemplateExpression,
        whole_value: bool,
        evaluate: fn(&TemplateExpression, &Context<'_>) -> Result<T, ExprError>,
    ) -> Option<T> {
        if self.treatment(&expression.program, whole_value) == Treatment::Keep {
            return None;
        }
        evaluate(expression, self.context).map_err(|error| self.fail(error)).ok()
    }

    fn whole(&mut self, text: &str, only: &TemplateExpression) -> Option<Both> {
        let value = self.evaluate(only, true, TemplateExpression::evaluate_json)?;
        Some(if stays_on_disk(&only.program) {
            Both { value, persistable: Json::from(text) }
        } else if holds_template(&value) && is_own_text(&only.program) {
            Both { value: self.resolve(&value), persistable: value }
        } else {
            Both { persistable: persist::quote_value(&value), value }
        })
    }

    fn embedded(&mut self, text: &str, expressions: &[TemplateExpression]) -> Both {
        let mut value = String::with_capacity(text.len());
        let mut pieces = Vec::with_capacity(2 * expressions.len() + 1);
        let mut end = 0;
        for expression in expressions {
            let plain = &text[end..expression.range.start];
            let raw = &text[expression.range.clone()];
            end = expression.range.end;
            value.push_str(plain);
            pieces.push(Piece::Plain(plain.into()));
            let Some(own) = self.evaluate(expression, false, TemplateExpression::evaluate_text)
            else {
                value.push_str(raw);
                pieces.push(Piece::Expression(raw.into()));
                continue;
            };
            if stays_on_disk(&expression.program) {
                value.push_str(&own);
                pieces.push(Piece::Expression(raw.into()));
            } else if Template::is_template(&own) && is_own_text(&expression.program) {
                value.push_str(&self.resolve_text(&own));
                pieces.extend(persist::pieces_of(&own));
            } else {
                value.push_str(&own);
                pieces.push(Piece::Value(own));
            }
        }
        value.push_str(&text[end..]);
        pieces.push(Piece::Plain(text[end..].into()));
        let persistable = persist::join(&pieces);
        Both { value: Json::String(value), persistable: Json::String(persistable) }
    }

    /// Resolves what uses `env` or `vault` in text of the definition itself.
    fn resolve(&mut self, value: &Json) -> Json {
        match value {
            Json::String(text) => Json::String(self.resolve_text(text)),
            Json::Array(items) => items.iter().map(|item| self.resolve(item)).collect(),
            Json::Object(entries) => {
                let resolved = |(key, value): (&String, &Json)| (key.clone(), self.resolve(value));
                entries.iter().map(resolved).collect()
            }
            other => other.clone(),
        }
    }

    fn resolve_text(&mut self, text: &str) -> String {
        let mut resolved = String::with_capacity(text.len());
        let mut end = 0;
        for found in scan::expressions(text) {
            resolved.push_str(&text[end..found.outer.start]);
            let raw = &text[found.outer.clone()];
            end = found.outer.end;
            // What does not compile, or needs no resolving, stays text: it is not evaluated here.
            let program = Program::compile(&text[found.inner]).ok().filter(Program::is_runtime);
            let value = program.and_then(|program| {
                let expression = TemplateExpression { range: found.outer, program };
                self.evaluate(&expression, false, TemplateExpression::evaluate_text)
            });
            resolved.push_str(value.as_deref().unwrap_or(raw));
        }
        resolved.push_str(&text[end..]);
        resolved
    }
}

/// Whether the text of an expression is written to disk, and not its value.
fn stays_on_disk(program: &Program) -> bool {
    program.is_runtime() || program.quoted_text().is_some()
}

fn holds_template(value: &Json) -> bool {
    match value {
        Json::String(text) => Template::is_template(text),
        Json::Array(items) => items.iter().any(holds_template),
        Json::Object(entries) => entries.values().any(holds_template),
        _ => false,
    }
}

/// Whether an expression reads nothing but text of definitions.
fn is_own_text(program: &Program) -> bool {
    let references = program.references();
    let own = |path: &crate::references::PathUse| match path.root.as_str() {
        "self" => {
            matches!(path.fields.first().map(String::as_str), Some("globalArguments" | "tags"))
        }
        "model" => matches!(path.fields.get(1).map(String::as_str), Some("input" | "definition")),
        _ => false,
    };
    let outside = references.is_runtime() || !references.data.is_empty();
    !outside && !references.paths.is_empty() && references.paths.iter().all(own)
}

#[cfg(test)]
mod tests;
