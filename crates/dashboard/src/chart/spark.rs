//! Charts of the size of a word.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::scale::Fraction;

/// A line of values over time, without scale: only its shape says something.
pub(crate) fn spark(values: &[u64]) -> Markup {
    let top = values.iter().copied().max().unwrap_or(0);
    let mut path = String::new();
    for (x, value) in values.iter().enumerate() {
        let y = 100 - Fraction::new(*value, top).hundredths() / 100;
        let _ = write!(path, "{}{x} {y}", if x == 0 { 'M' } else { 'L' });
    }
    let right = values.len().saturating_sub(1).max(1);
    html! {
        svg.spark width="100%" height="24" viewBox={ "0 -4 " (right) " 108" } preserveAspectRatio="none" aria-hidden="true" {
            path.line d=(path) {}
        }
    }
}

/// A bar for a part of a whole, beside the number that says the same.
pub(crate) fn share(part: u64, whole: u64, class: &str) -> Markup {
    html! {
        svg.share width="100%" height="3" aria-hidden="true" {
            rect.rest width="100%" height="3" {}
            @if part > 0 { rect.(class) width=(Fraction::new(part, whole).at_least(100)) height="3" {} }
        }
    }
}
