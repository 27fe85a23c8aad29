//! How a call or run ended, as a mark, a word and a colour: each of the three is enough.

use maud::{Markup, PreEscaped, html};

/// How a call or a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// As wished.
    Succeeded,
    /// It failed.
    Failed,
    /// It failed, and the workflow says that it may.
    AllowedFailure,
    /// It failed before the method's own code ran.
    FailedBefore,
    /// It was told to stop.
    Cancelled,
    /// Nothing says how it ended: it goes on, or its end was lost.
    Unknown,
}

impl Outcome {
    pub(crate) const ALL: [Self; 6] = [
        Self::Succeeded,
        Self::Failed,
        Self::AllowedFailure,
        Self::FailedBefore,
        Self::Cancelled,
        Self::Unknown,
    ];

    /// The word beside the mark.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Succeeded => "ok",
            Self::Failed => "failed",
            Self::AllowedFailure => "allowed failure",
            Self::FailedBefore => "failed before method",
            Self::Cancelled => "cancelled",
            Self::Unknown => "no end seen",
        }
    }

    /// Whether somebody should look at it.
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::FailedBefore)
    }

    /// The class that gives the colour.
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Succeeded => "o-ok",
            Self::Failed => "o-failed",
            Self::AllowedFailure => "o-allowed",
            Self::FailedBefore => "o-before",
            Self::Cancelled => "o-cancelled",
            Self::Unknown => "o-unknown",
        }
    }

    /// What fills its bars: a pattern of the sprite, so that no two look alike without colour.
    pub(crate) const fn fill(self) -> Option<&'static str> {
        match self {
            Self::AllowedFailure => Some("url(#hatch-allowed)"),
            Self::FailedBefore => Some("url(#hatch-before)"),
            Self::Cancelled | Self::Unknown => Some("url(#hatch-grey)"),
            Self::Succeeded | Self::Failed => None,
        }
    }

    /// Mark and word.
    pub(crate) fn badge(self) -> Markup {
        html! { span.outcome.(self.class()) { (self.mark()) (self.label()) } }
    }

    /// The mark alone, with the word for those who do not see it.
    pub(crate) fn mark_only(self) -> Markup {
        html! {
            span.outcome.(self.class()) title=(self.label()) {
                (self.mark()) span.away { (self.label()) }
            }
        }
    }

    fn mark(self) -> Markup {
        html! {
            svg.mark viewBox="0 0 12 12" aria-hidden="true" { use href={ "#" (self.class()) } {} }
        }
    }
}

/// The shapes and patterns that marks and bars refer to; stands once on each page.
pub(crate) fn sprite() -> Markup {
    let hatch = |id: &str, class: &str, turn: &str| {
        html! {
            pattern id=(id) width="6" height="6" patternUnits="userSpaceOnUse"
                patternTransform={ "rotate(" (turn) ")" } {
                rect.(class).hatch-ground width="6" height="6" {}
                rect.(class) width="2.5" height="6" {}
            }
        }
    };
    let shapes = Outcome::ALL.map(|outcome| {
        let shape = match outcome {
            Outcome::Succeeded => r#"<circle cx="6" cy="6" r="3.5"/>"#,
            Outcome::Failed => {
                r#"<path d="M2.2 3.6 3.6 2.2 6 4.6 8.4 2.2 9.8 3.6 7.4 6 9.8 8.4 8.4 9.8 6 7.4 3.6 9.8 2.2 8.4 4.6 6z"/>"#
            }
            Outcome::AllowedFailure => r#"<path d="M6 1.5 11 10.5H1z"/>"#,
            Outcome::FailedBefore => {
                r#"<path fill-rule="evenodd" d="M6 .8 11.2 6 6 11.2.8 6zM6 3.6 3.6 6 6 8.4 8.4 6z"/>"#
            }
            Outcome::Cancelled => r#"<rect x="2.5" y="2.5" width="7" height="7"/>"#,
            Outcome::Unknown => {
                r#"<path fill-rule="evenodd" d="M6 2a4 4 0 1 1 0 8 4 4 0 0 1 0-8zm0 1.6a2.4 2.4 0 1 0 0 4.8 2.4 2.4 0 0 0 0-4.8z"/>"#
            }
        };
        html! { symbol id=(outcome.class()) viewBox="0 0 12 12" { (PreEscaped(shape)) } }
    });
    html! {
        svg.sprite width="0" height="0" aria-hidden="true" {
            defs {
                (hatch("hatch-allowed", "o-allowed", "45"))
                (hatch("hatch-before", "o-before", "-45"))
                (hatch("hatch-grey", "o-cancelled", "90"))
            }
            @for shape in &shapes { (shape) }
        }
    }
}
