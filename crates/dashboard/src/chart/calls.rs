//! How many calls there were, and how many of them failed.

use maud::{Markup, html};

use super::scale::{Fraction, Scale};
use super::{Figure, PLOT, TOP, stretch};
use crate::amount;
use crate::figures::Series;

/// Bars of calls; the failed ones at the foot, where they can be compared.
pub(crate) fn calls(id: &str, series: &Series) -> Markup {
    let largest = series.buckets.iter().map(|bucket| bucket.calls.count).max().unwrap_or(0);
    let scale = Scale::of_counts(largest);
    let (all, failed) = series.buckets.iter().fold((0, 0), |(all, failed), bucket| {
        (all + bucket.calls.count, failed + bucket.calls.failed)
    });
    let worst = series.buckets.iter().enumerate().max_by_key(|(_, bucket)| bucket.calls.failed);
    let description = match worst {
        Some((position, bucket)) if bucket.calls.failed > 0 => format!(
            "{}, {failed} of them failed; most failures, {}, {}.",
            amount::plural(all, "call", "calls"),
            amount::grouped(bucket.calls.failed),
            stretch(series, position),
        ),
        _ => format!("{}, none failed.", amount::plural(all, "call", "calls")),
    };
    let legend = html! {
        ul.legend {
            li { svg.key width="10" height="10" aria-hidden="true" { rect.ok width="10" height="10" {} } "ok" }
            li {
                svg.key width="10" height="10" aria-hidden="true" { rect.bad width="10" height="10" {} }
                "failed " span.soft { (amount::percent(failed, all)) }
            }
        }
    };
    Figure {
        id,
        title: "Method calls",
        description,
        legend,
        series,
        scale,
        marks: bars(series, scale.top()),
    }
    .render()
}

fn bars(series: &Series, top: u64) -> Markup {
    let slots = series.buckets.len() as u64;
    html! {
        svg y=(TOP) width="100%" height=(PLOT) {
            @for (position, bucket) in series.buckets.iter().enumerate() {
                @let calls = &bucket.calls;
                // Ten parts to a slot, eight of them bar.
                @let left = Fraction::new(position as u64 * 10 + 1, slots * 10);
                @let width = Fraction::new(8, slots * 10);
                @let all = Fraction::new(calls.count, top).at_least(if calls.count > 0 { 150 } else { 0 });
                // A single failure among thousands must be seen.
                @let failed = Fraction::new(calls.failed, top).at_least(if calls.failed > 0 { 250 } else { 0 });
                g.slot {
                    title {
                        (stretch(series, position)) ": "
                        (amount::plural(calls.count, "call", "calls"))
                        @if calls.failed > 0 {
                            ", " (amount::grouped(calls.failed)) " failed ("
                            (amount::percent(calls.failed, calls.count)) ")"
                        }
                    }
                    rect.hit x=(Fraction::new(position as u64, slots)) width=(Fraction::new(1, slots)) height="100%" {}
                    @if calls.count > 0 {
                        rect.ok x=(left) width=(width) y=(all.mirrored()) height=(all) {}
                    }
                    @if calls.failed > 0 {
                        rect.bad x=(left) width=(width) y=(failed.mirrored()) height=(failed) {}
                    }
                }
            }
        }
    }
}
