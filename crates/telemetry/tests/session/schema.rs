//! Real entries against the published schema, and the schema against the documentation.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use swamp_events::EventKind;
use swamp_ident::{CancelCause, DriverOrigin, ErrorCategory, RepoId, Status};
use swamp_telemetry::{CommandWords, Marker, Outcome, surroundings};
use swamp_wire::{ResultStatus, Vocabulary};
use tempfile::TempDir;

use super::support::*;

const SCHEMA: &str = include_str!("../../../../schemas/telemetry-entry.schema.json");
const DOCUMENTATION: &str = include_str!("../../../../docs/telemetry.md");

/// A checker for exactly the keywords the schema uses.
struct Checker {
    root: Value,
    /// Keys that occurred and that the schema knows, by the schema object that knows them.
    seen: BTreeSet<String>,
}

impl Checker {
    fn new() -> Self {
        Self { root: serde_json::from_str(SCHEMA).unwrap(), seen: BTreeSet::new() }
    }

    fn check(&mut self, schema: &Value, name: &str, value: &Value) {
        let is_kind = |kind: &str| match kind {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_i64() || value.is_u64(),
            other => panic!("type {other}"),
        };
        for (keyword, rule) in schema.as_object().unwrap() {
            match keyword.as_str() {
                "description" | "$schema" | "title" | "$defs" => {}
                "$ref" => {
                    let target = rule.as_str().unwrap().strip_prefix('#').unwrap();
                    let definition = self.root.pointer(target).unwrap().clone();
                    self.check(&definition, target.rsplit('/').next().unwrap(), value);
                }
                "type" => assert!(is_kind(rule.as_str().unwrap()), "{name}: {value}"),
                "enum" => assert!(rule.as_array().unwrap().contains(value), "{name}: {value}"),
                "const" => assert_eq!(rule, value, "{name}"),
                "minimum" => assert!(value.as_i64() >= rule.as_i64(), "{name}: {value}"),
                "maxLength" => {
                    let length = value.as_str().unwrap().chars().count() as u64;
                    assert!(length <= rule.as_u64().unwrap(), "{name}: {value}");
                }
                "pattern" => {
                    let text = value.as_str().unwrap();
                    assert!(matches(rule.as_str().unwrap(), text), "{name}: {value}");
                }
                "items" => {
                    for item in value.as_array().unwrap() {
                        self.check(rule, name, item);
                    }
                }
                "required" => {
                    for key in rule.as_array().unwrap() {
                        assert!(value.get(key.as_str().unwrap()).is_some(), "{name}: no {key}");
                    }
                }
                "dependentRequired" => {
                    for (key, others) in rule.as_object().unwrap() {
                        let has = |key: &Value| value.get(key.as_str().unwrap()).is_some();
                        let needs = value.get(key).is_some();
                        assert!(!needs || others.as_array().unwrap().iter().all(has), "{name}");
                    }
                }
                "properties" => self.properties(rule.as_object().unwrap(), name, value),
                other => panic!("the checker does not know {other}"),
            }
        }
    }

    fn properties(&mut self, rules: &Map<String, Value>, name: &str, value: &Value) {
        for (key, inner) in value.as_object().unwrap() {
            let Some(rule) = rules.get(key) else { panic!("{name}.{key} is not in the schema") };
            self.seen.insert(format!("{name}.{key}"));
            self.check(rule, key, inner);
        }
    }
}

/// Matches the patterns of the schema: literals, classes, and counts of them.
fn matches(pattern: &str, text: &str) -> bool {
    let pattern = pattern.strip_prefix('^').unwrap().strip_suffix('$').unwrap();
    let mut rest = text.chars();
    let mut parts = pattern.chars().peekable();
    while let Some(part) = parts.next() {
        let class: String = if part == '[' {
            parts.by_ref().take_while(|c| *c != ']').collect()
        } else {
            part.into()
        };
        let count = if parts.peek() == Some(&'{') {
            parts.next();
            let digits: String = parts.by_ref().take_while(|c| *c != '}').collect();
            digits.parse().unwrap()
        } else {
            1
        };
        for _ in 0..count {
            let fits = |c: char| match class.as_str() {
                "0-9a-f" => matches!(c, '0'..='9' | 'a'..='f'),
                "0-9" => c.is_ascii_digit(),
                one => one.contains(c),
            };
            if !rest.next().is_some_and(fits) {
                return false;
            }
        }
    }
    rest.next().is_none()
}

/// Entries that together have every key this version writes.
fn entries_of_every_kind() -> Vec<Value> {
    let words = || CommandWords::new(["workflow", "run"]).argument("w").option("--json");
    let marker = json!({"tools": ["claude"], "datastore": {"type": "@acme/s3"}});
    let environment = |name: &str| match name {
        "CLAUDECODE" => Some("1".to_owned()),
        "CI" => Some("true".to_owned()),
        _ => None,
    };
    let mut rig = Rig::in_home(TempDir::new().unwrap(), words(), |config| {
        config.context = surroundings(&environment, true, Some(&Marker::read(&marker)));
        config.repo_id = Some(RepoId::new("3c3c3c3c-0000-4000-8000-000000000001"));
    });
    let outer = rig.run("outer");
    let inner = step(&job(&outer, "j"), "nesting").for_run(run("inner"));
    let item = item(&job(&inner, "k"), "fan-a", "fan-${{ self.item }}", 0);
    exits_with_3(&rig, &item, 5, true);
    let mut again = swamp_events::Scope::clone(item.scope());
    again.attempt = 2;
    for kind in [executing(), completed()] {
        rig.session.as_ref().unwrap().sink().accept(&std::sync::Arc::new(swamp_events::RunEvent {
            seq: 0,
            at: swamp_ident::Clock::now(&*rig.clock),
            scope: std::sync::Arc::new(again.clone()),
            kind,
        }));
    }
    step(&job(&outer, "j"), "open").emit(executing());
    outer.emit(EventKind::Cancelled { cause: CancelCause::Deadline });
    outer.emit(EventKind::RunCompleted {
        status: Status::Cancelled,
        error: None,
        totals: swamp_events::RunTotals::default(),
    });
    let mut entries = rig.entries(&Outcome::exit(124));

    let mut rig = Rig::of(CommandWords::new(["model", "method", "run"]).argument("m"));
    let early = failure(ErrorCategory::ModelNotFound, "Model not found: m");
    rig.stream.emitter().emit(failed(early.clone(), Some(call())));
    entries.extend(rig.entries(&Outcome::failure(1, early)));

    let mut rig = Rig::of(CommandWords::new(["version"]));
    entries.extend(rig.entries(&Outcome::success()));
    entries.iter().map(|entry| serde_json::to_value(entry).unwrap()).collect()
}

#[test]
fn real_entries_fit_the_schema_and_use_all_of_it() {
    let mut checker = Checker::new();
    let root = checker.root.clone();
    for entry in entries_of_every_kind() {
        checker.check(&root, "entry", &entry);
    }
    let mut declared = declared_keys(&root);
    for reserved in ["entry.traceId", "entry.spanId"] {
        assert!(declared.remove(reserved));
    }
    assert_eq!(checker.seen, declared);
}

/// Every key the schema declares, as the checker names them.
fn declared_keys(root: &Value) -> BTreeSet<String> {
    let objects = root["$defs"].as_object().unwrap().iter();
    objects
        .map(|(name, schema)| (name.as_str(), schema))
        .chain([("entry", root)])
        .filter_map(|(name, schema)| Some((name, schema["properties"].as_object()?)))
        .flat_map(|(name, keys)| keys.keys().map(move |key| format!("{name}.{key}")))
        .collect()
}

#[test]
fn the_schema_refuses_what_is_no_entry() {
    let good = entries_of_every_kind().remove(0);
    for (pointer, value) in [
        ("/id", json!("1")),
        ("/startedAt", json!("2026-11-22T09:58:10Z")),
        ("/durationMs", json!(-1)),
        ("/result/status", json!("fine")),
        ("/result/errorCategory", json!("bad luck")),
        ("/result/errorMessage", json!("x".repeat(201))),
        ("/invocation/args", json!([1])),
        ("/methodCounts", json!({"total": 1})),
        ("/runId", json!(null)),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = value;
        let mut checker = Checker::new();
        let root = checker.root.clone();
        let refused = std::panic::catch_unwind(move || checker.check(&root, "entry", &bad));
        assert!(refused.is_err(), "{pointer}");
    }
}

#[test]
fn schema_and_documentation_list_every_word() {
    let root: Value = serde_json::from_str(SCHEMA).unwrap();
    let words = |pointer: &str| -> Vec<String> {
        let words = root.pointer(pointer).unwrap().as_array().unwrap();
        words.iter().map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    let list = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let categories = ErrorCategory::ALL.map(ErrorCategory::as_str);
    let origins = DriverOrigin::ALL.map(DriverOrigin::as_str);
    let statuses: Vec<_> = ResultStatus::ALL.iter().map(|word| word.as_str()).collect();
    assert_eq!(words("/$defs/result/properties/errorCategory/enum"), list(&categories));
    assert_eq!(words("/$defs/result/properties/status/enum"), list(&statuses));
    assert_eq!(words("/$defs/driverOrigin/enum"), list(&origins));
    for word in categories.iter().chain(&statuses).chain(&origins) {
        assert!(DOCUMENTATION.contains(&format!("`{word}`")), "{word} is not documented");
    }
    for key in declared_keys(&root) {
        let (_, key) = key.split_once('.').unwrap();
        assert!(DOCUMENTATION.contains(&format!("`{key}`")), "{key} is not documented");
    }
    for variable in swamp_telemetry::VARIABLES.concat() {
        assert!(DOCUMENTATION.contains(&format!("`{variable}`")), "{variable} is not documented");
    }
}

#[test]
fn every_variable_that_is_read_is_documented() {
    let read = std::sync::Mutex::new(BTreeSet::new());
    let env = |name: &str| {
        read.lock().unwrap().insert(name.to_owned());
        None
    };
    surroundings(&env, false, None);
    swamp_telemetry::Masks::of_machine(&env, "host");
    swamp_telemetry::config_dir(&env);
    let marker = swamp_telemetry::MarkerState::NoRepository;
    let switches = swamp_telemetry::Switches {
        no_telemetry_option: false,
        env: &env,
        preferences: &swamp_telemetry::preferences::Preferences::default(),
        marker,
    };
    assert_eq!(switches.off(), None);
    let read = read.into_inner().unwrap();
    for variable in &read {
        let spellings = [format!("`{variable}`"), format!("`${variable}/")];
        let is_documented = spellings.iter().any(|spelling| DOCUMENTATION.contains(spelling));
        assert!(is_documented || variable == "HOME", "{variable} is not documented");
    }
    for variable in swamp_telemetry::VARIABLES.concat() {
        assert!(read.contains(variable), "{variable} is listed and not read");
    }
}

#[test]
fn examples_in_the_documentation_are_entries() {
    let mut checker = Checker::new();
    let root = checker.root.clone();
    let examples: Vec<&str> = DOCUMENTATION
        .split("```json\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert!(examples.len() >= 3);
    for example in examples {
        let entry: Value = serde_json::from_str(example).unwrap();
        checker.check(&root, "entry", &entry);
        let typed: swamp_wire::TelemetryEntry = serde_json::from_value(entry.clone()).unwrap();
        assert_eq!(serde_json::to_string(&typed).unwrap(), entry.to_string(), "in this order");
    }
}
