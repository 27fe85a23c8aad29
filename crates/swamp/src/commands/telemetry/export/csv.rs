//! Entries as a table: RFC 4180, with a heading, fields in quotes where they need them, and CRLF at
//! the end of lines.
//!
//! Programs that open such tables take a cell that begins with `=`, `+`, `-` or `@` for a formula and
//! calculate it; what names and messages say is not ours to trust. Such texts get an apostrophe in
//! front, as do those that begin with a tab or a line's end. Numbers are left alone.

use std::fmt::Write as _;

use swamp_ident::{
    DriverName, InvocationId, RepoId, RunId, StepName, Timestamp, TypeName, WorkflowName,
};
use swamp_wire::{TelemetryEntry, Word, WorkflowContext};

/// A cell.
enum Cell<'a> {
    Nothing,
    Number(i64),
    Time(Timestamp),
    Text(&'a str),
    List(&'a [String]),
}

impl<'a> Cell<'a> {
    fn text(text: Option<&'a str>) -> Self {
        text.map_or(Self::Nothing, Self::Text)
    }

    fn flag(flag: Option<bool>) -> Self {
        flag.map_or(Self::Nothing, |flag| Self::Text(if flag { "true" } else { "false" }))
    }

    fn count(count: Option<u64>) -> Self {
        count.map_or(Self::Nothing, |count| Self::Number(i64::try_from(count).unwrap_or(i64::MAX)))
    }
}

type Column = (&'static str, fn(&TelemetryEntry) -> Cell<'_>);

/// The columns, in their order. New ones are added at the end.
const COLUMNS: [Column; 38] = [
    ("id", |entry| Cell::Text(entry.id.as_str())),
    ("parentInvocationId", |entry| {
        Cell::text(entry.parent_invocation_id.as_ref().map(InvocationId::as_str))
    }),
    ("command", |entry| Cell::Text(&entry.invocation.command)),
    ("subcommand", |entry| Cell::text(entry.invocation.subcommand.as_deref())),
    ("startedAt", |entry| Cell::Time(entry.started_at)),
    ("completedAt", |entry| Cell::Time(entry.completed_at)),
    ("durationMs", |entry| Cell::Number(entry.duration_ms)),
    ("status", |entry| Cell::Text(entry.result.status.as_str())),
    ("exitCode", |entry| Cell::Number(entry.result.exit_code)),
    ("errorCategory", |entry| Cell::text(entry.result.error_category.as_ref().map(Word::as_str))),
    ("errorMessage", |entry| Cell::text(entry.result.error_message.as_deref())),
    ("modelType", |entry| Cell::text(model_type(entry))),
    ("method", |entry| Cell::text(entry.method())),
    ("driver", |entry| Cell::text(driver(entry))),
    ("workflow", |entry| step(entry, |context| Cell::Text(context.workflow_name.as_str()))),
    ("job", |entry| step(entry, |context| Cell::Text(context.job_name.as_str()))),
    ("step", |entry| step(entry, |context| Cell::Text(context.step_name.as_str()))),
    ("stepTemplate", |entry| {
        step(entry, |context| Cell::text(context.step_template.as_ref().map(StepName::as_str)))
    }),
    ("forEachIndex", |entry| step(entry, |context| Cell::count(context.for_each_index))),
    ("attempt", |entry| step(entry, |context| Cell::count(context.attempt.map(u64::from)))),
    ("phase", |entry| Cell::text(phase(entry))),
    ("allowedFailure", |entry| step(entry, |context| Cell::flag(context.allowed_failure))),
    ("runId", |entry| {
        let of_step = entry.workflow_context.as_ref().map(|context| &context.run_id);
        Cell::text(of_step.or(entry.run_id.as_ref()).map(RunId::as_str))
    }),
    ("rootWorkflow", |entry| {
        step(entry, |context| {
            Cell::text(context.root_workflow_name.as_ref().map(WorkflowName::as_str))
        })
    }),
    ("rootRunId", |entry| {
        step(entry, |context| Cell::text(context.root_run_id.as_ref().map(RunId::as_str)))
    }),
    ("depth", |entry| step(entry, |context| Cell::count(context.depth))),
    ("runStatus", |entry| Cell::text(entry.run_status.as_ref().map(Word::as_str))),
    ("methodsTotal", |entry| Cell::count(entry.method_counts.as_ref().map(|counts| counts.total))),
    ("methodsFailed", |entry| Cell::count(entry.method_counts.as_ref().map(|counts| counts.error))),
    ("repoId", |entry| Cell::text(entry.repo_id.as_ref().map(RepoId::as_str))),
    ("platform", |entry| Cell::Text(&entry.platform)),
    ("swampVersion", |entry| Cell::Text(&entry.swamp_version)),
    ("agent", |entry| {
        Cell::text(
            entry
                .invocation_context
                .as_ref()
                .and_then(|context| context.detected_ai_tool.as_deref()),
        )
    }),
    ("interactive", |entry| {
        Cell::flag(entry.invocation_context.as_ref().map(|context| context.is_interactive))
    }),
    ("ciSystem", |entry| {
        Cell::text(
            entry.invocation_context.as_ref().and_then(|context| context.ci_system.as_deref()),
        )
    }),
    ("args", |entry| Cell::List(&entry.invocation.args)),
    ("optionKeys", |entry| Cell::List(&entry.invocation.option_keys)),
    ("globalOptions", |entry| Cell::List(&entry.invocation.global_options)),
];

fn step<'a>(entry: &'a TelemetryEntry, cell: fn(&'a WorkflowContext) -> Cell<'a>) -> Cell<'a> {
    entry.workflow_context.as_ref().map_or(Cell::Nothing, cell)
}

fn model_type(entry: &TelemetryEntry) -> Option<&str> {
    let of_step = entry.workflow_context.as_ref().and_then(|context| context.model_type.as_ref());
    let direct = || entry.method_context.as_ref().and_then(|context| context.model_type.as_ref());
    of_step.or_else(direct).map(TypeName::as_str)
}

fn driver(entry: &TelemetryEntry) -> Option<&str> {
    let of_step = entry.workflow_context.as_ref().and_then(|context| context.driver.as_ref());
    let direct = || entry.method_context.as_ref().and_then(|context| context.driver.as_ref());
    of_step.or_else(direct).map(DriverName::as_str)
}

fn phase(entry: &TelemetryEntry) -> Option<&str> {
    let of_step = entry.workflow_context.as_ref().and_then(|context| context.phase.as_ref());
    let direct = || entry.method_context.as_ref().and_then(|context| context.phase.as_ref());
    of_step.or_else(direct).map(Word::as_str)
}

/// The line of column names.
pub(super) fn heading() -> String {
    let names = COLUMNS.map(|(name, _)| name);
    format!("{}\r\n", names.join(","))
}

/// Appends the line of an entry.
pub(super) fn record(entry: &TelemetryEntry, out: &mut String) {
    for (place, (_, cell)) in COLUMNS.iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        match cell(entry) {
            Cell::Nothing => {}
            // Writing to a text cannot fail.
            Cell::Number(number) => drop(write!(out, "{number}")),
            Cell::Time(time) => drop(write!(out, "{time}")),
            Cell::Text(text) => push(text, out),
            Cell::List(words) => push(&words.join(" "), out),
        }
    }
    out.push_str("\r\n");
}

fn push(text: &str, out: &mut String) {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { "'" } else { "" };
    if text.contains([',', '"', '\r', '\n']) {
        out.push('"');
        out.push_str(guard);
        out.push_str(&text.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(guard);
        out.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_where_they_must_and_never_formulas() {
        for (text, want) in [
            ("plain", "plain"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("two\r\nlines", "\"two\r\nlines\""),
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("=HYPERLINK(\"http://x\",\"y\")", "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\""),
            ("\t=1", "'\t=1"),
            ("a=1", "a=1"),
        ] {
            let mut out = String::new();
            push(text, &mut out);
            assert_eq!(out, want);
        }
    }

    #[test]
    fn columns_have_different_names() {
        let mut names = COLUMNS.map(|(name, _)| name);
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
