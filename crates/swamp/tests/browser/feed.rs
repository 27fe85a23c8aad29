//! Telemetry as a swamp sends it, of a made-up day that ends now.

use serde_json::{Value, json};
use swamp_ident::Timestamp;

/// A name that would run if anything took it for markup.
pub(crate) const HOSTILE: &str = "<img src=x onerror=alert(1)>";

/// A method call of a workflow run.
#[derive(Clone, Copy)]
pub(crate) struct Step<'a> {
    pub(crate) workflow: &'a str,
    pub(crate) depth: u32,
    pub(crate) job: &'a str,
    pub(crate) name: &'a str,
    pub(crate) method: (&'a str, &'a str, &'a str),
    pub(crate) offset: i64,
    pub(crate) took: i64,
    /// Category, phase, message, allowed.
    pub(crate) failure: Option<(&'a str, &'a str, &'a str, bool)>,
}

impl Default for Step<'_> {
    fn default() -> Self {
        Self {
            workflow: "deploy-production",
            depth: 0,
            job: "build",
            name: "compile",
            method: ("command/shell", "execute", "raw"),
            offset: 0,
            took: 900,
            failure: None,
        }
    }
}

fn entry(id: &str, at: Timestamp, took: i64, failure: Option<(&str, &str)>) -> Value {
    let mut result = json!({"status": "success", "exitCode": 0});
    if let Some((category, message)) = failure {
        result = json!({
            "status": "user_error", "exitCode": 1, "errorType": "UserError",
            "errorMessage": message, "errorCategory": category,
        });
    }
    json!({
        "id": id,
        "invocation": {"command": "workflow", "args": ["<REDACTED>"], "optionKeys": [], "globalOptions": [], "subcommand": "run"},
        "result": result,
        "startedAt": at.to_string(),
        "completedAt": at.plus_millis(took).to_string(),
        "durationMs": took,
        "swampVersion": "0.1.0", "denoVersion": "0.0.0", "platform": "linux",
        "invocationContext": {"agentSessionDetected": true, "isInteractive": false, "configuredAiTools": [], "detectedAiTool": "claude"},
    })
}

fn event(entry: &Value) -> Value {
    json!({"event": "cli_invocation", "distinct_id": "d", "insert_id": entry["id"], "properties": entry})
}

/// The events of a run.
pub(crate) fn run(id: &str, at: Timestamp, took: i64, steps: &[Step<'_>]) -> Vec<Value> {
    let failed = steps.iter().find_map(|step| step.failure.filter(|failure| !failure.3));
    let mut parent = entry(id, at, took, failed.map(|failure| (failure.0, failure.2)));
    parent["runId"] = json!(format!("{id}-run"));
    parent["runStatus"] = json!(if failed.is_some() { "failed" } else { "succeeded" });
    let mut events = vec![event(&parent)];
    for (number, step) in steps.iter().enumerate() {
        let failure = step.failure.map(|failure| (failure.0, failure.2));
        let start = at.plus_millis(step.offset);
        let mut child = entry(&format!("{id}-{number}"), start, step.took, failure);
        let (model_type, method, driver) = step.method;
        child["invocation"]["command"] = json!("model");
        child["invocation"]["subcommand"] = json!("method");
        child["invocation"]["args"] = json!(["run", "<REDACTED>", method]);
        child["parentInvocationId"] = json!(id);
        child["workflowContext"] = json!({
            "workflowName": step.workflow,
            "runId": if step.depth == 0 { format!("{id}-run") } else { format!("{id}-{}", step.workflow) },
            "jobName": step.job, "stepName": step.name, "modelType": model_type, "driver": driver,
            "phase": step.failure.map_or("method", |failure| failure.1),
        });
        let context = &mut child["workflowContext"];
        if step.depth > 0 {
            context["rootWorkflowName"] = json!("deploy-production");
            context["rootRunId"] = json!(format!("{id}-run"));
            context["depth"] = json!(step.depth);
        }
        if step.failure.is_some_and(|failure| failure.3) {
            context["allowedFailure"] = json!(true);
        }
        events.push(event(&child));
    }
    events
}

/// The run with everything: nested runs, an allowed failure, one before the method, hostile names.
pub(crate) fn eventful(id: &str, at: Timestamp) -> Vec<Value> {
    let step = Step::default;
    let roll = |step: Step<'static>| Step { workflow: "roll-out", depth: 1, job: "hosts", ..step };
    let probe =
        |step: Step<'static>| Step { workflow: "check-health", depth: 2, job: "probe", ..step };
    run(
        id,
        at,
        52_700,
        &[
            Step { took: 12_300, ..step() },
            Step {
                name: "image",
                method: ("@acme/image", "build", "docker"),
                offset: 12_320,
                took: 9_500,
                ..step()
            },
            roll(Step { name: "host-1", offset: 21_900, took: 9_100, ..step() }),
            roll(Step {
                name: HOSTILE,
                offset: 21_960,
                took: 27_000,
                failure: Some(("method", "method", "Command exited with code 3", false)),
                ..step()
            }),
            probe(Step {
                name: "http-a",
                method: ("@acme/http", "get", "raw"),
                offset: 31_400,
                took: 800,
                ..step()
            }),
            probe(Step {
                name: "http-b",
                method: ("@acme/http", "get", "raw"),
                offset: 31_500,
                took: 5_200,
                failure: Some(("timeout", "method", "No answer within 5 s", true)),
                ..step()
            }),
            Step {
                job: "announce",
                name: "page-the-owner",
                offset: 49_900,
                took: 0,
                failure: Some((
                    "vault",
                    "before_method",
                    "The vault \"prod\" has no key \"PAGER\"",
                    false,
                )),
                ..step()
            },
        ],
    )
}

/// Two days of runs, the second with more failures and a slower image build, then the eventful one.
pub(crate) fn days(now: Timestamp) -> Vec<Value> {
    let mut events = Vec::new();
    for number in 0..160_i64 {
        let at = now.plus_millis(-(161 - number) * 18 * 60_000);
        let late = number > 120;
        let name = match number % 3 {
            0 => "deploy-production",
            1 => "nightly-backup",
            _ => "invoice-export",
        };
        let failure = (number % if late { 6 } else { 40 } == 0).then_some((
            "driver",
            "before_method",
            "Cannot connect to the container engine",
            false,
        ));
        let base = Step { workflow: name, ..Step::default() };
        let steps = [
            Step { took: 4_000 + number * 37 % 1_900, ..base },
            Step {
                name: "image",
                method: ("@acme/image", "build", "docker"),
                offset: 6_000,
                took: if late { 21_000 } else { 9_000 } + number * 91 % 2_500,
                failure,
                ..base
            },
            Step {
                job: "store",
                name: "upload",
                method: ("@acme/http", "put", "raw"),
                offset: 31_000,
                took: 300 + number * 13 % 250,
                ..base
            },
        ];
        events.extend(run(&format!("run-{number}"), at, 32_000, &steps));
    }
    events.extend(eventful("eventful", now.plus_millis(-600_000)));
    events
}
