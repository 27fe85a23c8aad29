//! What arrives now.

use maud::{Markup, html};
use swamp_ident::Timestamp;

use super::slowest::path;
use crate::text::{Name, optional};
use crate::{Outcome, Page, Shell, amount, time};

/// A method call that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// When it began.
    pub started: Timestamp,
    /// How it ended.
    pub outcome: Outcome,
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
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// First line of the error.
    pub message: Option<String>,
    /// Its run, if it belongs to one.
    pub run: Option<String>,
}

impl Arrival {
    /// The row of the table, which the page has from the beginning and the stream sends later: one
    /// renderer, one escaping. It has no line breaks outside of names, and those are shown by
    /// their number, so that it fits a `data:` line.
    pub fn row(&self) -> Markup {
        html! {
            tr {
                td.when {
                    @match &self.run {
                        Some(run) => a href=(Page::Run(run).path()) { (time::moment(self.started)) },
                        None => (time::moment(self.started)),
                    }
                }
                td { (self.outcome.badge()) }
                th scope="row" {
                    (optional(self.model_type.as_deref())) " " (optional(self.method.as_deref()))
                    @if let Some(driver) = &self.driver { span.soft { " on " (Name::up_to(driver, 40)) } }
                    @if let Some(message) = &self.message { div.error { (Name::new(message)) } }
                }
                td { (path(&[&self.workflow, &self.job, &self.step])) }
                td.n { (amount::duration(self.duration_ms)) }
            }
        }
    }
}

/// The live page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Live {
    /// What arrived last, newest first.
    pub arrivals: Vec<Arrival>,
}

impl Live {
    /// The page.
    pub fn render(&self, shell: &Shell) -> String {
        let source = crate::address::address("/live/events", shell.view.pairs());
        let main = html! {
            header.title {
                h1 { "Live" }
                p.soft id="live-state" role="status" {
                    "As of " (time::moment(shell.now)) "; load the page again for what came since."
                }
                button.quiet id="live-pause" type="button" hidden { "Pause" }
            }
            section.card {
                div.scroll tabindex="0" role="region" aria-label="Latest calls" {
                    table.live {
                        caption.away { "Method calls in the order they arrive, newest first" }
                        thead { tr {
                            th scope="col" { "Started (UTC)" }
                            th scope="col" { "Outcome" }
                            th scope="col" { "Method" }
                            th scope="col" { "Workflow, job, step" }
                            th.n scope="col" { "Duration" }
                        } }
                        tbody id="live" data-source=(source) {
                            @for arrival in &self.arrivals { (arrival.row()) }
                        }
                    }
                    p.quiet-note id="live-empty" hidden[!self.arrivals.is_empty()] {
                        "Nothing yet. Calls show up here as soon as they arrive; run a workflow, or "
                        code { "swamp telemetry connect " (shell.origin) } "."
                    }
                }
            }
        };
        shell.viewing(Page::Live, "Live", &[], &main)
    }
}
