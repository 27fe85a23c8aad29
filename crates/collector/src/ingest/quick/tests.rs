use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{0,20}",
        any::<String>(),
        prop::sample::select(vec!["run", "model", "workflow", "method", "\"", "\\", "a\nb"])
            .prop_map(str::to_owned),
    ]
}

fn maybe(value: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Value> {
    prop_oneof![8 => value, 1 => Just(Value::Null), 1 => Just(json!({"a": [1, {"b": "c"}]}))]
        .boxed()
}

fn texts() -> BoxedStrategy<Value> {
    maybe(text().prop_map(Value::from))
}

fn numbers() -> BoxedStrategy<Value> {
    maybe(prop_oneof![
        any::<i64>().prop_map(Value::from),
        (0..100_000_u64).prop_map(Value::from),
        any::<f64>().prop_map(Value::from)
    ])
}

/// An object with some of these keys, in an order that does not follow theirs.
fn object(fields: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    let fields: Vec<_> = fields
        .into_iter()
        .map(|(key, value)| {
            prop_oneof![9 => value.prop_map(move |value| Some((key, value))), 1 => Just(None)]
        })
        .collect();
    fields
        .prop_map(|fields| {
            fields.into_iter().flatten().map(|(key, value)| (key.to_owned(), value)).collect()
        })
        .prop_map(Value::Object)
        .boxed()
}

fn any_event() -> BoxedStrategy<Value> {
    let context = || {
        let names = [
            "workflowName",
            "runId",
            "rootRunId",
            "rootWorkflowName",
            "jobName",
            "stepName",
            "stepTemplate",
            "modelType",
            "driver",
            "phase",
            "new",
        ];
        let mut fields: Vec<_> = names.into_iter().map(|name| (name, texts())).collect();
        fields.push(("depth", numbers()));
        maybe(object(fields))
    };
    let args = maybe(prop::collection::vec(text(), 0..5).prop_map(Value::from));
    let invocation = object(vec![("command", texts()), ("subcommand", texts()), ("args", args)]);
    let result = object(vec![
        ("status", texts()),
        ("errorCategory", texts()),
        ("errorMessage", texts()),
        ("exitCode", numbers()),
    ]);
    let agent = maybe(any::<bool>().prop_map(Value::from));
    let surroundings = object(vec![("agentSessionDetected", agent), ("detectedAiTool", texts())]);
    let entry = object(vec![
        ("id", texts()),
        ("invocation", maybe(invocation)),
        ("result", maybe(result)),
        ("startedAt", texts()),
        ("durationMs", numbers()),
        ("platform", texts()),
        ("invocationContext", maybe(surroundings)),
        ("parentInvocationId", texts()),
        ("workflowContext", context()),
        ("methodContext", context()),
        ("runId", texts()),
    ]);
    object(vec![
        ("event", texts()),
        ("insert_id", texts()),
        ("distinct_id", texts()),
        ("properties", maybe(entry)),
    ])
}

proptest! {
    #[test]
    fn what_is_read_is_what_serde_reads(event in any_event(), pretty in any::<bool>()) {
        let text = if pretty { format!("{event:#}") } else { event.to_string() };
        if let Some(quick) = super::event(&text, &Limits::default()) {
            prop_assert_eq!(quick, serde_json::from_str(&text).unwrap());
        }
    }

    #[test]
    fn what_is_no_json_is_not_read(
        event in any_event(), at in any::<prop::sample::Index>(), byte in "[ -~\n]"
    ) {
        let mut text = event.to_string();
        let at = (0..=at.index(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap();
        text.insert_str(at, &byte);
        if let Some(quick) = super::event(&text, &Limits::default()) {
            prop_assert_eq!(quick, serde_json::from_str(&text).unwrap());
        }
    }

    #[test]
    fn plain_stops_where_it_has_to(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let ends = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
        let want = bytes.iter().position(ends).unwrap_or(bytes.len());
        prop_assert_eq!(plain(&bytes), want);
    }
}

#[test]
fn usual_events_are_read() {
    let event = json!({
        "event": "cli_invocation", "insert_id": "e", "distinct_id": "u",
        "properties": {
            "id": "e", "invocation": {"command": "model", "args": ["run", "x", "execute"]},
            "result": {"status": "error", "errorMessage": "a\n\"b\""}, "startedAt": "t",
            "durationMs": 12, "rate": -1.5e3, "list": [], "object": {},
            "workflowContext": {"workflowName": "w", "depth": 1}, "methodContext": {}, "new": null
        }
    });
    let body = format!(r#" {{"events" : [{event} , {event}]}} "#);
    let mut seen = Vec::new();
    events(&body, &Limits::default(), |place, event| seen.push((place, event))).unwrap();
    assert_eq!(seen.len(), 2);
    for (place, quick) in seen {
        assert_eq!(quick, serde_json::from_str(&body[place]).unwrap());
    }
    for limits in [
        Limits { events: 1, ..Limits::default() },
        Limits { event_bytes: 40, ..Limits::default() },
        Limits { depth: 2, ..Limits::default() },
        Limits { text_bytes: 8, ..Limits::default() },
    ] {
        assert_eq!(events(&body, &limits, |_, _| ()), None, "{limits:?}");
    }
}
