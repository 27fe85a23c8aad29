//! The report `@swamp/workflow-summary`.

use std::fmt::Write as _;

use indexmap::IndexMap;
use serde_json::{Value, json};
use swamp_events::MethodRef;
use swamp_ident::{JobName, Status, StepName};

use super::progress::Identity;

/// A step whose model was found, of this run or of one nested in it.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) job: JobName,
    pub(super) step: StepName,
    pub(super) call: MethodRef,
    pub(super) status: Status,
    /// How to get at what it stored.
    pub(super) commands: Vec<String>,
}

impl Row {
    /// Commands for data items of these names.
    pub(super) fn commands<'n>(
        call: &MethodRef,
        names: impl Iterator<Item = &'n str>,
    ) -> Vec<String> {
        names.map(|name| format!("swamp data get {} {name}", call.model)).collect()
    }

    fn failed(&self) -> bool {
        matches!(self.status, Status::Failed | Status::Cancelled)
    }

    fn method(&self) -> String {
        format!("{} → {}", self.call.model, self.call.method)
    }
}

/// Markdown for people and JSON for programs.
pub(super) fn report(identity: &Identity, status: Status, rows: &[Row]) -> (String, Value) {
    (markdown(identity, status, rows), to_json(identity, status, rows))
}

/// How many rows succeeded and failed. Skipped steps have no row: their model is not looked for.
fn counts(rows: &[Row]) -> (usize, usize) {
    let failed = rows.iter().filter(|row| row.failed()).count();
    (rows.len() - failed, failed)
}

fn to_json(identity: &Identity, status: Status, rows: &[Row]) -> Value {
    let (succeeded, failed) = counts(rows);
    let failures = rows.iter().filter(|row| row.failed()).map(|row| {
        json!({
            "jobName": row.job,
            "stepName": row.step,
            "modelName": row.call.model,
            "methodName": row.call.method,
            "retrievalCommands": row.commands,
        })
    });
    let steps = rows.iter().map(|row| {
        json!({
            "jobName": row.job,
            "stepName": row.step,
            "modelName": row.call.model,
            "modelType": row.call.model_type,
            "methodName": row.call.method,
            "status": row.status,
            "retrievalCommands": row.commands,
        })
    });
    json!({
        "status": status,
        "workflowId": identity.workflow_id,
        "workflowRunId": identity.id,
        "workflowName": identity.workflow_name,
        "totalSteps": rows.len(),
        "succeeded": succeeded,
        "failed": failed,
        "skipped": 0,
        "failures": failures.collect::<Vec<_>>(),
        "steps": steps.collect::<Vec<_>>(),
    })
}

fn markdown(identity: &Identity, status: Status, rows: &[Row]) -> String {
    let (succeeded, failed) = counts(rows);
    let mut out = format!(
        "# {}: {status}\n\n{succeeded} succeeded · {failed} failed · 0 skipped",
        identity.workflow_name
    );
    if rows.iter().any(Row::failed) {
        out.push_str(
            "\n\n## Failures\n\n| Job | Step | Model | Retrieval Commands |\n\
             | --- | ---- | ----- | ------------------ |",
        );
        for row in rows.iter().filter(|row| row.failed()) {
            let start =
                format!("{} | **{}** | {}", cell(&row.job), cell(&row.step), cell(&row.method()));
            match row.commands.split_first() {
                None => drop(write!(out, "\n| {start} | No data output. |")),
                Some((first, others)) => {
                    let _ = write!(out, "\n| {start} | `{}` |", cell(first));
                    for other in others {
                        let _ = write!(out, "\n|  |  |  | `{}` |", cell(other));
                    }
                }
            }
        }
    }
    let mut jobs: IndexMap<&JobName, Vec<&Row>> = IndexMap::new();
    for row in rows {
        jobs.entry(&row.job).or_default().push(row);
    }
    for (job, own) in jobs {
        let word = if own.iter().any(|row| row.failed()) { "failed" } else { "succeeded" };
        let _ = write!(
            out,
            "\n\n## Job: {job} ({word})\n\n| Step | Model | Status |\n| ---- | ----- | ------ |"
        );
        for row in own {
            let bold = if row.failed() { "**" } else { "" };
            let (step, method) = (cell(&row.step), cell(&row.method()));
            let _ = write!(
                out,
                "\n| {bold}{step}{bold} | {bold}{method}{bold} | {bold}{}{bold} |",
                row.status
            );
        }
    }
    out
}

/// Text that cannot end a cell of a table.
fn cell(text: &impl AsRef<str>) -> String {
    text.as_ref().replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use swamp_ident::{MethodName, ModelName, RunId, TypeName, WorkflowId, WorkflowName};

    use super::*;

    fn identity() -> Identity {
        Identity {
            id: RunId::new("r"),
            workflow_id: WorkflowId::new("w"),
            workflow_name: WorkflowName::new("backup"),
            tags: vec![],
            log_file: String::new(),
        }
    }

    fn row(job: &str, step: &str, status: Status, data: &[&str]) -> Row {
        let call = MethodRef {
            model: ModelName::new("archive"),
            model_type: Some(TypeName::from("command/shell")),
            method: MethodName::new("execute"),
            driver: None,
        };
        let commands = Row::commands(&call, data.iter().copied());
        Row { job: JobName::new(job), step: StepName::new(step), call, status, commands }
    }

    #[test]
    fn a_failed_run() {
        let rows = [
            row("archive", "copy", Status::Failed, &[]),
            row("archive", "a|b", Status::Succeeded, &["result", "log"]),
            row("page", "half", Status::Failed, &["result", "log"]),
        ];
        let (markdown, json) = report(&identity(), Status::Failed, &rows);
        assert_eq!(
            markdown,
            "\
# backup: failed

1 succeeded · 2 failed · 0 skipped

## Failures

| Job | Step | Model | Retrieval Commands |
| --- | ---- | ----- | ------------------ |
| archive | **copy** | archive → execute | No data output. |
| page | **half** | archive → execute | `swamp data get archive result` |
|  |  |  | `swamp data get archive log` |

## Job: archive (failed)

| Step | Model | Status |
| ---- | ----- | ------ |
| **copy** | **archive → execute** | **failed** |
| a\\|b | archive → execute | succeeded |

## Job: page (failed)

| Step | Model | Status |
| ---- | ----- | ------ |
| **half** | **archive → execute** | **failed** |"
        );
        assert_eq!(json["totalSteps"], 3);
        assert_eq!(json["failures"].as_array().unwrap().len(), 2);
        assert_eq!(
            json["steps"][1],
            json!({
                "jobName": "archive", "stepName": "a|b", "modelName": "archive",
                "modelType": "command/shell", "methodName": "execute", "status": "succeeded",
                "retrievalCommands": [
                    "swamp data get archive result", "swamp data get archive log",
                ],
            })
        );
    }

    #[test]
    fn a_run_without_steps() {
        let (markdown, json) = report(&identity(), Status::Succeeded, &[]);
        assert_eq!(markdown, "# backup: succeeded\n\n0 succeeded · 0 failed · 0 skipped");
        assert_eq!(json["steps"], json!([]));
    }
}
