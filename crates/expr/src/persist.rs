//! Writing evaluated texts so that they can be read back.
//!
//! An evaluated copy of a document still holds the expressions that use `env` or `vault`; they are
//! resolved when the copy is used. A *value* in it may happen to look like such an expression, for
//! example because a user gave `${{ env.HOME }}` as input. It must stay the text it is, so it is
//! quoted: `${{ "" + "$\x7b\x7b env.HOME \x7d\x7d" }}`. The empty text in front marks what was
//! written here; nobody else has a reason to put it there.

use std::borrow::Cow;

use serde_json::Value as Json;

use crate::program::Program;
use crate::scan;
use crate::syntax::literal;

/// Whether reading a text back would evaluate it, or stumble over it.
fn would_be_read(expression: &str) -> bool {
    match Program::compile(expression) {
        Ok(program) => program.is_runtime() || program.quoted_text().is_some(),
        Err(_) => true,
    }
}

/// A text that reads back as itself.
pub(crate) fn quote_text(text: &str) -> String {
    if scan::expressions(text).any(|found| would_be_read(&text[found.inner])) {
        quoted(text)
    } else {
        text.to_owned()
    }
}

fn quoted(text: &str) -> String {
    format!("${{{{ \"\" + {} }}}}", literal::quote(text))
}

/// A value whose texts read back as themselves.
pub(crate) fn quote_value(value: &Json) -> Json {
    match value {
        Json::String(text) => Json::String(quote_text(text)),
        Json::Array(items) => items.iter().map(quote_value).collect(),
        Json::Object(entries) => {
            entries.iter().map(|(key, value)| (key.clone(), quote_value(value))).collect()
        }
        other => other.clone(),
    }
}

/// A part of a text that is to be written.
#[derive(Clone, Debug)]
pub(crate) enum Piece<'t> {
    /// As it stood in the document, outside expressions.
    Plain(Cow<'t, str>),
    /// An expression that stays.
    Expression(Cow<'t, str>),
    /// The text of a value.
    Value(String),
}

/// The parts of a text that the author of the definition wrote as a template: what uses `env` or
/// `vault` stays an expression, what does not compile is a value like any other.
pub(crate) fn pieces_of(text: &str) -> Vec<Piece<'static>> {
    let mut pieces = Vec::new();
    let mut end = 0;
    let plain = |text: &str| Piece::Plain(Cow::Owned(text.to_owned()));
    for found in scan::expressions(text) {
        pieces.push(plain(&text[end..found.outer.start]));
        let raw = text[found.outer.clone()].to_owned();
        pieces.push(match Program::compile(&text[found.inner]) {
            Ok(program) if program.is_runtime() => Piece::Expression(Cow::Owned(raw)),
            Ok(_) => Piece::Plain(Cow::Owned(raw)),
            Err(_) => Piece::Value(raw),
        });
        end = found.outer.end;
    }
    pieces.push(plain(&text[end..]));
    pieces
}

/// Joins the parts of a text so that reading it back finds the expressions among them, and no
/// others: also where a value and its surroundings only together look like one.
pub(crate) fn join(pieces: &[Piece<'_>]) -> String {
    let simple = concat(pieces, str::to_owned);
    if reads_back(&simple, pieces) { simple } else { concat(pieces, quoted) }
}

fn concat(pieces: &[Piece<'_>], value: fn(&str) -> String) -> String {
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Piece::Plain(plain) | Piece::Expression(plain) => text.push_str(plain),
            Piece::Value(given) if given.is_empty() => {}
            Piece::Value(given) => text.push_str(&value(given)),
        }
    }
    text
}

/// Whether exactly the expressions among the pieces would be read in the joined text.
fn reads_back(joined: &str, pieces: &[Piece<'_>]) -> bool {
    let mut at = 0;
    let mut wanted = Vec::new();
    for piece in pieces {
        let length = match piece {
            Piece::Plain(text) | Piece::Expression(text) => text.len(),
            Piece::Value(text) => text.len(),
        };
        if matches!(piece, Piece::Expression(_)) {
            wanted.push(at..at + length);
        }
        at += length;
    }
    let mut found = scan::expressions(joined)
        .filter(|one| wanted.contains(&one.outer) || would_be_read(&joined[one.inner.clone()]))
        .map(|one| one.outer);
    wanted.iter().all(|range| found.next().as_ref() == Some(range)) && found.next().is_none()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_what_would_be_evaluated_is_quoted() {
        for (text, quoted) in [
            ("plain", false),
            ("${{ 1 + 1 }}", false),
            ("${{ inputs.env.x }}", false),
            ("${{ open", false),
            ("${{ env.HOME }}", true),
            ("a ${{ vault.get(v, k) }}", true),
            ("${{ not an expression }}", true),
            ("${{ \"\" + \"$\\x7b{ 1 }}\" }}", true),
            ("${{ \"$\\x7b{ 1 }}\" }}", false),
        ] {
            assert_eq!(quote_text(text) != text, quoted, "{text}");
        }
    }

    #[test]
    fn values_never_make_expressions_with_their_surroundings() {
        let made_up = [Piece::Plain("$".into()), Piece::Value("{{ env.HOME }}".to_owned())];
        assert_eq!(join(&made_up), "$${{ \"\" + \"\\x7b\\x7b env.HOME \\x7d\\x7d\" }}");
        let opened = [Piece::Value("${{ '".to_owned()), Piece::Expression("${{ env.A }}".into())];
        assert_eq!(join(&opened), "${{ \"\" + \"$\\x7b\\x7b '\" }}${{ env.A }}");
        let harmless = [
            Piece::Plain("x ".into()),
            Piece::Value("y".to_owned()),
            Piece::Expression("${{ env.A }}".into()),
            Piece::Value("{}".to_owned()),
        ];
        assert_eq!(join(&harmless), "x y${{ env.A }}{}");
    }

    proptest! {
        #[test]
        fn quoted_texts_are_one_expression(text in any::<String>()) {
            let quoted = quoted(&text);
            let found: Vec<_> = scan::expressions(&quoted).collect();
            prop_assert_eq!(found.len(), 1);
            prop_assert_eq!(found[0].outer.clone(), 0..quoted.len());
            let program = Program::compile(&quoted[found[0].inner.clone()]).expect("a quoted text");
            prop_assert_eq!(program.quoted_text(), Some(text.as_str()));
        }
    }
}
