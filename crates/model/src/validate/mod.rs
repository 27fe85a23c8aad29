//! `model validate`: what can be said about a definition without running it.

mod expressions;

use serde_json::{Map, Value};
use swamp_events::EnvUse;
use swamp_ident::MethodName;
use swamp_store::{BrokenFile, Definition, StoreError};

use crate::checks;
use crate::engine::Engine;
use crate::evaluate::has_templates;
use crate::runner::{unknown_arguments, unknown_method};
use crate::schema::{Schema, join};
use crate::types::ModelType;

/// What a use of environment variables in a definition means.
pub const ENV_WARNING: &str = "Data stored under this model will vary depending on these environment variables at runtime. Consider using separate models per environment, or vault.get() for sensitive values.";

/// What to look at besides the definition itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ValidateOptions {
    /// Only checks with one of these labels, if any are named.
    pub labels: Vec<String>,
    /// The method that checks for certain methods are run for.
    pub method: Option<String>,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidationCheck {
    /// Its name: `Definition schema`, `Global arguments`, …
    pub name: String,
    /// What is wrong; nothing if it is fine.
    pub error: Option<String>,
}

/// Something that is worth knowing but not wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidationWarning {
    /// Its name.
    pub name: String,
    /// What it means.
    pub message: String,
    /// The uses of environment variables it is about.
    pub env_uses: Vec<EnvUse>,
}

/// The result for one definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validation {
    /// The definition's id; empty for a file that cannot be read.
    pub model_id: String,
    /// Its name; the file's path for a file that cannot be read.
    pub model_name: String,
    /// Its type; empty for a file that cannot be read.
    pub type_name: String,
    /// What was looked at, in order.
    pub checks: Vec<ValidationCheck>,
    /// Warnings.
    pub warnings: Vec<ValidationWarning>,
}

impl Validation {
    /// Whether nothing is wrong.
    pub fn passed(&self) -> bool {
        self.checks.iter().all(|check| check.error.is_none())
    }
}

/// Looks at one definition. One of an unknown type is an error.
pub(crate) fn one(
    engine: &Engine,
    name_or_id: &str,
    options: &ValidateOptions,
) -> Result<Validation, StoreError> {
    let definition = engine.definitions().find(name_or_id)?;
    let model_type = engine.parts().types.get(&definition.type_name);
    let model_type = model_type.map_err(|_| StoreError::Usage(unknown_type(&definition)))?;
    Ok(validate(engine, &definition, model_type, options))
}

/// Looks at every definition file.
pub(crate) fn all(
    engine: &Engine,
    options: &ValidateOptions,
) -> Result<Vec<Validation>, StoreError> {
    let scan = engine.definitions().scan()?;
    let found =
        scan.found.iter().map(|definition| match engine.parts().types.get(&definition.type_name) {
            Ok(model_type) => validate(engine, definition, model_type, options),
            Err(_) => Validation {
                checks: vec![
                    ValidationCheck { name: "Definition schema".to_owned(), error: None },
                    ValidationCheck {
                        name: "Model type".to_owned(),
                        error: Some(unknown_type(definition)),
                    },
                ],
                ..empty(definition)
            },
        });
    Ok(found.chain(scan.broken.iter().map(|file| broken(engine, file))).collect())
}

fn unknown_type(definition: &Definition) -> String {
    format!("Model type not found: {}", definition.type_name)
}

fn empty(definition: &Definition) -> Validation {
    Validation {
        model_id: definition.id.to_string(),
        model_name: definition.name.to_string(),
        type_name: definition.type_name.to_string(),
        checks: Vec::new(),
        warnings: Vec::new(),
    }
}

fn broken(engine: &Engine, file: &BrokenFile) -> Validation {
    let error = Some(file.error.to_string());
    Validation {
        model_id: String::new(),
        model_name: engine.paths().relative(&file.path),
        type_name: String::new(),
        checks: vec![ValidationCheck { name: "Definition schema".to_owned(), error }],
        warnings: Vec::new(),
    }
}

fn validate(
    engine: &Engine,
    definition: &Definition,
    model_type: &ModelType,
    options: &ValidateOptions,
) -> Validation {
    let mut validation = empty(definition);
    let mut add = |name: &str, error: Option<String>| {
        validation.checks.push(ValidationCheck { name: name.to_owned(), error });
    };
    // A definition that could be read has the right form.
    add("Definition schema", None);
    add("Global arguments", global_arguments(definition, model_type));
    add("Method arguments", joined(&method_arguments(definition, model_type)));
    add("Expression paths", expressions::check(engine, definition));
    add("Check selection", joined(&check_selection(definition, model_type)));
    let skipped = checks::names(definition.checks.as_ref(), "skip");
    for check in &model_type.checks {
        let is_for = check.applies_to.as_ref().is_none_or(|methods| {
            options
                .method
                .as_ref()
                .is_some_and(|wanted| methods.iter().any(|method| method == wanted.as_str()))
        });
        let is_labelled = options.labels.is_empty()
            || check.labels.iter().any(|label| options.labels.contains(label));
        if is_for && is_labelled && !skipped.contains(&check.name.as_str()) {
            let problems = checks::make(check, &definition.global_arguments);
            add(&format!("Check: {}", check.name), joined(&problems));
        }
    }
    let env_uses = engine.env_uses(definition);
    if !env_uses.is_empty() {
        validation.warnings.push(ValidationWarning {
            name: "Environment variables detected".to_owned(),
            message: ENV_WARNING.to_owned(),
            env_uses,
        });
    }
    validation
}

fn joined(problems: &[String]) -> Option<String> {
    (!problems.is_empty()).then(|| problems.join("; "))
}

fn global_arguments(definition: &Definition, model_type: &ModelType) -> Option<String> {
    let schema = model_type.global_arguments.as_ref()?;
    problems(schema, &definition.global_arguments)
}

/// Everything about arguments that can be told while nothing in them is an expression.
fn problems(schema: &Schema, arguments: &Map<String, Value>) -> Option<String> {
    let whole = Value::Object(arguments.clone());
    if has_templates(&whole) {
        return None;
    }
    let mut problems: Vec<String> = unknown_arguments(schema, arguments).into_iter().collect();
    let found = schema.check(&whole);
    if !found.is_empty() {
        problems.push(join(&found));
    }
    joined(&problems)
}

fn method_arguments(definition: &Definition, model_type: &ModelType) -> Vec<String> {
    let mut problems_found = Vec::new();
    for name in definition.methods.keys() {
        let name = MethodName::new(name);
        let Some(method) = model_type.method(&name) else {
            problems_found.push(unknown_method(model_type, &name));
            continue;
        };
        let Some(own) = definition.method_arguments(&name) else { continue };
        // What the method would fall back to counts as given.
        let mut arguments = own.clone();
        for (key, value) in &definition.global_arguments {
            if method.arguments.property(key).is_some() && !arguments.contains_key(key) {
                arguments.insert(key.clone(), value.clone());
            }
        }
        if let Some(problem) = problems(&method.arguments, &arguments) {
            problems_found.push(format!("Method \"{name}\": {problem}"));
        }
    }
    problems_found
}

fn check_selection(definition: &Definition, model_type: &ModelType) -> Vec<String> {
    let rules = definition.checks.as_ref();
    let (required, skipped) = (checks::names(rules, "require"), checks::names(rules, "skip"));
    let is_known = |name: &str| model_type.checks.iter().any(|check| check.name == name);
    let mut problems = Vec::new();
    for (word, names) in [("Required", &required), ("Skipped", &skipped)] {
        for name in names.iter().filter(|name| !is_known(name)) {
            let type_name = &model_type.name;
            problems
                .push(format!("{word} check \"{name}\" not found on model type \"{type_name}\""));
        }
    }
    for name in required.iter().filter(|name| skipped.contains(name)) {
        problems.push(format!(
            "Check \"{name}\" is in both require and skip lists — skip takes precedence"
        ));
    }
    for check in &model_type.checks {
        let Some(methods) = &check.applies_to else { continue };
        if methods.is_empty() {
            problems.push(format!("Check \"{}\" applies to no method", check.name));
        }
        for method in methods.iter().filter(|method| model_type.method(method).is_none()) {
            problems
                .push(format!("Check \"{}\" applies to unknown method \"{method}\"", check.name));
        }
    }
    problems
}
