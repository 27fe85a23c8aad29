//! What a status other than 202 means for the events that were sent.

/// What to do with the events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Too much at once: send less.
    TooLarge,
    /// The endpoint asks for a pause.
    Pause,
    /// Something in these events is refused, in whichever of them.
    Refused,
    /// The endpoint failed, perhaps at one of these events.
    Failed,
    /// The endpoint failed, or is not reached, whatever is sent.
    Unwell,
    /// The endpoint, the key or the way there is not right; no event can change that.
    Misconfigured,
}

impl Verdict {
    /// Sorts a status. Only 202 means that events were taken: a page that says 200 to everything is
    /// no collector.
    pub(super) const fn of(status: u16) -> Self {
        match status {
            413 => Self::TooLarge,
            429 | 503 => Self::Pause,
            408 | 425 | 502 | 504 => Self::Unwell,
            401..=405 | 407 | 410 | 421 | 426 | 451 => Self::Misconfigured,
            400..=499 => Self::Refused,
            500..=599 => Self::Failed,
            _ => Self::Misconfigured,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_have_meanings() {
        for (status, want) in [
            (200, Verdict::Misconfigured),
            (204, Verdict::Misconfigured),
            (301, Verdict::Misconfigured),
            (307, Verdict::Misconfigured),
            (400, Verdict::Refused),
            (401, Verdict::Misconfigured),
            (403, Verdict::Misconfigured),
            (404, Verdict::Misconfigured),
            (408, Verdict::Unwell),
            (413, Verdict::TooLarge),
            (422, Verdict::Refused),
            (429, Verdict::Pause),
            (500, Verdict::Failed),
            (502, Verdict::Unwell),
            (503, Verdict::Pause),
            (504, Verdict::Unwell),
            (999, Verdict::Misconfigured),
        ] {
            assert_eq!(Verdict::of(status), want, "{status}");
        }
    }
}
