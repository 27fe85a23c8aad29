//! What telemetry wrote.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{files, text};

/// Telemetry entries, told apart by whether they have a parent.
#[derive(Debug)]
pub struct Entries(pub Vec<Value>);

impl Entries {
    /// Reads a spool; one that does not exist has none.
    pub fn read(spool: &Path) -> Self {
        let mut entries: Vec<Value> = files(spool)
            .iter()
            .filter(|name| name.starts_with("telemetry-") && name.ends_with(".json"))
            .map(|name| {
                let text = fs::read_to_string(spool.join(name)).expect("a readable entry");
                serde_json::from_str(&text)
                    .unwrap_or_else(|error| panic!("{name}: {error}\n{text}"))
            })
            .collect();
        entries.sort_by_key(|entry| {
            let child = entry.get("parentInvocationId").is_some();
            (text(&entry["startedAt"]).to_owned(), child)
        });
        Self(entries)
    }

    /// Those of commands.
    pub fn parents(&self) -> Vec<&Value> {
        self.0.iter().filter(|entry| entry.get("parentInvocationId").is_none()).collect()
    }

    /// Those of methods that steps called.
    pub fn children(&self) -> Vec<&Value> {
        self.0.iter().filter(|entry| entry.get("parentInvocationId").is_some()).collect()
    }

    /// The only entry of a command.
    #[track_caller]
    pub fn parent(&self) -> &Value {
        let parents = self.parents();
        assert_eq!(parents.len(), 1, "entries of commands: {self:#?}");
        parents[0]
    }

    /// The child of a step.
    #[track_caller]
    pub fn child(&self, job: &str, step: &str) -> &Value {
        let mut children = self.children();
        children.retain(|entry| {
            let context = &entry["workflowContext"];
            context["jobName"] == job && context["stepName"] == step
        });
        assert_eq!(children.len(), 1, "children of {job}, {step}: {self:#?}");
        children[0]
    }

    /// The child entries in a few lines, sorted: where the step stands, and how the call ended.
    pub fn outline(&self) -> String {
        let mut lines: Vec<String> = self
            .children()
            .iter()
            .map(|entry| {
                let (context, result) = (&entry["workflowContext"], &entry["result"]);
                let mut line = ["workflowName", "jobName", "stepName"]
                    .map(|key| text(&context[key]))
                    .join(" | ");
                let _ = write!(line, " | {}", text(&result["status"]));
                for word in [&result["errorCategory"], &context["phase"]] {
                    if let Some(word) = word.as_str() {
                        let _ = write!(line, " {word}");
                    }
                }
                if context["allowedFailure"] == true {
                    line.push_str(" allowed");
                }
                line + "\n"
            })
            .collect();
        lines.sort();
        lines.concat()
    }

    /// `workflow, job, step` of all children, sorted.
    pub fn called(&self) -> Vec<(String, String, String)> {
        let mut called: Vec<_> = self
            .children()
            .iter()
            .map(|entry| {
                let context = &entry["workflowContext"];
                let [workflow, job, step] = ["workflowName", "jobName", "stepName"]
                    .map(|key| text(&context[key]).to_owned());
                (workflow, job, step)
            })
            .collect();
        called.sort();
        called
    }
}
