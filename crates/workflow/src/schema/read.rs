//! From a document to a workflow, gathering every mistake on the way.

use serde_json::Value;
use swamp_ident::{JobName, StepName, WorkflowId, WorkflowName, check_entity_name};
use swamp_yaml::Document;

use super::reader::{Fewest, Object, Reader};
use super::{
    DataOutputOverride, Dependency, DriverChoice, ForEach, GarbageCollection, Job, Reports,
    RequiredReport, SchemaError, Step, Task, Trigger, Workflow, cron,
};
use crate::Condition;

/// How deep conditions may be nested; far beyond sense, far below the stack.
const DEEPEST_CONDITION: usize = 64;

const SHELL_TASK: &str = "step task type \"shell\" is no longer supported; use 'type: \
    model_method' with the 'command/shell' model instead, for example:\n  task:\n    type: \
    model_method\n    modelIdOrName: my-shell-model\n    methodName: execute\n    inputs:\n      \
    run: \"your-command-here\"";

pub(super) fn workflow(
    value: &Value,
    document: Option<&Document>,
) -> Result<Workflow, SchemaError> {
    let fewest = Fewest { jobs: 1, steps: 1 };
    whole(Reader::new(document, fewest), |reader| reader.workflow(value))
}

/// A workflow in which jobs and steps may be missing: an evaluated copy, or a part of one.
pub(super) fn partial_workflow(
    value: &Value,
    document: Option<&Document>,
) -> Result<Workflow, SchemaError> {
    let fewest = Fewest { jobs: 0, steps: 0 };
    whole(Reader::new(document, fewest), |reader| reader.workflow(value))
}

/// A job in which steps may be missing.
pub(super) fn partial_job(value: &Value) -> Result<Job, SchemaError> {
    let fewest = Fewest { jobs: 0, steps: 0 };
    whole(Reader::new(None, fewest), |reader| reader.job(value))
}

/// A step.
pub(super) fn step(value: &Value) -> Result<Step, SchemaError> {
    let fewest = Fewest { jobs: 0, steps: 0 };
    whole(Reader::new(None, fewest), |reader| reader.step(value))
}

fn whole<'d, T>(
    mut reader: Reader<'d>,
    read: impl FnOnce(&mut Reader<'d>) -> Option<T>,
) -> Result<T, SchemaError> {
    match read(&mut reader) {
        Some(thing) if reader.issues.is_empty() => Ok(thing),
        _ => {
            reader.issues.sort_by_key(|issue| issue.position);
            Err(SchemaError { issues: reader.issues })
        }
    }
}

impl Reader<'_> {
    fn workflow(&mut self, value: &Value) -> Option<Workflow> {
        let object = self.object(value)?;
        let id = self.required(object, "id", Reader::id);
        let name = self.required(object, "name", Reader::workflow_name);
        let description = self.optional(object, "description", Self::text);
        let trigger = self.optional(object, "trigger", Reader::trigger);
        let tags = self.optional(object, "tags", Reader::texts);
        let inputs = self.optional(object, "inputs", Reader::inputs);
        let fewest = self.fewest.jobs;
        let jobs = self.required(object, "jobs", |r, v| r.list(v, fewest, Reader::job));
        let version = self.optional(object, "version", |r, v| r.whole(v, 1));
        let concurrency = self.optional(object, "concurrency", |r, v| r.whole(v, 0));
        let reports = self.optional(object, "reports", Reader::reports);
        let driver = self.driver(object);
        Some(Workflow {
            id: id?,
            name: name?,
            description,
            trigger,
            tags: tags.unwrap_or_default(),
            inputs,
            jobs: jobs?,
            version: version.unwrap_or(1),
            concurrency,
            reports,
            driver,
        })
    }

    fn id(&mut self, value: &Value) -> Option<WorkflowId> {
        let text = self.text(value)?;
        if !is_uuid(&text) {
            self.issue(format!("expected a UUID, found {text:?}"));
            return None;
        }
        Some(WorkflowId::new(text))
    }

    fn workflow_name(&mut self, value: &Value) -> Option<WorkflowName> {
        let text = self.text(value)?;
        if let Err(error) = check_entity_name(&text) {
            self.issue(error.to_string());
            return None;
        }
        Some(WorkflowName::new(text))
    }

    fn trigger(&mut self, value: &Value) -> Option<Trigger> {
        let object = self.object(value)?;
        let schedule = self.optional(object, "schedule", |r, v| {
            let text = r.text(v)?;
            if !cron::is_valid(&text) {
                r.issue(format!("{text:?} is not a cron expression of five or six fields"));
                return None;
            }
            Some(text)
        });
        Some(Trigger { schedule })
    }

    /// Input schemas are kept as they are; only what would be misunderstood is refused.
    fn inputs(&mut self, value: &Value) -> Option<Object> {
        let object = self.object(value)?;
        if object.contains_key("properties") {
            self.optional(object, "properties", |r, v| {
                for (key, property) in r.object(v)? {
                    r.at(key.as_str(), |r| r.input_schema(property, 0));
                }
                Some(())
            });
            self.optional(object, "required", |r, v| r.list(v, 0, Self::text));
        }
        Some(object.clone())
    }

    fn input_schema(&mut self, value: &Value, depth: usize) {
        const TYPES: [&str; 6] = ["string", "number", "integer", "boolean", "array", "object"];
        let Some(object) = self.object(value) else { return };
        if depth > DEEPEST_CONDITION {
            return self.issue("nested too deeply");
        }
        self.optional(object, "type", |r, v| {
            let text = r.text(v)?;
            if !TYPES.contains(&text.as_str()) {
                r.issue(format!("unknown type {text:?}; expected one of {}", TYPES.join(", ")));
            }
            Some(())
        });
        self.optional(object, "items", |r, v| {
            r.input_schema(v, depth + 1);
            Some(())
        });
        self.optional(object, "properties", |r, v| {
            for (key, property) in r.object(v)? {
                r.at(key.as_str(), |r| r.input_schema(property, depth + 1));
            }
            Some(())
        });
    }

    fn reports(&mut self, value: &Value) -> Option<Reports> {
        let object = self.object(value)?;
        let require = self.optional(object, "require", |r, v| {
            r.list(v, 0, |r, v| {
                if let Some(name) = v.as_str() {
                    return Some(RequiredReport { name: name.to_owned(), methods: None });
                }
                let Some(object) = v.as_object() else {
                    r.expected("a report name or a map with 'name'", Some(v));
                    return None;
                };
                let name = r.required(object, "name", Self::text);
                let methods = r.optional(object, "methods", |r, v| r.list(v, 0, Self::text));
                Some(RequiredReport { name: name?, methods })
            })
        });
        let skip = self.optional(object, "skip", |r, v| r.list(v, 0, Self::text));
        Some(Reports { require, skip })
    }

    fn driver(&mut self, object: &Object) -> Option<DriverChoice> {
        let name = self.optional(object, "driver", Self::text);
        let config = self.optional(object, "driverConfig", Reader::free);
        (name.is_some() || config.is_some()).then_some(DriverChoice { name, config })
    }

    fn job(&mut self, value: &Value) -> Option<Job> {
        let object = self.object(value)?;
        let name = self.required(object, "name", Reader::filled_text);
        let description = self.optional(object, "description", Self::text);
        let fewest = self.fewest.steps;
        let steps = self.required(object, "steps", |r, v| r.list(v, fewest, Reader::step));
        let depends_on = self.depends_on(object, "job");
        let weight = self.optional(object, "weight", Self::number);
        let concurrency = self.optional(object, "concurrency", |r, v| r.whole(v, 0));
        let driver = self.driver(object);
        Some(Job {
            name: JobName::new(name?),
            description,
            steps: steps?,
            depends_on: depends_on.unwrap_or_default(),
            weight: weight.unwrap_or(0.0),
            concurrency,
            driver,
        })
    }

    fn step(&mut self, value: &Value) -> Option<Step> {
        let object = self.object(value)?;
        let name = self.required(object, "name", Reader::filled_text);
        let description = self.optional(object, "description", Self::text);
        let task = self.required(object, "task", Reader::task);
        let for_each = self.optional(object, "forEach", |r, v| {
            let object = r.object(v)?;
            let item = r.required(object, "item", Reader::filled_text);
            let within = r.required(object, "in", Reader::filled_text);
            Some(ForEach { item: item?, within: within? })
        });
        let depends_on = self.depends_on(object, "step");
        let weight = self.optional(object, "weight", Self::number);
        let concurrency = self.optional(object, "concurrency", |r, v| r.whole(v, 0));
        let overrides = self.optional(object, "dataOutputOverrides", |r, v| {
            r.list(v, 0, Reader::data_output_override)
        });
        let allow_failure = self.optional(object, "allowFailure", Self::flag);
        let driver = self.driver(object);
        Some(Step {
            name: StepName::new(name?),
            description,
            task: task?,
            for_each,
            depends_on: depends_on.unwrap_or_default(),
            weight: weight.unwrap_or(0.0),
            concurrency,
            data_output_overrides: overrides.unwrap_or_default(),
            allow_failure: allow_failure.unwrap_or(false),
            driver,
        })
    }

    fn task(&mut self, value: &Value) -> Option<Task> {
        let object = self.object(value)?;
        let kind = self.required(object, "type", Self::text)?;
        match kind.as_str() {
            "model_method" => {
                let model = self.required(object, "modelIdOrName", Reader::filled_text);
                let method = self.required(object, "methodName", Reader::filled_text);
                let inputs = self.optional(object, "inputs", Reader::free);
                Some(Task::ModelMethod { model: model?, method: method?, inputs })
            }
            "workflow" => {
                let workflow = self.required(object, "workflowIdOrName", Reader::filled_text);
                let inputs = self.optional(object, "inputs", Reader::free);
                Some(Task::Workflow { workflow: workflow?, inputs })
            }
            "shell" => {
                self.at("type", |reader| reader.issue(SHELL_TASK));
                None
            }
            other => {
                self.at("type", |reader| {
                    reader.issue(format!(
                        "unknown task type {other:?}; expected model_method or workflow"
                    ));
                });
                None
            }
        }
    }

    fn depends_on(&mut self, object: &Object, what: &'static str) -> Option<Vec<Dependency>> {
        self.optional(object, "dependsOn", |r, v| {
            r.list(v, 0, |r, v| {
                let Some(object) = v.as_object() else {
                    r.expected(&format!("a map with '{what}' and 'condition'"), Some(v));
                    return None;
                };
                let on = r.required(object, what, Reader::filled_text);
                let condition = r.required(object, "condition", |r, v| r.condition(v, 0));
                Some(Dependency { on: on?, condition: condition? })
            })
        })
    }

    fn condition(&mut self, value: &Value, depth: usize) -> Option<Condition> {
        if depth > DEEPEST_CONDITION {
            self.issue("conditions are nested too deeply");
            return None;
        }
        let object = self.object(value)?;
        let kind = self.required(object, "type", Self::text)?;
        match kind.as_str() {
            "always" => Some(Condition::Always),
            "succeeded" => Some(Condition::Succeeded),
            "failed" => Some(Condition::Failed),
            "completed" => Some(Condition::Completed),
            "skipped" => Some(Condition::Skipped),
            "and" | "or" => {
                let parts = self.required(object, "conditions", |r, v| {
                    r.list(v, 2, |r, v| r.condition(v, depth + 1))
                })?;
                Some(if kind == "and" { Condition::And(parts) } else { Condition::Or(parts) })
            }
            "not" => {
                let part = self.required(object, "condition", |r, v| r.condition(v, depth + 1))?;
                Some(Condition::Not(Box::new(part)))
            }
            other => {
                self.at("type", |reader| {
                    reader.issue(format!(
                        "unknown condition {other:?}; expected always, succeeded, failed, \
                         completed, skipped, and, or, not"
                    ));
                });
                None
            }
        }
    }

    fn data_output_override(&mut self, value: &Value) -> Option<DataOutputOverride> {
        let object = self.object(value)?;
        let spec_name = self.required(object, "specName", Reader::filled_text);
        let lifetime = self.optional(object, "lifetime", |r, v| {
            let text = r.text(v)?;
            let word = ["ephemeral", "infinite", "job", "workflow"].contains(&text.as_str());
            if !word && duration_amount(&text).is_none() {
                r.issue(format!(
                    "{text:?} is not a lifetime; expected ephemeral, infinite, job, workflow or a \
                     duration like '1h', '5m', '10d', '2w', '1mo', '10y'"
                ));
                return None;
            }
            Some(text)
        });
        let garbage_collection = self.optional(object, "garbageCollection", |r, v| {
            let Some(text) = v.as_str() else {
                return r.whole(v, 1).map(GarbageCollection::Versions);
            };
            match duration_amount(text) {
                Some(true) => Some(GarbageCollection::Age(text.to_owned())),
                Some(false) => {
                    r.issue("a garbage collection duration must be greater than zero");
                    None
                }
                None => {
                    r.issue(format!(
                        "{text:?} is not a duration; expected something like '1h', '5m', '10d', \
                         '2w', '1mo', '10y'"
                    ));
                    None
                }
            }
        });
        let tags = self.optional(object, "tags", Reader::texts);
        let vary = self.optional(object, "vary", |r, v| r.list(v, 0, Reader::filled_text));
        Some(DataOutputOverride { spec_name: spec_name?, lifetime, garbage_collection, tags, vary })
    }
}

/// For a duration such as `30d`, whether it is more than zero.
fn duration_amount(text: &str) -> Option<bool> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (amount, unit) = text.split_at(digits);
    let known = ["mo", "y", "h", "m", "d", "w"].contains(&unit);
    (digits > 0 && known).then(|| amount.bytes().any(|digit| digit != b'0'))
}

/// A UUID of version 1 to 8, or the nil or the max UUID.
fn is_uuid(text: &str) -> bool {
    let bytes = text.as_bytes();
    let shaped = bytes.len() == 36
        && bytes.iter().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    let digits = || bytes.iter().filter(|byte| **byte != b'-');
    shaped
        && ((matches!(bytes.get(14), Some(b'1'..=b'8'))
            && matches!(bytes.get(19), Some(b'8' | b'9' | b'a' | b'b' | b'A' | b'B')))
            || digits().all(|byte| *byte == b'0')
            || digits().all(|byte| byte.eq_ignore_ascii_case(&b'f')))
}
