//! `swamp telemetry show`

use serde_json::json;
use swamp_ident::RunId;
use swamp_telemetry::history::{self, Call, Command, Ending as Went, IdKind, Lookup, Tree};
use swamp_wire::ResultStatus;

use super::place;
use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::ending::{CommandError, CommandResult, Ending};
use crate::output::{Level, Paint, Stream, Table, plain};
use crate::progress::duration;

/// Candidates that are listed for a beginning that fits several ids.
const LISTED: usize = 10;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many of the last commands
    #[arg(long, value_name = "n", default_value_t = 5)]
    last: usize,
    /// Only the command, run or call with this id or beginning of an id
    #[arg(long, value_name = "id", conflicts_with = "last")]
    run: Option<String>,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let spool = place::spool(cx, &self.repo)?;
        let failed = |error: swamp_telemetry::SpoolError| CommandError::user(error.to_string());
        let trees = match &self.run {
            None => history::last(&spool, self.last, cx.clock.now().wall).map_err(failed)?,
            Some(text) => vec![chosen(text, history::find(&spool, text).map_err(failed)?)?],
        };
        if cx.output.is_json() {
            cx.output.document(&json!({ "commands": trees }));
            return Ok(Ending::SUCCESS);
        }
        if trees.is_empty() {
            let message = "No command has left an entry here. Those that were delivered are gone; \
                           `swamp telemetry stats` still counts them.";
            cx.output.record(Level::Info, "telemetry·show", message);
        }
        let paint = cx.output.paint(Stream::Out);
        // The latest stands last, next to the prompt.
        for (place, tree) in trees.iter().rev().enumerate() {
            if place > 0 {
                cx.output.line("");
            }
            for line in lines(tree, paint) {
                cx.output.line(line);
            }
        }
        Ok(Ending::SUCCESS)
    }
}

fn chosen(text: &str, found: Lookup) -> Result<Tree, CommandError> {
    let text = plain(text);
    match found {
        Lookup::Found(tree) => Ok(*tree),
        Lookup::Ambiguous(ids) => {
            let mut listed: Vec<String> = ids
                .iter()
                .take(LISTED)
                .map(|(id, kind)| format!("{} {}", kind_word(*kind), plain(id)))
                .collect();
            if ids.len() > LISTED {
                listed.push(format!("and {} more", ids.len() - LISTED));
            }
            Err(CommandError::user(format!(
                "Ambiguous ID prefix \"{text}\" matches:\n  {}",
                listed.join("\n  ")
            )))
        }
        Lookup::Delivered(id) => Err(CommandError::user(format!(
            "The entry {} was delivered and is no longer here",
            plain(id.as_str())
        ))
        .with_hint("Its numbers are still in `swamp telemetry stats`.")),
        Lookup::Missing => Err(CommandError::user(format!(
            "No command, run or method call here has an id that begins with \"{text}\""
        ))
        .with_hint(
            "Entries that were delivered are gone, and a command has none before it ends. \
             `swamp telemetry show --last 20` lists what is here.",
        )),
    }
}

const fn kind_word(kind: IdKind) -> &'static str {
    match kind {
        IdKind::Command => "command",
        IdKind::Call => "call",
        IdKind::Run => "run",
    }
}

/// A command and its calls, run by run and job by job in the order they began; nested runs are
/// indented.
fn lines(tree: &Tree, paint: Paint) -> Vec<String> {
    let mut lines = vec![heading(tree, paint)];
    let mut told: Option<(&RunId, &str)> = None;
    let mut rest = tree.calls.as_slice();
    while let Some(first) = rest.first() {
        let same = |call: &Call| call.run_id == first.run_id && call.job == first.job;
        let together = rest.iter().take_while(|call| same(call)).count();
        let (calls, after) = rest.split_at(together);
        rest = after;
        let indent = "  ".repeat(usize::try_from(first.depth.min(20)).unwrap_or(0) + 1);
        let here = (&first.run_id, first.job.as_str());
        if told != Some(here) {
            let (workflow, job) = (plain(first.workflow.as_str()), plain(first.job.as_str()));
            let mut line = format!("{indent}{workflow} / {job}");
            if told.is_none_or(|(run, _)| *run != first.run_id) {
                let run = format!("  run {}", plain(first.run_id.as_str()));
                line.push_str(&paint.dim(&run));
            }
            lines.push(line);
            told = Some(here);
        }
        let mut table = Table::new(&[">", "", "", "", "", ">", ""]);
        for call in calls {
            table.row(cells(call));
        }
        // The first line is that of the headings.
        let rows = table.lines().into_iter().skip(1).zip(calls);
        lines.extend(rows.map(|(row, call)| painted(&format!("{indent}  {row}"), call, paint)));
    }
    lines
}

fn heading(tree: &Tree, paint: Paint) -> String {
    let id = paint.dim(&format!("id {}", plain(tree.id.as_str())));
    let Some(command) = &tree.command else {
        return format!("(a command that has not ended, or was delivered)  {id}");
    };
    let time = command.started_at.to_string();
    let words = if command.words.is_empty() { "(no command)" } else { &command.words };
    let mut line = format!("{} {} UTC  {}", &time[..10], &time[11..19], paint.bold(&plain(words)));
    if let Some(method) = &command.method {
        line.push_str(&format!(" → {}", plain(method)));
    }
    line.push_str("  ");
    let status = status_word(&command.ending);
    line.push_str(&if succeeded(&command.ending) {
        paint.green(status)
    } else {
        paint.red(status)
    });
    line.push_str(&format!(" in {}", time_of(&command.ending)));
    if command.exit_code != 0 {
        line.push_str(&format!(", exit {}", command.exit_code));
    }
    if let Some(counts) = counts(command) {
        line.push_str(&format!(", {counts}"));
    }
    if let Some(error) = error(&command.ending) {
        line.push_str(&format!("  {error}"));
    }
    format!("{line}  {id}")
}

fn counts(command: &Command) -> Option<String> {
    let counts = command.method_counts.as_ref()?;
    let mut text = format!("{} of {} methods succeeded", counts.success, counts.total);
    if counts.skipped > 0 {
        text.push_str(&format!(", {} skipped", counts.skipped));
    }
    Some(text)
}

fn cells(call: &Call) -> [String; 7] {
    let offset = call.offset_ms.map_or_else(String::new, |millis| {
        let sign = if millis < 0 { '-' } else { '+' };
        format!("{sign}{}", duration::show(millis.unsigned_abs()))
    });
    let mut step = plain(call.step.as_str()).into_owned();
    if let Some(attempt) = call.attempt {
        step.push_str(&format!(" (attempt {attempt})"));
    }
    let model_type = call.model_type.as_ref().map_or("(not found)", |name| name.as_str());
    let method = call.method.as_deref().unwrap_or("?");
    let driver = call.driver.as_ref().map_or("-", |name| name.as_str());
    let mut remarks = Vec::new();
    remarks.extend(error(&call.ending));
    if call.allowed_failure {
        remarks.push("(allowed)".to_owned());
    }
    [
        offset,
        call_word(call).to_owned(),
        step,
        format!("{} → {}", plain(model_type), plain(method)),
        plain(driver).into_owned(),
        if call.ran { time_of(&call.ending) } else { "–".to_owned() },
        remarks.join(" "),
    ]
}

/// How a call went, told apart by words and not only by colours.
fn call_word(call: &Call) -> &'static str {
    if call.ran { status_word(&call.ending) } else { "not run" }
}

fn painted(line: &str, call: &Call, paint: Paint) -> String {
    if succeeded(&call.ending) {
        line.to_owned()
    } else if call.allowed_failure {
        paint.yellow(line)
    } else {
        paint.red(line)
    }
}

fn succeeded(ending: &Went) -> bool {
    ending.status == ResultStatus::Success
}

fn status_word(ending: &Went) -> &'static str {
    match ending.status.known() {
        Some(ResultStatus::Success) => "ok",
        Some(ResultStatus::Error | ResultStatus::UserError) => "failed",
        None => "unclear",
    }
}

fn time_of(ending: &Went) -> String {
    duration::show(u64::try_from(ending.duration_ms).unwrap_or(0))
}

fn error(ending: &Went) -> Option<String> {
    let category = ending.error_category.as_ref().map(|category| plain(category.as_str()));
    let message = ending.error_message.as_deref().map(plain);
    match (category, message) {
        (Some(category), Some(message)) => Some(format!("{category}: {message}")),
        (one, other) => one.or(other).map(Into::into),
    }
}
