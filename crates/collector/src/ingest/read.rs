//! Reading one event: what statistics need of it, borrowed from the body.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, Visitor};
use serde_json::value::RawValue;
use swamp_ident::Timestamp;
use swamp_wire::EVENT_NAME;

use super::scan::Piece;
use super::{Arrival, Limits, Read, Rejected};
use crate::dimension::Dimension;
use crate::event::{Event, EventKey, Kind, Text};

/// Longest id that is accepted, in bytes. Those of the senders we know have 36.
const LONGEST_ID: usize = 200;

/// A text, borrowed where it stands without escapes.
struct Str<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Str<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StrVisitor;

        impl<'de> Visitor<'de> for StrVisitor {
            type Value = Str<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Str<'de>, E> {
                Ok(Str(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Str<'de>, E> {
                Ok(Str(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(StrVisitor)
    }
}

#[derive(serde::Deserialize)]
struct WireEvent<'a> {
    #[serde(borrow)]
    event: Str<'a>,
    #[serde(borrow)]
    insert_id: Option<Str<'a>>,
    #[serde(borrow)]
    properties: Entry<'a>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    #[serde(borrow)]
    id: Option<Str<'a>>,
    #[serde(borrow)]
    invocation: Invocation<'a>,
    #[serde(borrow)]
    result: Outcome<'a>,
    #[serde(borrow)]
    started_at: Str<'a>,
    duration_ms: f64,
    #[serde(borrow)]
    platform: Option<Str<'a>>,
    #[serde(borrow)]
    invocation_context: Option<Surroundings<'a>>,
    #[serde(borrow)]
    parent_invocation_id: Option<Str<'a>>,
    #[serde(borrow)]
    workflow_context: Option<Workflow<'a>>,
    #[serde(borrow)]
    method_context: Option<Method<'a>>,
    #[serde(borrow)]
    run_id: Option<Str<'a>>,
}

#[derive(serde::Deserialize)]
struct Invocation<'a> {
    #[serde(borrow)]
    command: Str<'a>,
    #[serde(borrow)]
    subcommand: Option<Str<'a>>,
    #[serde(borrow, default)]
    args: Vec<Str<'a>>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Outcome<'a> {
    #[serde(borrow)]
    status: Str<'a>,
    #[serde(borrow)]
    error_category: Option<Str<'a>>,
    #[serde(borrow)]
    error_message: Option<Str<'a>>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Surroundings<'a> {
    agent_session_detected: Option<bool>,
    #[serde(borrow)]
    detected_ai_tool: Option<Str<'a>>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Workflow<'a> {
    #[serde(borrow, rename = "workflowName")]
    name: Option<Str<'a>>,
    #[serde(borrow)]
    run_id: Option<Str<'a>>,
    #[serde(borrow)]
    root_run_id: Option<Str<'a>>,
    #[serde(borrow)]
    root_workflow_name: Option<Str<'a>>,
    #[serde(borrow)]
    job_name: Option<Str<'a>>,
    #[serde(borrow)]
    step_name: Option<Str<'a>>,
    #[serde(borrow)]
    step_template: Option<Str<'a>>,
    #[serde(borrow)]
    model_type: Option<Str<'a>>,
    #[serde(borrow)]
    driver: Option<Str<'a>>,
    #[serde(borrow)]
    phase: Option<Str<'a>>,
    depth: Option<u32>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Method<'a> {
    #[serde(borrow)]
    model_type: Option<Str<'a>>,
    #[serde(borrow)]
    driver: Option<Str<'a>>,
    #[serde(borrow)]
    phase: Option<Str<'a>>,
}

/// Reads the event at a place in a body.
pub(super) fn event(body: &Arc<str>, piece: &Piece, arrival: Arrival, limits: &Limits) -> Read {
    let text = &body[piece.start..piece.end];
    let rejected = |reason: String| Rejected { id: id_of(text), reason };
    if let Some(fault) = &piece.fault {
        return Read::Invalid(rejected(fault.clone()));
    }
    let wire: WireEvent<'_> = match serde_json::from_str(text) {
        Ok(wire) => wire,
        Err(error) => return Read::Invalid(rejected(error.to_string())),
    };
    if wire.event.0 != EVENT_NAME {
        return Read::Dropped(rejected(format!("Only events named {EVENT_NAME:?} are kept")));
    }
    match build(body, piece, wire, arrival, limits) {
        Ok(event) => Read::Event(Box::new(event)),
        Err(reason) => Read::Invalid(rejected(reason)),
    }
}

fn build(
    body: &Arc<str>,
    piece: &Piece,
    wire: WireEvent<'_>,
    arrival: Arrival,
    limits: &Limits,
) -> Result<Event, String> {
    let base = body.as_ptr() as usize;
    let keep = |text: Option<Str<'_>>| match text {
        None => Text::None,
        Some(Str(Cow::Owned(text))) => Text::Owned(text.into()),
        Some(Str(Cow::Borrowed(text))) => {
            // A borrowed text is a piece of the body: its place is its distance from the beginning.
            let start = (text.as_ptr() as usize).wrapping_sub(base);
            match (u32::try_from(start), u32::try_from(text.len())) {
                (Ok(start), Ok(length)) => Text::Span { start, length },
                _ => Text::Owned(text.into()),
            }
        }
    };

    let entry = wire.properties;
    let is_id = |text: &Str<'_>| (1..=LONGEST_ID).contains(&text.0.len());
    let unique = wire.insert_id.or_else(|| entry.id.as_ref().map(|id| Str(id.0.clone())));
    let unique = unique.filter(is_id).ok_or("It has no insert_id or properties.id")?;
    let key = EventKey::new(arrival.project, &unique.0);
    let started = read_time(&entry.started_at.0)
        .ok_or("properties.startedAt is no time like 2026-11-22T09:58:10.514Z")?;
    if !entry.duration_ms.is_finite() {
        return Err("properties.durationMs is no number".to_owned());
    }
    let skewed = started.as_millis() > arrival.at.as_millis() + limits.skew_ahead_ms
        || started.as_millis() < arrival.at.as_millis() - limits.skew_behind_ms;

    let call = &entry.invocation;
    let subcommand = call.subcommand.as_ref().map_or("", |text| &text.0);
    let verb = call.args.first().map_or("", |text| &text.0);
    let calls_method = call.command.0 == "model" && subcommand == "method" && verb == "run";
    let runs_workflow = call.command.0 == "workflow" && subcommand == "run" && verb != "search";
    let kind = if entry.workflow_context.is_some() || entry.method_context.is_some() || calls_method
    {
        Kind::Method
    } else if runs_workflow || entry.run_id.is_some() {
        Kind::Run
    } else {
        Kind::Command
    };
    let method = if calls_method { entry.invocation.args.into_iter().nth(2) } else { None };
    let failed = entry.result.status.0 != "success";
    let agent = entry.invocation_context.and_then(|context| {
        let unnamed = context.agent_session_detected == Some(true);
        context.detected_ai_tool.or_else(|| unnamed.then_some(Str(Cow::Borrowed("unknown"))))
    });

    let mut texts = [const { Text::None }; Dimension::COUNT];
    let mut set = |dimension: Dimension, text| texts[dimension.index()] = text;
    let mut run_id = entry.run_id;
    let mut depth = 0;
    let mut root_workflow = Text::None;
    let mut phase = None;
    if let Some(context) = entry.workflow_context {
        depth = context.depth.unwrap_or(0);
        let outermost =
            context.name.as_ref().filter(|_| depth == 0).map(|name| Str(name.0.clone()));
        root_workflow = keep(context.root_workflow_name.or(outermost));
        set(Dimension::Workflow, keep(context.name));
        set(Dimension::Job, keep(context.job_name));
        set(Dimension::Step, keep(context.step_template.or(context.step_name)));
        set(Dimension::ModelType, keep(context.model_type));
        set(Dimension::Driver, keep(context.driver));
        run_id = context.root_run_id.or(context.run_id);
        phase = context.phase;
    } else if let Some(context) = entry.method_context {
        set(Dimension::ModelType, keep(context.model_type));
        set(Dimension::Driver, keep(context.driver));
        phase = context.phase;
    }
    let duration_ms = whole_millis(entry.duration_ms);
    // Senders that do not say how far a call came: a failure that took no time is one before it.
    let ran = phase.map_or(!(failed && duration_ms == 0), |phase| phase.0 != "before_method");
    set(Dimension::Method, keep(method));
    set(Dimension::Status, keep(Some(entry.result.status)));
    set(Dimension::ErrorCategory, keep(entry.result.error_category));
    set(Dimension::ErrorMessage, keep(entry.result.error_message));
    set(Dimension::Platform, keep(entry.platform));
    // A word of ours is no piece of the body.
    let agent = match agent {
        Some(Str(Cow::Borrowed("unknown"))) => Text::Owned("unknown".into()),
        agent => keep(agent),
    };
    set(Dimension::Agent, agent);

    let place = |at: usize| u32::try_from(at).map_err(|_| "The body is too large".to_owned());
    Ok(Event {
        raw: (place(piece.start)?, place(piece.end)?),
        texts,
        insert_id: match &entry.id {
            Some(id) if id.0 != unique.0 => keep(Some(Str(unique.0.clone()))),
            _ => Text::None,
        },
        id: keep(entry.id.or(Some(unique))),
        root_workflow,
        run_id: keep(run_id.filter(is_id)),
        parent_id: keep(entry.parent_invocation_id.filter(is_id)),
        body: Arc::clone(body),
        project: arrival.project,
        key,
        kind,
        at: if skewed { arrival.at } else { started },
        duration_ms,
        timed: kind == Kind::Method && ran,
        failed,
        skewed,
        depth,
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, and negative durations are meant to become 0"
)]
fn whole_millis(millis: f64) -> u64 {
    // Sums of durations must not overflow, whatever a sender says: at most 35 years.
    (millis.round() as u64).min(1 << 40)
}

/// Reads the usual form of a time without further ado, and any other with.
fn read_time(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let number = |from: usize, length: usize| {
        bytes.get(from..from + length)?.iter().try_fold(0_i64, |number, byte| {
            byte.is_ascii_digit().then(|| number * 10 + i64::from(byte - b'0'))
        })
    };
    let usual = || {
        let marks =
            [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'.'), (23, b'Z')];
        if bytes.len() != 24 || marks.iter().any(|(at, mark)| bytes[*at] != *mark) {
            return None;
        }
        let (year, month, day) = (number(0, 4)?, number(5, 2)?, number(8, 2)?);
        let (hour, minute, second) = (number(11, 2)?, number(14, 2)?, number(17, 2)?);
        // Days that not every month has go the long way.
        let fits = (1..=12).contains(&month) && (1..=28).contains(&day);
        if !fits || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let seconds =
            (days_since_epoch(year, month, day) * 24 + hour) * 3600 + minute * 60 + second;
        Some(Timestamp::from_millis(seconds * 1000 + number(20, 3)?))
    };
    usual().or_else(|| Timestamp::parse(text).ok())
}

/// Days from 1970-01-01 to a day of the Gregorian calendar; years begin in March here, so that the
/// leap day is the last.
const fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year
        - 719_468
}

/// The id of something that may not be an event, for the answer.
fn id_of(text: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Ids<'a> {
        #[serde(default, borrow)]
        insert_id: Option<&'a RawValue>,
        #[serde(default, borrow)]
        properties: Option<&'a RawValue>,
    }
    #[derive(serde::Deserialize)]
    struct Id<'a> {
        #[serde(default, borrow)]
        id: Option<&'a RawValue>,
    }
    let text_of = |raw: &RawValue| serde_json::from_str::<String>(raw.get()).ok();
    let ids: Ids<'_> = serde_json::from_str(text).ok()?;
    let id = ids.insert_id.and_then(text_of).or_else(|| {
        let id: Id<'_> = serde_json::from_str(ids.properties?.get()).ok()?;
        text_of(id.id?)
    })?;
    (id.len() <= LONGEST_ID).then_some(id)
}

/// Makes an event of an entry as spool files and the original's files have it. `None` if the text is
/// no JSON object.
pub fn entry_as_event(entry: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Owner<'a> {
        #[serde(borrow)]
        repo_id: Option<Str<'a>>,
    }
    let entry = entry.trim();
    if !entry.starts_with('{') {
        return None;
    }
    let owner: Owner<'_> = serde_json::from_str(entry).ok()?;
    let owner = owner.repo_id.map_or_else(String::new, |id| id.0.into_owned());
    let owner = serde_json::Value::from(owner);
    Some(format!(r#"{{"event":"{EVENT_NAME}","distinct_id":{owner},"properties":{entry}}}"#))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::super::read_body;
    use super::*;
    use crate::event::ProjectId;

    fn arrival() -> Arrival {
        let at = Timestamp::parse("2026-11-22T12:00:00.000Z").unwrap();
        Arrival { project: ProjectId(1), at }
    }

    fn read(body: &Value) -> Vec<Read> {
        read_body(body.to_string().into_bytes(), arrival(), &Limits::default()).unwrap()
    }

    fn one(body: &Value) -> Event {
        match read(body).remove(0) {
            Read::Event(event) => *event,
            other => panic!("{other:?}"),
        }
    }

    fn child() -> Value {
        json!({
            "event": "cli_invocation", "distinct_id": "u", "insert_id": "e-1",
            "properties": {
                "id": "e-1",
                "invocation": {"command": "model", "args": ["run", "<REDACTED>", "execute"],
                    "optionKeys": [], "globalOptions": [], "subcommand": "method"},
                "result": {"status": "user_error", "exitCode": 1, "errorType": "UserError",
                    "errorMessage": "Command \"x\" exited", "errorCategory": "method"},
                "startedAt": "2026-11-22T09:58:10.514Z", "completedAt": "2026-11-22T09:58:10.605Z",
                "durationMs": 91, "swampVersion": "1", "denoVersion": "0.0.0", "platform": "linux",
                "invocationContext": {"agentSessionDetected": true, "isInteractive": false},
                "parentInvocationId": "p-1",
                "workflowContext": {"workflowName": "w", "runId": "r-2", "jobName": "j",
                    "stepName": "s-a", "stepTemplate": "s-${{ self.item }}", "modelType": "command/shell",
                    "driver": "raw", "rootRunId": "r-1", "depth": 1, "later": {"x": 1}},
                "$repo_id": "repo", "new": [1, 2],
            },
        })
    }

    #[test]
    fn a_child_has_all_its_dimensions_and_its_text() {
        let event = one(&child());
        assert_eq!(event.raw(), child().to_string());
        let texts = Dimension::ALL.map(|dimension| event.text(dimension));
        assert_eq!(
            texts,
            [
                Some("raw"),
                Some("command/shell"),
                Some("execute"),
                Some("w"),
                Some("j"),
                Some("s-${{ self.item }}"),
                Some("user_error"),
                Some("method"),
                Some("linux"),
                Some("unknown"),
                Some("Command \"x\" exited"),
            ]
        );
        assert_eq!(
            (event.id(), event.parent_id(), event.run_id()),
            ("e-1", Some("p-1"), Some("r-1"))
        );
        assert_eq!((event.kind, event.duration_ms, event.depth), (Kind::Method, 91, 1));
        assert!(event.failed && event.timed && !event.skewed);
        assert_eq!(event.at.to_string(), "2026-11-22T09:58:10.514Z");
    }

    #[test]
    fn kinds_are_told_by_what_was_called() {
        let command = |path: &[&str], args: &[&str], more: Value| {
            let mut event = child();
            let entry = event["properties"].as_object_mut().unwrap();
            entry.remove("workflowContext");
            entry.remove("parentInvocationId");
            entry["invocation"] =
                json!({"command": path[0], "subcommand": path.get(1), "args": args});
            for (key, value) in more.as_object().unwrap() {
                entry.insert(key.clone(), value.clone());
            }
            one(&event).kind
        };
        assert_eq!(command(&["version"], &[], json!({})), Kind::Command);
        assert_eq!(command(&["workflow", "run"], &["<REDACTED>"], json!({})), Kind::Run);
        assert_eq!(command(&["workflow", "run"], &["search"], json!({})), Kind::Command);
        assert_eq!(command(&["workflow"], &[], json!({"runId": "r"})), Kind::Run);
        assert_eq!(command(&["model", "method"], &["run", "R", "m"], json!({})), Kind::Method);
        assert_eq!(command(&["model"], &[], json!({"methodContext": {}})), Kind::Method);
    }

    #[test]
    fn the_sender_speaks_of_an_event_by_its_insert_id() {
        for (insert_id, id, want) in [
            (json!("outer"), json!("inner"), "outer"),
            (json!("same"), json!("same"), "same"),
            (json!("o\"uter"), json!("inner"), "o\"uter"),
            (json!("outer"), Value::Null, "outer"),
            (Value::Null, json!("inner"), "inner"),
        ] {
            let mut event = child();
            event["insert_id"] = insert_id;
            event["properties"]["id"] = id;
            let event = one(&event);
            assert_eq!(event.insert_id(), want);
            assert_eq!(event.key, EventKey::new(ProjectId(1), want));
        }
    }

    #[test]
    fn old_senders_have_no_context_and_no_insert_id() {
        let mut event = child();
        event.as_object_mut().unwrap().remove("insert_id");
        let key = one(&child()).key;
        for absent in ["parentInvocationId", "workflowContext", "invocationContext", "platform"] {
            event["properties"].as_object_mut().unwrap().remove(absent);
        }
        let event = one(&event);
        assert_eq!(event.key, key);
        assert_eq!((event.text(Dimension::Agent), event.text(Dimension::Workflow)), (None, None));
    }

    #[test]
    fn one_bad_event_does_not_sink_the_others() {
        let mut bodies = vec![json!(5), json!(null), json!([]), json!("text"), json!({})];
        for (pointer, value) in [
            ("/properties", json!(1)),
            ("/properties/id", json!(1)),
            ("/insert_id", json!("")),
            ("/properties/startedAt", json!("yesterday")),
            ("/properties/durationMs", json!("91")),
            ("/properties/result", json!({})),
            ("/properties/invocation", json!(null)),
        ] {
            let mut event = child();
            *event.pointer_mut(pointer).unwrap() = value;
            bodies.push(event);
        }
        for bad in bodies {
            let read = read(&json!({"events": [child(), bad, child()]}));
            assert!(
                matches!(&read[..], [Read::Event(_), Read::Invalid(_), Read::Event(_)]),
                "{bad}: {read:?}"
            );
        }
        let mut named = child();
        named["properties"]["durationMs"] = json!([]);
        let Read::Invalid(rejected) = read(&named).remove(0) else { panic!() };
        assert_eq!(rejected.id.as_deref(), Some("e-1"));
        named["event"] = json!("page_view");
        named["properties"]["durationMs"] = json!(1);
        assert!(matches!(read(&named)[0], Read::Dropped(_)));
    }

    #[test]
    fn what_is_not_utf8_is_one_bad_event() {
        let good = child().to_string();
        let mut body = format!(r#"{{"events":[{{"a":"?"}},{good}]}}"#).into_bytes();
        let at = body.iter().position(|byte| *byte == b'?').unwrap();
        body[at] = 0xff;
        let read = read_body(body, arrival(), &Limits::default()).unwrap();
        let [Read::Invalid(_), Read::Event(event)] = &read[..] else { panic!("{read:?}") };
        assert_eq!((event.raw(), event.text(Dimension::Driver)), (good.as_str(), Some("raw")));
    }

    #[test]
    fn clocks_that_are_far_off_are_flagged_and_not_believed() {
        for (time, skewed) in [
            ("2026-11-23T11:59:59.000Z", false),
            ("2026-11-23T12:00:01.000Z", true),
            ("2025-01-31T00:00:00Z", false),
            ("1970-01-01T00:00:00.000Z", true),
            ("9998-12-31T23:59:59.999Z", true),
        ] {
            let mut event = child();
            event["properties"]["startedAt"] = json!(time);
            let event = one(&event);
            assert_eq!((event.skewed, event.at == arrival().at), (skewed, skewed), "{time}");
        }
    }

    #[test]
    fn durations_are_whole_and_within_reason() {
        for (given, want) in [("-5", 0), ("1.5", 2), ("1e300", 1 << 40), ("0", 0), ("12", 12)] {
            let text = child()
                .to_string()
                .replace("\"durationMs\":91", &format!("\"durationMs\":{given}"));
            let read = read_body(text.into_bytes(), arrival(), &Limits::default()).unwrap();
            let Read::Event(event) = &read[0] else { panic!("{given}: {read:?}") };
            assert_eq!(event.duration_ms, want, "{given}");
        }
    }

    #[test]
    fn a_file_becomes_an_event() {
        let entry = format!("{:#}", child()["properties"]);
        let event = entry_as_event(&entry).unwrap();
        let read = read_body(event.into_bytes(), arrival(), &Limits::default()).unwrap();
        let Read::Event(event) = &read[0] else { panic!("{read:?}") };
        assert_eq!(event.key, one(&child()).key);
        assert_eq!(entry_as_event("[]"), None);
        assert_eq!(entry_as_event("{"), None);
    }

    proptest! {
        #[test]
        fn the_short_way_to_read_times_finds_what_the_long_way_finds(
            text in r"[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9]\.[0-9]{3}Z"
        ) {
            prop_assert_eq!(read_time(&text), Timestamp::parse(&text).ok());
        }
    }
}
