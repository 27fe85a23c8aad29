//! Evaluating a call: the inputs of a step, then the definition; and the copy of it on disk.

use serde_json::{Map, Value};
use swamp_events::{EventKind, Preparation};
use swamp_expr::{Context, PathItem, Value as ExprValue};
use swamp_ident::{ErrorCategory, Phase};
use swamp_store::Definition;

use super::Run;
use super::stop::Stop;
use super::target::Target;
use crate::evaluate::{Evaluated, FieldFailure, Globals, Mode, Needs, Usage};
use crate::inputs::Declaration;
use crate::outcome::FailureCode;
use crate::request::{Call, StepCall};

type Object = Map<String, Value>;

/// A call as evaluated.
pub(super) struct Prepared {
    pub(super) evaluated: Evaluated,
    /// Arguments that the call replaces, and the same as they may be shown.
    pub(super) replaced: Map<String, Value>,
    pub(super) shown_replaced: Map<String, Value>,
    /// What names can vary by.
    pub(super) inputs: Map<String, Value>,
}

impl Run<'_> {
    /// Evaluates the step's inputs and the definition, and writes the evaluated copy.
    pub(super) fn prepare(&self, target: &Target) -> Result<Prepared, Stop> {
        let definition = &target.definition;
        let mut inputs = target.inputs.clone();
        let base = self.engine.context();
        let (replaced, shown_replaced) = match &self.request.call {
            Call::Direct { .. } => (target.overrides.clone(), target.overrides.clone()),
            Call::Step(step) => {
                let own = self.step_inputs(step, definition, &base)?;
                inputs.extend(own.0.iter().map(|(name, value)| (name.clone(), value.clone())));
                add_defaults(definition, &mut inputs);
                own
            }
        };
        let context = base.with("inputs", ExprValue::from_json(&Value::Object(inputs.clone())));
        let item = self.step().and_then(|step| step.item.as_ref());
        let globals = target.usage().globals;
        let evaluate = |definition: &Definition, mode| {
            target.with_used_arguments(|arguments| {
                let needs = Needs { arguments, globals: &globals };
                Evaluated::new(definition, &context, item, mode, Some(&needs))
            })
        };
        let evaluated = if self.request.last_evaluated {
            self.emitter.emit(EventKind::Preparing(Preparation::EvaluatedDefinition));
            let copy = self.load_copy(definition)?;
            evaluate(&copy, Mode::Again)
        } else {
            self.emitter.emit(EventKind::Preparing(Preparation::Definition));
            let evaluated = evaluate(definition, Mode::Run);
            self.save_copy(target, &evaluated, &shown_replaced)?;
            evaluated
        };
        let failure =
            target.with_used_arguments(|used| evaluated.first_failure(used, &globals).cloned());
        match failure {
            None => Ok(Prepared { evaluated, replaced, shown_replaced, inputs }),
            Some(failure) => {
                let message = failure.describe_in(definition, self.engine.paths());
                Err(Stop::before(failure.category(), None, message))
            }
        }
    }

    /// The step's own inputs: values, and the same as they may be shown. Any failure counts.
    fn step_inputs(
        &self,
        step: &StepCall,
        definition: &Definition,
        base: &Context<'_>,
    ) -> Result<(Object, Object), Stop> {
        let inputs = ExprValue::from_json(&Value::Object(Map::clone(&step.inputs)));
        let context =
            base.clone().with("inputs", inputs).with("workflowRunId", step.run_id.as_str());
        let written = Value::Object(step.task_inputs.clone());
        let mut usage = Usage::of(&written);
        usage.close_over(&definition.global_arguments);
        let needed = Some(&usage.globals);
        let item = step.item.as_ref();
        let globals = Globals::evaluate(definition, &context, item, Mode::Run, needed);
        let unusable = globals.failures().iter().find(|failure| {
            let name = failure.path.items().get(1);
            matches!(name, Some(PathItem::Key(name)) if usage.globals.contains(name))
        });
        if let Some(failure) = unusable {
            let message = failure.describe_in(definition, self.engine.paths());
            return Err(Stop::before(failure.category(), None, message));
        }
        let result = globals.substitute(&written, &context, Mode::Run, &|_| true);
        if let Some(failure) = result.failures.into_iter().next() {
            let failure = FieldFailure::below(&["task", "inputs"], failure);
            return Err(Stop::before(failure.category(), None, failure.describe()));
        }
        match (result.value, result.copy) {
            (Value::Object(values), Value::Object(copy)) => Ok((values, copy)),
            _ => Ok(Default::default()),
        }
    }

    fn load_copy(&self, definition: &Definition) -> Result<Definition, Stop> {
        let copy = self.engine.definitions().load_evaluated(definition);
        let copy = copy.map_err(|error| Stop::store(&error, Phase::BeforeMethod))?;
        copy.ok_or_else(|| {
            let hint = match &self.request.call {
                Call::Direct { .. } => "",
                Call::Step(_) => " Run the workflow without --last-evaluated first.",
            };
            let name = &definition.name;
            let message = format!("No previously evaluated definition found for \"{name}\".{hint}");
            let code = FailureCode::NoEvaluatedDefinition;
            Stop::before(ErrorCategory::ModelNotFound, code, message)
        })
    }

    /// Writes the evaluated copy. What a step says about arguments is part of it, what a direct call
    /// says is not.
    fn save_copy(
        &self,
        target: &Target,
        evaluated: &Evaluated,
        shown_replaced: &Map<String, Value>,
    ) -> Result<(), Stop> {
        let mut copy = evaluated.copied_definition(&target.definition);
        copy.type_version = Some(target.model_type.version.clone());
        if self.step().is_some() && !shown_replaced.is_empty() {
            replace_arguments(&mut copy, target.method.name.as_str(), shown_replaced);
        }
        let saved = self.engine.definitions().save_evaluated(&copy);
        saved.map(drop).map_err(|error| Stop::store(&error, Phase::BeforeMethod))
    }
}

/// A step may leave out inputs that the definition has defaults for.
fn add_defaults(definition: &Definition, inputs: &mut Map<String, Value>) {
    let declaration = Declaration::new(definition.inputs.as_ref());
    for (name, schema) in declaration.properties() {
        if let Some(default) = schema.get("default").filter(|_| !inputs.contains_key(name)) {
            inputs.insert(name.to_owned(), default.clone());
        }
    }
}

/// Puts arguments over those of a method, making room for them where there is none.
fn replace_arguments(definition: &mut Definition, method: &str, with: &Map<String, Value>) {
    let object = || Value::Object(Map::new());
    let entry = definition.methods.entry(method).or_insert_with(object);
    if !entry.is_object() {
        *entry = object();
    }
    if let Value::Object(entry) = entry {
        let arguments = entry.entry("arguments").or_insert_with(object);
        if !arguments.is_object() {
            *arguments = object();
        }
        if let Value::Object(arguments) = arguments {
            arguments.extend(with.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
    }
}
