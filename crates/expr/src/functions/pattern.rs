//! `matches`: regular expressions as ECMAScript reads them, on an engine without backtracking.
//!
//! The dialects differ in small ways, so a pattern is rewritten before it is compiled: `\d`, `\w`
//! and `\b` are ASCII, `[` and `&&` inside a class are plain characters, a `{` that starts no
//! repetition is itself. Look-around and back-references do not exist here; such a pattern is
//! invalid, as are inline flags.

use std::fmt::Write;

use regex::Regex;

use super::Reject;
use crate::value::Value;

pub(super) fn matches(arguments: &[Value]) -> Result<Value, Reject> {
    match arguments {
        [Value::String(text), Value::String(pattern)] => match compile(pattern) {
            Some(regex) => Ok(Value::Bool(regex.is_match(text))),
            None => Reject::failed(invalid(pattern)),
        },
        _ => Err(Reject::Overload),
    }
}

/// The message for a pattern that does not compile.
pub(crate) fn invalid(pattern: &str) -> String {
    format!("Invalid regular expression: {pattern}")
}

/// Compiles a pattern, `None` when it is invalid.
pub(crate) fn compile(pattern: &str) -> Option<Regex> {
    Regex::new(&translate(pattern)?).ok()
}

fn translate(pattern: &str) -> Option<String> {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut rest = pattern;
    let mut in_class = false;
    while let Some(character) = rest.chars().next() {
        let tail = &rest[character.len_utf8()..];
        rest = match character {
            '\\' => escape(tail, in_class, &mut out)?,
            '[' if !in_class => {
                in_class = true;
                class_start(tail, &mut in_class, &mut out)
            }
            ']' if in_class => {
                in_class = false;
                out.push(']');
                tail
            }
            // Plain in a class here, operators and nesting in the engine.
            '[' | '&' | '~' if in_class => {
                out.push('\\');
                out.push(character);
                tail
            }
            '(' if !in_class && tail.starts_with('?') => {
                let plain = tail.starts_with("?:");
                let named =
                    tail.starts_with("?<") && !tail.starts_with("?<=") && !tail.starts_with("?<!");
                if !plain && !named {
                    return None;
                }
                out.push('(');
                tail
            }
            '{' if !in_class && !is_repetition(tail) => {
                out.push_str("\\{");
                tail
            }
            '}' if !in_class && !closes_repetition(&out) => {
                out.push_str("\\}");
                tail
            }
            // Line separators end a line here.
            '.' if !in_class => {
                out.push_str(r"[^\n\r\u{2028}\u{2029}]");
                tail
            }
            other => {
                out.push(other);
                tail
            }
        };
    }
    Some(out)
}

/// After `[`: an empty class matches nothing, `[^]` everything.
fn class_start<'p>(tail: &'p str, in_class: &mut bool, out: &mut String) -> &'p str {
    if let Some(rest) = tail.strip_prefix(']') {
        *in_class = false;
        out.push_str(r"[^\s\S]");
        return rest;
    }
    if let Some(rest) = tail.strip_prefix("^]") {
        *in_class = false;
        out.push_str(r"[\s\S]");
        return rest;
    }
    out.push('[');
    tail.strip_prefix('^').map_or(tail, |rest| {
        out.push('^');
        rest
    })
}

fn escape<'p>(tail: &'p str, in_class: bool, out: &mut String) -> Option<&'p str> {
    let character = tail.chars().next()?;
    let rest = &tail[character.len_utf8()..];
    match character {
        'd' => out.push_str(if in_class { "0-9" } else { "[0-9]" }),
        'D' => out.push_str("[^0-9]"),
        'w' => out.push_str(if in_class { "0-9A-Za-z_" } else { "[0-9A-Za-z_]" }),
        'W' => out.push_str("[^0-9A-Za-z_]"),
        'b' if in_class => out.push_str(r"\x08"),
        'b' => out.push_str(r"(?-u:\b)"),
        'B' => out.push_str(r"(?-u:\B)"),
        's' | 'S' | 'n' | 'r' | 't' | 'f' | 'v' => {
            out.push('\\');
            out.push(character);
        }
        '0' if !rest.starts_with(|c: char| c.is_ascii_digit()) => out.push_str(r"\x00"),
        // Back-references.
        '1'..='9' | 'k' => return None,
        'x' | 'u' => {
            let digits = if character == 'x' { 2 } else { 4 };
            match rest.get(..digits).filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit())) {
                Some(hex) => {
                    out.push_str("\\u{");
                    out.push_str(hex);
                    out.push('}');
                    return Some(&rest[digits..]);
                }
                None => out.push(character),
            }
        }
        'c' => {
            let letter = rest.chars().next().filter(char::is_ascii_alphabetic)?;
            let code = u32::from(letter) % 32;
            let _ = write!(out, "\\u{{{code:x}}}");
            return Some(&rest[1..]);
        }
        // Anything else stands for itself.
        other => out.push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
    }
    Some(rest)
}

/// Whether the text after `{` makes it a repetition: `2}`, `2,}`, `2,3}`.
fn is_repetition(tail: &str) -> bool {
    let Some((inner, _)) = tail.split_once('}') else { return false };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match inner.split_once(',') {
        None => digits(inner),
        Some((least, most)) => digits(least) && (most.is_empty() || digits(most)),
    }
}

/// Whether a `}` now ends a repetition begun in what was written.
fn closes_repetition(out: &str) -> bool {
    let counts = out.trim_end_matches(|c: char| c.is_ascii_digit() || c == ',');
    counts.len() < out.len() && counts.ends_with('{') && !counts.ends_with("\\{")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patterns_are_read_as_ecmascript_reads_them() {
        for (pattern, text, want) in [
            ("[0-9]+$", "web12", true),
            ("^h.*o$", "hello", true),
            ("a.b", "a\nb", false),
            ("a.b", "aéb", true),
            (r"^\d+$", "١", false),
            (r"^[\d-]+$", "1-2", true),
            (r"^\w+$", "é", false),
            (r"\bcat\b", "a cat", true),
            ("^a{2}$", "aa", true),
            ("^a{2,}$", "aaa", true),
            ("a{b}", "a{b}", true),
            ("{{ x }}", "{{ x }}", true),
            ("[[]", "[", true),
            ("^[a&&b]$", "&", true),
            (r"a\/b", "a/b", true),
            (r"\-\.\{", "-.{", true),
            (r"^\x41\u0042$", "AB", true),
            ("(?:ab)+", "abab", true),
            ("(?<name>ab)", "ab", true),
            ("[^]", "\n", true),
            ("[]", "x", false),
            ("x|y", "y", true),
            ("", "abc", true),
        ] {
            let regex = compile(pattern).unwrap_or_else(|| panic!("{pattern} does not compile"));
            assert_eq!(regex.is_match(text), want, "{pattern} on {text}");
        }
    }

    #[test]
    fn what_the_engine_cannot_do_is_invalid() {
        for pattern in ["(?i)HELLO", "[", "(", "*a", "(a)\\1", "(?=a)", "(?<=a)b", "\\"] {
            assert!(compile(pattern).is_none(), "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn any_pattern_compiles_or_is_invalid(pattern in any::<String>()) {
            let _ = compile(&pattern);
        }

        #[test]
        fn escaped_text_matches_itself(text in any::<String>()) {
            let regex = compile(&regex::escape(&text)).expect("an escaped text compiles");
            prop_assert!(regex.is_match(&text));
        }
    }
}
