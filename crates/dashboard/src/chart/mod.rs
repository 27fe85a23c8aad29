//! Charts as SVG.
//!
//! A chart has no `viewBox`: positions are percentages of whatever width it gets, so that text
//! keeps its size from a telephone to a wall. Lines, which know no percentages, stand in a nested
//! drawing that is stretched.

mod calls;
mod durations;
mod scale;
mod spark;

pub(crate) use calls::calls;
pub(crate) use durations::durations;
pub(crate) use scale::Fraction;
pub(crate) use spark::{share, spark};

use maud::{Markup, html};

use crate::figures::Series;
use crate::text::plain;
use crate::{amount, time};
use scale::{Scale, ticks};

/// Height of the plot, and of the drawing with its labels, in pixels.
const PLOT: u32 = 120;
const TOP: u32 = 14;
const HEIGHT: u32 = TOP + PLOT + 18;

/// A chart with its caption and its numbers.
struct Figure<'a> {
    id: &'a str,
    title: &'a str,
    description: String,
    legend: Markup,
    series: &'a Series,
    scale: Scale,
    marks: Markup,
}

impl Figure<'_> {
    fn render(&self) -> Markup {
        let (title_id, text_id) = (format!("{}-title", self.id), format!("{}-text", self.id));
        html! {
            figure.chart {
                figcaption { h3 { (self.title) } (self.legend) }
                svg.plot width="100%" height=(HEIGHT) role="img"
                    aria-labelledby=(title_id) aria-describedby=(text_id) {
                    title id=(title_id) { (self.title) }
                    desc id=(text_id) { (plain(&self.description, 300)) }
                    (self.grid())
                    (self.marks)
                }
                (self.numbers())
            }
        }
    }

    fn grid(&self) -> Markup {
        html! {
            @for (share, label) in self.scale.lines() {
                @let y = TOP + PLOT - PLOT * share / 100;
                line.grid.base[share == 0] x1="0" x2="100%" y1=(y) y2=(y) {}
                @if share > 0 { text.axis x="0" y=(y - 4) { (label) } }
            }
            @for tick in ticks(self.series) {
                line.tick x1=(tick.at) x2=(tick.at) y1=(TOP + PLOT) y2=(TOP + PLOT + 4) {}
                text.axis.mid.second[tick.second] x=(tick.at) y=(HEIGHT - 2) { (tick.label) }
            }
        }
    }

    /// The numbers as a table, for those who read rather than look.
    fn numbers(&self) -> Markup {
        html! {
            details.numbers {
                summary { "Numbers" span.away { " of the chart " (self.title) } }
                div.scroll tabindex="0" role="region" aria-label={ "Numbers: " (self.title) } {
                    table {
                        thead { tr {
                            th scope="col" { "From (UTC)" }
                            @for label in ["Calls", "Failed", "p50", "p95", "p99", "Time"] {
                                th.n scope="col" { (label) }
                            }
                        } }
                        tbody {
                            @for bucket in self.series.buckets.iter().filter(|b| b.calls.count > 0) {
                                @let calls = &bucket.calls;
                                tr {
                                    th scope="row" { (time::minute(bucket.start)) }
                                    td.n { (amount::grouped(calls.count)) }
                                    td.n { (amount::grouped(calls.failed)) }
                                    td.n { (amount::optional_duration(calls.p50)) }
                                    td.n { (amount::optional_duration(calls.p95)) }
                                    td.n { (amount::optional_duration(calls.p99)) }
                                    td.n { (amount::duration(calls.total_ms)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// When a stretch is, as tooltips say it.
fn stretch(series: &Series, position: usize) -> String {
    let Some(bucket) = series.buckets.get(position) else { return String::new() };
    if series.interval_ms >= 86_400_000 {
        time::day(bucket.start)
    } else {
        let end = bucket.start.plus_millis(series.interval_ms);
        format!("{} {}–{}", time::day(bucket.start), time::clock(bucket.start), time::clock(end))
    }
}
