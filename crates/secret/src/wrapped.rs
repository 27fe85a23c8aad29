//! Finding what was encoded and then wrapped into lines.
//!
//! A line break inside a base64 text, with the indentation, quotes or escapes around it, is a *gap*:
//! anything but base64 digits, with a line feed or carriage return in it, as such or as `\n`. A second
//! walk through the automata passes over the gaps. It is taken only where it can matter, from the
//! digits just before a gap to those behind it, so that ordinary text costs a look at the last word of
//! each line.

use std::ops::Range;

use memchr::memchr3;
use zeroize::Zeroizing;

use crate::begins::Begins;
use crate::search::{End, Walk};

/// A gap with more bytes than this separates.
const LONGEST_GAP: usize = 64;

/// The beginning of a secret with fewer digits stays before a line break. Otherwise most lines would
/// have to wait for the next, as their last letters are the first of some form of some secret.
pub(crate) const TOLD: usize = 3;

/// Whether a byte is a digit of base64, in either alphabet. Those of hexadecimal are among them.
pub(crate) const fn is_digit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

/// What the end of a text may still become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Undecided {
    /// From here on it may be part of something to be found later.
    pub(crate) context: usize,
    /// From here on it must not be shown before that is known; not before `context`.
    pub(crate) held: usize,
}

/// A form that was found across gaps.
pub(crate) struct Joined {
    /// Where its first digit is.
    pub(crate) first: usize,
    /// What is to be hidden of it.
    pub(crate) span: Range<usize>,
}

/// A line of digits, or its end, as far as it was walked through.
#[derive(Clone, Copy)]
struct Line {
    /// Where it is in the text.
    at: usize,
    /// How many digits there are before it.
    begins: usize,
}

/// The walk that passes over gaps.
pub(crate) struct Wrapped<'w, 's, 't> {
    text: &'t [u8],
    walk: &'w mut Walk<'s>,
    begins: &'w Begins,
    /// How many digits the longest form has.
    longest: usize,
    lines: Vec<Line>,
    digits: usize,
    /// Where in the text the walk is.
    at: usize,
}

impl<'w, 's, 't> Wrapped<'w, 's, 't> {
    pub(crate) fn new(
        text: &'t [u8],
        walk: &'w mut Walk<'s>,
        begins: &'w Begins,
        longest: usize,
    ) -> Self {
        walk.restart();
        Self { text, walk, begins, longest, lines: Vec::new(), digits: 0, at: 0 }
    }

    /// Finds what is wrapped; tells what the end of the text may become.
    pub(crate) fn find(mut self, end: End, found: &mut Vec<Joined>) -> Option<Undecided> {
        // Where the last gap ended.
        let mut from = 0;
        while let Some(gap) = next_gap(self.text, from) {
            if end == End::Final && gap.end == self.text.len() {
                return None;
            }
            self.go_to(gap.start, from, found);
            from = gap.end;
            if from == self.text.len() {
                return if gap.len() > LONGEST_GAP { None } else { self.undecided() };
            }
            if self.walk.is_idle() || gap.len() > LONGEST_GAP {
                self.restart(from);
                continue;
            }
            self.lines.push(Line { at: from, begins: self.digits });
            self.at = from;
            // As far as something that began before the gap goes on.
            while !self.walk.is_idle() && self.text.get(self.at).copied().is_some_and(is_digit) {
                self.step(found);
            }
        }
        if end == End::Final {
            return None;
        }
        let blank = self.text[from..].iter().rev().take_while(|byte| !is_digit(**byte)).count();
        if blank > LONGEST_GAP {
            return None;
        }
        self.go_to(self.text.len() - blank, from, found);
        self.undecided()
    }

    fn restart(&mut self, at: usize) {
        self.walk.restart();
        self.lines.clear();
        self.digits = 0;
        self.at = at;
    }

    /// Takes the run of digits that ends at `end`: from where the walk is if that is in it, else as much
    /// of it as can matter, not before `from`.
    fn go_to(&mut self, end: usize, from: usize, found: &mut Vec<Joined>) {
        let lowest = end.saturating_sub(self.longest).max(self.at.max(from));
        let digits = self.text[lowest..end].iter().rev().take_while(|byte| is_digit(**byte));
        let start = end - digits.count();
        if self.lines.is_empty() || start != self.at {
            self.restart(start);
            self.lines.push(Line { at: start, begins: 0 });
        }
        self.take(end, found);
    }

    fn take(&mut self, end: usize, found: &mut Vec<Joined>) {
        while self.at < end {
            if self.walk.is_idle() {
                let next = self.begins.next(&self.text[..end], self.at);
                self.digits += next - self.at;
                self.at = next;
                if next == end {
                    break;
                }
            }
            self.step(found);
        }
    }

    fn step(&mut self, found: &mut Vec<Joined>) {
        self.walk.step(self.text[self.at]);
        self.at += 1;
        self.digits += 1;
        if let Some(length) = self.walk.longest_wrapping() {
            let first = self.digits - length;
            // What is in one line is found without this.
            if self.lines.last().is_some_and(|line| first < line.begins) {
                let span = self.shown_from(first)..self.at;
                found.push(Joined { first: self.place_of(first), span });
            }
        }
    }

    /// The line that a digit stands in.
    fn line_of(&self, digit: usize) -> usize {
        self.lines.partition_point(|line| line.begins <= digit).saturating_sub(1)
    }

    fn place_of(&self, digit: usize) -> usize {
        let line = self.lines[self.line_of(digit)];
        line.at + (digit - line.begins)
    }

    /// Where to begin to hide a form whose first digit is this one.
    fn shown_from(&self, first: usize) -> usize {
        // The line at whose end enough of it is there.
        let line = self.line_of(first + TOLD - 1);
        if line == self.line_of(first) { self.place_of(first) } else { self.lines[line].at }
    }

    fn undecided(&self) -> Option<Undecided> {
        if self.walk.is_idle() {
            return None;
        }
        let mut tail = Zeroizing::new(Vec::with_capacity(self.longest.min(self.digits)));
        let mut end = self.digits;
        for line in self.lines.iter().rev() {
            let room = (self.longest - 1).saturating_sub(tail.len());
            let bytes = &self.text[line.at..line.at + (end - line.begins)];
            tail.extend(bytes.iter().rev().take(room));
            end = line.begins;
            if tail.len() + 1 >= self.longest {
                break;
            }
        }
        tail.reverse();
        let at = (0..tail.len())
            .find(|&at| self.begins.may(&tail[at..]) && self.walk.begins_wrapping(&tail[at..]))?;
        let first = self.digits - tail.len() + at;
        let context = self.place_of(first);
        let held = if self.digits - first >= TOLD {
            self.shown_from(first)
        } else if self.at == self.text.len() {
            // The line may go on, and then there is enough of it.
            self.lines.last().map_or(context, |line| context.max(line.at))
        } else {
            self.text.len()
        };
        Some(Undecided { context, held })
    }
}

/// The next gap from `from` on, or what may become one at the end of the text.
fn next_gap(text: &[u8], mut from: usize) -> Option<Range<usize>> {
    let floor = from;
    loop {
        let hit = from + memchr3(b'\n', b'\r', b'\\', &text[from..])?;
        let (end, breaks) = gap_end(text, hit);
        if breaks || end == text.len() {
            let before = text[floor..hit].iter().rev().take_while(|byte| !is_digit(**byte));
            // Blanks without end are no gap; how many more there are does not matter.
            let start = hit - before.take(LONGEST_GAP + 1).count();
            return Some(start..end);
        }
        from = end;
    }
}

/// Where the gap that goes on at `at` ends, and whether there is a line break in it from there on.
fn gap_end(text: &[u8], mut at: usize) -> (usize, bool) {
    let mut breaks = false;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'\\' => {
                at += text[at..].iter().take_while(|byte| **byte == b'\\').count();
                if let Some(escape @ (b'n' | b'r' | b't')) = text.get(at) {
                    breaks |= *escape != b't';
                    at += 1;
                }
                continue;
            }
            b'\n' | b'\r' => breaks = true,
            digit if is_digit(digit) => break,
            _ => {}
        }
        at += 1;
    }
    (at, breaks)
}
