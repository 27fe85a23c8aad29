//! Declared inputs.

use serde_json::{Map, Value};

/// The `inputs` of a definition or workflow.
#[derive(Clone, Copy, Debug)]
pub struct Declaration<'a> {
    schema: Option<&'a Value>,
}

/// Which of the inputs that are declared as required are.
#[derive(Clone, Copy)]
pub enum RequiredRule<'a> {
    /// All.
    All,
    /// Only those that this returns `true` for.
    Used(&'a dyn Fn(&str) -> bool),
}

/// Everything that is wrong with some inputs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Input validation failed:{}", .0.iter().map(|problem| format!("\n  {problem}")).collect::<String>())]
pub struct InputErrors(pub Vec<String>);

impl<'a> Declaration<'a> {
    /// The declaration as it stands in the file, with a `properties` key or, for workflows,
    /// without.
    pub const fn new(schema: Option<&'a Value>) -> Self {
        Self { schema }
    }

    /// Whether this input is declared.
    pub fn declares(&self, name: &str) -> bool {
        let _ = name;
        todo!()
    }

    /// Coerces texts to the declared types, fills in defaults for what is absent, and checks.
    /// Inputs that are not declared stay as they are.
    pub fn process(
        &self,
        given: Map<String, Value>,
        required: RequiredRule<'_>,
    ) -> Result<Map<String, Value>, InputErrors> {
        let _ = (self.schema, given, required);
        todo!()
    }
}
