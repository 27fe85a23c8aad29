//! The calls that took longest.

use maud::{Markup, html};
use swamp_ident::Timestamp;

use crate::text::optional;
use crate::{Dimension, Outcome, Page, Shell, amount, chart, time};

/// A call that took long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlowCall {
    /// The model's type.
    pub model_type: Option<String>,
    /// The method.
    pub method: Option<String>,
    /// The driver.
    pub driver: Option<String>,
    /// The workflow.
    pub workflow: Option<String>,
    /// The job.
    pub job: Option<String>,
    /// The step.
    pub step: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// When it began.
    pub started: Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// Its run, if it belongs to one.
    pub run: Option<String>,
}

/// The page of slow calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slowest {
    /// Slowest first.
    pub calls: Vec<SlowCall>,
}

impl Slowest {
    /// The page.
    pub fn render(&self, shell: &Shell) -> String {
        let main = html! {
            header.title {
                h1 { "Slowest calls" }
                p.soft { "The longest call of each step and hour, " (shell.view.period.words()) "." }
            }
            @if self.calls.is_empty() { (super::nothing(shell, Page::Slowest)) }
            @else { section.card { (slow_table(shell, &self.calls)) } }
        };
        shell.viewing(Page::Slowest, "Slowest calls", &[], &main)
    }
}

/// A table of slow calls.
pub(super) fn slow_table(shell: &Shell, calls: &[SlowCall]) -> Markup {
    let longest = calls.iter().map(|call| call.duration_ms).max().unwrap_or(0);
    html! {
        div.scroll tabindex="0" role="region" aria-label="Slowest calls" {
            table {
                caption.away { "Slowest calls first" }
                thead { tr {
                    th.n scope="col" { "Duration" }
                    th scope="col" { "Method" }
                    th scope="col" { "Driver" }
                    th scope="col" { "Workflow, job, step" }
                    th scope="col" { "Outcome" }
                    th scope="col" { "Started (UTC)" }
                } }
                tbody { @for call in calls {
                    @let method = shell.view
                        .with(Dimension::ModelType, call.model_type.as_deref())
                        .with(Dimension::Method, call.method.as_deref());
                    tr {
                        td.n.time-cell { strong { (amount::duration(call.duration_ms)) } (chart::share(call.duration_ms, longest, "time")) }
                        th scope="row" {
                            a href=(method.link(Page::Methods)) {
                                (optional(call.model_type.as_deref())) " " (optional(call.method.as_deref()))
                            }
                        }
                        td { (optional(call.driver.as_deref())) }
                        td { (path(&[&call.workflow, &call.job, &call.step])) }
                        td { (call.outcome.badge()) }
                        td.when {
                            @match &call.run {
                                Some(run) => a href=(shell.view.link(Page::Run(run))) { (time::moment(call.started)) },
                                None => (time::moment(call.started)),
                            }
                        }
                    }
                } }
            }
        }
    }
}

/// Names from the outside in; nothing for a call outside of workflows.
pub(super) fn path(names: &[&Option<String>]) -> Markup {
    let known: Vec<&str> = names.iter().filter_map(|name| name.as_deref()).collect();
    html! {
        @if known.is_empty() { span.none { "direct call" } }
        span.path {
            @for (position, name) in known.iter().enumerate() {
                @if position > 0 { span.soft { " › " } }
                (crate::Name::up_to(name, 80))
            }
        }
    }
}
