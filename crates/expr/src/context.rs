//! What an expression can see.

use std::fmt;
use std::sync::Arc;

use crate::source::{DataSource, EnvSource, ModelSource, SecretSource};
use crate::value::Value;

/// The names an expression can use: plain values (`inputs`, `self`, `workflowRunId`, …) and the
/// roots answered on demand (`data` and `file`, `model`, `env`, `vault`). A root whose source is not
/// set does not exist: using it is `Unknown variable`. Cloning is cheap.
///
/// ```
/// use swamp_expr::{Context, Program, Value};
/// let inputs = Value::from_json(&serde_json::json!({"n": 5}));
/// let context = Context::new().with("inputs", inputs);
/// let half = Program::compile("inputs.n / 2")?.evaluate(&context)?;
/// assert_eq!(half.to_text().as_deref(), Ok("2.5"));
/// # Ok::<(), swamp_expr::ExprError>(())
/// ```
#[derive(Clone, Default)]
pub struct Context<'a> {
    pub(crate) variables: Vec<(Arc<str>, Value)>,
    pub(crate) data: Option<&'a dyn DataSource>,
    pub(crate) models: Option<&'a dyn ModelSource>,
    pub(crate) env: Option<&'a dyn EnvSource>,
    pub(crate) secrets: Option<&'a dyn SecretSource>,
}

impl<'a> Context<'a> {
    /// Nothing is visible.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds (or replaces) a variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.set(name, value);
        self
    }

    /// Adds (or replaces) a variable in place.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        let value = value.into();
        match self.variables.iter_mut().find(|(known, _)| &**known == name) {
            Some((_, slot)) => *slot = value,
            None => self.variables.push((name.into(), value)),
        }
    }

    /// The value of a plain variable.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.variables.iter().find(|(known, _)| &**known == name).map(|(_, value)| value)
    }

    /// Makes `data` and `file` exist.
    #[must_use]
    pub fn with_data(mut self, data: &'a dyn DataSource) -> Self {
        self.data = Some(data);
        self
    }

    /// Makes `model` exist.
    #[must_use]
    pub fn with_models(mut self, models: &'a dyn ModelSource) -> Self {
        self.models = Some(models);
        self
    }

    /// Makes `env` exist.
    #[must_use]
    pub fn with_env(mut self, env: &'a dyn EnvSource) -> Self {
        self.env = Some(env);
        self
    }

    /// Makes `vault.get` exist.
    #[must_use]
    pub fn with_secrets(mut self, secrets: &'a dyn SecretSource) -> Self {
        self.secrets = Some(secrets);
        self
    }
}

impl fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values may hold secrets: names only.
        f.debug_set().entries(self.variables.iter().map(|(name, _)| name)).finish()
    }
}
