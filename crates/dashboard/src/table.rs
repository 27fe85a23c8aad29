//! Tables of groups of calls, and the other pieces several pages have.

use maud::{Markup, html};

use crate::amount::{self, Sense};
use crate::dimension::label;
use crate::figures::{Calls, Group, Series, Summary};
use crate::text::optional;
use crate::{Dimension, Page, View, chart};

/// A table whose rows are groups of calls.
pub(crate) struct Groups<'a> {
    /// What it says, for those who do not see where it stands.
    pub(crate) caption: &'a str,
    /// The view the links start from.
    pub(crate) view: &'a View,
    /// What the groups are made by.
    pub(crate) by: &'a [Dimension],
    /// The rows, in the order they are shown.
    pub(crate) rows: &'a [Group],
    /// The page that a row leads to.
    pub(crate) page: Page<'a>,
    /// What else that page should be told.
    pub(crate) more: &'a [(&'a str, String)],
    /// Makes headings of the figures into links that sort.
    pub(crate) sort: Option<&'a dyn Fn(Column) -> (String, bool)>,
}

/// A column with figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// Number of calls.
    Calls,
    /// Number of failed calls.
    Failed,
    /// Share of failed calls.
    Rate,
    /// Median duration.
    P50,
    /// 95th percentile.
    P95,
    /// 99th percentile.
    P99,
    /// Sum of the durations.
    Time,
}

impl Column {
    /// Every column, from left to right.
    pub const ALL: [Self; 7] =
        [Self::Calls, Self::Failed, Self::Rate, Self::P50, Self::P95, Self::P99, Self::Time];

    /// The word in addresses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Calls => "calls",
            Self::Failed => "failed",
            Self::Rate => "rate",
            Self::P50 => "p50",
            Self::P95 => "p95",
            Self::P99 => "p99",
            Self::Time => "time",
        }
    }

    /// The column of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|column| column.as_str() == word)
    }

    const fn label(self) -> &'static str {
        match self {
            Self::Calls => "Calls",
            Self::Failed => "Failed",
            Self::Rate => "Rate",
            Self::P50 => "p50",
            Self::P95 => "p95",
            Self::P99 => "p99",
            Self::Time => "Time",
        }
    }

    /// Columns a narrow screen does without.
    const fn is_minor(self) -> bool {
        matches!(self, Self::P50 | Self::P99 | Self::Failed)
    }

    /// What rows are ordered by, largest first.
    pub(crate) fn weight(self, calls: &Calls) -> u64 {
        match self {
            Self::Calls => calls.count,
            Self::Failed => calls.failed,
            Self::Rate => amount::per_mille(calls.failed, calls.count),
            Self::P50 => calls.p50.unwrap_or(0),
            Self::P95 => calls.p95.unwrap_or(0),
            Self::P99 => calls.p99.unwrap_or(0),
            Self::Time => calls.total_ms,
        }
    }
}

impl Groups<'_> {
    pub(crate) fn render(&self) -> Markup {
        let most = self.rows.iter().map(|row| row.calls.total_ms).max().unwrap_or(0);
        html! {
            div.scroll tabindex="0" role="region" aria-label=(self.caption) {
                table.groups {
                    caption.away { (self.caption) }
                    thead { tr {
                        @for dimension in self.by { th scope="col" { (label(*dimension)) } }
                        @for column in Column::ALL { (self.heading(column)) }
                    } }
                    tbody { @for row in self.rows { (self.row(row, most)) } }
                }
            }
        }
    }

    fn heading(&self, column: Column) -> Markup {
        let sorting = self.sort.map(|sort| sort(column));
        let sorted = sorting.as_ref().is_some_and(|(_, sorted)| *sorted);
        html! {
            th.n.minor[column.is_minor()] scope="col" aria-sort=[sorted.then_some("descending")] {
                @match sorting {
                    Some((address, _)) => a href=(address) {
                        (column.label())
                        @if sorted { span aria-hidden="true" { " ↓" } }
                    },
                    None => (column.label()),
                }
            }
        }
    }

    fn row(&self, row: &Group, most: u64) -> Markup {
        let mut target = self.view.clone();
        for (dimension, value) in self.by.iter().zip(&row.key) {
            target = target.with(*dimension, value.as_deref());
        }
        let address = target.link_with(self.page, self.more.iter().cloned());
        let calls = &row.calls;
        let before = row.before.as_ref();
        html! {
            tr {
                @for (position, value) in row.key.iter().enumerate() {
                    @if position == 0 {
                        th scope="row" { a href=(address) { (optional(value.as_deref())) } }
                    } @else {
                        td { a href=(address) tabindex="-1" { (optional(value.as_deref())) } }
                    }
                }
                td.n {
                    (amount::count(calls.count))
                }
                td.n.minor.bad-text[calls.failed > 0] { (amount::count(calls.failed)) }
                td.n.bad-text[calls.failed > 0] {
                    (amount::percent(calls.failed, calls.count))
                    (worse_share(calls, before))
                }
                td.n.minor { (amount::optional_duration(calls.p50)) }
                td.n { (amount::optional_duration(calls.p95)) (worse_duration(calls, before)) }
                td.n.minor { (amount::optional_duration(calls.p99)) }
                td.n.time-cell { (amount::duration(calls.total_ms)) (chart::share(calls.total_ms, most, "time")) }
            }
        }
    }
}

/// An arrow where the failure rate rose by two points or more.
fn worse_share(calls: &Calls, before: Option<&Calls>) -> Markup {
    let Some(before) = before.filter(|before| before.count > 0) else { return html! {} };
    let now = amount::per_mille(calls.failed, calls.count);
    let was = amount::per_mille(before.failed, before.count);
    html! {
        @if now >= was + 20 {
            span.up title={ "was " (amount::percent(before.failed, before.count)) } {
                " ▲" span.away { " more than before" }
            }
        }
    }
}

/// An arrow where the 95th percentile rose by a quarter or more.
fn worse_duration(calls: &Calls, before: Option<&Calls>) -> Markup {
    let pair = calls.p95.zip(before.and_then(|before| before.p95));
    let Some((now, was)) = pair else { return html! {} };
    html! {
        @if u128::from(now) * 4 >= u128::from(was) * 5 && now > was {
            span.up title={ "was " (amount::duration(was)) } {
                " ▲" span.away { " slower than before" }
            }
        }
    }
}

/// The figures of a period as tiles, against the period before.
pub(crate) fn tiles(summary: &Summary, before: Option<&Summary>, series: &Series) -> Markup {
    let (calls, past) = (&summary.calls, before.map(|before| before.calls));
    let values = |of: fn(&Calls) -> u64| -> Vec<u64> {
        series.buckets.iter().map(|bucket| of(&bucket.calls)).collect()
    };
    html! {
        dl.tiles {
            @if let Some((runs, failed)) = summary.runs {
                (tile("Runs", &html! { (amount::count(runs)) },
                    &html! { (amount::change(runs, before.and_then(|before| before.runs).map(|(runs, _)| runs), Sense::Neutral)) },
                    &html! {}))
                (tile("Failed runs",
                    &html! { (amount::count(failed)) " " small { (amount::percent(failed, runs)) } },
                    &html! { (amount::change_of_share((failed, runs), before.and_then(|before| before.runs).map(|(runs, failed)| (failed, runs)))) },
                    &html! {}))
            }
            (tile("Method calls", &html! { (amount::count(calls.count)) },
                &amount::change(calls.count, past.map(|past| past.count), Sense::Neutral),
                &chart::spark(&values(|calls| calls.count))))
            (tile("Failed calls",
                &html! { (amount::count(calls.failed)) " " small { (amount::percent(calls.failed, calls.count)) } },
                &amount::change_of_share((calls.failed, calls.count), past.map(|past| (past.failed, past.count))),
                &html! { span.bad { (chart::spark(&values(|calls| calls.failed))) } }))
            (tile("p95 of a call", &amount::optional_duration(calls.p95),
                &html! { @if let Some(p95) = calls.p95 { (amount::change(p95, past.and_then(|past| past.p95), Sense::MoreIsWorse)) } },
                &chart::spark(&values(|calls| calls.p95.unwrap_or(0)))))
            (tile("Method time", &html! { (amount::duration(calls.total_ms)) },
                &amount::change(calls.total_ms, past.map(|past| past.total_ms), Sense::Neutral),
                &chart::spark(&values(|calls| calls.total_ms))))
        }
    }
}

fn tile(label: &str, value: &Markup, change: &Markup, spark: &Markup) -> Markup {
    html! {
        div.tile {
            dt { (label) }
            dd.value { (value) }
            dd.note { (change) }
            dd.trend { (spark) }
        }
    }
}

/// The two charts of calls over time.
pub(crate) fn charts(series: &Series, whole: &Calls) -> Markup {
    html! {
        div.two {
            (chart::calls("calls", series))
            (chart::durations("durations", series, whole))
        }
    }
}

/// A section with a heading and, at its right, a link to more.
pub(crate) fn section(title: &str, more: Option<(&str, String)>, content: &Markup) -> Markup {
    html! {
        section.card {
            header {
                h2 { (title) }
                @if let Some((label, address)) = more { a href=(address) { (label) } }
            }
            (content)
        }
    }
}
