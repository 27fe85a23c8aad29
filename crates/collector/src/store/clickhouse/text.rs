//! The two texts ClickHouse reads and writes here: literals in statements, and rows as
//! `TabSeparated`, in which a value has no tab, newline or backslash of its own.

use std::fmt::Write as _;

use uuid::Uuid;

use crate::event::EventKey;

/// A text as a literal.
pub(super) fn literal(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for character in text.chars() {
        match character {
            '\'' | '\\' => quoted.extend(['\\', character]),
            '\0' => quoted.push_str("\\0"),
            other => quoted.push(other),
        }
    }
    quoted.push('\'');
    quoted
}

/// Texts as a list of literals in parentheses.
pub(super) fn literals<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    list(texts.into_iter().map(literal))
}

/// Anything as a list in parentheses.
pub(super) fn list(items: impl IntoIterator<Item = impl std::fmt::Display>) -> String {
    let mut text = String::from("(");
    for (place, item) in items.into_iter().enumerate() {
        let comma = if place > 0 { "," } else { "" };
        // Writing to a String does not fail.
        let _ = write!(text, "{comma}{item}");
    }
    text.push(')');
    text
}

/// A key as ClickHouse writes it.
pub(super) fn uuid(key: EventKey) -> Uuid {
    Uuid::from_bytes(key.0)
}

/// Rows to be inserted.
#[derive(Debug, Default)]
pub(super) struct Rows {
    text: String,
    in_row: bool,
}

impl Rows {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self { text: String::with_capacity(bytes), in_row: false }
    }

    fn separate(&mut self) {
        if self.in_row {
            self.text.push('\t');
        }
        self.in_row = true;
    }

    /// A value that needs no escapes: numbers, keys.
    pub(super) fn plain(&mut self, value: impl std::fmt::Display) -> &mut Self {
        self.separate();
        // Writing to a String does not fail.
        let _ = write!(self.text, "{value}");
        self
    }

    /// A text.
    pub(super) fn text(&mut self, value: &str) -> &mut Self {
        self.separate();
        let mut rest = value;
        while let Some(at) = rest.find(['\\', '\t', '\n', '\r', '\0']) {
            self.text.push_str(&rest[..at]);
            self.text.push_str(match rest.as_bytes()[at] {
                b'\\' => "\\\\",
                b'\t' => "\\t",
                b'\n' => "\\n",
                b'\r' => "\\r",
                _ => "\\0",
            });
            rest = &rest[at + 1..];
        }
        self.text.push_str(rest);
        self
    }

    /// Ends a row.
    pub(super) fn end(&mut self) {
        self.text.push('\n');
        self.in_row = false;
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

/// A value of a row as it was before it was escaped.
pub(super) fn unescaped(value: &str) -> String {
    let Some(first) = value.find('\\') else { return value.to_owned() };
    let mut text = String::with_capacity(value.len());
    text.push_str(&value[..first]);
    let mut rest = value[first..].chars();
    while let Some(character) = rest.next() {
        if character != '\\' {
            text.push(character);
            continue;
        }
        match rest.next() {
            Some('t') => text.push('\t'),
            Some('n') => text.push('\n'),
            Some('r') => text.push('\r'),
            Some('b') => text.push('\u{8}'),
            Some('f') => text.push('\u{c}'),
            Some('0') => text.push('\0'),
            Some(other) => text.push(other),
            None => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn literals_stay_literals() {
        assert_eq!(literal(r"it's a \ 'test'"), r"'it\'s a \\ \'test\''");
        assert_eq!(literals(["a", "b'"]), r"('a','b\'')");
        assert_eq!(list([1, 2]), "(1,2)");
    }

    proptest! {
        #[test]
        fn texts_come_back(texts in prop::collection::vec(".*", 1..4)) {
            let mut rows = Rows::default();
            for text in &texts {
                rows.text(text);
            }
            rows.end();
            let line = std::str::from_utf8(rows.as_bytes()).unwrap();
            let line = line.strip_suffix('\n').unwrap();
            prop_assert!(!line.contains('\n'));
            let back: Vec<String> = line.split('\t').map(unescaped).collect();
            prop_assert_eq!(back, texts);
        }
    }
}
