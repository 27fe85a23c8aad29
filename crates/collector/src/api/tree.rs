//! The events of a run as a tree of runs.
//!
//! An event says which run it belongs to and how many runs are around that one, not which. A nested
//! run is therefore put under the run one level up whose calls surround it in time, or began last
//! before it.

use indexmap::IndexMap;
use serde_json::Value;
use swamp_ident::Timestamp;

use crate::answer::{MethodCall, RunNode};

/// The command's entry, and the runs that are nested in no other.
pub(super) fn build(events: &[String], start: Timestamp) -> (Option<Value>, Vec<RunNode>) {
    let mut parent = None;
    let mut runs: IndexMap<Option<String>, Found> = IndexMap::new();
    for event in events {
        // What was accepted is JSON.
        let Ok(event) = serde_json::from_str::<Value>(event) else { continue };
        let entry = &event["properties"];
        let context = &entry["workflowContext"];
        if context.is_null() {
            parent = Some(entry.clone());
            continue;
        }
        let run = runs.entry(text(&context["runId"])).or_default();
        run.workflow = run.workflow.take().or_else(|| text(&context["workflowName"]));
        run.depth =
            context["depth"].as_u64().and_then(|depth| u32::try_from(depth).ok()).unwrap_or(0);
        run.methods.push(call(entry, start));
    }
    let mut found: Vec<RunNode> = runs.into_iter().map(|(id, run)| run.into_node(id)).collect();
    // Deepest first, so that a run has all of its own when it is put into another.
    found.sort_by_key(|node| (std::cmp::Reverse(node.depth), node.offset_ms));
    let mut top = Vec::new();
    while !found.is_empty() {
        let node = found.remove(0);
        match surrounding(&node, &found) {
            Some(at) => found[at].take_in(node),
            None => top.push(node),
        }
    }
    let mut order = |nodes: &mut Vec<RunNode>| nodes.sort_by_key(|node| node.offset_ms);
    sort(&mut top, &mut order);
    (parent, top)
}

fn sort(nodes: &mut Vec<RunNode>, order: &mut impl FnMut(&mut Vec<RunNode>)) {
    order(nodes);
    for node in nodes {
        sort(&mut node.nested, order);
    }
}

#[derive(Default)]
struct Found {
    workflow: Option<String>,
    depth: u32,
    methods: Vec<MethodCall>,
}

impl Found {
    fn into_node(mut self, run_id: Option<String>) -> RunNode {
        self.methods.sort_by(|a, b| (a.offset_ms, &a.id).cmp(&(b.offset_ms, &b.id)));
        let begin = self.methods.iter().map(|call| call.offset_ms).min().unwrap_or(0);
        let end = self.methods.iter().map(end_of).max().unwrap_or(begin);
        RunNode {
            run_id,
            workflow: self.workflow,
            depth: self.depth,
            offset_ms: begin,
            duration_ms: u64::try_from(end - begin).unwrap_or(0),
            methods: self.methods,
            nested: Vec::new(),
        }
    }
}

impl RunNode {
    fn end(&self) -> i64 {
        self.offset_ms.saturating_add_unsigned(self.duration_ms)
    }

    fn take_in(&mut self, node: Self) {
        let end = self.end().max(node.end());
        self.offset_ms = self.offset_ms.min(node.offset_ms);
        self.duration_ms = u64::try_from(end - self.offset_ms).unwrap_or(0);
        self.nested.push(node);
    }
}

/// The run that a nested one belongs into.
fn surrounding(node: &RunNode, others: &[RunNode]) -> Option<usize> {
    let depth = others.iter().map(|other| other.depth).filter(|depth| *depth < node.depth).max()?;
    let level = || others.iter().enumerate().filter(move |(_, other)| other.depth == depth);
    let around =
        level().find(|(_, other)| other.offset_ms <= node.offset_ms && node.end() <= other.end());
    let before = || level().filter(|(_, other)| other.offset_ms <= node.offset_ms);
    around
        .or_else(|| before().max_by_key(|(_, other)| other.offset_ms))
        .or_else(|| level().min_by_key(|(_, other)| other.offset_ms))
        .map(|(at, _)| at)
}

fn end_of(call: &MethodCall) -> i64 {
    call.offset_ms.saturating_add_unsigned(call.duration_ms)
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn call(entry: &Value, start: Timestamp) -> MethodCall {
    let (context, result) = (&entry["workflowContext"], &entry["result"]);
    let started_at = entry["startedAt"].as_str().and_then(|time| Timestamp::parse(time).ok());
    let started_at = started_at.unwrap_or(start);
    let args = entry["invocation"]["args"].as_array();
    MethodCall {
        id: text(&entry["id"]).unwrap_or_default(),
        job: text(&context["jobName"]),
        step: text(&context["stepName"]),
        step_template: text(&context["stepTemplate"]),
        for_each_index: context["forEachIndex"].as_u64(),
        attempt: context["attempt"].as_u64(),
        model_type: text(&context["modelType"]),
        method: args.and_then(|args| text(args.get(2)?)),
        driver: text(&context["driver"]),
        status: text(&result["status"]).unwrap_or_default(),
        error_category: text(&result["errorCategory"]),
        error_message: text(&result["errorMessage"]),
        phase: text(&context["phase"]),
        allowed_failure: context["allowedFailure"].as_bool().unwrap_or(false),
        started_at,
        offset_ms: started_at.as_millis() - start.as_millis(),
        duration_ms: duration(&entry["durationMs"]),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, and negative durations are meant to become 0"
)]
fn duration(value: &Value) -> u64 {
    (value.as_f64().unwrap_or(0.0).round() as u64).min(1 << 40)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(id: &str, run: &str, depth: u64, at: u32, millis: u64) -> String {
        json!({"properties": {
            "id": id, "invocation": {"args": ["run", "R", "m"]}, "result": {"status": "success"},
            "startedAt": format!("2026-11-22T10:00:00.{at:03}Z"), "durationMs": millis,
            "workflowContext": {"workflowName": format!("w-{run}"), "runId": run, "jobName": "j",
                "stepName": id, "depth": depth},
        }})
        .to_string()
    }

    fn outline(nodes: &[RunNode]) -> String {
        nodes
            .iter()
            .map(|node| {
                let calls: Vec<&str> = node.methods.iter().map(|call| call.id.as_str()).collect();
                let run = node.run_id.as_deref().unwrap_or("?");
                format!(
                    "{run}@{}+{}[{}]({})",
                    node.offset_ms,
                    node.duration_ms,
                    calls.join(" "),
                    outline(&node.nested)
                )
            })
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn nested_runs_stand_under_the_run_that_surrounds_them() {
        let start = Timestamp::parse("2026-11-22T10:00:00.000Z").unwrap();
        let parent = json!({"properties": {"id": "p", "invocation": {}, "result": {}}}).to_string();
        let events = [
            event("a2", "root", 0, 500, 100),
            event("deep", "leaf", 2, 120, 10),
            event("b1", "left", 1, 100, 50),
            event("c1", "right", 1, 300, 50),
            parent,
            event("deeper", "leaf-2", 2, 310, 200),
            event("a1", "root", 0, 10, 20),
        ];
        let (parent, nodes) = build(&events, start);
        assert_eq!(parent.unwrap()["id"], "p");
        assert_eq!(
            outline(&nodes),
            "root@10+590[a1 a2](left@100+50[b1](leaf@120+10[deep]()) right@300+210[c1](leaf-2@310+200[deeper]()))"
        );
    }

    #[test]
    fn a_nested_run_without_a_known_outer_one_stands_alone() {
        let start = Timestamp::parse("2026-11-22T10:00:00.000Z").unwrap();
        let (parent, nodes) = build(&[event("x", "inner", 3, 0, 5)], start);
        assert_eq!((parent, outline(&nodes).as_str()), (None, "inner@0+5[x]()"));
    }
}
