//! How long calls took.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::scale::{Fraction, Scale};
use super::{Figure, PLOT, TOP, stretch};
use crate::amount;
use crate::figures::{Bucket, Calls, Series};

/// Which percentile a line shows.
#[derive(Clone, Copy)]
enum Line {
    Median,
    P95,
    P99,
}

impl Line {
    const ALL: [Self; 3] = [Self::P99, Self::P95, Self::Median];

    const fn label(self) -> &'static str {
        match self {
            Self::Median => "p50",
            Self::P95 => "p95",
            Self::P99 => "p99",
        }
    }

    const fn of(self, calls: &Calls) -> Option<u64> {
        match self {
            Self::Median => calls.p50,
            Self::P95 => calls.p95,
            Self::P99 => calls.p99,
        }
    }
}

/// Lines of the median, the 95th and the 99th percentile. `whole` is the period as one.
pub(crate) fn durations(id: &str, series: &Series, whole: &Calls) -> Markup {
    let largest = series.buckets.iter().filter_map(|bucket| bucket.calls.p99).max().unwrap_or(0);
    let scale = Scale::of_durations(largest);
    let worst = series
        .buckets
        .iter()
        .enumerate()
        .filter_map(|(position, bucket)| Some((bucket.calls.p95?, position)))
        .max();
    let description = match worst {
        Some((p95, position)) => format!(
            "Median, 95th and 99th percentile of how long calls took; the highest 95th percentile, \
             {}, {}.",
            amount::duration(p95),
            stretch(series, position)
        ),
        None => "No call with a duration.".to_owned(),
    };
    let legend = html! {
        ul.legend {
            @for line in Line::ALL.into_iter().rev() {
                li {
                    svg.key width="16" height="10" aria-hidden="true" {
                        line.line.(line.label()) x1="0" x2="16" y1="5" y2="5" {}
                    }
                    (line.label()) " "
                    @if let Some(value) = line.of(whole) { span.soft { (amount::duration(value)) } }
                }
            }
        }
    };
    let slots = series.buckets.len() as u64;
    let marks = html! {
        svg y=(TOP) width="100%" height=(PLOT) viewBox={ "0 0 " (slots * 2) " 1000" } preserveAspectRatio="none" {
            @for line in Line::ALL {
                path.line.(line.label()) d=(path(&series.buckets, line, scale.top())) {}
            }
        }
        svg y=(TOP) width="100%" height=(PLOT) {
            @for (position, bucket) in series.buckets.iter().enumerate() {
                g.slot {
                    title { (stretch(series, position)) ": " (said(&bucket.calls)) }
                    rect.hit x=(Fraction::new(position as u64, slots)) width=(Fraction::new(1, slots)) height="100%" {}
                }
            }
        }
    };
    Figure { id, title: "Duration of calls", description, legend, series, scale, marks }.render()
}

fn said(calls: &Calls) -> String {
    let mut text = String::new();
    for line in Line::ALL.into_iter().rev() {
        if let Some(value) = line.of(calls) {
            let comma = if text.is_empty() { "" } else { ", " };
            let _ = write!(text, "{comma}{} {}", line.label(), amount::duration(value));
        }
    }
    if text.is_empty() { "no calls".to_owned() } else { text }
}

/// A path through the middles of the stretches, two units wide each; stretches without calls make
/// gaps, and a stretch between two gaps is a dash as wide as itself.
fn path(buckets: &[Bucket], line: Line, top: u64) -> String {
    let height = |position: usize| {
        let value = line.of(&buckets.get(position)?.calls)?;
        Some(1_000 - Fraction::new(value, top).hundredths() / 10)
    };
    let mut path = String::new();
    for position in 0..buckets.len() {
        let Some(y) = height(position) else { continue };
        let x = position * 2 + 1;
        let before = position.checked_sub(1).and_then(height);
        let _ = match (before, height(position + 1)) {
            (None, None) => write!(path, "M{} {y}h2", x - 1),
            (None, Some(_)) => write!(path, "M{x} {y}"),
            (Some(_), _) => write!(path, "L{x} {y}"),
        };
    }
    path
}

#[cfg(test)]
mod tests {
    use swamp_ident::Timestamp;

    use super::*;

    #[test]
    fn gaps_stay_gaps() {
        let bucket = |p50| Bucket {
            start: Timestamp::from_millis(0),
            calls: Calls { p50, ..Calls::default() },
        };
        let buckets = [Some(0), None, Some(50), Some(100), None].map(bucket);
        assert_eq!(path(&buckets, Line::Median, 100), "M0 1000h2M5 500L7 0");
    }
}
