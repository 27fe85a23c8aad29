//! Reading one event: what statistics need of it, borrowed from the body.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use serde_json::value::RawValue;
use swamp_ident::Timestamp;
use swamp_wire::EVENT_NAME;

use super::scan::Piece;
use super::wire::{Str, WireEvent};
use super::{Arrival, Fate, Limits, Reading, Refused, Rejected, quick};
use crate::dimension::Dimension;
use crate::event::{Body, Event, EventKey, Kind, Text};

/// Longest id that is accepted, in bytes. Those of the senders we know have 36.
const LONGEST_ID: usize = 200;

/// Reads the events of one body, one after the other.
pub(super) struct Reader<'a> {
    body: &'a Arc<Body>,
    arrival: Arrival,
    limits: &'a Limits,
    /// Texts that do not stand in the body as they are meant.
    own: String,
    /// The last group and its key: events of a run usually come together.
    group: Option<(Text, EventKey)>,
    reading: Reading,
}

impl<'a> Reader<'a> {
    pub(super) fn new(body: &'a Arc<Body>, arrival: Arrival, limits: &'a Limits) -> Self {
        let own = String::new();
        Self { body, arrival, limits, own, group: None, reading: Reading::default() }
    }

    /// Reads the whole body the quick way. If that fails, it is as if nothing had been read.
    pub(super) fn all(&mut self) -> bool {
        let body = self.body;
        let done = quick::events(body.sent(), self.limits, |place, wire| self.wire(place, wire));
        if done.is_none() {
            (self.own, self.group, self.reading) = (String::new(), None, Reading::default());
        }
        done.is_some()
    }

    /// Reads the event at a place.
    pub(super) fn piece(&mut self, piece: Piece) {
        let text = &self.body.sent()[piece.start..piece.end];
        if let Some(fault) = piece.fault {
            return self.refuse(text, Fate::Invalid, fault);
        }
        let place = piece.start..piece.end;
        if let Some(wire) = quick::event(text, self.limits) {
            return self.wire(place, wire);
        }
        match serde_json::from_str(text) {
            Ok(wire) => self.wire(place, wire),
            Err(error) => self.refuse(text, Fate::Invalid, error.to_string()),
        }
    }

    /// What was read.
    pub(super) fn finish(self) -> Reading {
        self.body.keep(self.own);
        self.reading
    }

    fn wire(&mut self, place: Range<usize>, wire: WireEvent<'_>) {
        let text = &self.body.sent()[place.clone()];
        if wire.event.0 != EVENT_NAME {
            let reason = format!("Only events named {EVENT_NAME:?} are kept");
            return self.refuse(text, Fate::Dropped, reason);
        }
        match self.build(place, wire) {
            Ok(event) => {
                self.reading.events.push(event);
                self.reading.count += 1;
            }
            Err(reason) => self.refuse(text, Fate::Invalid, reason),
        }
    }

    fn refuse(&mut self, text: &str, fate: Fate, reason: String) {
        let rejected = Rejected { id: id_of(text), reason };
        self.reading.refused.push(Refused { place: self.reading.count, fate, rejected });
        self.reading.count += 1;
    }

    /// Where a text stands; those that do not stand in the body are added to what is kept beside it.
    fn keep(&mut self, text: Option<&Str<'_>>) -> Result<Text, String> {
        let too_large = |_| "The body is too large".to_owned();
        let sent = self.body.sent();
        let (start, length) = match text {
            None => return Ok(Text::NONE),
            Some(Str(Cow::Borrowed(text))) => {
                // A borrowed text is a piece of the body: its place is its distance from the beginning.
                ((text.as_ptr() as usize).wrapping_sub(sent.as_ptr() as usize), text.len())
            }
            Some(Str(Cow::Owned(text))) => {
                self.own.push_str(text);
                (sent.len() + self.own.len() - text.len(), text.len())
            }
        };
        Ok(Text {
            start: u32::try_from(start).map_err(too_large)?,
            length: u32::try_from(length).map_err(too_large)?,
        })
    }

    /// The key of the group a text names.
    fn group_key(&mut self, text: Text) -> Option<EventKey> {
        let find = |text: Text| {
            let start = text.start as usize;
            match start.checked_sub(self.body.sent().len()) {
                None => self.body.sent().get(start..start + text.length as usize),
                Some(start) => self.own.get(start..start + text.length as usize),
            }
        };
        let id = find(text)?;
        if let Some((last, key)) = self.group
            && find(last) == Some(id)
        {
            return Some(key);
        }
        let key = EventKey::new(self.arrival.project, id);
        self.group = Some((text, key));
        Some(key)
    }

    fn build(&mut self, place: Range<usize>, wire: WireEvent<'_>) -> Result<Event, String> {
        let (arrival, limits) = (self.arrival, self.limits);
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
        let verb = call.args.first.as_ref().map_or("", |text| &text.0);
        let calls_method = call.command.0 == "model" && subcommand == "method" && verb == "run";
        let runs_workflow = call.command.0 == "workflow" && subcommand == "run" && verb != "search";
        let kind =
            if entry.workflow_context.is_some() || entry.method_context.is_some() || calls_method {
                Kind::Method
            } else if runs_workflow || entry.run_id.is_some() {
                Kind::Run
            } else {
                Kind::Command
            };
        let method = if calls_method { entry.invocation.args.third } else { None };
        let failed = entry.result.status.0 != "success";
        let agent = entry.invocation_context.and_then(|context| {
            let unnamed = context.agent_session_detected == Some(true);
            context
                .detected_ai_tool
                .or_else(|| unnamed.then(|| Str(Cow::Owned("unknown".to_owned()))))
        });

        let mut texts = [Text::NONE; Dimension::COUNT];
        let mut run_id = entry.run_id;
        let mut depth = 0;
        let mut root_workflow = Text::NONE;
        let mut phase = None;
        if let Some(context) = entry.workflow_context {
            depth = context.depth.unwrap_or(0);
            let outermost =
                context.name.as_ref().filter(|_| depth == 0).map(|name| Str(name.0.clone()));
            root_workflow = self.keep(context.root_workflow_name.or(outermost).as_ref())?;
            texts[Dimension::Workflow.index()] = self.keep(context.name.as_ref())?;
            texts[Dimension::Job.index()] = self.keep(context.job_name.as_ref())?;
            texts[Dimension::Step.index()] =
                self.keep(context.step_template.or(context.step_name).as_ref())?;
            texts[Dimension::ModelType.index()] = self.keep(context.model_type.as_ref())?;
            texts[Dimension::Driver.index()] = self.keep(context.driver.as_ref())?;
            run_id = context.root_run_id.or(context.run_id);
            phase = context.phase;
        } else if let Some(context) = entry.method_context {
            texts[Dimension::ModelType.index()] = self.keep(context.model_type.as_ref())?;
            texts[Dimension::Driver.index()] = self.keep(context.driver.as_ref())?;
            phase = context.phase;
        }
        let duration_ms = whole_millis(entry.duration_ms);
        // Senders that do not say how far a call came: a failure that took no time is one before it.
        let ran = phase.map_or(!(failed && duration_ms == 0), |phase| phase.0 != "before_method");
        texts[Dimension::Method.index()] = self.keep(method.as_ref())?;
        texts[Dimension::Status.index()] = self.keep(Some(&entry.result.status))?;
        texts[Dimension::ErrorCategory.index()] =
            self.keep(entry.result.error_category.as_ref())?;
        texts[Dimension::ErrorMessage.index()] = self.keep(entry.result.error_message.as_ref())?;
        texts[Dimension::Platform.index()] = self.keep(entry.platform.as_ref())?;
        texts[Dimension::Agent.index()] = self.keep(agent.as_ref())?;

        let insert_id = match &entry.id {
            Some(id) if id.0 != unique.0 => self.keep(Some(&Str(unique.0.clone())))?,
            _ => Text::NONE,
        };
        let id = self.keep(entry.id.or(Some(unique)).as_ref())?;
        let run_id = self.keep(run_id.filter(is_id).as_ref())?;
        let parent_id = self.keep(entry.parent_invocation_id.filter(is_id).as_ref())?;
        let group = match kind {
            Kind::Command => Text::NONE,
            Kind::Run => id,
            Kind::Method => parent_id.or(run_id),
        };
        Ok(Event {
            raw: self.keep(Some(&Str(Cow::Borrowed(&self.body.sent()[place]))))?,
            texts,
            insert_id,
            id,
            root_workflow,
            run_id,
            parent_id,
            group,
            group_key: self.group_key(group),
            body: Arc::clone(self.body),
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

    use super::super::{Read, read_body};
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
            let [Read::Event(_), Read::Invalid(why), Read::Event(_)] = &read[..] else {
                panic!("{bad}: {read:?}");
            };
            // Whoever sent it knows nothing of types of ours.
            assert!(!why.reason.contains("struct "), "{bad}: {why:?}");
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
