//! One run: its facts, and the waterfall of its methods.

use maud::{Markup, html};
use swamp_ident::Timestamp;

use crate::chart::Fraction;
use crate::text::{Name, optional, plain};
use crate::{Dimension, Outcome, Page, Shell, amount, time};

/// How many calls a page shows; a browser copes with more, a reader does not.
const CALLS: usize = 1_000;

/// How many failures are listed above the waterfall.
const FAILURES: usize = 10;

/// A method call of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The job.
    pub job: Option<String>,
    /// The step, after `forEach` expansion.
    pub step: Option<String>,
    /// Which attempt, if not the first.
    pub attempt: Option<u64>,
    /// The model's type.
    pub model_type: Option<String>,
    /// The method.
    pub method: Option<String>,
    /// The driver.
    pub driver: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// What kind of thing went wrong.
    pub category: Option<String>,
    /// First line of the error.
    pub message: Option<String>,
    /// From the beginning of the whole to its beginning, in milliseconds.
    pub offset_ms: u64,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

/// A run of a workflow inside the whole, with what happened in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NestedRun {
    /// Its workflow.
    pub workflow: Option<String>,
    /// From the beginning of the whole to the first call in it, in milliseconds.
    pub offset_ms: u64,
    /// From there to the end of the last call in it, in milliseconds.
    pub duration_ms: u64,
    /// The calls of its own steps, in the order they began.
    pub calls: Vec<Call>,
    /// The runs it started, in the order they began.
    pub nested: Vec<Self>,
}

/// The page of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// What finds it again.
    pub id: String,
    /// The workflow the user started.
    pub workflow: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it failed.
    pub category: Option<String>,
    /// What its command said about that.
    pub message: Option<String>,
    /// When it began.
    pub started: Timestamp,
    /// How long it took, in milliseconds; `None` if its command has not reported.
    pub duration_ms: Option<u64>,
    /// How many methods it called.
    pub calls: u64,
    /// How many of them failed, allowed failures included.
    pub failed: u64,
    /// What else is known: a word for it, and what it is.
    pub facts: Vec<(&'static str, String)>,
    /// The run the user started, with all inside it; several if senders lost what holds them
    /// together.
    pub runs: Vec<NestedRun>,
    /// Whether only failures are shown.
    pub only_failures: bool,
}

/// A line of the waterfall.
enum Line<'a> {
    /// A run begins here.
    Run { depth: usize, run: &'a NestedRun },
    /// A call; `first_of_job` if the line before is of another job.
    Call { depth: usize, first_of_job: bool, call: &'a Call },
}

impl Run {
    /// The page.
    pub fn render(&self, shell: &Shell) -> String {
        let name = self.workflow.as_deref().unwrap_or("run");
        let lines = self.lines();
        let end = self.end();
        let main = html! {
            header.title {
                p.crumb { a href=(shell.view.link(Page::Runs)) { "Runs" } }
                h1 {
                    @match &self.workflow {
                        Some(workflow) => {
                            a.plain href=(shell.view.with(Dimension::Workflow, Some(workflow)).link(Page::Workflows)) {
                                (Name::up_to(workflow, 120))
                            }
                        },
                        None => span.none { "unknown workflow" },
                    }
                    " " (self.outcome.badge())
                }
            }
            (self.facts())
            @if self.failed > 0 || self.message.is_some() { (self.failures(&lines)) }
            section.card {
                header {
                    h2 { "Waterfall" }
                    @let address = |only: bool| {
                        let more = only.then(|| ("show", "failures".to_owned()));
                        shell.view.link_with(Page::Run(&self.id), more)
                    };
                    ul.segments aria-label="Which calls" {
                        li { a href=(address(false)) aria-current=[(!self.only_failures).then_some("true")] { "All calls" } }
                        li { a href=(address(true)) aria-current=[self.only_failures.then_some("true")] { "Failures" } }
                    }
                }
                (legend())
                @if lines.is_empty() {
                    p.quiet-note {
                        @if self.only_failures { "No call failed." }
                        @else { "No method call of this run is known: it called none, they have not arrived, or they are older than the collector keeps." }
                    }
                } @else { (waterfall(shell, &lines, end)) }
                @let hidden = self.count().saturating_sub(CALLS);
                @if hidden > 0 {
                    p.quiet-note { (amount::plural(hidden as u64, "call is", "calls are"))
                        " not shown. The query API has them all: "
                        a href={ "/api/v1" (Page::Run(&self.id).path()) } { "this run as JSON" } "." }
                }
            }
        };
        shell.plain(Page::Run(&self.id), &format!("Run of {}", plain(name, 60)), &main)
    }

    fn facts(&self) -> Markup {
        html! {
            dl.facts {
                div { dt { "Started" } dd { (time::moment(self.started)) " UTC" } }
                div { dt { "Duration" } dd { (amount::optional_duration(self.duration_ms)) } }
                div { dt { "Method calls" } dd { (amount::grouped(self.calls)) } }
                div { dt { "Failed" } dd.bad-text[self.failed > 0] { (amount::grouped(self.failed)) } }
                @for (label, value) in &self.facts {
                    div { dt { (label) } dd { (Name::up_to(value, 80)) } }
                }
                div { dt { "Id" } dd.mono { (Name::up_to(&self.id, 80)) } }
            }
        }
    }

    /// What failed, before anybody has to look for it.
    fn failures(&self, lines: &[Line<'_>]) -> Markup {
        let failed: Vec<(usize, &Call)> = lines
            .iter()
            .enumerate()
            .filter_map(|(position, line)| match line {
                Line::Call { call, .. } if call.outcome.is_failure() => Some((position, *call)),
                _ => None,
            })
            .collect();
        if failed.is_empty() && self.message.is_none() {
            return html! {};
        }
        html! {
            section.failures aria-label="What failed" {
                ul {
                    @if let Some(message) = self.message.as_deref().filter(|_| failed.is_empty()) {
                        li { (Outcome::Failed.mark_only()) " " (Name::new(message)) }
                    }
                    @for (position, call) in failed.iter().take(FAILURES) {
                        li {
                            (call.outcome.mark_only()) " "
                            a href={ "#call-" (position) } { (optional(call.step.as_deref())) }
                            @if let Some(category) = &call.category { span.soft { " " (Name::up_to(category, 40)) } }
                            @if let Some(message) = &call.message { ": " (Name::new(message)) }
                        }
                    }
                }
                @if failed.len() > FAILURES {
                    p.soft { "and " (failed.len() - FAILURES) " more." }
                }
            }
        }
    }

    /// The end of the whole, from its beginning.
    fn end(&self) -> u64 {
        fn last(run: &NestedRun) -> u64 {
            let calls =
                run.calls.iter().map(|call| call.offset_ms.saturating_add(call.duration_ms));
            calls.chain(run.nested.iter().map(last)).max().unwrap_or(0)
        }
        self.runs.iter().map(last).chain(self.duration_ms).max().unwrap_or(0).max(1)
    }

    fn count(&self) -> usize {
        fn calls(run: &NestedRun, shown: &dyn Fn(&Call) -> bool) -> usize {
            run.calls.iter().filter(|call| shown(call)).count()
                + run.nested.iter().map(|run| calls(run, shown)).sum::<usize>()
        }
        self.runs.iter().map(|run| calls(run, &|call| self.shows(call))).sum()
    }

    fn shows(&self, call: &Call) -> bool {
        !self.only_failures || call.outcome != Outcome::Succeeded
    }

    fn lines(&self) -> Vec<Line<'_>> {
        let mut lines = Vec::new();
        let mut left = CALLS;
        for run in &self.runs {
            self.lines_of(run, 0, &mut left, &mut lines);
        }
        lines
    }

    /// Calls and nested runs in the order they began: a nested run stands where it started.
    fn lines_of<'a>(
        &self,
        run: &'a NestedRun,
        depth: usize,
        left: &mut usize,
        lines: &mut Vec<Line<'a>>,
    ) {
        let place = lines.len();
        lines.push(Line::Run { depth, run });
        let mut nested = run.nested.iter().peekable();
        let mut job = None;
        for call in run.calls.iter().filter(|call| self.shows(call)) {
            while let Some(inner) = nested.next_if(|inner| inner.offset_ms < call.offset_ms) {
                self.lines_of(inner, depth + 1, left, lines);
                job = None;
            }
            if *left == 0 {
                break;
            }
            *left -= 1;
            let first_of_job = job != Some(&call.job);
            job = Some(&call.job);
            lines.push(Line::Call { depth, first_of_job, call });
        }
        for inner in nested {
            self.lines_of(inner, depth + 1, left, lines);
        }
        // A run in which nothing is to be seen is no line.
        if lines.len() == place + 1 {
            lines.pop();
        }
    }
}

fn legend() -> Markup {
    html! {
        ul.legend {
            @for outcome in [Outcome::Succeeded, Outcome::Failed, Outcome::AllowedFailure, Outcome::FailedBefore, Outcome::Cancelled] {
                li { svg.key width="22" height="10" aria-hidden="true" { (bar(outcome, "0%", "22", 10)) } (outcome.badge()) }
            }
        }
    }
}

fn waterfall(shell: &Shell, lines: &[Line<'_>], end: u64) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Waterfall" {
            table.waterfall {
                caption.away { "Method calls of the run, with when they began and how long they took" }
                thead { tr {
                    th scope="col" { "Run, job, step" }
                    th scope="col" { "Method" }
                    th.n scope="col" { "Start" }
                    th.n scope="col" { "Took" }
                    th.lane scope="col" { span.away { "Position in time" } (axis(end)) }
                } }
                tbody {
                    @for (position, line) in lines.iter().enumerate() {
                        @match line {
                            Line::Run { depth, run } => (run_row(*depth, run, end)),
                            Line::Call { depth, first_of_job, call } => (call_row(shell, position, *depth, *first_of_job, call, end)),
                        }
                    }
                }
            }
        }
    }
}

/// Labels of the time axis.
fn axis(end: u64) -> Markup {
    html! {
        svg.axis-lane width="100%" height="14" aria-hidden="true" {
            text.axis x="0" y="11" { "0" }
            text.axis.mid x="50%" y="11" { (amount::duration(end / 2)) }
            text.axis.end x="100%" y="11" { (amount::duration(end)) }
        }
    }
}

/// The class that indents a line; deeper ones are not indented further.
fn indent(depth: usize) -> String {
    format!("d{}", depth.min(8))
}

fn run_row(depth: usize, run: &NestedRun, end: u64) -> Markup {
    html! {
        tr.run-row.(indent(depth)) {
            th scope="row" {
                span.away { "Workflow, level " (depth + 1) ": " }
                (optional(run.workflow.as_deref()))
            }
            td { span.soft { "workflow" } }
            td.n { (amount::duration(run.offset_ms)) }
            td.n { (amount::duration(run.duration_ms)) }
            td.lane {
                svg.lane width="100%" height="14" aria-hidden="true" {
                    rect.span x=(Fraction::new(run.offset_ms, end)) y="5" height="4"
                        width=(Fraction::new(run.duration_ms, end).at_least(30)) {}
                }
            }
        }
    }
}

fn call_row(
    shell: &Shell,
    position: usize,
    depth: usize,
    first_of_job: bool,
    call: &Call,
    end: u64,
) -> Markup {
    let method = shell
        .view
        .with(Dimension::ModelType, call.model_type.as_deref())
        .with(Dimension::Method, call.method.as_deref());
    html! {
        tr.call-row.(indent(depth)).first[first_of_job].(call.outcome.class()) id={ "call-" (position) } {
            th scope="row" {
                (call.outcome.mark_only()) " "
                span.job.away[!first_of_job] { (optional(call.job.as_deref())) span.soft { " › " } }
                (optional(call.step.as_deref()))
                @if let Some(attempt) = call.attempt { span.soft { " attempt " (attempt) } }
                @if call.outcome != Outcome::Succeeded {
                    div.error {
                        strong { (call.outcome.label()) }
                        @if let Some(category) = &call.category { " · " (Name::up_to(category, 40)) }
                        @if let Some(message) = &call.message { ": " (Name::new(message)) }
                    }
                }
            }
            td {
                a href=(method.link(Page::Methods)) {
                    (optional(call.model_type.as_deref())) " " (optional(call.method.as_deref()))
                }
                @if let Some(driver) = &call.driver { span.soft { " on " (Name::up_to(driver, 40)) } }
            }
            td.n { (amount::duration(call.offset_ms)) }
            td.n { (amount::duration(call.duration_ms)) }
            td.lane {
                svg.lane width="100%" height="14" aria-hidden="true" {
                    (lane_bar(call, end))
                }
            }
        }
    }
}

fn lane_bar(call: &Call, end: u64) -> Markup {
    let left = Fraction::new(call.offset_ms, end);
    let least = if call.outcome == Outcome::Succeeded { 40 } else { 90 };
    let width = Fraction::new(call.duration_ms, end).at_least(least);
    // What ends at the right edge must not be pushed over it by its least width.
    let left = if left.plus(width).hundredths() >= 10_000 { width.mirrored() } else { left };
    bar(call.outcome, &left.to_string(), &width.to_string(), 14)
}

fn bar(outcome: Outcome, left: &str, width: &str, height: u32) -> Markup {
    html! {
        rect.call.(outcome.class()).patterned[outcome.fill().is_some()] x=(left) width=(width)
            y="1" height=(height - 2) rx="1.5" fill=[outcome.fill()] {}
    }
}
