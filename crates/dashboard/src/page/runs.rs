//! The runs, newest first.

use maud::{Markup, html};
use swamp_ident::Timestamp;

use crate::text::optional;
use crate::{Outcome, Page, Shell, amount, time};

/// A run in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunLine {
    /// What finds it again.
    pub id: String,
    /// The workflow the user started; `None` if no entry says.
    pub workflow: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it failed.
    pub category: Option<String>,
    /// When it began.
    pub started: Timestamp,
    /// How long it took, in milliseconds; `None` while its command has not reported.
    pub duration_ms: Option<u64>,
    /// How many methods it called.
    pub calls: u64,
    /// How many of the calls failed, allowed failures included.
    pub failed: u64,
    /// The operating system.
    pub platform: Option<String>,
    /// The agent that drove it.
    pub agent: Option<String>,
}

/// The list of runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runs {
    /// The runs, newest first.
    pub runs: Vec<RunLine>,
    /// What the next page is asked with, if there is one.
    pub next: Option<String>,
    /// Whether this is the first page.
    pub first: bool,
    /// Whether a filter is set that is no property of runs and therefore not applied.
    pub ignores_filters: bool,
}

impl Runs {
    /// The page.
    pub fn render(&self, shell: &Shell) -> String {
        let main = html! {
            header.title {
                h1 { "Runs" }
                p.soft { "Newest first, " (shell.view.period.words()) "." }
            }
            @if self.ignores_filters {
                p.notice { "Runs are filtered by workflow, status, platform and agent only; the other filters are not applied here." }
            }
            @if self.runs.is_empty() && self.first {
                (super::nothing(shell, Page::Runs))
            } @else {
                section.card { (runs_table(shell, &self.runs, "Runs, newest first")) }
                nav.pages aria-label="More runs" {
                    @if !self.first { a.button href=(shell.view.link(Page::Runs)) { "Newest" } }
                    @if let Some(next) = &self.next {
                        a.button rel="next" href=(shell.view.link_with(Page::Runs, [("after", next.clone())])) { "Older runs" }
                    } @else if !self.first { span.soft { "That is all." } }
                }
            }
        };
        shell.viewing(Page::Runs, "Runs", &[], &main)
    }
}

/// A table of runs.
pub(super) fn runs_table(shell: &Shell, runs: &[RunLine], caption: &str) -> Markup {
    let longest = runs.iter().filter_map(|run| run.duration_ms).max().unwrap_or(0);
    html! {
        div.scroll tabindex="0" role="region" aria-label=(caption) {
            table.runs {
                caption.away { (caption) }
                thead { tr {
                    th scope="col" { "Outcome" }
                    th scope="col" { "Workflow" }
                    th scope="col" { "Started (UTC)" }
                    th.n scope="col" { "Calls" }
                    th.n scope="col" { "Failed" }
                    th.minor scope="col" { "Agent" }
                    th.minor scope="col" { "Platform" }
                    th.n scope="col" { "Duration" }
                } }
                tbody { @for run in runs {
                    tr {
                        td { (run.outcome.badge())
                            @if let Some(category) = run.category.as_deref().filter(|_| run.outcome != Outcome::Succeeded) {
                                " " span.soft { (crate::Name::up_to(category, 40)) }
                            }
                        }
                        th scope="row" {
                            a href=(shell.view.link(Page::Run(&run.id))) { (optional(run.workflow.as_deref())) }
                        }
                        td.when { (time::moment(run.started)) }
                        td.n { (amount::count(run.calls)) }
                        td.n.bad-text[run.failed > 0] { (amount::count(run.failed)) }
                        td.minor { (optional(run.agent.as_deref())) }
                        td.minor { (optional(run.platform.as_deref())) }
                        td.n.time-cell {
                            (amount::optional_duration(run.duration_ms))
                            (crate::chart::share(run.duration_ms.unwrap_or(0), longest, "time"))
                        }
                    }
                } }
            }
        }
    }
}
