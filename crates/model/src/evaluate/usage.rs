//! What expressions use: which inputs, which global arguments.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use swamp_expr::{Program, Template, for_each_template};

/// Some names, or all there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Names {
    /// A computed name or the map as a whole: it could be any.
    pub(crate) all: bool,
    pub(crate) some: BTreeSet<String>,
}

impl Names {
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.all || self.some.contains(name)
    }

    fn merge(&mut self, other: Self) {
        self.all |= other.all;
        self.some.extend(other.some);
    }

    fn add(&mut self, field: Option<&String>) {
        match field {
            Some(name) => {
                self.some.insert(name.clone());
            }
            None => self.all = true,
        }
    }
}

/// What the expressions of a document use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) inputs: Names,
    /// Through `self.globalArguments`.
    pub(crate) globals: Names,
}

/// The arguments of a definition that a call uses: those of one method, without those that the
/// call replaces and those that the method does not know.
#[derive(Clone, Copy)]
pub(crate) struct UsedArguments<'a> {
    pub(crate) method: &'a str,
    pub(crate) is_used: &'a dyn Fn(&str) -> bool,
}

impl UsedArguments<'_> {
    pub(crate) fn uses(&self, method: &str, argument: &str) -> bool {
        method == self.method && (self.is_used)(argument)
    }
}

impl Usage {
    /// Of all expressions in a document. Texts that are no valid expressions use nothing.
    pub(crate) fn of(value: &Value) -> Self {
        let mut usage = Self::default();
        for_each_template(value, &mut |_, template| {
            for expression in template.map(Template::expressions).unwrap_or_default() {
                usage.add(&expression.program);
            }
        });
        usage
    }

    /// Of one expression.
    pub(crate) fn of_program(program: &Program) -> Self {
        let mut usage = Self::default();
        usage.add(program);
        usage
    }

    fn add(&mut self, program: &Program) {
        for path in program.references().paths {
            match (path.root.as_str(), path.fields.as_slice()) {
                ("inputs", fields) => self.inputs.add(fields.first()),
                // `self` as a whole, or through a computed name.
                ("self", []) => self.globals.all = true,
                ("self", [first, rest @ ..]) if first == "globalArguments" => {
                    self.globals.add(rest.first());
                }
                _ => {}
            }
        }
    }

    fn merge(&mut self, other: Self) {
        self.inputs.merge(other.inputs);
        self.globals.merge(other.globals);
    }

    /// Adds what the used global arguments use themselves, and so on.
    pub(crate) fn close_over(&mut self, globals: &Map<String, Value>) {
        let mut seen = BTreeSet::new();
        loop {
            let next: Vec<&String> = globals
                .keys()
                .filter(|name| self.globals.contains(name) && !seen.contains(*name))
                .collect();
            if next.is_empty() {
                return;
            }
            for name in next {
                seen.insert(name.clone());
                self.merge(Self::of(&globals[name]));
            }
        }
    }

    /// What a call uses, directly and through global arguments. `fallbacks` are global arguments
    /// that the method gets for lack of an argument of its own.
    pub(crate) fn of_call(
        definition_arguments: Option<&Map<String, Value>>,
        globals: &Map<String, Value>,
        arguments: &UsedArguments<'_>,
        fallbacks: Names,
    ) -> Self {
        let mut usage = Self { globals: fallbacks, ..Self::default() };
        for (name, value) in definition_arguments.into_iter().flatten() {
            if (arguments.is_used)(name) {
                usage.merge(Self::of(value));
            }
        }
        usage.close_over(globals);
        usage
    }
}
