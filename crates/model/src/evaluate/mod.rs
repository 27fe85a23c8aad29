//! Evaluating a definition: its global arguments first, then everything else.
//!
//! One pass gives two documents. The *values* are what the method gets: every expression evaluated,
//! `env` and `vault` included. The *copy* is what may be written to disk: expressions that depend
//! on `env` or `vault` are in it as text, so that no secret and no value of this machine is stored.
//!
//! Nothing here fails. What could not be evaluated stays text in both documents and is listed; the
//! caller asks which of it matters ([`Evaluated::first_failure`]).

mod command;
mod globals;
mod usage;

use serde_json::{Map, Value};
use swamp_expr::{Context, DocumentPath, ExprError, Failure, PathItem, Template};
use swamp_ident::{DriverName, ErrorCategory};
use swamp_store::{Definition, RepoPaths};

pub(crate) use command::{all, one};
pub(crate) use globals::Globals;
pub(crate) use usage::{Names, Usage, UsedArguments};

/// What an evaluation is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// For a run: everything is evaluated.
    Run,
    /// For a run from an evaluated copy: only what the copy left open is evaluated.
    Again,
    /// Only for the copy: `env` and `vault` are not touched, and global arguments see each other as
    /// they are written.
    Copy,
}

/// What a call needs of a definition.
#[derive(Clone, Copy)]
pub(crate) struct Needs<'a> {
    pub(crate) arguments: &'a UsedArguments<'a>,
    pub(crate) globals: &'a Names,
}

/// A field whose expression could not be evaluated.
#[derive(Clone, Debug)]
pub(crate) struct FieldFailure {
    /// Where in the definition, from its top, or in the step's inputs.
    pub(crate) path: DocumentPath,
    pub(crate) error: FieldError,
}

#[derive(Clone, Debug)]
pub(crate) enum FieldError {
    Expression(ExprError),
    /// Global arguments that need each other; the first is repeated at the end.
    Cycle(Vec<String>),
}

impl FieldFailure {
    pub(crate) fn below(prefix: &[&str], failure: Failure) -> Self {
        let prefix = prefix.iter().map(|key| PathItem::Key((*key).to_owned()));
        let path = DocumentPath(prefix.chain(failure.path.0).collect());
        Self { path, error: FieldError::Expression(failure.error) }
    }

    pub(crate) fn category(&self) -> ErrorCategory {
        match &self.error {
            FieldError::Expression(error) => error.category(),
            FieldError::Cycle(_) => ErrorCategory::Expression,
        }
    }

    /// The error and the field, for people.
    pub(crate) fn describe(&self) -> String {
        let error = match &self.error {
            FieldError::Expression(error) => error.render(),
            FieldError::Cycle(names) => {
                format!("Global arguments need each other: {}", names.join(" -> "))
            }
        };
        format!("{}\n  at {}", error.trim_end(), self.path)
    }

    /// The error, the field, and where it stands in the definition's file.
    pub(crate) fn describe_in(&self, definition: &Definition, paths: &RepoPaths) -> String {
        let path: Vec<swamp_yaml::PathItem> = self
            .path
            .items()
            .iter()
            .map(|item| match item {
                PathItem::Key(key) => swamp_yaml::PathItem::Key(key.clone()),
                PathItem::Index(index) => swamp_yaml::PathItem::Index(*index),
            })
            .collect();
        let file = paths.relative(&definition.path);
        let place = definition.position(&path).map_or_else(String::new, |at| format!(":{at}"));
        format!("{} of model \"{}\" ({file}{place})", self.describe(), definition.name)
    }
}

/// An evaluated definition.
#[derive(Clone, Debug)]
pub(crate) struct Evaluated {
    /// `tags`, `globalArguments`, `methods`, … to run with.
    pub(crate) values: Map<String, Value>,
    /// The same, to write to disk.
    pub(crate) copy: Map<String, Value>,
    /// What could not be evaluated, in the order of the file.
    pub(crate) failures: Vec<FieldFailure>,
    pub(crate) had_expressions: bool,
}

impl Evaluated {
    /// Evaluates a definition. `context` holds everything but `self`; `item` is a loop variable to
    /// be found in `self`. Of what depends on `env` or `vault`, only what the call needs is
    /// evaluated.
    pub(crate) fn new(
        definition: &Definition,
        context: &Context<'_>,
        item: Option<&(String, Value)>,
        mode: Mode,
        needs: Option<&Needs<'_>>,
    ) -> Self {
        let mut fields = fields_of(definition);
        if !has_templates(&fields) {
            let values = into_map(fields);
            return Self {
                copy: values.clone(),
                values,
                failures: Vec::new(),
                had_expressions: false,
            };
        }
        let needed = needs.map(|needs| needs.globals);
        let globals = Globals::evaluate(definition, context, item, mode, needed);
        // They are done; the rest goes in one piece.
        set(&mut fields, "globalArguments", Value::Null);
        let is_needed = |path: &DocumentPath| match (needs, path.items()) {
            (
                Some(needs),
                [
                    PathItem::Key(top),
                    PathItem::Key(method),
                    PathItem::Key(_),
                    PathItem::Key(name),
                    ..,
                ],
            ) if top == "methods" => needs.arguments.uses(method, name),
            _ => true,
        };
        let rest = globals.substitute(&fields, context, mode, &is_needed);
        let mut values = into_map(rest.value);
        let mut copy = into_map(rest.copy);
        values.insert("globalArguments".to_owned(), Value::Object(globals.values().clone()));
        copy.insert("globalArguments".to_owned(), Value::Object(globals.copy().clone()));
        let mut failures = globals.failures().to_vec();
        failures.extend(rest.failures.into_iter().map(|failure| FieldFailure::below(&[], failure)));
        let had_expressions = globals.had_expressions() || rest.had_expressions;
        Self { values, copy, failures, had_expressions }
    }

    /// The first failure in something that a call uses.
    pub(crate) fn first_failure(
        &self,
        arguments: &UsedArguments<'_>,
        globals: &Names,
    ) -> Option<&FieldFailure> {
        self.failures.iter().find(|failure| match failure.path.items() {
            [PathItem::Key(top), PathItem::Key(name), ..] if top == "globalArguments" => {
                globals.contains(name)
            }
            [
                PathItem::Key(top),
                PathItem::Key(method),
                PathItem::Key(_),
                PathItem::Key(name),
                ..,
            ] if top == "methods" => arguments.uses(method, name),
            _ => false,
        })
    }

    /// The values of a method's arguments.
    pub(crate) fn arguments(&self, method: &str) -> Map<String, Value> {
        map_at(&self.values, &["methods", method, "arguments"])
    }

    /// A method's arguments as they may be shown and stored.
    pub(crate) fn shown_arguments(&self, method: &str) -> Map<String, Value> {
        map_at(&self.copy, &["methods", method, "arguments"])
    }

    /// The values of the global arguments.
    pub(crate) fn globals(&self) -> Map<String, Value> {
        map_at(&self.values, &["globalArguments"])
    }

    /// The global arguments as they may be shown and stored.
    pub(crate) fn shown_globals(&self) -> Map<String, Value> {
        map_at(&self.copy, &["globalArguments"])
    }

    /// The definition's tags.
    pub(crate) fn tags(&self) -> Map<String, Value> {
        map_at(&self.values, &["tags"])
    }

    /// The driver the definition asks for and its configuration, or why these cannot be told.
    pub(crate) fn driver(&self) -> Result<Option<(DriverName, Option<Value>)>, &FieldFailure> {
        let at_driver = |failure: &&FieldFailure| {
            ["driver", "driverConfig"].iter().any(|key| failure.path.starts_with(&[key]))
        };
        if let Some(failure) = self.failures.iter().find(at_driver) {
            return Err(failure);
        }
        let name = self.values.get("driver").map(|driver| match driver {
            Value::String(name) => name.as_str().into(),
            other => other.to_string().as_str().into(),
        });
        Ok(name.map(|name| (name, self.values.get("driverConfig").cloned())))
    }

    /// The definition with the fields of the copy.
    pub(crate) fn copied_definition(&self, definition: &Definition) -> Definition {
        let map = |key: &str| map_at(&self.copy, &[key]);
        let text = |key: &str| self.copy.get(key).and_then(Value::as_str);
        Definition {
            tags: map("tags"),
            global_arguments: map("globalArguments"),
            methods: map("methods"),
            inputs: self.copy.get("inputs").cloned(),
            checks: self.copy.get("checks").cloned(),
            reports: self.copy.get("reports").cloned(),
            driver: text("driver").map(Into::into).or_else(|| definition.driver.clone()),
            driver_config: self.copy.get("driverConfig").cloned(),
            ..definition.clone()
        }
    }
}

/// The fields of a definition in which expressions are evaluated, in the order of the file.
fn fields_of(definition: &Definition) -> Value {
    let mut value = definition.to_value();
    if let Value::Object(fields) = &mut value {
        // Who a definition is does not depend on anything.
        for identity in ["type", "typeVersion", "id", "name", "version"] {
            fields.shift_remove(identity);
        }
    }
    value
}

fn into_map(value: Value) -> Map<String, Value> {
    if let Value::Object(map) = value { map } else { Map::new() }
}

fn set(value: &mut Value, key: &str, to: Value) {
    if let Value::Object(map) = value {
        map.insert(key.to_owned(), to);
    }
}

fn map_at(map: &Map<String, Value>, path: &[&str]) -> Map<String, Value> {
    let (first, rest) = path.split_first().map_or(("", path), |(first, rest)| (*first, rest));
    let found =
        rest.iter().try_fold(map.get(first), |value, key| value.map(|value| value.get(key)));
    found.flatten().and_then(Value::as_object).cloned().unwrap_or_default()
}

/// Whether there is any expression in a document.
pub(crate) fn has_templates(value: &Value) -> bool {
    match value {
        Value::String(text) => Template::is_template(text),
        Value::Array(items) => items.iter().any(has_templates),
        Value::Object(map) => map.values().any(has_templates),
        _ => false,
    }
}
