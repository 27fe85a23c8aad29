//! Where the expressions of a text are.
//!
//! An expression starts at `${{` and ends at the `}}` that is not inside one of its string literals
//! or maps. When there is no such end because the expression itself is broken (an open string, an
//! unbalanced brace), it ends at the first `}}` there is, so that the mistake is reported and not
//! passed on as text. Without any `}}`, and as `${{}}`, it is plain text.

use std::ops::Range;

use crate::syntax::lexer::literal_end;

const OPEN: &str = "${{";

/// An expression in a text, as byte ranges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// With the delimiters.
    pub(crate) outer: Range<usize>,
    /// The expression, without delimiters and white space around it.
    pub(crate) inner: Range<usize>,
}

/// The expressions of a text, in order.
pub(crate) fn expressions(text: &str) -> impl Iterator<Item = Found> + '_ {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let start = from + text[from..].find(OPEN)?;
            let body = start + OPEN.len();
            if text[body..].starts_with("}}") {
                from = body + 2;
                continue;
            }
            let close = match closing(text.as_bytes(), body) {
                Some(close) => close,
                None => body + text[body..].find("}}")?,
            };
            from = close + 2;
            let inner = &text[body..close];
            let lead = inner.len() - inner.trim_start().len();
            let trimmed = inner.trim();
            let inner = body + lead..body + lead + trimmed.len();
            return Some(Found { outer: start..from, inner });
        }
    })
}

/// The place of the `}}` that ends an expression beginning at `at`.
fn closing(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    loop {
        match *bytes.get(at)? {
            b'"' | b'\'' => at = literal_end(bytes, at).ok()?,
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                at = skip_comment(bytes, at, depth);
            }
            b'{' => {
                depth += 1;
                at += 1;
            }
            b'}' if depth > 0 => {
                depth -= 1;
                at += 1;
            }
            b'}' if bytes.get(at + 1) == Some(&b'}') => return Some(at),
            _ => at += 1,
        }
    }
}

/// Up to the end of the line, or to the `}}` before it that ends the expression.
fn skip_comment(bytes: &[u8], from: usize, depth: usize) -> usize {
    let rest = &bytes[from..];
    let line = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    let end = rest[..line].windows(2).position(|pair| pair == b"}}");
    from + if depth == 0 { end.unwrap_or(line) } else { line }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(text: &str) -> Vec<&str> {
        expressions(text).map(|one| &text[one.inner]).collect()
    }

    #[test]
    fn ends_are_found_past_strings_maps_and_comments() {
        for (text, want) in [
            ("${{ 1 + 1 }}", vec!["1 + 1"]),
            ("${{1}}${{ 2 }}-${{ 3 }}", vec!["1", "2", "3"]),
            ("a ${{ x }} b $${{ y }} \\${{ z }}", vec!["x", "y", "z"]),
            ("${{ {\"a\": {\"b\": 1}} }}", vec!["{\"a\": {\"b\": 1}}"]),
            ("${{ {\"a\": {\"b\": 1}}.a.b }}", vec!["{\"a\": {\"b\": 1}}.a.b"]),
            ("${{ {\"a\":1}}}", vec!["{\"a\":1}"]),
            ("${{ \"}}\" }}", vec!["\"}}\""]),
            ("${{ '}}' + r\"\\}}\" }}!", vec!["'}}' + r\"\\}}\""]),
            ("${{ \"\"\"a\"}}\"\"\" }}", vec!["\"\"\"a\"}}\"\"\""]),
            ("${{ 1\n + 2 }}", vec!["1\n + 2"]),
            ("${{\n 1 + 1\n}}", vec!["1 + 1"]),
            ("${{ 1 // one }}", vec!["1 // one"]),
            ("${{ 1 // don't\n + 1 }}", vec!["1 // don't\n + 1"]),
            ("${{ {1: 2 // }}\n} }}", vec!["{1: 2 // }}\n}"]),
            ("${{ }}", vec![""]),
            ("${{}}", vec![]),
            ("${{}} ${{ 1 }}", vec!["1"]),
            ("{{ 1 }} ${ 1 } $ {{ 1 }}", vec![]),
            ("${{ open", vec![]),
            ("${{ open }", vec![]),
        ] {
            assert_eq!(found(text), want, "{text}");
        }
    }

    #[test]
    fn broken_expressions_end_at_the_first_braces() {
        for (text, want) in [
            ("${{ 'unterminated }}", vec!["'unterminated"]),
            ("${{ it's }} and ${{ 2 }}", vec!["it's", "2"]),
            ("${{ {\"a\": 1 }}", vec!["{\"a\": 1"]),
            ("${{ 'a\n' }} x", vec!["'a\n'"]),
        ] {
            assert_eq!(found(text), want, "{text}");
        }
    }

    proptest! {
        /// Expressions and the texts between them make up the whole, in order and without overlap.
        #[test]
        fn nothing_is_lost(
            parts in prop::collection::vec(
                prop::sample::select(vec![
                    "${{", "}}", "{", "}", "\"", "'", "\\", "//", "\n", " ", "x", "$", "é", "r", "'''",
                ]),
                0..40,
            )
        ) {
            let text: String = parts.concat();
            let mut end = 0;
            for one in expressions(&text) {
                prop_assert!(one.outer.start >= end);
                prop_assert!(text[one.outer.clone()].starts_with("${{"));
                prop_assert!(text[one.outer.clone()].ends_with("}}"));
                prop_assert!(one.outer.start + 3 <= one.inner.start);
                prop_assert!(one.inner.end + 2 <= one.outer.end);
                prop_assert_eq!(text[one.inner.clone()].trim(), &text[one.inner.clone()]);
                end = one.outer.end;
            }
            prop_assert!(end <= text.len());
        }

        /// A valid expression between plain texts is found whole, whatever its strings hold.
        #[test]
        fn strings_hide_everything(inside in any::<String>(), before in "[^$]*", after in "[^$]*") {
            let literal = format!("{inside:?}").replace("\\'", "'");
            let simple = !literal.contains("\\u{");
            prop_assume!(simple);
            let text = format!("{before}${{{{ {literal} }}}}{after}");
            prop_assert_eq!(found(&text), vec![literal.as_str()]);
        }
    }
}
