//! The values of number, string and bytes literals, and the writing of string literals.

use crate::value::Value;

/// What is wrong with a literal: a sentence, and the byte of the token it is about.
pub(crate) type Broken = (String, usize);

/// Reads a number token.
pub(crate) fn number(text: &str) -> Result<Value, Broken> {
    read_number(text).map_err(|message| (message, 0))
}

fn read_number(text: &str) -> Result<Value, String> {
    let (digits, unsigned) = match text.strip_suffix(['u', 'U']) {
        Some(digits) => (digits, true),
        None => (text, false),
    };
    let hex = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    let (digits, radix) = hex.map_or((digits, 10), |hex| (hex, 16));
    if unsigned {
        let value = u64::from_str_radix(digits, radix);
        return value.map(Value::UInt).map_err(|_| format!("Invalid integer: {digits}"));
    }
    if radix == 10 && digits.bytes().any(|byte| !byte.is_ascii_digit()) {
        let value: Result<f64, _> = digits.parse();
        return value.map(Value::Double).map_err(|_| format!("Invalid number: {digits}"));
    }
    let value = i64::from_str_radix(digits, radix);
    value.map(Value::Int).map_err(|_| format!("integer overflow: {text}"))
}

/// Whether a number token is 2⁶³, which is an int only with a minus before it.
pub(crate) fn is_least_int(text: &str) -> bool {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16) == Ok(1 << 63),
        None => text.parse() == Ok(1_u64 << 63),
    }
}

/// The parts of a string or bytes token.
struct Parts<'s> {
    raw: bool,
    /// Where the body starts in the token.
    start: usize,
    body: &'s str,
}

fn parts(token: &str) -> Parts<'_> {
    let raw = token.starts_with(['r', 'R']);
    let quoted = token.trim_start_matches(['r', 'R', 'b', 'B']);
    let marks = if quoted.len() >= 6 && (quoted.starts_with("\"\"\"") || quoted.starts_with("'''"))
    {
        3
    } else {
        1
    };
    let start = token.len() - quoted.len() + marks;
    Parts { raw, start, body: &quoted[marks..quoted.len() - marks] }
}

/// Reads a string token.
pub(crate) fn text(token: &str) -> Result<Value, Broken> {
    let Parts { raw, start, body } = parts(token);
    if raw || !body.contains('\\') {
        return Ok(Value::String(body.into()));
    }
    let mut text = String::with_capacity(body.len());
    unescape(body, start, false, &mut |piece| match piece {
        Piece::Plain(plain) => text.push_str(plain),
        Piece::Character(character) => text.push(character),
        Piece::Byte(byte) => text.push(char::from(byte)),
    })?;
    Ok(Value::String(text.into()))
}

/// Reads a bytes token.
pub(crate) fn bytes(token: &str) -> Result<Value, Broken> {
    let Parts { start, body, .. } = parts(token);
    let mut bytes = Vec::with_capacity(body.len());
    unescape(body, start, true, &mut |piece| match piece {
        Piece::Plain(plain) => bytes.extend_from_slice(plain.as_bytes()),
        Piece::Character(character) => {
            bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
        Piece::Byte(byte) => bytes.push(byte),
    })?;
    Ok(Value::Bytes(bytes.into()))
}

/// A part of a literal: text as written, or what an escape stands for.
enum Piece<'s> {
    Plain(&'s str),
    Character(char),
    /// From `\xHH` and `\ooo`: a code point in text, a byte in bytes.
    Byte(u8),
}

fn unescape(
    body: &str,
    start: usize,
    in_bytes: bool,
    emit: &mut dyn FnMut(Piece<'_>),
) -> Result<(), Broken> {
    let mut from = 0;
    while let Some(found) = body[from..].find('\\') {
        let at = from + found;
        emit(Piece::Plain(&body[from..at]));
        let (piece, length) =
            escape(&body[at + 1..], in_bytes).map_err(|message| (message, start + at))?;
        emit(piece);
        from = at + 1 + length;
    }
    emit(Piece::Plain(&body[from..]));
    Ok(())
}

/// What an escape sequence stands for, and its length; both without the backslash.
fn escape(escape: &str, in_bytes: bool) -> Result<(Piece<'static>, usize), String> {
    let Some(mark) = escape.chars().next() else {
        return Err("Unterminated escape sequence".to_owned());
    };
    Ok(match mark {
        '\\' | '?' | '"' | '\'' | '`' => (Piece::Character(mark), 1),
        'a' => (Piece::Character('\u{7}'), 1),
        'b' => (Piece::Character('\u{8}'), 1),
        'f' => (Piece::Character('\u{c}'), 1),
        'n' => (Piece::Character('\n'), 1),
        'r' => (Piece::Character('\r'), 1),
        't' => (Piece::Character('\t'), 1),
        'v' => (Piece::Character('\u{b}'), 1),
        'u' | 'U' if in_bytes => return Err(format!("\\{mark} not allowed in bytes literals")),
        'u' => (Piece::Character(code_point(escape, 4)?), 5),
        'U' => (Piece::Character(code_point(escape, 8)?), 9),
        'x' | 'X' => (Piece::Byte(hex_byte(escape)?), 3),
        '0'..='7' => (Piece::Byte(octal_byte(escape)?), 3),
        _ => return Err(format!("Invalid escape sequence: \\{mark}")),
    })
}

/// The first `count` characters of `text`, or fewer.
fn head(text: &str, count: usize) -> &str {
    text.char_indices().nth(count).map_or(text, |(end, _)| &text[..end])
}

fn hex(escape: &str, digits: usize) -> Option<u32> {
    let digits = escape.get(1..=digits)?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if plain { u32::from_str_radix(digits, 16).ok() } else { None }
}

fn code_point(escape: &str, digits: usize) -> Result<char, String> {
    match hex(escape, digits) {
        Some(0xD800..=0xDFFF) => {
            Err(format!("Invalid Unicode surrogate: \\{}", head(escape, digits + 1)))
        }
        code => code
            .and_then(char::from_u32)
            .ok_or_else(|| format!("Invalid Unicode escape: \\{}", head(escape, digits + 1))),
    }
}

fn hex_byte(escape: &str) -> Result<u8, String> {
    hex(escape, 2)
        .and_then(|code| u8::try_from(code).ok())
        .ok_or_else(|| format!("Invalid hex escape: \\{}", head(escape, 3)))
}

fn octal_byte(escape: &str) -> Result<u8, String> {
    let digits =
        escape.get(..3).filter(|text| text.bytes().all(|byte| matches!(byte, b'0'..=b'7')));
    let digits = digits.ok_or_else(|| "Octal escape must be 3 digits".to_owned())?;
    u8::from_str_radix(digits, 8).map_err(|_| format!("Octal escape out of range: \\{digits}"))
}

/// Writes a text as a double-quoted literal that holds no braces, so that it can stand inside a
/// template without ever looking like the start or end of an expression.
pub(crate) fn quote(text: &str) -> String {
    use std::fmt::Write;

    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '{' | '}' => {
                let _ = write!(quoted, "\\x{:02x}", u32::from(character));
            }
            _ if character.is_control() || matches!(character, '\u{2028}' | '\u{2029}') => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(character));
            }
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn string(token: &str) -> Result<String, String> {
        match text(token) {
            Ok(Value::String(text)) => Ok(text.to_string()),
            Ok(other) => panic!("not a text: {other:?}"),
            Err((message, _)) => Err(message),
        }
    }

    #[test]
    fn escapes() {
        for (token, want) in [
            (r#""plain""#, "plain"),
            (r"'\u00e9\x41\101'", "éAA"),
            (r#"r"a\nb""#, r"a\nb"),
            (r"r'a\'b'", r"a\'b"),
            (r#""""a"b""""#, "a\"b"),
            (r"'''a'b'''", "a'b"),
            (r"'\?\`\a\b\f\n\r\t\v\\'", "?`\u{7}\u{8}\u{c}\n\r\t\u{b}\\"),
            (r"'\U0001F600'", "😀"),
            (r"'\xe9'", "é"),
            ("''", ""),
            ("\"\"", ""),
        ] {
            assert_eq!(string(token).as_deref(), Ok(want), "{token}");
        }
    }

    #[test]
    fn broken_escapes() {
        for (token, want) in [
            (r#""\q""#, r"Invalid escape sequence: \q"),
            (r#""\é""#, r"Invalid escape sequence: \é"),
            (r#""\x4""#, r"Invalid hex escape: \x4"),
            (r#""\x+4""#, r"Invalid hex escape: \x+4"),
            (r#""\xé""#, r"Invalid hex escape: \xé"),
            (r#""\u12""#, r"Invalid Unicode escape: \u12"),
            (r#""\ud800""#, r"Invalid Unicode surrogate: \ud800"),
            (r#""\U00110000""#, r"Invalid Unicode escape: \U00110000"),
            (r#""\08""#, "Octal escape must be 3 digits"),
            (r#""\400""#, r"Octal escape out of range: \400"),
        ] {
            assert_eq!(string(token), Err(want.to_owned()), "{token}");
        }
    }

    #[test]
    fn bytes_hold_utf8_and_single_bytes() {
        for (token, want) in [
            ("b'hi'", Ok(&b"hi"[..])),
            (r"B'\xff\101'", Ok(&b"\xffA"[..])),
            ("b'é'", Ok("é".as_bytes())),
            (r"b'\u0041'", Err(r"\u not allowed in bytes literals")),
        ] {
            let got = bytes(token);
            match (got, want) {
                (Ok(Value::Bytes(got)), Ok(want)) => assert_eq!(&*got, want, "{token}"),
                (Err((got, at)), Err(want)) => assert_eq!((&*got, at), (want, 2), "{token}"),
                (got, want) => panic!("{token}: {got:?}, wanted {want:?}"),
            }
        }
    }

    proptest! {
        #[test]
        fn quoted_texts_read_back(given in any::<String>()) {
            let quoted = quote(&given);
            let braces = quoted.matches(['{', '}']).count();
            prop_assert_eq!(braces, 0);
            prop_assert_eq!(string(&quoted), Ok(given));
        }

        #[test]
        fn any_token_body_is_read_or_refused(body in "[^'\"]*") {
            let _ = text(&format!("'{body}'"));
            let _ = bytes(&format!("b'{body}'"));
        }
    }
}
