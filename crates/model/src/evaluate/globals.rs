//! Global arguments: evaluated each after those it needs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value};
use swamp_expr::{
    Context, DocumentPath, Failure, Map as ExprMap, PathItem, Program, Site, Substitution,
    Template, Treatment, Value as ExprValue, only_runtime, substitute,
};
use swamp_store::Definition;

use super::usage::{Names, Usage};
use super::{FieldError, FieldFailure, Mode, has_templates};
use crate::sources::self_value;

/// The evaluated global arguments of a definition.
#[derive(Clone, Debug)]
pub(crate) struct Globals {
    /// `self` without global arguments.
    identity: Vec<(Arc<str>, ExprValue)>,
    item: Option<(Arc<str>, ExprValue)>,
    written: Map<String, Value>,
    /// As written, but with references to runtime global arguments replaced by what these say.
    inlined: Map<String, Value>,
    values: Map<String, Value>,
    /// The values as expressions see them.
    seen: BTreeMap<String, ExprValue>,
    copy: Map<String, Value>,
    /// Those whose value depends on `env` or `vault`.
    runtime: BTreeSet<String>,
    failures: Vec<FieldFailure>,
    had_expressions: bool,
}

/// A document with values and its copy for the disk.
#[derive(Clone, Debug)]
pub(crate) struct Substituted {
    pub(crate) value: Value,
    pub(crate) copy: Value,
    pub(crate) failures: Vec<Failure>,
    pub(crate) had_expressions: bool,
}

impl Globals {
    /// Evaluates the global arguments of a definition.
    pub(crate) fn evaluate(
        definition: &Definition,
        context: &Context<'_>,
        item: Option<&(String, Value)>,
        mode: Mode,
        needed: Option<&Names>,
    ) -> Self {
        let identity = self_value(definition)
            .iter()
            .filter(|(key, _)| *key != "globalArguments")
            .map(|(key, value)| (Arc::from(key.as_str()), ExprValue::from_json(value)))
            .collect();
        let written = definition.global_arguments.clone();
        let mut globals = Self {
            identity,
            item: item.map(|(name, value)| (Arc::from(name.as_str()), ExprValue::from_json(value))),
            inlined: written.clone(),
            values: written.clone(),
            copy: written.clone(),
            seen: written
                .iter()
                .map(|(key, value)| (key.clone(), ExprValue::from_json(value)))
                .collect(),
            runtime: BTreeSet::new(),
            failures: Vec::new(),
            had_expressions: false,
            written,
        };
        let mut done = BTreeSet::new();
        let names: Vec<String> = globals.written.keys().cloned().collect();
        for name in &names {
            globals.evaluate_one(name, context, (mode, needed), &mut Vec::new(), &mut done);
        }
        // Found in the order of need; told in the order of the file.
        let position = |failure: &FieldFailure| match failure.path.items().get(1) {
            Some(PathItem::Key(key)) => names.iter().position(|name| name == key),
            _ => None,
        };
        globals.failures.sort_by_key(position);
        globals
    }

    /// The values, to run with.
    pub(crate) const fn values(&self) -> &Map<String, Value> {
        &self.values
    }

    /// The values as they may be written to disk.
    pub(crate) const fn copy(&self) -> &Map<String, Value> {
        &self.copy
    }

    /// What could not be evaluated, in the order of the file.
    pub(crate) fn failures(&self) -> &[FieldFailure] {
        &self.failures
    }

    pub(crate) const fn had_expressions(&self) -> bool {
        self.had_expressions
    }

    fn evaluate_one(
        &mut self,
        name: &str,
        context: &Context<'_>,
        how: (Mode, Option<&Names>),
        stack: &mut Vec<String>,
        done: &mut BTreeSet<String>,
    ) {
        if done.contains(name) {
            return;
        }
        if let Some(start) = stack.iter().position(|known| known == name) {
            let mut names = stack[start..].to_vec();
            names.push(name.to_owned());
            for member in &stack[start..] {
                let path = ["globalArguments", member].map(|key| PathItem::Key(key.to_owned()));
                let error = FieldError::Cycle(names.clone());
                self.failures.push(FieldFailure { path: DocumentPath(path.into()), error });
            }
            return;
        }
        let written = self.written[name].clone();
        if has_templates(&written) {
            stack.push(name.to_owned());
            let needed = Usage::of(&written).globals;
            // With a computed name every other argument may be meant; that is no cycle.
            let others: Vec<String> = if needed.all {
                self.written.keys().filter(|key| !stack.contains(key)).cloned().collect()
            } else {
                needed.some.into_iter().filter(|key| self.written.contains_key(key)).collect()
            };
            for other in &others {
                self.evaluate_one(other, context, how, stack, done);
            }
            stack.pop();
            self.finish(name, &written, context, how);
        }
        done.insert(name.to_owned());
    }

    fn finish(
        &mut self,
        name: &str,
        written: &Value,
        context: &Context<'_>,
        (mode, needed): (Mode, Option<&Names>),
    ) {
        let inlined = self.inline(written);
        let is_runtime = self.is_runtime(&inlined);
        if is_runtime {
            self.runtime.insert(name.to_owned());
        }
        let context = if mode == Mode::Copy {
            let written = ExprValue::from_json(&Value::Object(self.written.clone()));
            context.clone().with("self", self.self_with(written))
        } else {
            self.context(context)
        };
        // What nobody needs is not asked for: a secret of another method stays where it is.
        let is_needed = needed.is_none_or(|needed| needed.contains(name));
        let mode = if is_runtime && !is_needed { Mode::Copy } else { mode };
        let result = self.substitute_inlined(&inlined, &context, mode, &|_| true);
        self.had_expressions |= result.had_expressions;
        let failures = result.failures.into_iter();
        self.failures.extend(
            failures.map(|failure| FieldFailure::below(&["globalArguments", name], failure)),
        );
        self.seen.insert(name.to_owned(), ExprValue::from_json(&result.value));
        self.inlined.insert(name.to_owned(), inlined);
        self.values.insert(name.to_owned(), result.value);
        self.copy.insert(name.to_owned(), result.copy);
    }

    /// `context` with `self`.
    fn context<'a>(&self, context: &Context<'a>) -> Context<'a> {
        // In the order of the file, for those who list them.
        let globals: ExprMap = self
            .written
            .keys()
            .filter_map(|key| Some((Arc::<str>::from(key.as_str()), self.seen.get(key)?.clone())))
            .collect();
        context.clone().with("self", self.self_with(globals.into()))
    }

    fn self_with(&self, globals: ExprValue) -> ExprMap {
        let own = self.identity.iter().cloned();
        let own = own.chain([(Arc::from("globalArguments"), globals)]);
        // A loop variable hides what has its name.
        own.filter(|(key, _)| self.item.as_ref().is_none_or(|(name, _)| name != key))
            .chain(self.item.clone())
            .collect()
    }

    /// Evaluates any other part of the definition, or the inputs of a step that calls it. What
    /// depends on `env` or `vault` where it is not needed stays text.
    pub(crate) fn substitute(
        &self,
        value: &Value,
        context: &Context<'_>,
        mode: Mode,
        is_needed: &dyn Fn(&DocumentPath) -> bool,
    ) -> Substituted {
        self.substitute_inlined(&self.inline(value), &self.context(context), mode, is_needed)
    }

    fn substitute_inlined(
        &self,
        value: &Value,
        context: &Context<'_>,
        mode: Mode,
        is_needed: &dyn Fn(&DocumentPath) -> bool,
    ) -> Substituted {
        let keep_runtime = |site: &Site<'_>| {
            let keep = self.depends_on_runtime(site.program);
            if keep { Treatment::Keep } else { Treatment::Evaluate }
        };
        let is_idle =
            |site: &Site<'_>| !is_needed(site.path) && self.depends_on_runtime(site.program);
        let left_open = |site: &Site<'_>| {
            if is_idle(site) {
                Treatment::Keep
            } else if self.uses_runtime_globals(site.program) {
                Treatment::Evaluate
            } else {
                only_runtime(site)
            }
        };
        let all = |site: &Site<'_>| {
            if is_idle(site) { Treatment::Keep } else { Treatment::Evaluate }
        };
        let result: Substitution = match mode {
            Mode::Run => substitute(value, context, &all),
            Mode::Again => substitute(value, context, &left_open),
            Mode::Copy => substitute(value, context, &keep_runtime),
        };
        // The copy keeps what uses `env` or `vault` by itself. What does so through a global
        // argument takes another look, where there is any.
        let copy = if mode == Mode::Run && !self.runtime.is_empty() && self.any_indirect(value) {
            substitute(value, context, &keep_runtime).persistable
        } else {
            result.persistable
        };
        Substituted {
            value: result.value,
            copy,
            failures: result.failures,
            had_expressions: result.had_expressions,
        }
    }

    fn any_indirect(&self, value: &Value) -> bool {
        let used = Usage::of(value).globals;
        self.runtime.iter().any(|name| used.contains(name))
    }

    fn uses_runtime_globals(&self, program: &Program) -> bool {
        if self.runtime.is_empty() {
            return false;
        }
        let used = Usage::of_program(program).globals;
        self.runtime.iter().any(|name| used.contains(name))
    }

    fn depends_on_runtime(&self, program: &Program) -> bool {
        program.is_runtime() || self.uses_runtime_globals(program)
    }

    fn is_runtime(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => Template::parse(text).is_ok_and(|template| {
                let mut programs = template.expressions().iter().map(|found| &found.program);
                programs.any(|program| self.depends_on_runtime(program))
            }),
            Value::Array(items) => items.iter().any(|item| self.is_runtime(item)),
            Value::Object(map) => map.values().any(|value| self.is_runtime(value)),
            _ => false,
        }
    }

    /// Replaces expressions that are nothing but a reference to a runtime global argument by what
    /// that argument says: `${{ self.globalArguments.site }}` by `${{ env.SITE }}`. The value is the
    /// same, and the copy is one that stands for itself.
    fn inline(&self, value: &Value) -> Value {
        if self.runtime.is_empty() {
            return value.clone();
        }
        match value {
            Value::String(text) => Value::String(self.inline_text(text)),
            Value::Array(items) => items.iter().map(|item| self.inline(item)).collect(),
            Value::Object(map) => {
                map.iter().map(|(key, value)| (key.clone(), self.inline(value))).collect()
            }
            other => other.clone(),
        }
    }

    fn inline_text(&self, text: &str) -> String {
        let Ok(template) = Template::parse(text) else { return text.to_owned() };
        let mut inlined = String::with_capacity(text.len());
        let mut end = 0;
        for expression in template.expressions() {
            let name = plain_reference(expression.program.source());
            let argument = name
                .filter(|name| self.runtime.contains(*name))
                .and_then(|name| self.inlined.get(name)?.as_str());
            if let Some(argument) = argument {
                inlined.push_str(&text[end..expression.range.start]);
                inlined.push_str(argument);
                end = expression.range.end;
            }
        }
        inlined.push_str(&text[end..]);
        inlined
    }
}

/// The global argument that an expression names, if it does nothing else.
fn plain_reference(source: &str) -> Option<&str> {
    let rest = source.trim().strip_prefix("self.globalArguments")?;
    if let Some(name) = rest.strip_prefix('.') {
        let is_name = name.chars().all(|character| character.is_alphanumeric() || character == '_');
        return is_name.then_some(name);
    }
    let name = rest.strip_prefix('[')?.strip_suffix(']')?.trim();
    let quote = name.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let name = name.strip_prefix(quote)?.strip_suffix(quote)?;
    (!name.contains([quote, '\\'])).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::plain_reference;

    #[test]
    fn only_plain_references_are_inlined() {
        for (source, want) in [
            ("self.globalArguments.a", Some("a")),
            (" self.globalArguments[\"a-b\"] ", Some("a-b")),
            ("self.globalArguments['a']", Some("a")),
            ("self.globalArguments.a.b", None),
            ("self.globalArguments.a + 'x'", None),
            ("self.globalArguments[a]", None),
            ("self.globalArguments", None),
            ("size(self.globalArguments.a)", None),
        ] {
            assert_eq!(plain_reference(source), want, "{source}");
        }
    }
}
