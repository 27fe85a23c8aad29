//! Taking secrets out of text that comes in pieces.

use std::borrow::Cow;
use std::ops::Range;

use zeroize::Zeroizing;

use crate::Redactor;
use crate::redactor::MASK;
use crate::search::Found;

/// Redacts one stream of text. What may still become a secret is held back, which is never more than
/// the longest form of the longest secret, and the gaps between the lines of one that is wrapped;
/// everything else is passed on at once.
#[derive(Debug)]
pub struct StreamRedactor {
    redactor: Redactor,
    /// The end of what came, from where a secret may begin.
    context: Zeroizing<String>,
    /// How much of that was passed on already, as it is or hidden.
    told: usize,
    /// Whether the last of what was passed on is hidden.
    ends_hidden: bool,
}

impl StreamRedactor {
    pub(crate) fn new(redactor: Redactor) -> Self {
        Self { redactor, context: Zeroizing::default(), told: 0, ends_hidden: false }
    }

    /// Whether something is held back.
    pub(crate) fn is_holding(&self) -> bool {
        self.told < self.context.len()
    }

    /// Takes the next piece and gives what can be told by now.
    pub fn push<'t>(&mut self, piece: &'t str) -> Cow<'t, str> {
        let Some(search) = self.redactor.search() else { return Cow::Borrowed(piece) };
        if self.context.is_empty() {
            let found = search.look(piece.as_bytes());
            if found.spans.is_empty() && found.undecided.held == piece.len() {
                self.told = piece.len();
                self.keep(piece, found.undecided.context);
                return Cow::Borrowed(piece);
            }
            return Cow::Owned(self.take(piece, &found));
        }
        let mut text = std::mem::take(&mut self.context);
        text.push_str(piece);
        let found = search.look(text.as_bytes());
        Cow::Owned(self.take(&text, &found))
    }

    /// Passes on what is decided of a text and keeps what is not.
    fn take(&mut self, text: &str, found: &Found) -> String {
        let out = self.pass_on(text, &found.spans, found.undecided.held);
        self.keep(text, found.undecided.context);
        out
    }

    fn keep(&mut self, text: &str, context: usize) {
        self.context.push_str(&text[context..]);
        self.ends_hidden &= self.told > context;
        self.told = self.told.saturating_sub(context);
    }

    /// Ends the stream and gives the rest.
    pub fn finish(mut self) -> String {
        let Some(search) = self.redactor.search() else { return String::new() };
        let text = std::mem::take(&mut self.context);
        let spans = search.spans(text.as_bytes());
        self.pass_on(&text, &spans, text.len())
    }

    /// What was not passed on yet of a text, up to `end`.
    fn pass_on(&mut self, text: &str, spans: &[Range<usize>], end: usize) -> String {
        let mut out = String::with_capacity(end.saturating_sub(self.told));
        for span in spans.iter().take_while(|span| span.start < end) {
            if span.end <= self.told {
                continue;
            }
            if span.start >= self.told {
                out.push_str(&text[self.told..span.start]);
            }
            let goes_on = span.start < self.told && self.ends_hidden;
            if !goes_on {
                out.push_str(MASK);
            }
            (self.told, self.ends_hidden) = (span.end, true);
        }
        if self.told < end {
            out.push_str(&text[self.told..end]);
            (self.told, self.ends_hidden) = (end, false);
        }
        out
    }
}
