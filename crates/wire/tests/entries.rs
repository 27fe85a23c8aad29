//! Entries written by other versions read back, and what is written again is what was read.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use proptest::prelude::*;
use serde_json::{Value, json};
use swamp_ident::{ErrorCategory, Phase};
use swamp_wire::{Event, Ingest, ResultStatus, TelemetryEntry, Word};

/// Files as other versions wrote them.
const FILES: &[(&str, &str)] = &[
    ("command-success", include_str!("data/command-success.json")),
    ("command-user-error", include_str!("data/command-user-error.json")),
    ("command-without-context", include_str!("data/command-without-context.json")),
    ("child-success", include_str!("data/child-success.json")),
    ("child-before-method", include_str!("data/child-before-method.json")),
    ("serve-child", include_str!("data/serve-child.json")),
    ("from-the-future", include_str!("data/from-the-future.json")),
    ("own-parent", include_str!("data/own-parent.json")),
    ("own-child", include_str!("data/own-child.json")),
    ("own-direct-call", include_str!("data/own-direct-call.json")),
];

#[test]
fn files_of_every_version_come_back_byte_for_byte() {
    for (name, text) in FILES {
        let entry: TelemetryEntry = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string_pretty(&entry).unwrap(), *text, "{name}");
    }
}

fn file(name: &str) -> TelemetryEntry {
    let (_, text) = FILES.iter().find(|(key, _)| *key == name).unwrap();
    serde_json::from_str(text).unwrap()
}

#[test]
fn absent_and_empty_are_different() {
    assert_eq!(file("command-without-context").invocation_context, None);
    let empty = file("command-success").invocation_context.unwrap();
    assert_eq!(empty.configured_ai_tools, Some(vec![]));
    let absent = file("serve-child").invocation_context.unwrap();
    assert_eq!(absent.configured_ai_tools, None);
}

#[test]
fn words_that_are_on_no_list_are_kept() {
    let entry = file("from-the-future");
    assert_eq!(entry.result.status, Word::Other("half_success".into()));
    assert_eq!(entry.result.error_category, Some(Word::Other("quota".into())));
    assert_eq!(entry.result.extra["retryAfterMs"], 500);
    let known = file("own-child");
    assert_eq!(known.result.status, ResultStatus::UserError);
    assert_eq!(known.result.error_category, Some(ErrorCategory::Method.into()));
    assert_eq!(known.workflow_context.unwrap().phase, Some(Phase::Method.into()));
}

#[test]
fn a_child_knows_its_method() {
    assert!(file("own-child").is_child());
    assert_eq!(file("own-child").method(), Some("execute"));
    assert!(!file("own-direct-call").is_child());
    assert_eq!(file("own-direct-call").method(), Some("execute"));
    assert_eq!(file("command-success").method(), None);
}

#[test]
fn what_is_no_entry_is_refused() {
    let good: Value = serde_json::from_str(FILES[0].1).unwrap();
    assert!(serde_json::from_value::<TelemetryEntry>(good.clone()).is_ok());
    for key in ["id", "invocation", "result", "startedAt", "durationMs", "platform"] {
        let mut without = good.clone();
        without.as_object_mut().unwrap().shift_remove(key);
        let error = serde_json::from_value::<TelemetryEntry>(without).unwrap_err().to_string();
        assert_eq!(error, format!("missing field `{key}`"));
        let mut null = good.clone();
        null[key] = Value::Null;
        assert!(serde_json::from_value::<TelemetryEntry>(null).is_err(), "{key}");
    }
    for (pointer, value) in [
        ("/startedAt", json!("yesterday")),
        ("/durationMs", json!(1.5)),
        ("/invocation/args", json!("x")),
        ("/invocationContext", json!([])),
    ] {
        let mut wrong = good.clone();
        *wrong.pointer_mut(pointer).unwrap() = value;
        assert!(serde_json::from_value::<TelemetryEntry>(wrong).is_err(), "{pointer}");
    }
    for text in ["", "null", "{}", "[]", "{\"id\":"] {
        assert!(serde_json::from_str::<TelemetryEntry>(text).is_err(), "{text:?}");
    }
}

#[test]
fn one_event_travels_bare_and_several_in_a_list() {
    let mut entry = file("own-child");
    entry.repo_id = Some("repo-1".to_owned().into());
    let event = Event::new("user-1", entry.clone());
    let one = serde_json::to_value(Ingest { events: vec![event.clone()] }).unwrap();
    let keys: Vec<&String> = one.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["event", "distinct_id", "insert_id", "properties"]);
    assert_eq!(one["event"], "cli_invocation");
    assert_eq!(one["insert_id"], one["properties"]["id"]);
    let last = one["properties"].as_object().unwrap().iter().next_back().unwrap();
    assert_eq!(last, (&"$repo_id".to_owned(), &json!("repo-1")));

    let two = Ingest { events: vec![event.clone(), event.clone()] };
    let body = serde_json::to_value(&two).unwrap();
    assert_eq!(body, json!({"events": [one, one]}));

    for (body, want) in [(one, 1), (body, 2), (json!({"events": []}), 0)] {
        let read: Ingest = serde_json::from_value(body).unwrap();
        assert_eq!(read.events, vec![event.clone(); want]);
    }
}

#[test]
fn an_event_of_the_oldest_senders_has_no_insert_id_and_maybe_no_repository() {
    let text = r#"{"event":"cli_invocation","distinct_id":"u","properties":"#.to_owned()
        + &serde_json::to_string(&file("child-success")).unwrap()
        + "}";
    let event: Event = serde_json::from_str(&text).unwrap();
    assert_eq!((&event.insert_id, &event.properties.repo_id), (&None, &None));
    assert_eq!(serde_json::to_string(&event).unwrap(), text);
}

/// Any JSON, as a stranger's value.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[a-z]{1,6}", inner), 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

/// Every object inside a value, by pointer.
fn objects(value: &Value, at: &str, found: &mut Vec<String>) {
    if let Value::Object(map) = value {
        found.push(at.to_owned());
        for (key, inner) in map {
            objects(inner, &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), found);
        }
    }
}

proptest! {
    /// Weakness 38: an older program drops the keys of a newer one.
    #[test]
    fn strangers_survive_at_every_level(
        which in 0..FILES.len(),
        key in "[a-zA-Z$]{1,8}",
        stranger in any_json(),
        level in any::<prop::sample::Index>(),
    ) {
        let mut value: Value = serde_json::from_str(FILES[which].1).unwrap();
        let mut places = Vec::new();
        objects(&value, "", &mut places);
        let place = value.pointer_mut(&places[level.index(places.len())]).unwrap();
        let map = place.as_object_mut().unwrap();
        prop_assume!(!map.contains_key(&key));
        map.insert(format!("x-{key}"), stranger);
        let entry: TelemetryEntry = serde_json::from_value(value.clone()).unwrap();
        prop_assert_eq!(serde_json::to_value(&entry).unwrap(), value.clone());
        // The key order stays too: strangers stand last in their object.
        let text = serde_json::to_string(&value).unwrap();
        prop_assert_eq!(serde_json::to_string(&entry).unwrap(), text);
    }

    #[test]
    fn optional_keys_survive_as_value_null_and_nothing(
        which in 0..FILES.len(),
        pick in any::<prop::sample::Index>(),
        to_null in any::<bool>(),
    ) {
        const OPTIONAL: &[&str] = &[
            "/invocation/subcommand", "/result/errorType", "/result/errorMessage",
            "/result/errorCategory", "/invocationContext", "/invocationContext/configuredAiTools",
            "/invocationContext/detectedAiTool", "/parentInvocationId", "/workflowContext",
            "/workflowContext/modelType", "/workflowContext/driver", "/workflowContext/phase",
            "/runtime", "/repoId", "/runId", "/methodCounts", "/methodContext",
        ];
        let mut value: Value = serde_json::from_str(FILES[which].1).unwrap();
        let pointer = OPTIONAL[pick.index(OPTIONAL.len())];
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let Some(Value::Object(map)) = value.pointer_mut(parent) else { return Ok(()) };
        if to_null {
            map.insert(key.to_owned(), Value::Null);
        } else {
            map.shift_remove(key);
        }
        let entry: TelemetryEntry = serde_json::from_value(value.clone()).unwrap();
        prop_assert_eq!(serde_json::to_value(&entry).unwrap(), value);
    }
}
