//! Events as clients send them.

use serde_json::{Value, json};
use swamp_collector::ingest::{Arrival, Limits, Read, read_body};
use swamp_collector::{Event, ProjectId};
use swamp_ident::Timestamp;

use crate::now;

/// An event in the making.
#[derive(Clone)]
pub(crate) struct Sent(pub(crate) Value);

/// A call of a method, by a step of a workflow that was started alone.
pub(crate) fn call(id: &str, at: &str, millis: u64) -> Sent {
    Sent(json!({
        "event": "cli_invocation", "distinct_id": "user", "insert_id": id,
        "properties": {
            "id": id,
            "invocation": {"command": "model", "subcommand": "method",
                "args": ["run", "<REDACTED>", "execute"], "optionKeys": [], "globalOptions": []},
            "result": {"status": "success", "exitCode": 0},
            "startedAt": at, "completedAt": at, "durationMs": millis,
            "swampVersion": "1", "denoVersion": "0.0.0", "platform": "linux",
            "workflowContext": {"workflowName": "deploy", "runId": "run-1", "jobName": "main",
                "stepName": "one", "modelType": "command/shell", "driver": "raw"},
        },
    }))
}

/// The command that ran a workflow.
pub(crate) fn run(id: &str, at: &str, millis: u64, run_id: &str) -> Sent {
    let mut sent = call(id, at, millis);
    let entry = sent.0["properties"].as_object_mut().unwrap();
    entry.remove("workflowContext");
    entry["invocation"] = json!({"command": "workflow", "subcommand": "run",
        "args": ["<REDACTED>"], "optionKeys": [], "globalOptions": []});
    entry.insert("runId".to_owned(), json!(run_id));
    sent
}

impl Sent {
    /// With another value at a place like `/properties/platform`; `null` removes it.
    pub(crate) fn with(mut self, pointer: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let parent = self.0.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        if value.is_null() {
            parent.shift_remove(name);
        } else {
            parent.insert(name.to_owned(), value);
        }
        self
    }

    /// With something in its workflow context.
    pub(crate) fn context(self, name: &str, value: impl Into<Value>) -> Self {
        self.with(&format!("/properties/workflowContext/{name}"), value)
    }

    /// Of the run of a command.
    pub(crate) fn of(self, parent: &str, run_id: &str) -> Self {
        self.with("/properties/parentInvocationId", parent).context("runId", run_id)
    }

    /// Failed.
    pub(crate) fn failed(self, category: &str, message: &str) -> Self {
        self.with(
            "/properties/result",
            json!({"status": "error", "exitCode": 1, "errorType": "Error",
                "errorCategory": category, "errorMessage": message}),
        )
    }

    pub(crate) fn text(&self) -> String {
        self.0.to_string()
    }
}

/// What a collector makes of the texts of events that arrive at a time.
pub(crate) fn read_at(project: ProjectId, at: Timestamp, texts: &[String]) -> Vec<Event> {
    let body = format!("{{\"events\":[{}]}}", texts.join(","));
    let limits = Limits { events: 100_000, ..Limits::default() };
    read_body(body.into_bytes(), Arrival { project, at }, &limits)
        .unwrap()
        .into_iter()
        .map(|read| match read {
            Read::Event(event) => *event,
            other => panic!("{other:?}"),
        })
        .collect()
}

/// The same for events that arrive now.
pub(crate) fn read(project: ProjectId, sent: &[Sent]) -> Vec<Event> {
    read_at(project, now(), &sent.iter().map(Sent::text).collect::<Vec<_>>())
}

/// Numbers that look random and are the same every time (splitmix64).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (number ^ (number >> 31)) % end
    }

    pub(crate) fn of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[usize::try_from(self.below(words.len() as u64)).unwrap()]
    }
}

/// Many events of all kinds over three days: runs with their calls, calls alone, other commands.
pub(crate) fn many(count: usize, seed: u64) -> Vec<Sent> {
    let mut dice = Dice(seed);
    (0..count)
        .map(|number| {
            let at = now().plus_millis(-i64::try_from(dice.below(3 * 24 * 3_600_000)).unwrap());
            let (id, at) = (format!("id-{seed}-{number}"), at.to_string());
            let millis = match dice.below(3) {
                0 => dice.below(20),
                1 => dice.below(3_000),
                _ => dice.below(2_000_000),
            };
            let run_number = dice.below(count as u64 / 8 + 1);
            let (parent, run_id) = (format!("cmd-{run_number}"), format!("run-{run_number}"));
            let sent = match dice.below(12) {
                0 => run(&id, &at, millis, &format!("own-{number}")),
                1 => call(&id, &at, millis).with("/properties/workflowContext", Value::Null),
                _ => call(&id, &at, millis)
                    .of(&parent, &run_id)
                    .context("driver", dice.of(&["raw", "docker", "ssh"]))
                    .context("modelType", dice.of(&["command/shell", "aws/ec2", "@acme/thing"]))
                    .context("workflowName", dice.of(&["deploy", "test", "nightly"]))
                    .context("jobName", dice.of(&["build", "ship"]))
                    .context("stepName", dice.of(&["a", "b", "ü-ß", "d'e\\f"])),
            };
            let sent = sent.with("/properties/platform", dice.of(&["linux", "darwin"]));
            let sent = match dice.below(4) {
                0 => sent.with(
                    "/properties/invocationContext",
                    json!({"agentSessionDetected": true, "detectedAiTool": dice.of(&["claude", "codex"])}),
                ),
                _ => sent,
            };
            match dice.below(6) {
                0 => sent.failed(dice.of(&["method", "timeout"]), dice.of(&["boom", "no\nway", "it's"])),
                _ => sent,
            }
        })
        .collect()
}
