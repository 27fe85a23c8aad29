//! What is called, and with which inputs: everything that can be told without an event, a file or
//! an evaluation.

use std::sync::Arc;

use serde_json::{Map, Value};
use swamp_ident::{ErrorCategory, MethodName, Phase};
use swamp_store::{Definition, Definitions};

use super::stop::Stop;
use crate::evaluate::{Names, Usage, UsedArguments};
use crate::inputs::{Declaration, RequiredRule};
use crate::outcome::FailureCode;
use crate::request::{Call, MethodRequest};
use crate::types::{MethodType, ModelType, TypeRegistry};

/// A call whose definition, type and method exist and whose inputs fit.
pub(super) struct Target {
    pub(super) definition: Arc<Definition>,
    pub(super) model_type: Arc<ModelType>,
    pub(super) method: MethodType,
    /// What expressions see as `inputs`, as far as it is known before a step's own are evaluated.
    pub(super) inputs: Map<String, Value>,
    /// Arguments that a direct call replaces.
    pub(super) overrides: Map<String, Value>,
    /// Names of all arguments that the call replaces.
    replaced: Vec<String>,
}

/// A call that cannot be made, with the definition if it is known.
pub(super) struct Rejected {
    pub(super) stop: Stop,
    pub(super) definition: Option<Arc<Definition>>,
}

impl Target {
    pub(super) fn resolve(
        definitions: &Definitions,
        types: &TypeRegistry,
        request: &MethodRequest,
    ) -> Result<Self, Rejected> {
        let definition = definitions.find(&request.model).map_err(|error| Rejected {
            stop: Stop::store(&error, Phase::BeforeMethod),
            definition: None,
        })?;
        let definition = Arc::new(definition);
        Self::of_definition(Arc::clone(&definition), types, request)
            .map_err(|stop| Rejected { stop, definition: Some(definition) })
    }

    fn of_definition(
        definition: Arc<Definition>,
        types: &TypeRegistry,
        request: &MethodRequest,
    ) -> Result<Self, Stop> {
        let model_type = types.get(&definition.type_name).map_err(|error| {
            let code = FailureCode::UnknownModelType;
            Stop::before(ErrorCategory::ModelNotFound, code, error.to_string())
        })?;
        let Some(method) = model_type.method(&request.method) else {
            let message = unknown_method(model_type, &request.method);
            let code = FailureCode::UnknownMethod;
            return Err(Stop::before(ErrorCategory::MethodNotFound, code, message));
        };
        let mut target = Self {
            method: method.clone(),
            model_type: Arc::clone(model_type),
            definition,
            inputs: Map::new(),
            overrides: Map::new(),
            replaced: Vec::new(),
        };
        match &request.call {
            Call::Direct { inputs } => target.route(inputs)?,
            Call::Step(step) => {
                target.inputs.clone_from(&step.inputs);
                target.replaced = step.task_inputs.keys().cloned().collect();
            }
        }
        Ok(target)
    }

    /// Holds the inputs of a direct call against the definition: declared ones are inputs, all
    /// others replace arguments (and can be seen as inputs too).
    fn route(&mut self, given: &Map<String, Value>) -> Result<(), Stop> {
        let definition = Arc::clone(&self.definition);
        let declaration = Declaration::new(definition.inputs.as_ref());
        self.replaced = given.keys().filter(|name| !declaration.declares(name)).cloned().collect();
        let usage = self.usage();
        let is_used = |name: &str| usage.inputs.contains(name);
        self.inputs =
            declaration.process(given.clone(), RequiredRule::Used(&is_used)).map_err(|errors| {
                let code = FailureCode::InputValidationFailed;
                Stop::before(ErrorCategory::Arguments, code, errors.to_string())
            })?;
        let unknown: Vec<&str> =
            self.replaced.iter().map(String::as_str).filter(|name| !self.knows(name)).collect();
        if !unknown.is_empty() {
            let known: Vec<&str> = self.method.arguments.property_names().collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            let message = format!(
                "Unknown method input(s): {}. Valid inputs are: {known}",
                unknown.join(", ")
            );
            let code = FailureCode::ValidationFailed;
            return Err(Stop::before(ErrorCategory::Arguments, code, message));
        }
        self.overrides = self
            .replaced
            .iter()
            .filter_map(|name| Some((name.clone(), self.inputs.get(name)?.clone())))
            .collect();
        Ok(())
    }

    /// Whether the method takes an argument of this name.
    pub(super) fn knows(&self, argument: &str) -> bool {
        self.method.arguments.is_open() || self.method.arguments.property(argument).is_some()
    }

    fn uses(&self, argument: &str) -> bool {
        self.knows(argument) && !self.replaced.iter().any(|name| name == argument)
    }

    /// Asks about arguments that the definition gives and the call uses.
    pub(super) fn with_used_arguments<T>(&self, ask: impl FnOnce(&UsedArguments<'_>) -> T) -> T {
        let is_used = |name: &str| self.uses(name);
        ask(&UsedArguments { method: self.method.name.as_str(), is_used: &is_used })
    }

    /// What the call uses of the definition's inputs and global arguments.
    pub(super) fn usage(&self) -> Usage {
        let definition = &self.definition;
        let arguments = definition.method_arguments(&self.method.name);
        let own = |name: &str| arguments.is_some_and(|arguments| arguments.contains_key(name));
        let fallbacks = Names {
            // A type with a schema for them gives all global arguments to its methods.
            all: self.model_type.global_arguments.is_some(),
            some: definition
                .global_arguments
                .keys()
                .filter(|name| self.uses(name) && !own(name))
                .cloned()
                .collect(),
        };
        self.with_used_arguments(|used| {
            Usage::of_call(arguments, &definition.global_arguments, used, fallbacks)
        })
    }
}

/// The error for a method that a type does not have.
pub(crate) fn unknown_method(model_type: &ModelType, method: &MethodName) -> String {
    let available: Vec<&str> =
        model_type.methods.iter().map(|method| method.name.as_str()).collect();
    format!(
        "Unknown method '{method}' for type '{}'. Available methods: {}",
        model_type.name,
        available.join(", ")
    )
}
