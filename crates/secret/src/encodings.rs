//! The forms in which a secret may turn up in a text.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use zeroize::Zeroizing;

use crate::wrapped::is_digit;
use crate::{SHORTEST, SHORTEST_ENCODED, SHORTEST_LINE, SHORTEST_WRAPPED, Secret};

/// Widths at which base64 is usually wrapped: PEM and `openssl`, MIME and `base64`.
const WRAPPED_AT: [usize; 2] = [64, 76];

/// The letters of hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hex {
    Lower,
    Upper,
}

/// Texts to look for, and which of them are also looked for across the line breaks of a text that
/// was wrapped.
#[derive(Default)]
pub(crate) struct Forms(BTreeMap<Secret, bool>);

impl Forms {
    fn insert(&mut self, form: impl Into<String>) {
        self.0.entry(Secret::new(form)).or_default();
    }

    fn insert_wrapping(&mut self, form: impl Into<String>) {
        self.0.insert(Secret::new(form), true);
    }

    /// Each text, and whether it may be wrapped.
    pub(crate) fn into_iter(self) -> impl Iterator<Item = (Secret, bool)> {
        self.0.into_iter()
    }
}

/// Everything to look for because of one secret; nothing if it is too short.
pub(crate) fn forms(secret: &str) -> Forms {
    let mut found = Forms::default();
    let trimmed = secret.trim();
    if trimmed.chars().count() < SHORTEST {
        return found;
    }
    for text in [secret, trimmed] {
        found.insert(text);
        escaped(text, &mut found);
        percent(text, &mut found);
        if text.len() >= SHORTEST_ENCODED {
            base64(text.as_bytes(), &mut found);
            hexadecimal(text.as_bytes(), &mut found);
        }
    }
    if trimmed.len() >= SHORTEST_WRAPPED && trimmed.bytes().all(is_digit) {
        found.insert_wrapping(trimmed);
    }
    let echoed = echoed(trimmed);
    for text in [trimmed, echoed.as_str()].into_iter().filter(|text| text.contains('\n')) {
        let lines = text.lines().map(str::trim);
        for line in lines.filter(|line| line.chars().count() >= SHORTEST_LINE) {
            found.insert(line);
        }
    }
    // A short form of a long secret would turn every output into stars.
    found.0.retain(|form, _| form.expose().trim().chars().count() >= SHORTEST);
    found
}

/// JSON, shells, YAML, SQL.
fn escaped(text: &str, found: &mut Forms) {
    let json = json(text, false, Hex::Lower);
    for form in [
        json.replace('/', "\\/"),
        self::json(&json, false, Hex::Lower),
        self::json(text, true, Hex::Lower),
        self::json(text, true, Hex::Upper),
        json,
        text.replace('\'', r"'\''"),
        text.replace('\'', r#"'"'"'"#),
        text.replace('\'', "''"),
        with_backslashes(text, |character| matches!(character, '\\' | '"' | '$' | '`')),
        with_backslashes(text, |character| matches!(character, '\\' | '"' | '$' | '`' | '!')),
        // `printf %q` and the like.
        with_backslashes(text, |character| {
            character.is_ascii()
                && !character.is_ascii_alphanumeric()
                && !matches!(
                    character,
                    '_' | '-' | '.' | '/' | ':' | '@' | '%' | '+' | '=' | ',' | '\n'
                )
        }),
        with_backslashes(text, |character| {
            character.is_ascii()
                && !character.is_ascii_alphanumeric()
                && !matches!(character, '_' | '-' | '.' | '/' | ':' | '@' | '%' | '+' | '=' | '\n')
        }),
        ansi_c(text, false),
        ansi_c(text, true),
        echoed(text),
    ] {
        found.insert(form);
    }
}

/// The inside of a JSON string.
fn json(text: &str, ascii_only: bool, hex: Hex) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            plain if plain >= ' ' && (plain.is_ascii() || !ascii_only) => out.push(plain),
            other => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    let digits = if hex == Hex::Upper {
                        format!("{unit:04X}")
                    } else {
                        format!("{unit:04x}")
                    };
                    out.extend(["\\u", &digits]);
                }
            }
        }
    }
    out
}

fn with_backslashes(text: &str, wants: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if wants(character) {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

/// The inside of `$'…'`.
fn ansi_c(text: &str, octal: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\'' | '\\' => out.extend(['\\', character]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{1b}' => out.push_str("\\E"),
            plain if plain >= ' ' && (plain.is_ascii() || !octal) => out.push(plain),
            other => {
                for byte in other.encode_utf8(&mut [0; 4]).bytes() {
                    out.extend(["\\", &format!("{byte:03o}")]);
                }
            }
        }
    }
    out
}

/// What `echo` makes of backslashes in shells like dash, and `printf %b` in all.
fn echoed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        let escape = if character == '\\' { rest.peek().copied() } else { None };
        let plain = match escape {
            Some('a') => '\u{7}',
            Some('b') => '\u{8}',
            // What follows is not printed.
            Some('c') => break,
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('v') => '\u{b}',
            Some('\\') => '\\',
            Some('0') => {
                rest.next();
                let mut code = 0;
                for _ in 0..3 {
                    match rest.peek().and_then(|digit| digit.to_digit(8)) {
                        Some(digit) => code = code * 8 + digit,
                        None => break,
                    }
                    rest.next();
                }
                out.extend(char::from_u32(code & 0x7f));
                continue;
            }
            _ => {
                out.push(character);
                continue;
            }
        };
        rest.next();
        out.push(plain);
    }
    out
}

/// Percent-encoding, with each of the sets of characters that encoders leave plain.
fn percent(text: &str, found: &mut Forms) {
    // RFC 3986; JavaScript's `encodeURIComponent` and `encodeURI`; forms; paths.
    const PLAIN: [&str; 6] =
        ["-._~", "-._~!'()*", "-._~!'()*;/?:@&=+$,#", "-._*", "-._~/", "-._~!$&'()*+,;=:@"];
    for plain in PLAIN {
        for hex in [Hex::Upper, Hex::Lower] {
            for space in ["%20", "+"] {
                let mut out = String::with_capacity(text.len());
                for byte in text.bytes() {
                    let character = char::from(byte);
                    if byte.is_ascii_alphanumeric() || plain.contains(character) {
                        out.push(character);
                    } else if byte == b' ' {
                        out.push_str(space);
                    } else if hex == Hex::Lower {
                        out.extend(["%", &format!("{byte:02x}")]);
                    } else {
                        out.extend(["%", &format!("{byte:02X}")]);
                    }
                }
                found.insert(out);
            }
        }
    }
}

/// Base64 in both alphabets: alone, by the line, and inside a longer text.
fn base64(bytes: &[u8], found: &mut Forms) {
    for engine in [&STANDARD, &URL_SAFE] {
        let alone = engine.encode(bytes);
        let certain = bytes.len() * 8 / 6;
        for width in WRAPPED_AT.into_iter().filter(|width| *width < certain) {
            let mut rest = &alone[..certain];
            while rest.len() >= SHORTEST_LINE {
                let line = &rest[..rest.len().min(width)];
                found.insert(line);
                rest = &rest[line.len()..];
            }
        }
        found.insert_wrapping(alone.trim_end_matches('='));
        found.insert(alone);
        for before in 0..3 {
            let mut padded = Zeroizing::new(vec![0; before]);
            padded.extend_from_slice(bytes);
            let encoded = Zeroizing::new(engine.encode(&*padded));
            // Only characters all of whose bits are the secret's.
            let (from, to) = ((before * 8).div_ceil(6), padded.len() * 8 / 6);
            found.insert_wrapping(&encoded[from..to]);
        }
    }
}

fn hexadecimal(bytes: &[u8], found: &mut Forms) {
    const DIGITS: [&[u8; 16]; 2] = [b"0123456789abcdef", b"0123456789ABCDEF"];
    for digits in DIGITS {
        let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
        let text: String = halves.map(|half| char::from(digits[usize::from(half)])).collect();
        found.insert_wrapping(text);
    }
}
