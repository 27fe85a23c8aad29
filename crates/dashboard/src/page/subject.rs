//! The page of one method or of one workflow, and the lists of them.

use maud::{Markup, html};

use super::errors::{Failures, failures_table};
use super::runs::{RunLine, runs_table};
use super::slowest::{SlowCall, slow_table};
use crate::figures::{Group, Series, Summary};
use crate::table::{Groups, charts, section, tiles};
use crate::text::{Name, plain};
use crate::{Dimension, Page, Shell};

/// What a page is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubjectKind {
    /// A method.
    Method,
    /// A workflow.
    Workflow,
}

impl SubjectKind {
    const fn page(self) -> Page<'static> {
        match self {
            Self::Method => Page::Methods,
            Self::Workflow => Page::Workflows,
        }
    }

    /// What the list of them is made by.
    pub const fn list_by(self) -> &'static [Dimension] {
        match self {
            Self::Method => &[Dimension::ModelType, Dimension::Method],
            Self::Workflow => &[Dimension::Workflow],
        }
    }

    /// What the first table of the page of one is made by.
    pub const fn parts_by(self) -> &'static [Dimension] {
        match self {
            Self::Method => &[Dimension::Driver],
            Self::Workflow => &[Dimension::Job, Dimension::Step],
        }
    }

    /// What the second table of the page of one is made by.
    pub const fn uses_by(self) -> &'static [Dimension] {
        match self {
            Self::Method => &[Dimension::Workflow, Dimension::Job, Dimension::Step],
            Self::Workflow => &[Dimension::ModelType, Dimension::Method, Dimension::Driver],
        }
    }
}

/// The page of a method or workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Of which.
    pub kind: SubjectKind,
    /// The period.
    pub summary: Summary,
    /// The period before; `None` if nothing is known of it.
    pub before: Option<Summary>,
    /// The period over time.
    pub series: Series,
    /// By [`SubjectKind::parts_by`], or by [`SubjectKind::list_by`] in a list.
    pub parts: Vec<Group>,
    /// By [`SubjectKind::uses_by`].
    pub uses: Vec<Group>,
    /// What fails.
    pub failures: Vec<Failures>,
    /// The slowest calls.
    pub slowest: Vec<SlowCall>,
    /// The latest runs, for a workflow.
    pub runs: Vec<RunLine>,
}

impl Subject {
    /// The page of what the filters of the view name.
    pub fn render(&self, shell: &Shell) -> String {
        let page = self.kind.page();
        let view = &shell.view;
        let (label, name) = match self.kind {
            SubjectKind::Method => ("Method", view.only(Dimension::Method)),
            SubjectKind::Workflow => ("Workflow", view.only(Dimension::Workflow)),
        };
        let name = name.unwrap_or_default();
        let main = html! {
            header.title {
                p.crumb { a href=(self.index(shell)) { (label) "s" } }
                h1 {
                    @if let Some(model_type) = view.only(Dimension::ModelType).filter(|_| self.kind == SubjectKind::Method) {
                        span.soft { (Name::up_to(model_type, 80)) " " }
                    }
                    @if name.is_empty() { span.none { "none" } } @else { (Name::up_to(name, 120)) }
                }
            }
            @if self.summary.calls.count == 0 {
                (super::nothing(shell, page))
            } @else {
                (tiles(&self.summary, self.before.as_ref(), &self.series))
                (charts(&self.series, &self.summary.calls))
                @match self.kind {
                    SubjectKind::Method => {
                        (groups(shell, "By driver", self.kind.parts_by(), &self.parts, page))
                        (groups(shell, "Where it is called", self.kind.uses_by(), &self.uses, Page::Breakdown))
                    },
                    SubjectKind::Workflow => {
                        (groups(shell, "Jobs and steps", self.kind.parts_by(), &self.parts, Page::Breakdown))
                        (groups(shell, "Methods it calls", self.kind.uses_by(), &self.uses, Page::Methods))
                    },
                }
                @if !self.failures.is_empty() {
                    (section("Failing", Some(("All errors", view.link(Page::Errors))),
                        &failures_table(shell, &self.failures, self.summary.calls.failed)))
                }
                @if !self.runs.is_empty() {
                    (section("Latest runs", Some(("All runs", view.link(Page::Runs))),
                        &runs_table(shell, &self.runs, "Latest runs")))
                }
                @if !self.slowest.is_empty() {
                    (section("Slowest calls", Some(("More", view.link(Page::Slowest))),
                        &slow_table(shell, &self.slowest)))
                }
            }
        };
        shell.viewing(page, &format!("{label} {}", plain(name, 60)), &[], &main)
    }

    /// The list of all methods or workflows, from [`parts`](Self::parts).
    pub fn render_list(&self, shell: &Shell) -> String {
        let page = self.kind.page();
        let title = match self.kind {
            SubjectKind::Method => "Methods",
            SubjectKind::Workflow => "Workflows",
        };
        let main = html! {
            header.title {
                h1 { (title) }
                p.soft { "Those that took the most time first, " (shell.view.period.words()) "." }
            }
            @if self.parts.is_empty() { (super::nothing(shell, page)) }
            @else {
                (charts(&self.series, &self.summary.calls))
                section.card {
                    (Groups {
                        caption: title,
                        view: &shell.view,
                        by: self.kind.list_by(),
                        rows: &self.parts,
                        page,
                        more: &[],
                        sort: None,
                    }.render())
                }
            }
        };
        shell.viewing(page, title, &[], &main)
    }

    fn index(&self, shell: &Shell) -> String {
        let mut view = shell.view.clone();
        for dimension in self.kind.list_by() {
            view = view.without(*dimension);
        }
        view.link(self.kind.page())
    }
}

/// A table of groups under a heading that leads to the breakdown by the same.
fn groups(shell: &Shell, title: &str, by: &[Dimension], rows: &[Group], page: Page<'_>) -> Markup {
    let names: Vec<&str> = by.iter().map(|dimension| dimension.as_str()).collect();
    let more = [("by", names.join(","))];
    let address = shell.view.link_with(Page::Breakdown, more.clone());
    let table = Groups {
        caption: title,
        view: &shell.view,
        by,
        rows,
        page,
        more: if page == Page::Breakdown { &more } else { &[] },
        sort: None,
    };
    section(title, Some(("Break down", address)), &table.render())
}
