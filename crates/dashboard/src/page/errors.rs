//! What went wrong, by category and message.

use maud::{Markup, html};
use swamp_ident::Timestamp;

use crate::figures::{Calls, Series};
use crate::table::section;
use crate::text::{Name, optional};
use crate::{Dimension, Page, Shell, amount, chart, time};

/// Failures that look alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failures {
    /// The category; `None` from senders that know none.
    pub category: Option<String>,
    /// First line of the message; `None` if there is none.
    pub message: Option<String>,
    /// How many calls failed so.
    pub count: u64,
    /// When the last of them began.
    pub last: Option<Timestamp>,
}

/// How many calls failed with a category.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CategoryCount {
    /// The category.
    pub category: Option<String>,
    /// Calls in the period.
    pub count: u64,
    /// Calls in the period before; `None` if nothing is known of it.
    pub before: Option<u64>,
}

/// The page of errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errors {
    /// All calls of the view, for the share that failed.
    pub calls: Calls,
    /// The view over time.
    pub series: Series,
    /// By category, most frequent first.
    pub categories: Vec<CategoryCount>,
    /// By category and message, most frequent first.
    pub failures: Vec<Failures>,
}

impl Errors {
    /// The page.
    pub fn render(&self, shell: &Shell) -> String {
        let failed: u64 = self.categories.iter().map(|row| row.count).sum();
        let main = html! {
            header.title {
                h1 { "Errors" }
                p.soft {
                    (amount::grouped(self.calls.failed)) " of "
                    (amount::plural(self.calls.count, "call", "calls")) " failed "
                    (shell.view.period.words()) "."
                }
            }
            @if self.calls.count == 0 {
                (super::nothing(shell, Page::Errors))
            } @else if failed == 0 {
                div.empty { h2 { "No call failed" } p { "Not one " (shell.view.period.words()) "." } }
            } @else {
                div.two {
                    (chart::calls("calls", &self.series))
                    (section("By category", None, &self.categories(shell, failed)))
                }
                (section("By message", None, &failures_table(shell, &self.failures, failed)))
            }
        };
        shell.viewing(Page::Errors, "Errors", &[], &main)
    }

    fn categories(&self, shell: &Shell, failed: u64) -> Markup {
        html! {
            div.scroll tabindex="0" role="region" aria-label="Errors by category" {
                table {
                    caption.away { "Failed calls by category" }
                    thead { tr {
                        th scope="col" { "Category" }
                        th.n scope="col" { "Calls" }
                        th.n scope="col" { "Share" }
                        th.n scope="col" { "Change" }
                    } }
                    tbody { @for row in &self.categories {
                        @let view = shell.view.with(Dimension::ErrorCategory, row.category.as_deref());
                        tr {
                            th scope="row" { a href=(view.link(Page::Errors)) { (optional(row.category.as_deref())) } }
                            td.n { (amount::count(row.count)) }
                            td.n.time-cell { (amount::percent(row.count, failed)) (chart::share(row.count, failed, "bad")) }
                            td.n { (amount::change(row.count, row.before, amount::Sense::MoreIsWorse)) }
                        }
                    } }
                }
            }
        }
    }
}

/// A table of failures; `all` is how many there are, for the shares.
pub(super) fn failures_table(shell: &Shell, rows: &[Failures], all: u64) -> Markup {
    if rows.is_empty() {
        return html! { p.quiet-note { "Nothing failed." } };
    }
    html! {
        div.scroll tabindex="0" role="region" aria-label="Errors by message" {
            table {
                caption.away { "Failed calls by category and message, most frequent first" }
                thead { tr {
                    th scope="col" { "Message" }
                    th scope="col" { "Category" }
                    th.n scope="col" { "Calls" }
                    th.n.minor scope="col" { "Last" }
                } }
                tbody { @for row in rows {
                    @let category = shell.view.with(Dimension::ErrorCategory, row.category.as_deref());
                    @let exact = category.with(Dimension::ErrorMessage, row.message.as_deref());
                    tr {
                        th.message scope="row" {
                            a href=(exact.link_with(Page::Breakdown, [("by", "workflow,job,step".to_owned())])) {
                                @match &row.message {
                                    Some(message) => (Name::new(message)),
                                    None => span.none { "no message" },
                                }
                            }
                        }
                        td { a href=(category.link(Page::Errors)) { (optional(row.category.as_deref())) } }
                        td.n.time-cell { (amount::count(row.count)) (chart::share(row.count, all, "bad")) }
                        td.n.minor { @if let Some(last) = row.last { (time::moment(last)) } }
                    }
                } }
            }
        }
    }
}
