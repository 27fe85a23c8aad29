//! What is refused, where, and that nothing else can happen.

use proptest::prelude::*;

use super::*;

fn error(source: &str) -> Option<(String, Option<usize>)> {
    let (kind, at) = parse(&source.into()).err()?.into_parts();
    Some((kind.to_string(), at))
}

#[test]
fn syntax_errors_name_the_token_and_its_place() {
    for (source, message, at) in [
        ("", "Unexpected token: EOF", 0),
        ("1 +", "Unexpected token: EOF", 3),
        (".5", "Unexpected token: DOT", 0),
        ("1.", "Expected IDENTIFIER, got EOF", 2),
        ("a b", "Unexpected character: 'b'", 2),
        ("'a' 'b'", "Unexpected character: '''", 4),
        ("1 2", "Unexpected character: '2'", 2),
        ("1a", "Unexpected character: 'a'", 1),
        ("1e", "Unexpected character: 'e'", 1),
        ("1e+", "Invalid exponent", 3),
        ("0xG", "Invalid hex integer: 0x", 0),
        ("1..2", "Expected IDENTIFIER, got DOT", 2),
        ("a.1", "Expected IDENTIFIER, got NUMBER", 2),
        ("a.in", "Expected IDENTIFIER, got IN", 2),
        ("a.true", "Expected IDENTIFIER, got BOOLEAN", 2),
        ("a.?b", "Expected IDENTIFIER, got QUESTION", 2),
        ("a ?? b", "Unexpected token: QUESTION", 3),
        ("a = 1", "Unexpected character: =", 2),
        ("a & b", "Unexpected character: &", 2),
        ("ü", "Unexpected character: ü", 0),
        ("a ü", "Unexpected character: ü", 2),
        ("if", "Reserved identifier: if", 0),
        ("[1", "Expected RBRACKET, got EOF", 2),
        ("[1 2]", "Expected RBRACKET, got NUMBER", 3),
        ("[,]", "Unexpected token: COMMA", 1),
        ("{\"a\"", "Expected COLON, got EOF", 4),
        ("{\"a\":1", "Expected RBRACE, got EOF", 6),
        ("f(1", "Expected RPAREN, got EOF", 3),
        ("a ? b", "Expected COLON, got EOF", 5),
        ("1)", "Unexpected character: ')'", 1),
        ("'open", "Unterminated string", 0),
        ("r'open", "Unterminated string", 1),
        ("'''open", "Unterminated triple-quoted string", 0),
        ("'a\nb'", "Newlines not allowed in single-quoted strings", 0),
        (r#""ab\q""#, r"Invalid escape sequence: \q", 3),
        (r"b'\u0041'", r"\u not allowed in bytes literals", 2),
        ("9223372036854775808", "integer overflow: 9223372036854775808", 0),
        ("18446744073709551616u", "Invalid integer: 18446744073709551616", 0),
    ] {
        assert_eq!(error(source), Some((message.to_owned(), Some(at))), "{source}");
    }
}

#[test]
fn limits() {
    let nested = |open: &str, count: usize, close: &str| {
        format!("{}1{}", open.repeat(count), close.repeat(count))
    };
    for source in [
        nested("(", 249, ")"),
        nested("[", 249, "]"),
        nested("-", 240, ""),
        vec!["1"; 390].join("+"),
        format!("a{}", ".a".repeat(390)),
        format!("[{}]", vec!["1"; 1000].join(",")),
        format!("f({})", vec!["1"; 32].join(",")),
    ] {
        assert_eq!(error(&source), None, "{source:.40}");
    }
    for (source, limit) in [
        (nested("(", 250, ")"), "maxDepth"),
        (nested("[", 250, "]"), "maxDepth"),
        (nested("!", 260, ""), "maxDepth"),
        (nested("true ? 1 : ", 260, ""), "maxDepth"),
        (vec!["1"; 401].join("+"), "maxDepth"),
        (format!("[{}]", vec!["1"; 1001].join(",")), "maxListElements"),
        (format!("f({})", vec!["1"; 33].join(",")), "maxCallArguments"),
        (format!("{{{}}}", vec!["1:1"; 1001].join(",")), "maxMapEntries"),
    ] {
        let got = error(&source).map(|(message, _)| message).unwrap_or_default();
        assert!(got.starts_with(&format!("Exceeded {limit}")), "{source:.40}: {got}");
    }
}

proptest! {
    #[test]
    fn any_text_is_parsed_or_refused(source in any::<String>()) {
        let _ = parse(&source.into());
    }

    #[test]
    fn any_soup_of_tokens_is_parsed_or_refused(
        tokens in prop::collection::vec(
            prop::sample::select(vec![
                "a", "model", "vault", ".", "get", "(", ")", "[", "]", "{", "}", ",", ":", "?",
                "+", "-", "*", "/", "%", "!", "&&", "||", "==", "in", "1", "1u", "1.5", "0x1",
                "'s'", "\"", "`", "true", "null", "my-model", "input", " ", "\n", "//", "é",
                "map", "has", "x", "\\",
            ]),
            0..40,
        )
    ) {
        let source: String = tokens.concat();
        if let Err(fault) = parse(&source.as_str().into()) {
            prop_assert!(fault.into_parts().1.is_some_and(|at| source.is_char_boundary(at)));
        }
    }
}
