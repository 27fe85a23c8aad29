//! Finding the marks that the program elsewhere sets on standard error.
//!
//! A mark is the nonce, a colon, a word and a line feed. It may stand in the middle of a line (the
//! command need not end its last line) and may come in pieces.

use memchr::memmem::Finder;

/// A mark is never longer than this after its nonce.
const LONGEST_MARK: usize = 32;

/// A piece of what was printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Printed {
    /// Anything that is no mark.
    Text(Vec<u8>),
    /// The command begins.
    Begins,
    /// It ended with this code.
    Ended(i32),
}

/// Takes the marks out of a stream.
pub(super) struct Markers {
    finder: Finder<'static>,
    held: Vec<u8>,
}

impl Markers {
    pub(super) fn new(nonce: &str) -> Self {
        Self { finder: Finder::new(nonce).into_owned(), held: Vec::new() }
    }

    /// Takes the next bytes. What may be the beginning of a mark is held back.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<Printed> {
        self.held.extend_from_slice(bytes);
        let mut found = Vec::new();
        loop {
            let nonce = self.finder.needle();
            let Some(at) = self.finder.find(&self.held) else {
                let keep = beginning_of(nonce, &self.held);
                let rest = self.held.split_off(self.held.len() - keep);
                text(&mut found, std::mem::replace(&mut self.held, rest));
                return found;
            };
            let after = &self.held[at + nonce.len()..];
            let Some(end) = memchr::memchr(b'\n', &after[..after.len().min(LONGEST_MARK)]) else {
                if after.len() < LONGEST_MARK {
                    let rest = self.held.split_off(at);
                    text(&mut found, std::mem::replace(&mut self.held, rest));
                    return found;
                }
                // Somebody else's use of the nonce.
                let rest = self.held.split_off(at + nonce.len());
                text(&mut found, std::mem::replace(&mut self.held, rest));
                continue;
            };
            let mark = read(&after[..end]);
            let rest = self.held.split_off(at + nonce.len() + end + 1);
            let mut before = std::mem::replace(&mut self.held, rest);
            if mark.is_some() {
                before.truncate(at);
            }
            text(&mut found, before);
            found.extend(mark);
        }
    }

    /// Gives what was held back.
    pub(super) fn finish(&mut self) -> Vec<Printed> {
        let mut found = Vec::new();
        text(&mut found, std::mem::take(&mut self.held));
        found
    }
}

fn text(found: &mut Vec<Printed>, bytes: Vec<u8>) {
    if !bytes.is_empty() {
        found.push(Printed::Text(bytes));
    }
}

fn read(mark: &[u8]) -> Option<Printed> {
    let mark = std::str::from_utf8(mark).ok()?;
    match mark.strip_prefix(':')?.split_once(':') {
        None => (mark == ":begin").then_some(Printed::Begins),
        Some(("exit", code)) => code.parse().ok().map(Printed::Ended),
        Some(_) => None,
    }
}

/// How many bytes at the end may be the beginning of `needle`.
fn beginning_of(needle: &[u8], bytes: &[u8]) -> usize {
    let longest = bytes.len().min(needle.len().saturating_sub(1));
    (1..=longest).rev().find(|length| bytes.ends_with(&needle[..*length])).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NONCE: &str = "aab";

    fn all(chunks: &[&[u8]]) -> (String, Vec<Printed>) {
        let mut markers = Markers::new(NONCE);
        let mut printed: Vec<Printed> = Vec::new();
        for chunk in chunks {
            printed.extend(markers.push(chunk));
        }
        printed.extend(markers.finish());
        let mut shown = String::new();
        let mut marks = Vec::new();
        for piece in printed {
            match piece {
                Printed::Text(bytes) => shown += std::str::from_utf8(&bytes).unwrap(),
                mark => {
                    shown += "|";
                    marks.push(mark);
                }
            }
        }
        (shown, marks)
    }

    #[test]
    fn marks_are_taken_out_wherever_they_stand() {
        let begin_and_end = vec![Printed::Begins, Printed::Ended(127)];
        for (text, shown, marks) in [
            ("pull\naab:begin\nx\ny", "pull\n|x\ny", vec![Printed::Begins]),
            ("aab:begin\nno end aab:exit:127\n", "|no end |", begin_and_end),
            ("aab:begin", "aab:begin", vec![]),
            ("aab:exit:x\n", "aab:exit:x\n", vec![]),
            ("a aa aab aabaab:other\n", "a aa aab aabaab:other\n", vec![]),
            ("aaab:begin\n", "a|", vec![Printed::Begins]),
            (
                "aab 0123456789 0123456789 0123456789 aab:begin\n",
                "aab 0123456789 0123456789 0123456789 |",
                vec![Printed::Begins],
            ),
        ] {
            assert_eq!(all(&[text.as_bytes()]), (shown.to_owned(), marks.clone()), "{text:?}");
            let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
            assert_eq!(all(&bytes), (shown.to_owned(), marks), "{text:?} byte by byte");
        }
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(text in "[ab:\\n]{0,60}(aab:exit:3\\n)?[ab\\n]{0,20}", size in 1_usize..20) {
            let chunks: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
            prop_assert_eq!(all(&chunks), all(&[text.as_bytes()]));
        }
    }
}
