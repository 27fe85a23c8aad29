//! The arguments of `vault.get`, which may be written without quotes or with back-ticks.
//!
//! `vault.get(prod, db/password)` names a vault and a key; nothing in it is looked up as a variable.
//! An argument that is neither one quoted text nor one bare word is an ordinary expression.

/// An argument read without evaluating anything: its text and where reading ended (at the `,` or
/// `)` after it).
pub(super) struct Plain<'s> {
    pub(super) text: &'s str,
    pub(super) end: usize,
}

/// Reads a bare or back-ticked argument that starts at or after `from`. `None` when it is something
/// else, and has to be parsed as an expression.
pub(super) fn plain(source: &str, from: usize) -> Option<Plain<'_>> {
    let rest = source.get(from..)?;
    let start = from + rest.len() - rest.trim_start().len();
    let rest = &source[start..];
    let (text, after) = if let Some(quoted) = rest.strip_prefix('`') {
        let length = quoted.find('`')?;
        (&quoted[..length], start + length + 2)
    } else {
        let ends = |c: char| c.is_whitespace() || matches!(c, ',' | '(' | ')' | '"' | '\'' | '`');
        let length = rest.find(ends)?;
        if length == 0 {
            return None;
        }
        (&rest[..length], start + length)
    };
    let tail = &source[after..];
    let end = after + tail.len() - tail.trim_start().len();
    source[end..].starts_with([',', ')']).then_some(Plain { text, end })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_words_and_back_ticks() {
        for (source, want) in [
            ("v1, K2)", Some(("v1", 2))),
            (" db/pass-word.x )", Some(("db/pass-word.x", 16))),
            ("`a b` , c)", Some(("a b", 6))),
            ("inputs.k)", Some(("inputs.k", 8))),
            ("'quoted')", None),
            ("string(inputs.k))", None),
            ("a + b)", None),
            ("`open)", None),
            (")", None),
            ("", None),
        ] {
            let got = plain(source, 0).map(|plain| (plain.text, plain.end));
            assert_eq!(got, want, "{source}");
        }
    }
}
