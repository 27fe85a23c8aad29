//! What is found, what is left alone, and that pieces make no difference.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use proptest::prelude::*;
use serde_json::json;
use swamp_secret::{MASK, Redactor, Secret};

fn knowing(secrets: &[&str]) -> Redactor {
    let redactor = Redactor::new();
    for secret in secrets {
        redactor.add(&Secret::new(*secret));
    }
    redactor
}

#[test]
fn secrets_are_found_as_other_programs_write_them() {
    for (secret, written) in [
        ("hunter2", "hunter2"),
        (" hunter2\n", "hunter2"),
        ("a\"b\nc", r#"a\"b\nc"#),
        ("a\"b\nc", r#"a\\\"b\\nc"#),
        ("a/b?c", r"a\/b?c"),
        ("gr\u{fc}n\u{1f511}", r"gr\u00fcn\ud83d\udd11"),
        ("gr\u{fc}n\u{1f511}", r"gr\u00FCn\uD83D\uDD11"),
        ("p\u{1}x", r"p\u0001x"),
        ("a b&c=d", "a%20b%26c%3Dd"),
        ("a b&c=d", "a%20b%26c%3dd"),
        ("a b&c=d", "a+b%26c%3Dd"),
        ("a b&c=d", "a%20b&c=d"),
        ("(a) b*'", "(a)%20b*'"),
        ("(a) b*'", "%28a%29%20b%2A%27"),
        ("x/y \u{fc}", "x/y%20%C3%BC"),
        ("it's $HOME", r"it'\''s $HOME"),
        ("it's $HOME", r#"it'"'"'s $HOME"#),
        ("it's $HOME", r"it\'s\ \$HOME"),
        ("it's $HOME", "it''s $HOME"),
        ("say \"$x\" `y`", r#"say \"\$x\" \`y\`"#),
        ("line1\nline2 \u{fc}", r"line1\nline2 \303\274"),
        ("a;b|c&d", r"a\;b\|c\&d"),
        (r"C:\new\table\0101", "C:\new\tableA"),
    ] {
        let text = format!("before {written} after");
        assert_eq!(knowing(&[secret]).redact(&text), "before *** after", "{secret:?} {written}");
    }
}

#[test]
fn base64_is_found_alone_and_inside_longer_texts() {
    let secret = "s3cr3t-v\u{e4}lue";
    let redactor = knowing(&[secret]);
    for encode in [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD] {
        assert_eq!(redactor.redact(&encode.encode(secret)), MASK);
        for before in 0..7 {
            for after in 0..4 {
                let whole = format!("{}{secret}{}", "u".repeat(before), ":".repeat(after));
                let encoded = encode.encode(&whole);
                let redacted = redactor.redact(&encoded);
                assert!(redacted.contains(MASK), "{encoded}");
                // At most one character at either edge knows some bits, besides those of others.
                let left = redacted.len() - MASK.len();
                assert!(left <= (before + after) * 8 / 6 + 6, "{encoded} {redacted}");
            }
        }
    }
    // Wrapped by tools.
    let long: String = ('a'..='w').cycle().take(400).collect();
    let redactor = knowing(&[&long]);
    for width in [64, 76] {
        let encoded = STANDARD.encode(&long);
        let wrapped: Vec<&str> = encoded
            .as_bytes()
            .chunks(width)
            .map(|line| std::str::from_utf8(line).unwrap())
            .collect();
        for line in redactor.redact(&wrapped.join("\n")).lines() {
            assert!(line.len() <= 8, "{line}");
        }
    }
}

#[test]
fn short_secrets_and_other_texts_are_left_alone() {
    let redactor = knowing(&["42", "  \n ", "", "ab\n"]);
    assert!(redactor.is_idle());
    let redactor = knowing(&["abc", "passphrase"]);
    // Not in base64: "abc" is too short for that.
    let text = format!("ab passphras {}", STANDARD.encode("abc"));
    assert_eq!(redactor.redact(&text), text);
    assert_eq!(redactor.redact("xabcx"), "x***x");
}

#[test]
fn the_longest_secret_wins() {
    let redactor = knowing(&["hunter2", "hunter2more", "2mo"]);
    assert_eq!(redactor.redact("hunter2more hunter2m 2mo"), "*** ***m ***");
}

#[test]
fn secrets_that_overlap_are_hidden_together() {
    let redactor = knowing(&["abcdefgh", "xab", "ghi", "fghxab"]);
    assert_eq!(redactor.redact("_xabcdefghi_"), "_***_");
    assert_eq!(redactor.redact("ghighi abcdefghxabcdefg"), "****** ***cdefg");
    let mut stream = redactor.stream();
    let out: Vec<String> =
        ["_xab", "cde", "fgh", "i_g", "h"].map(|piece| stream.push(piece).into_owned()).into();
    assert_eq!((out.concat() + &stream.finish()).as_str(), "_***_gh");
}

#[test]
fn a_secret_that_goes_on_for_ever_is_not_held_for_ever() {
    let redactor = knowing(&["aaaaaaaa"]);
    let mut stream = redactor.stream();
    let told: usize = (0..1000).map(|_| stream.push("aaaa").len()).sum();
    assert_eq!((told, stream.finish().as_str()), (3, ""));
    assert_eq!(redactor.redact(&"a".repeat(4000)), MASK);
}

#[test]
fn lines_of_a_secret_are_found_on_their_own() {
    let redactor = knowing(&["-----BEGIN KEY-----\nMIIEvQIBADANBg\nab\n-----END KEY-----\n"]);
    assert_eq!(redactor.redact("> MIIEvQIBADANBg\n> ab"), "> ***\n> ab");
}

#[test]
fn cut_texts_and_documents_and_bytes() {
    let redactor = knowing(&["hunter2"]);
    assert_eq!(redactor.redact_cut("is hunt"), "is ***");
    assert_eq!(redactor.redact_cut("is hunter2 hint"), "is *** hint");
    let mut document = json!({"a hunter2": ["hunter2", 7, {"b": "xhunter2"}], "c": null});
    redactor.redact_json(&mut document);
    assert_eq!(document, json!({"a ***": ["***", 7, {"b": "x***"}], "c": null}));
    assert_eq!(redactor.redact_bytes(b"\xffhunter2\x00".to_vec()), b"\xff***\x00");
}

#[test]
fn a_stream_holds_back_only_what_may_be_a_secret() {
    let redactor = knowing(&["hunter2\nsecond"]);
    let mut stream = redactor.stream();
    assert_eq!(stream.push("hello\n"), "hello\n");
    assert_eq!(stream.push("a hun"), "a ");
    assert_eq!(stream.push("ger\n"), "hunger\n");
    assert_eq!(stream.push("hunter2\n"), "");
    assert_eq!(stream.push("second\nhun"), "***\n");
    assert_eq!(stream.finish(), "hun");
}

#[test]
fn secrets_that_come_later_are_known_to_all() {
    let redactor = Redactor::new();
    let other = redactor.clone();
    let mut stream = other.stream();
    assert_eq!(stream.push("hunter2 "), "hunter2 ");
    redactor.add(&Secret::new("hunter2"));
    assert_eq!(stream.push("hunter2 "), "*** ");
    assert_eq!(format!("{redactor:?} {stream:?}").matches("hunter2").count(), 0);
}

fn text() -> impl Strategy<Value = String> {
    // Few letters, so that secrets meet, overlap and begin in each other.
    proptest::collection::vec(prop_oneof![Just("a"), Just("b"), Just("\n"), Just("\u{fc}")], 0..60)
        .prop_map(|letters| letters.concat())
}

proptest! {
    #[test]
    fn pieces_make_no_difference(
        secrets in proptest::collection::vec("[ab\u{fc}]{3,7}", 1..4),
        text in text(),
        cuts in proptest::collection::vec(0_usize..60, 0..6),
    ) {
        let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
        let redactor = knowing(&secrets);
        let mut stream = redactor.stream();
        let mut out = String::new();
        let mut cuts: Vec<usize> =
            cuts.into_iter().filter(|&cut| text.is_char_boundary(cut.min(text.len()))).collect();
        cuts.sort_unstable();
        let mut from = 0;
        for cut in cuts.into_iter().map(|cut| cut.min(text.len())).chain([text.len()]) {
            out.push_str(&stream.push(&text[from..cut]));
            from = cut;
        }
        out.push_str(&stream.finish());
        prop_assert_eq!(&out, &redactor.redact(&text));
        for secret in secrets {
            prop_assert!(!out.contains(secret), "{} in {}", secret, out);
        }
    }

    #[test]
    fn no_encoding_of_any_secret_comes_through(secret in "\\PC{8,40}", before in "\\PC{0,5}") {
        prop_assume!(secret.trim().len() >= 8 && secret.trim() == secret);
        let redactor = knowing(&[&secret]);
        let text = format!("{before}{secret}");
        for written in [text.clone(), json!(text).to_string(), STANDARD.encode(&text)] {
            let redacted = redactor.redact(&written).into_owned();
            prop_assert!(redacted.contains(MASK), "{} {}", written, redacted);
        }
    }
}
