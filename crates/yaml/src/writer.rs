//! From values to text, in one fixed style.
//!
//! The style is that of the other implementation's writer (the `js-yaml` family), choice by choice,
//! so that a file both programs rewrite in turn does not change back and forth. Everything goes
//! into one growing `String`; a scalar that needs no quotes costs one pass over its bytes.

use std::fmt::Write as _;

use serde_json::{Map, Number, Value};

use crate::scalar::{self, Meaning};

/// Spaces per level.
const INDENT: usize = 2;

/// Lines longer than this are folded where the text has spaces.
const WIDTH: usize = 80;

/// However deep the nesting, at least this many columns are used before folding.
const LEAST_WIDTH: usize = 40;

/// The longest key that can stand before `: ` on one line; readers look no further.
const LONGEST_SIMPLE_KEY: usize = 1024;

/// Writes a value as one document, with a newline at its end.
pub fn to_string(value: &Value) -> String {
    let mut text = String::with_capacity(512);
    append(&mut text, value);
    text
}

/// Writes a value as one document to the end of `text`, with a newline at its end.
pub fn append(text: &mut String, value: &Value) {
    Writer { text }.node(value, 0, true);
    text.push('\n');
}

struct Writer<'a> {
    text: &'a mut String,
}

impl Writer<'_> {
    /// Writes a node. A non-empty container begins on a new line unless it is `compact`, that is:
    /// at the top, or right behind the dash of a sequence.
    fn node(&mut self, value: &Value, level: usize, compact: bool) {
        match value {
            Value::Null => self.text.push_str("null"),
            Value::Bool(true) => self.text.push_str("true"),
            Value::Bool(false) => self.text.push_str("false"),
            Value::Number(number) => self.number(number),
            Value::String(string) => self.string(string, level),
            Value::Array(items) if items.is_empty() => self.text.push_str("[]"),
            Value::Array(items) => self.sequence(items, level, compact),
            Value::Object(map) if map.is_empty() => self.text.push_str("{}"),
            Value::Object(map) => self.mapping(map, level, compact),
        }
    }

    fn sequence(&mut self, items: &[Value], level: usize, compact: bool) {
        for (index, item) in items.iter().enumerate() {
            if index > 0 || !compact {
                self.line(level);
            }
            self.text.push_str("- ");
            self.node(item, level + 1, true);
        }
    }

    fn mapping(&mut self, map: &Map<String, Value>, level: usize, compact: bool) {
        for (index, (key, value)) in map.iter().enumerate() {
            if index > 0 || !compact {
                self.line(level);
            }
            let explicit = key.len() > LONGEST_SIMPLE_KEY;
            if explicit {
                self.text.push_str("? ");
            }
            self.single_line(key);
            if explicit {
                self.line(level);
            }
            self.text.push(':');
            let on_next_line = match value {
                Value::Array(items) => !items.is_empty(),
                Value::Object(map) => !map.is_empty(),
                _ => false,
            };
            if explicit || !on_next_line {
                self.text.push(' ');
            }
            self.node(value, level + 1, explicit);
        }
    }

    fn line(&mut self, level: usize) {
        const SPACES: &str = "\n                                                                ";
        let mut spaces = INDENT * level;
        let first = spaces.min(SPACES.len() - 1);
        self.text.push_str(&SPACES[..=first]);
        spaces -= first;
        self.text.extend(std::iter::repeat_n(' ', spaces));
    }

    fn number(&mut self, number: &Number) {
        let Some(value) = number.as_f64().filter(|_| number.is_f64()) else {
            // Writing to a string cannot fail.
            let _ = write!(self.text, "{number}");
            return;
        };
        let _ = if let Some(whole) = scalar::whole(value) {
            write!(self.text, "{whole}")
        } else if value.abs() >= 1e21 || value.abs() < 1e-6 {
            let digits = format!("{value:e}");
            let (mantissa, exponent) = digits.split_once('e').unwrap_or((&digits, "0"));
            let whole = value.fract() == 0.0;
            let point = if whole || mantissa.contains('.') { "" } else { "." };
            let sign = if exponent.starts_with('-') { "" } else { "+" };
            write!(self.text, "{mantissa}{point}e{sign}{exponent}")
        } else {
            write!(self.text, "{value}")
        };
    }

    fn string(&mut self, string: &str, level: usize) {
        let indent = INDENT * level.max(1);
        let width = WIDTH.saturating_sub(indent).max(LEAST_WIDTH);
        let look = Look::at(string);
        if look.unprintable {
            self.double_quoted(string);
            return;
        }
        let foldable = string.len() > width
            && string.split('\n').any(|line| !line.starts_with(' ') && longer_than(line, width));
        if !look.line_break && !foldable {
            self.on_one_line(string, look);
            return;
        }
        // A block at the very top has no parent to count an indentation indicator from.
        let indicator = string.trim_start_matches('\n').starts_with(' ');
        if indicator && level == 0 {
            self.double_quoted(string);
            return;
        }
        self.text.push(if foldable { '>' } else { '|' });
        if indicator {
            let _ = write!(self.text, "{INDENT}");
        }
        if !string.ends_with('\n') {
            self.text.push('-');
        } else if string.ends_with("\n\n") || string == "\n" {
            self.text.push('+');
        }
        self.text.push('\n');
        let content = string.strip_suffix('\n').unwrap_or(string);
        if foldable {
            self.folded(content, width, indent);
        } else {
            for (index, line) in content.split('\n').enumerate() {
                if index > 0 {
                    self.text.push('\n');
                }
                self.block_line(line, indent);
            }
        }
    }

    /// The lines of a folded block. A line break in the value becomes an empty line, except beside
    /// lines that begin with a space, which readers do not join.
    fn folded(&mut self, content: &str, width: usize, indent: usize) {
        let mut previous_keeps = content.starts_with(['\n', ' ']);
        let mut breaks = 0;
        for (index, line) in content.split('\n').enumerate() {
            if index > 0 {
                breaks += 1;
            }
            if line.is_empty() && index > 0 {
                continue;
            }
            let keeps = line.starts_with(' ');
            if index > 0 {
                let extra = usize::from(!previous_keeps && !keeps);
                self.text.extend(std::iter::repeat_n('\n', breaks + extra));
                previous_keeps = keeps;
                breaks = 0;
            }
            self.folded_line(line, width, indent);
        }
        self.text.extend(std::iter::repeat_n('\n', breaks));
    }

    /// One line of the value, broken at single spaces so that each part fits if it can.
    fn folded_line(&mut self, line: &str, width: usize, indent: usize) {
        if line.starts_with(' ') {
            self.block_line(line, indent);
            return;
        }
        // Byte and column of where the current part begins and of the last place to break.
        let mut start = (0, 0);
        let mut last: Option<(usize, usize)> = None;
        let mut column = 0;
        for (byte, character) in line.char_indices() {
            let breakable =
                character == ' ' && line[byte + 1..].chars().next().is_some_and(|next| next != ' ');
            if breakable {
                if column - start.1 > width {
                    let end = last.unwrap_or((byte, column));
                    self.block_line(&line[start.0..end.0], indent);
                    self.text.push('\n');
                    start = (end.0 + 1, end.1 + 1);
                }
                last = Some((byte, column)).filter(|last| last.0 > start.0);
            }
            column += 1;
        }
        let rest = match last {
            Some(last) if column - start.1 > width => {
                self.block_line(&line[start.0..last.0], indent);
                self.text.push('\n');
                last.0 + 1
            }
            _ => start.0,
        };
        self.block_line(&line[rest..], indent);
    }

    fn block_line(&mut self, line: &str, indent: usize) {
        if !line.is_empty() {
            self.text.extend(std::iter::repeat_n(' ', indent));
            self.text.push_str(line);
        }
    }

    /// A key, or anything else that must stay on one line.
    fn single_line(&mut self, string: &str) {
        let look = Look::at(string);
        if look.unprintable || look.line_break {
            self.double_quoted(string);
        } else {
            self.on_one_line(string, look);
        }
    }

    fn on_one_line(&mut self, string: &str, look: Look) {
        if look.plain && !is_ambiguous(string) {
            self.text.push_str(string);
            return;
        }
        self.text.push('\'');
        for (index, part) in string.split('\'').enumerate() {
            if index > 0 {
                self.text.push_str("''");
            }
            self.text.push_str(part);
        }
        self.text.push('\'');
    }

    fn double_quoted(&mut self, string: &str) {
        self.text.push('"');
        for character in string.chars() {
            let escape = match character {
                '\0' => "\\0",
                '\x07' => "\\a",
                '\x08' => "\\b",
                '\t' => "\\t",
                '\n' => "\\n",
                '\x0b' => "\\v",
                '\x0c' => "\\f",
                '\r' => "\\r",
                '\x1b' => "\\e",
                '"' => "\\\"",
                '\\' => "\\\\",
                '\u{85}' => "\\N",
                '\u{a0}' => "\\_",
                '\u{2028}' => "\\L",
                '\u{2029}' => "\\P",
                printable if is_printable(printable) => {
                    self.text.push(printable);
                    continue;
                }
                other => {
                    let code = u32::from(other);
                    let _ = match code {
                        0..=0xff => write!(self.text, "\\x{code:02X}"),
                        0x100..=0xffff => write!(self.text, "\\u{code:04X}"),
                        _ => write!(self.text, "\\U{code:08X}"),
                    };
                    continue;
                }
            };
            self.text.push_str(escape);
        }
        self.text.push('"');
    }
}

/// What one pass over a text tells about the ways it can be written.
#[derive(Clone, Copy)]
struct Look {
    /// Its characters allow it to stand without quotes on one line.
    plain: bool,
    line_break: bool,
    unprintable: bool,
}

impl Look {
    fn at(string: &str) -> Self {
        let bytes = string.as_bytes();
        let mut look = Self {
            plain: bytes.first().is_some_and(|&first| !is_indicator(first))
                && bytes.last() != Some(&b' ')
                && !string.starts_with("..."),
            line_break: false,
            unprintable: false,
        };
        let mut ascii = true;
        for &byte in bytes {
            match byte {
                b'\n' => {
                    look.line_break = true;
                    look.plain = false;
                }
                b',' | b'[' | b']' | b'{' | b'}' | b':' | b'#' => look.plain = false,
                0x20..=0x7e => {}
                0x80.. => ascii = false,
                _ => {
                    look.unprintable = true;
                    return look;
                }
            }
        }
        if !ascii {
            look.unprintable = string.chars().any(|one| one != '\n' && !is_printable(one));
        }
        look
    }
}

/// Whether a text cannot begin with this byte without quotes.
fn is_indicator(first: u8) -> bool {
    matches!(
        first,
        b' ' | b'-'
            | b'?'
            | b':'
            | b','
            | b'['
            | b']'
            | b'{'
            | b'}'
            | b'#'
            | b'&'
            | b'*'
            | b'!'
            | b'|'
            | b'>'
            | b'='
            | b'\''
            | b'"'
            | b'%'
            | b'@'
            | b'`'
    )
}

/// Whether a reader would take the text for something else if it had no quotes. The spellings of
/// YAML 1.1's booleans are texts to us, but not to every reader.
fn is_ambiguous(string: &str) -> bool {
    scalar::resolve(string) != Meaning::Text
        || matches!(
            string,
            "y" | "Y"
                | "yes"
                | "Yes"
                | "YES"
                | "on"
                | "On"
                | "ON"
                | "n"
                | "N"
                | "no"
                | "No"
                | "NO"
                | "off"
                | "Off"
                | "OFF"
        )
}

fn is_printable(character: char) -> bool {
    matches!(character,
        '\x20'..='\x7e'
        | '\u{a1}'..='\u{2027}'
        | '\u{202a}'..='\u{d7ff}'
        | '\u{e000}'..='\u{fefe}'
        | '\u{ff00}'..='\u{fffd}'
        | '\u{10000}'..='\u{10ffff}')
}

fn longer_than(line: &str, width: usize) -> bool {
    line.len() > width && line.chars().nth(width).is_some()
}

#[cfg(test)]
mod tests;
