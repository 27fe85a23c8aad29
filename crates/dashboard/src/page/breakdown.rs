//! Calls by any dimensions; a click on a row filters by it.

use maud::{Markup, html};

use crate::address::address;
use crate::dimension::label;
use crate::figures::{Calls, Group, Series};
use crate::table::{Column, Groups, charts};
use crate::{Dimension, Page, Shell, amount};

/// How many rows a page shows.
const ROWS: usize = 250;

/// The page of a breakdown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breakdown {
    /// What calls are told apart by; at least one dimension.
    pub by: Vec<Dimension>,
    /// What rows are ordered by.
    pub sort: Column,
    /// All calls of the view.
    pub calls: Calls,
    /// The view over time.
    pub series: Series,
    /// The groups, in any order.
    pub groups: Vec<Group>,
}

impl Breakdown {
    /// The page.
    pub fn render(&self, shell: &Shell) -> String {
        let keep = [("by", words(&self.by)), ("sort", self.sort.as_str().to_owned())];
        let mut rows = self.groups.clone();
        rows.sort_by(|left, right| {
            let weight = |group: &Group| self.sort.weight(&group.calls);
            weight(right)
                .cmp(&weight(left))
                .then_with(|| right.calls.count.cmp(&left.calls.count))
                .then_with(|| left.key.cmp(&right.key))
        });
        let more = rows.len().saturating_sub(ROWS);
        rows.truncate(ROWS);
        let sorting = |column: Column| {
            let pairs = [("by", words(&self.by)), ("sort", column.as_str().to_owned())];
            (shell.view.link_with(Page::Breakdown, pairs), column == self.sort)
        };
        let next = [("by", words(&self.next(shell))), ("sort", self.sort.as_str().to_owned())];
        let main = html! {
            header.title {
                h1 { "Breakdown" }
                p.soft {
                    (amount::plural(self.calls.count, "call", "calls")) " "
                    (shell.view.period.words()) ", in "
                    (amount::plural(self.groups.len() as u64, "group", "groups")) "."
                }
            }
            (self.chooser(shell))
            @if self.groups.is_empty() { (super::nothing(shell, Page::Breakdown)) }
            @else {
                (charts(&self.series, &self.calls))
                section.card {
                    (Groups {
                        caption: "Calls by dimension",
                        view: &shell.view,
                        by: &self.by,
                        rows: &rows,
                        page: Page::Breakdown,
                        more: &next,
                        sort: Some(&sorting),
                    }.render())
                    @if more > 0 {
                        p.quiet-note { (amount::plural(more as u64, "more group is", "more groups are"))
                            " not shown; filters or the export find them." }
                    }
                    (self.exports(shell))
                }
            }
        };
        shell.viewing(Page::Breakdown, "Breakdown", &keep, &main)
    }

    /// What to break down by once a row has been chosen: what is not fixed by then, and the next
    /// finer thing if all is.
    fn next(&self, shell: &Shell) -> Vec<Dimension> {
        let fixed = |dimension: &Dimension| {
            self.by.contains(dimension) || shell.view.only(*dimension).is_some()
        };
        let finer = [
            Dimension::ModelType,
            Dimension::Method,
            Dimension::Workflow,
            Dimension::Job,
            Dimension::Step,
            Dimension::Driver,
            Dimension::Status,
        ];
        finer.into_iter().find(|dimension| !fixed(dimension)).map_or_else(
            || self.by.clone(),
            |dimension| match dimension {
                Dimension::ModelType if !fixed(&Dimension::Method) => {
                    vec![Dimension::ModelType, Dimension::Method]
                }
                other => vec![other],
            },
        )
    }

    /// Switches for the dimensions.
    fn chooser(&self, shell: &Shell) -> Markup {
        html! {
            nav.chooser aria-label="Break down by" {
                span.soft { "By" }
                ul {
                    @for dimension in Dimension::ALL {
                        @let on = self.by.contains(&dimension);
                        @let by: Vec<Dimension> = if on {
                            self.by.iter().copied().filter(|other| *other != dimension).collect()
                        } else {
                            self.by.iter().copied().chain([dimension]).collect()
                        };
                        @let pairs = [("by", words(&by)), ("sort", self.sort.as_str().to_owned())];
                        li {
                            @if on && self.by.len() == 1 {
                                span.switch.on aria-current="true" { (label(dimension)) }
                            } @else {
                                a.switch.on[on] href=(shell.view.link_with(Page::Breakdown, pairs))
                                    aria-current=[on.then_some("true")]
                                    title=(if on { "Remove" } else { "Add" }) {
                                    (label(dimension))
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn exports(&self, shell: &Shell) -> Markup {
        let (since, until) = shell.view.period.bounds(shell.now);
        let link = |format: &str| {
            let mut pairs = vec![
                ("by", words(&self.by)),
                ("format", format.to_owned()),
                ("since", since.to_string()),
                ("until", until.to_string()),
            ];
            pairs.extend(shell.view.project.clone().map(|project| ("project", project)));
            pairs.extend(
                shell
                    .view
                    .filters
                    .iter()
                    .map(|filter| (filter.dimension.as_str(), filter.value.clone())),
            );
            address("/api/v1/breakdown", pairs)
        };
        html! {
            p.exports { "Export as "
                a href=(link("csv")) { "CSV" } ", "
                a href=(link("ndjson")) { "NDJSON" } ", "
                a href=(link("json")) { "JSON" }
            }
        }
    }
}

fn words(by: &[Dimension]) -> String {
    by.iter().map(|dimension| dimension.as_str()).collect::<Vec<_>>().join(",")
}
