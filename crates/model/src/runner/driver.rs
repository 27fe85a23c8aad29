//! Which driver a call gets, and with which configuration.
//!
//! The first who names a driver wins, and the configuration that stands beside that name is used as
//! it is: nothing is merged. Expressions in it are evaluated here, when everything is known. A
//! secret may only stand in `env`: from everywhere else it would get onto a command line.

use serde_json::{Map, Value};
use swamp_driver::{Configured, DriverError};
use swamp_events::{DriverUse, EventKind};
use swamp_expr::{Context, Treatment, Value as ExprValue, substitute};
use swamp_ident::{DriverName, DriverOrigin, ErrorCategory};
use swamp_secret::Secret;
use swamp_store::Definition;

use super::Run;
use super::prepare::Prepared;
use super::stop::Stop;
use super::target::Target;
use crate::evaluate::FieldFailure;
use crate::secrets::SecretBag;

/// A driver that is ready, and the secrets of its configuration.
pub(super) struct Chosen {
    pub(super) configured: Configured,
    pub(super) secret_env: Vec<(String, Secret)>,
}

/// A name and a configuration as written or evaluated.
struct Asked {
    driver: DriverUse,
    config: Option<Value>,
}

impl Run<'_> {
    /// The driver that is asked for, as written: by the caller, else by the definition, else by the
    /// repository.
    pub(super) fn asked_driver(&self, definition: Option<&Definition>) -> DriverUse {
        match self.request.drivers.first() {
            Some(choice) => DriverUse { name: choice.name.clone(), origin: choice.origin },
            None => self.engine.driver_without_workflow(definition),
        }
    }

    /// Evaluates, finds and configures the driver, and notes it as the call's.
    pub(super) fn choose_driver(
        &mut self,
        target: &Target,
        prepared: &Prepared,
    ) -> Result<Chosen, Stop> {
        let Asked { driver, config } = self.evaluated_driver(target, prepared)?;
        self.call.driver = Some(driver.clone());
        let place = Place { driver: &driver, target, run: self };
        let mut config = match config {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(config)) => config,
            Some(_) => return Err(place.refuse("driverConfig must be a mapping")),
        };
        let secret_env =
            reveal(&mut config, self.engine.secrets()).map_err(|problem| place.refuse(&problem))?;
        let resolved = self.engine.parts().drivers.resolve(&driver.name, &config);
        let configured = resolved.map_err(|error| match error {
            DriverError::Config { .. } => place.refuse(&error.to_string()),
            other => Stop::from(other),
        })?;
        for warning in &configured.warnings {
            let message = format!("{warning} ({})", place.told());
            self.emitter.emit(EventKind::Warning { message });
        }
        Ok(Chosen { configured, secret_env })
    }

    fn evaluated_driver(&self, target: &Target, prepared: &Prepared) -> Result<Asked, Stop> {
        let DriverUse { name, origin } = self.asked_driver(Some(&target.definition));
        let (written, config) = match origin {
            DriverOrigin::Definition => {
                let evaluated = prepared.evaluated.driver().map_err(|failure| {
                    let message = failure.describe_in(&target.definition, self.engine.paths());
                    Stop::unfit(failure.category(), message)
                })?;
                let (name, config) = evaluated.unwrap_or((name, None));
                return Ok(Asked { driver: DriverUse { name, origin }, config });
            }
            DriverOrigin::Default => {
                return Ok(Asked { driver: DriverUse { name, origin }, config: None });
            }
            DriverOrigin::Repository => {
                let marker = self.engine.parts().repository.marker().default_driver();
                (name, marker.and_then(|(_, config)| config.cloned()))
            }
            DriverOrigin::CommandLine
            | DriverOrigin::Step
            | DriverOrigin::Job
            | DriverOrigin::Workflow => {
                let choice = self.request.drivers.first();
                let config = choice.and_then(|choice| choice.config.clone());
                (name, config.map(Value::Object))
            }
        };
        let context = self.driver_context();
        let name = evaluate_there(&Value::from(written.as_str()), "driver", &context)?;
        let name = match name {
            Value::String(name) => DriverName::new(name),
            other => DriverName::new(other.to_string()),
        };
        let config = match config {
            Some(config) => Some(evaluate_there(&config, "driverConfig", &context)?),
            None => None,
        };
        Ok(Asked { driver: DriverUse { name, origin }, config })
    }

    /// What expressions beside a step, job, workflow or repository default see.
    fn driver_context(&self) -> Context<'_> {
        let context = self.engine.context();
        let Some(step) = self.step() else { return context };
        let inputs = ExprValue::from_json(&Value::Object(Map::clone(&step.inputs)));
        let context = context.with("inputs", inputs).with("workflowRunId", step.run_id.as_str());
        let Some((name, item)) = &step.item else { return context };
        let item = (name.as_str(), ExprValue::from_json(item));
        context.with("self", ExprValue::Map([item].into_iter().collect()))
    }
}

/// Evaluates what stands at `key` beside a step, job, workflow or repository default.
fn evaluate_there(written: &Value, key: &str, context: &Context<'_>) -> Result<Value, Stop> {
    let evaluated = substitute(written, context, &|_| Treatment::Evaluate);
    match evaluated.failures.into_iter().next() {
        None => Ok(evaluated.value),
        Some(failure) => {
            let failure = FieldFailure::below(&[key], failure);
            Err(Stop::unfit(failure.category(), failure.describe()))
        }
    }
}

/// Where a driver was chosen, for people.
struct Place<'a> {
    driver: &'a DriverUse,
    target: &'a Target,
    run: &'a Run<'a>,
}

impl Place<'_> {
    fn refuse(&self, problem: &str) -> Stop {
        let remedy = match self.driver.origin {
            DriverOrigin::CommandLine => {
                "--driver comes without a configuration: set driver and driverConfig in the step, \
                 job, workflow or definition, or defaultDriver and defaultDriverConfig in \
                 .swamp.yaml"
                    .to_owned()
            }
            _ => format!("set it there: {}", self.told()),
        };
        Stop::unfit(ErrorCategory::Driver, format!("{problem}\n  {remedy}"))
    }

    fn told(&self) -> String {
        let step = self.run.step();
        let workflow = || match step {
            Some(step) => format!(" of workflow \"{}\"", step.workflow),
            None => String::new(),
        };
        match (self.driver.origin, step) {
            (DriverOrigin::Step, Some(step)) => {
                format!("driverConfig of step \"{}\"{}", step.step, workflow())
            }
            (DriverOrigin::Job, Some(step)) => {
                format!("driverConfig of job \"{}\"{}", step.job, workflow())
            }
            (DriverOrigin::Workflow, _) => format!("driverConfig{}", workflow()),
            (DriverOrigin::Definition, _) => {
                let definition = &self.target.definition;
                let file = self.run.engine.paths().relative(&definition.path);
                let at = ["driverConfig", "driver"].into_iter().find_map(|key| {
                    definition.position(&[swamp_yaml::PathItem::Key(key.to_owned())])
                });
                let at = at.map_or_else(String::new, |at| format!(":{at}"));
                format!("driverConfig of model \"{}\" ({file}{at})", definition.name)
            }
            (DriverOrigin::Repository, _) => "defaultDriverConfig in .swamp.yaml".to_owned(),
            (origin, _) => format!("driverConfig ({origin})"),
        }
    }
}

/// Takes the secrets out of a configuration. They may only be values of `env`.
fn reveal(
    config: &mut Map<String, Value>,
    secrets: &SecretBag,
) -> Result<Vec<(String, Secret)>, String> {
    let mut secret_env = Vec::new();
    if let Some(Value::Object(env)) = config.get_mut("env") {
        env.retain(|name, value| match value.as_str().and_then(|text| secrets.reveal(text)) {
            Some(secret) => {
                secret_env.push((name.clone(), secret));
                false
            }
            None => true,
        });
    }
    let holds_secret = |text: &str| secrets.has_stand_in(text);
    match config.iter().find(|(_, value)| any_text(value, &holds_secret)) {
        None => Ok(secret_env),
        Some((key, _)) => Err(format!(
            "driverConfig.{key} holds a secret, which would be seen in process listings; secrets \
             can stand in driverConfig.env"
        )),
    }
}

fn any_text(value: &Value, is_so: &dyn Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => is_so(text),
        Value::Array(items) => items.iter().any(|item| any_text(item, is_so)),
        Value::Object(map) => map.iter().any(|(key, value)| is_so(key) || any_text(value, is_so)),
        _ => false,
    }
}
