//! What somebody on call wants to know first: is something wrong, since when, and what.

use maud::{Markup, html};

use super::errors::{Failures, failures_table};
use super::runs::{RunLine, runs_table};
use crate::figures::{Calls, Group, Series, Summary};
use crate::table::{Groups, charts, section, tiles};
use crate::text::{Name, optional};
use crate::{Dimension, Page, Shell, amount};

/// A method on a driver that does worse than it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regression {
    /// The model's type.
    pub model_type: Option<String>,
    /// The method.
    pub method: Option<String>,
    /// The driver.
    pub driver: Option<String>,
    /// Whether it became slower.
    pub slower: bool,
    /// Whether it fails more often.
    pub fails_more: bool,
    /// The time its calls took beyond what they took before, in milliseconds.
    pub lost_ms: u64,
    /// The figures of the period.
    pub now: Calls,
    /// The figures of the time it is compared with.
    pub before: Calls,
}

/// The overview.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    /// The period.
    pub summary: Summary,
    /// The period before; `None` if nothing is known of it.
    pub before: Option<Summary>,
    /// The period over time.
    pub series: Series,
    /// What got worse, the worst first.
    pub regressions: Vec<Regression>,
    /// What fails, most frequent first.
    pub failures: Vec<Failures>,
    /// The runs that failed last.
    pub failed_runs: Vec<RunLine>,
    /// By driver, most time first.
    pub by_driver: Vec<Group>,
    /// By model type and method, most time first.
    pub by_method: Vec<Group>,
    /// By workflow, most time first.
    pub by_workflow: Vec<Group>,
}

impl Overview {
    /// The page.
    pub fn render(&self, shell: &Shell) -> String {
        let main = html! {
            h1.away { "Overview" }
            @if self.summary.calls.count == 0 && self.summary.runs.is_none_or(|(runs, _)| runs == 0) {
                (super::nothing(shell, Page::Overview))
            } @else {
                (self.headline(shell))
                (tiles(&self.summary, self.before.as_ref(), &self.series))
                (charts(&self.series, &self.summary.calls))
                div.two {
                    (section("Got worse", None, &regressions(shell, &self.regressions)))
                    (section("Failing", Some(("All errors", shell.view.link(Page::Errors))),
                        &failures_table(shell, &self.failures, self.summary.calls.failed)))
                }
                @if !self.failed_runs.is_empty() {
                    (section("Last failed runs", Some(("All runs", shell.view.link(Page::Runs))),
                        &runs_table(shell, &self.failed_runs, "Runs that failed last")))
                }
                (groups(shell, "By driver", &[Dimension::Driver], &self.by_driver, Page::Breakdown))
                (groups(shell, "By method", &[Dimension::ModelType, Dimension::Method], &self.by_method, Page::Methods))
                (groups(shell, "By workflow", &[Dimension::Workflow], &self.by_workflow, Page::Workflows))
            }
        };
        shell.viewing(Page::Overview, "Overview", &[], &main)
    }

    /// One sentence that answers "is something wrong?".
    fn headline(&self, shell: &Shell) -> Markup {
        let calls = &self.summary.calls;
        let was = self.before.map(|before| before.calls).filter(|before| before.count > 0);
        html! {
            p.headline {
                @match self.summary.runs {
                    Some((runs, 0)) if runs > 0 && calls.failed == 0 => {
                        strong.good { "Nothing failed" } " in "
                        (amount::plural(runs, "run", "runs")) " " (shell.view.period.words()) "."
                    },
                    Some((runs, failed)) if runs > 0 => {
                        strong.bad[failed > 0] {
                            (amount::count(failed)) " of " (amount::plural(runs, "run", "runs"))
                        }
                        " failed " (shell.view.period.words()) "; "
                        (amount::percent(calls.failed, calls.count)) " of method calls"
                    },
                    _ => {
                        strong.bad[calls.failed > 0] {
                            (amount::count(calls.failed)) " of " (amount::plural(calls.count, "call", "calls"))
                        }
                        " failed " (shell.view.period.words())
                    },
                }
                @if let Some(was) = was {
                    @if calls.failed > 0 {
                        ", " (amount::percent(was.failed, was.count)) " in the period before."
                    }
                } @else if calls.failed > 0 { "." }
            }
        }
    }
}

fn regressions(shell: &Shell, rows: &[Regression]) -> Markup {
    if rows.is_empty() {
        return html! { p.quiet-note { "Nothing became slower or fails more than before." } };
    }
    html! {
        div.scroll tabindex="0" role="region" aria-label="What got worse" {
            table {
                caption.away { "Methods that became slower or fail more than before" }
                thead { tr {
                    th scope="col" { "Method" }
                    th scope="col" { "What changed" }
                    th.n scope="col" { "Time lost" }
                } }
                tbody { @for row in rows {
                    @let view = shell.view
                        .with(Dimension::ModelType, row.model_type.as_deref())
                        .with(Dimension::Method, row.method.as_deref())
                        .with(Dimension::Driver, row.driver.as_deref());
                    tr {
                        th scope="row" {
                            a href=(view.link(Page::Methods)) {
                                (optional(row.model_type.as_deref())) " "
                                (optional(row.method.as_deref()))
                            }
                            @if let Some(driver) = &row.driver {
                                span.soft { " on " (Name::up_to(driver, 40)) }
                            }
                        }
                        td {
                            @if row.slower {
                                div.together { "p95 " (amount::optional_duration(row.before.p95)) " → "
                                    strong { (amount::optional_duration(row.now.p95)) } }
                            }
                            @if row.fails_more {
                                div.together { "failed " (amount::percent(row.before.failed, row.before.count)) " → "
                                    strong.bad-text { (amount::percent(row.now.failed, row.now.count)) } }
                            }
                        }
                        td.n { (amount::duration(row.lost_ms)) }
                    }
                } }
            }
        }
    }
}

/// A table of groups under a heading that leads to the breakdown by the same.
fn groups(shell: &Shell, title: &str, by: &[Dimension], rows: &[Group], page: Page<'_>) -> Markup {
    let all: Vec<&str> = by.iter().map(|dimension| dimension.as_str()).collect();
    let more = [("by", all.join(","))];
    let next = [("by", "modelType,method".to_owned())];
    section(
        title,
        Some(("Break down", shell.view.link_with(Page::Breakdown, more))),
        &Groups {
            caption: title,
            view: &shell.view,
            by,
            rows,
            page,
            more: if page == Page::Breakdown { &next } else { &[] },
            sort: None,
        }
        .render(),
    )
}
