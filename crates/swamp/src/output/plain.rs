//! Texts of others on a terminal.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The text without what could move the cursor, change colours, or show it in another order than it
/// stands: such characters are written as `\u{1b}`.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_unsafe(character) {
            // Writing to a text cannot fail.
            let _ = write!(plain, "{}", character.escape_default());
        } else {
            plain.push(character);
        }
    }
    Cow::Owned(plain)
}

fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            // Line and paragraph separators; marks that turn the direction of writing; tags.
            '\u{2028}' | '\u{2029}'
                | '\u{61c}' | '\u{200e}' | '\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn nothing_gets_at_the_terminal() {
        for (text, want) in [
            ("käse → 日本", "käse → 日本"),
            ("\u{1b}[31mred", "\\u{1b}[31mred"),
            ("a\r\nb\tc", "a\\r\\nb\\tc"),
            ("\u{9b}2J\u{7f}", "\\u{9b}2J\\u{7f}"),
            ("gpj.\u{202e}exe", "gpj.\\u{202e}exe"),
        ] {
            assert_eq!(plain(text), want);
        }
    }
}
