//! Taking secrets out of text that comes in pieces.

use std::borrow::Cow;

use zeroize::Zeroizing;

use crate::Redactor;

/// Redacts one stream of text. What may still become a secret is held back, which is never more than
/// the longest form of the longest secret; everything else is passed on at once.
#[derive(Debug)]
pub struct StreamRedactor {
    redactor: Redactor,
    held: Zeroizing<String>,
}

impl StreamRedactor {
    pub(crate) fn new(redactor: Redactor) -> Self {
        Self { redactor, held: Zeroizing::default() }
    }

    /// Takes the next piece and gives what can be told by now.
    pub fn push<'t>(&mut self, piece: &'t str) -> Cow<'t, str> {
        let Some(search) = self.redactor.search() else { return Cow::Borrowed(piece) };
        if self.held.is_empty() {
            let (out, held) = search.split(piece);
            if held < piece.len() {
                self.held.push_str(&piece[held..]);
            }
            return Cow::Owned(out);
        }
        self.held.push_str(piece);
        let (out, held) = search.split(&self.held);
        let rest = Zeroizing::new(self.held[held..].to_owned());
        self.held = rest;
        Cow::Owned(out)
    }

    /// Ends the stream and gives the rest.
    pub fn finish(self) -> String {
        self.redactor.redact(&self.held).into_owned()
    }
}
