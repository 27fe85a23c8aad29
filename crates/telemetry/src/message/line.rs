//! A line of text: known names, quotes, and what follows "not found:".

use super::token::Words;

/// Phrases after whose colon a name follows.
const BEFORE_A_NAME: &[&str] = &[
    "not found",
    "no such key",
    "no such file",
    "no such field",
    "no such variable",
    "no such model",
    "no such vault",
    "no such workflow",
    "not a swamp repository",
    "unknown model type",
    "unknown type",
    "unknown method",
    "unknown model",
    "unknown workflow",
    "unknown step",
    "unknown job",
    "unknown input",
    "unknown variable",
    "unknown argument",
    "unknown option",
    "unknown driver",
    "unexpected argument",
    "unexpected value",
    "undeclared input",
    "undeclared reference",
    "undefined variable",
    "undefined reference",
    "already exists",
    "available vaults",
    "available keys",
    "available secrets",
    "available models",
    "available workflows",
    "available jobs",
    "available steps",
    "available inputs",
    "missing input",
    "missing variable",
    "missing environment variable",
    "too many arguments",
    "duplicate step",
    "duplicate job",
    "duplicate node names",
];

/// Replaces every whole-word occurrence of a text.
pub(super) fn replace_words(line: &str, text: &str, placeholder: &str) -> String {
    let mut replaced = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find(text) {
        let (before, found) = rest.split_at(at);
        let after = &found[text.len()..];
        let inside = |character: char| character.is_alphanumeric() || character == '_';
        let goes_on_before = before.ends_with(inside) && text.starts_with(inside);
        let goes_on_after = after.starts_with(inside) && text.ends_with(inside);
        let whole = !goes_on_before && !goes_on_after;
        replaced.push_str(before);
        replaced.push_str(if whole { placeholder } else { text });
        rest = after;
    }
    replaced.push_str(rest);
    replaced
}

/// Replaces what follows the colon of a phrase that introduces a name.
pub(super) fn mask_named(line: &str) -> String {
    let mut masked = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(colon) = rest.find(": ") {
        let (head, tail) = (&rest[..colon], &rest[colon + 2..]);
        masked.push_str(head);
        masked.push_str(": ");
        rest = tail;
        let lower = head.to_lowercase();
        if BEFORE_A_NAME.iter().any(|phrase| lower.ends_with(phrase)) {
            let end = [". ", " (", "; "].iter().filter_map(|stop| tail.find(stop)).min();
            masked.push_str("<name>");
            rest = end.map_or("", |end| &tail[end..]);
        }
    }
    masked.push_str(rest);
    masked
}

/// Replaces what stands between the parentheses of something that looks like a call: `get(a, b)`.
/// The plural of "argument(s)" is none.
pub(super) fn mask_calls(line: &str) -> String {
    let mut masked = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find('(') {
        let (head, tail) = (&rest[..at], &rest[at + 1..]);
        masked.push_str(head);
        masked.push('(');
        rest = tail;
        let called = head.chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_');
        let end = end_of_call(tail);
        let content = &tail[..end];
        if called && !matches!(content, "" | "s" | "es" | "ies") {
            masked.push_str("<text>");
            rest = &tail[end..];
        }
    }
    masked.push_str(rest);
    masked
}

/// Where the parenthesis closes that was opened before this text; its end if it does not.
fn end_of_call(text: &str) -> usize {
    let mut depth = 0_usize;
    for (at, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' if depth == 0 => return at,
            ')' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

/// Replaces what stands in quotes, and every word outside that is not an ordinary one.
pub(super) fn mask_words(line: &str, words: &Words<'_>) -> String {
    let mut masked = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(quote) = Quote::first(rest) {
        words.mask(quote.before, &mut masked);
        masked.push(quote.opening);
        let Some(end) = quote.end() else {
            // The rest of the line is inside.
            masked.push_str("<text>");
            return masked;
        };
        let content = &quote.after[..end];
        masked.push_str(if words.public.contains(&content) { content } else { "<text>" });
        masked.push(quote.closing);
        rest = &quote.after[end + quote.closing.len_utf8()..];
    }
    words.mask(rest, &mut masked);
    masked
}

/// A quotation mark and the text around it.
struct Quote<'a> {
    before: &'a str,
    opening: char,
    closing: char,
    after: &'a str,
}

impl<'a> Quote<'a> {
    /// The first mark that opens a quotation.
    fn first(line: &'a str) -> Option<Self> {
        let mut previous = ' ';
        for (at, opening) in line.char_indices() {
            let closing = match opening {
                '"' | '`' => Some(opening),
                // Not the apostrophe of "doesn't".
                '\'' if !previous.is_alphanumeric() => Some('\''),
                '\u{201c}' => Some('\u{201d}'),
                '\u{2018}' => Some('\u{2019}'),
                '\u{ab}' => Some('\u{bb}'),
                _ => None,
            };
            if let Some(closing) = closing {
                let (before, rest) = line.split_at(at);
                return Some(Self { before, opening, closing, after: &rest[opening.len_utf8()..] });
            }
            previous = opening;
        }
        None
    }

    /// Where the quotation ends: at the first closing mark that no word goes on after.
    fn end(&self) -> Option<usize> {
        self.after.char_indices().find_map(|(at, character)| {
            let next = self.after[at + character.len_utf8()..].chars().next();
            (character == self.closing && !next.is_some_and(char::is_alphanumeric)).then_some(at)
        })
    }
}
