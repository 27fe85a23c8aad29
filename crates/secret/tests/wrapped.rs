//! Secrets in what was encoded and wrapped into lines.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use proptest::prelude::*;
use swamp_secret::{MASK, Redactor, Secret};

fn knowing(secret: &str) -> Redactor {
    let redactor = Redactor::new();
    redactor.add(&Secret::new(secret));
    redactor
}

fn wrap(text: &str, width: usize, gap: &str) -> String {
    let lines: Vec<&str> =
        text.as_bytes().chunks(width).map(|line| std::str::from_utf8(line).unwrap()).collect();
    lines.join(gap)
}

/// What a stream makes of a text that comes in pieces that end at these places.
fn streamed(redactor: &Redactor, text: &str, ends: impl IntoIterator<Item = usize>) -> String {
    let mut stream = redactor.stream();
    let (mut out, mut from) = (String::new(), 0);
    for end in ends.into_iter().chain([text.len()]) {
        if let Some(piece) = text.get(from..end) {
            out.push_str(&stream.push(piece));
            from = end;
        }
    }
    out + &stream.finish()
}

/// How many bytes of the secret in a row can be read from a text by someone who drops what is not
/// base64, or not hexadecimal, and tries every alignment.
fn readable(text: &str, secret: &[u8]) -> usize {
    let mut decoded: Vec<Vec<u8>> = Vec::new();
    for part in text.split(MASK) {
        let plain = part.replace("\\r", "").replace("\\n", "").replace('-', "+").replace('_', "/");
        let digits: String =
            plain.chars().filter(|c| c.is_ascii_alphanumeric() || "+/".contains(*c)).collect();
        for skip in 0..4 {
            let Some(digits) = digits.get(skip..) else { continue };
            // The last digits that make no byte on their own count as well.
            let padded = digits.to_owned() + &"A".repeat(digits.len().wrapping_neg() % 4);
            decoded.push(STANDARD_NO_PAD.decode(padded).unwrap());
        }
        for skip in 0..2 {
            let halves: Vec<u8> = plain
                .chars()
                .filter_map(|digit| u8::try_from(digit.to_digit(16)?).ok())
                .skip(skip)
                .collect();
            decoded.push(halves.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect());
        }
    }
    let shown = |length: usize| {
        secret.windows(length).any(|part| {
            decoded.iter().any(|bytes| bytes.windows(length).any(|window| window == part))
        })
    };
    (1..=secret.len()).take_while(|length| shown(*length)).last().unwrap_or(0)
}

#[test]
fn line_breaks_of_all_kinds_are_passed_over() {
    let secret = "correct horse battery staple";
    let redactor = knowing(secret);
    let gaps = [
        "\n",
        "\r\n",
        "\r",
        "\n    ",
        "\n\t",
        "  \n",
        "\\n",
        "\\r\\n",
        "\\\\n",
        "\\t\\n  ",
        "\n> ",
        "\",\n  \"",
        "' \\\n  '",
        "=\r\n",
        "\n\n\n",
        "\n\u{2502} ",
    ];
    for before in 0..4 {
        let text = format!("{}{secret} and so on", "u".repeat(before));
        for encode in [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD] {
            let encoded = encode.encode(&text);
            for gap in gaps {
                for width in [4, 5, 7, 16, 19, 64] {
                    let wrapped = format!("key: {}\nend", wrap(&encoded, width, gap));
                    let redacted = redactor.redact(&wrapped);
                    assert!(redacted.contains(MASK), "{wrapped:?} {redacted:?}");
                    assert!(readable(&redacted, secret.as_bytes()) < 3, "{wrapped:?} {redacted:?}");
                    assert!(redacted.ends_with("\nend") && redacted.starts_with("key: "));
                    let pieces = streamed(&redactor, &wrapped, (0..wrapped.len()).step_by(3));
                    assert_eq!(pieces, redacted, "{wrapped:?}");
                    let lines = wrapped.match_indices('\n').map(|(at, _)| at + 1);
                    assert_eq!(streamed(&redactor, &wrapped, lines), redacted, "{wrapped:?}");
                }
            }
        }
    }
}

#[test]
fn what_is_left_is_as_documented() {
    let secret = "correct horse battery staple";
    let redactor = knowing(secret);
    // One digit of three that mix, and two of the secret, before the line break.
    let encoded = STANDARD.encode(format!("x{secret}"));
    let check = |width: usize, left: &str| {
        assert_eq!(redactor.redact(&wrap(&encoded, width, "\n")), left, "{width}");
    };
    assert_eq!(encoded, "eGNvcnJlY3QgaG9yc2UgYmF0dGVyeSBzdGFwbGU=");
    check(4, "eGNv\n***U=");
    check(5, "eG***U=");
    check(1, "e\nG\nN\nv\n***\nU\n=");
}

#[test]
fn hexadecimal_is_found_wrapped_or_not() {
    let secret = "pass\u{e9}phrase";
    let redactor = knowing(secret);
    let lower: String = secret.bytes().fold("00".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    for text in [lower.clone(), lower.to_uppercase()] {
        assert_eq!(redactor.redact(&text), "00***");
        assert_eq!(redactor.redact(&wrap(&text, 6, "\n  ")), "00***");
        assert_eq!(redactor.redact(&wrap(&text, 4, "\n")), "0070\n***");
    }
}

#[test]
fn a_secret_that_looks_like_base64_is_found_wrapped() {
    let redactor = knowing("AKIA0123456789/abc+EXAMPLE");
    assert_eq!(redactor.redact("k=AKIA0123456789\n  /abc+EXAMPLE;"), "k=***;");
    assert_eq!(redactor.redact("AKIA0123456789 /abc+EXAMPLE"), "AKIA0123456789 /abc+EXAMPLE");
    // Too short for that: such words are in ordinary texts.
    assert_eq!(knowing("password").redact("pass\nword"), "pass\nword");
}

#[test]
fn what_is_not_joined_by_a_gap_is_left_alone() {
    let secret = "correct horse battery staple";
    let redactor = knowing(secret);
    let encoded = STANDARD.encode(secret);
    let far = format!("\n{}", " ".repeat(70));
    for gap in [" ", ", ", &far, "\n2026-01-01 INFO "] {
        let text = wrap(&encoded, 20, gap);
        assert_eq!(redactor.redact(&text), text);
    }
}

#[test]
fn ordinary_lines_are_passed_on_at_once() {
    let redactor = knowing("correct horse battery staple");
    let mut stream = redactor.stream();
    // "Y2" begins a form of the secret.
    for line in ["Waiting for Y2\n", "ready\n", "cmVz\n", "word\n", "a Y2\n", "b\n"] {
        assert_eq!(stream.push(line), line);
    }
    assert_eq!(stream.push("Y29y\n"), "");
    assert_eq!(stream.push("nothing\n"), "Y29y\nnothing\n");
    assert_eq!(stream.push("Y2\n"), "Y2\n");
    assert_eq!(stream.push("9ycmVj\n"), "");
    assert_eq!(stream.push("dCBob3JzZSBiYXR0ZXJ5IHN0YXBsZQ==\n"), "***==\n");
    assert_eq!(stream.finish(), "");
}

#[test]
fn an_end_that_was_cut_off_is_hidden() {
    let redactor = knowing("correct horse battery staple");
    let encoded = STANDARD.encode("correct horse battery staple");
    let cut = wrap(&encoded[..20], 8, "\n");
    assert_eq!(redactor.redact_cut(&cut), MASK);
    assert_eq!(redactor.redact_cut(&format!("see:\n{cut}\n")), format!("see:\n{MASK}"));
}

proptest! {
    #![proptest_config(ProptestConfig { max_global_rejects: 10_000, ..ProptestConfig::with_cases(600) })]

    #[test]
    fn no_part_of_a_secret_can_be_decoded(
        secret in prop_oneof!["\\PC{8,60}", "[a-zA-Z0-9+/_-]{8,200}", "[xy]{8,30}"],
        before in "\\PC{0,40}",
        after in "\\PC{0,40}",
        width in 4_usize..90,
        gap in prop_oneof![
            Just("\n"), Just("\r\n"), Just("\\n"), Just("\\r\\n"), Just("\n  "), Just("\n> "), Just(" \n\t"),
        ],
        url_safe in any::<bool>(),
        hex in any::<bool>(),
        cuts in proptest::collection::vec(0_usize..400, 0..12),
    ) {
        let bytes = secret.as_bytes();
        prop_assume!(secret.trim() == secret);
        // What the neighbours say is not the secret's.
        let text = format!("{before}{secret}{after}");
        let inside = before.len()..before.len() + secret.len();
        prop_assume!(bytes.windows(4).all(|part| text.as_bytes().windows(4).enumerate().all(|(at, window)| {
            window != part || (inside.contains(&at) && inside.contains(&(at + 3)))
        })));
        let encoded = match (hex, url_safe) {
            (true, _) => text.bytes().fold(String::new(), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            }),
            (false, true) => URL_SAFE_NO_PAD.encode(&text),
            (false, false) => STANDARD.encode(&text),
        };
        let wrapped = wrap(&encoded, width, gap);
        let redactor = knowing(&secret);
        let redacted = redactor.redact(&wrapped).into_owned();
        prop_assert!(redacted.contains(MASK));
        prop_assert!(readable(&redacted, bytes) < 4, "{}", redacted);
        let mut cuts = cuts;
        cuts.sort_unstable();
        prop_assert_eq!(streamed(&redactor, &wrapped, cuts), redacted);
    }

    #[test]
    fn pieces_make_no_difference(
        secrets in proptest::collection::vec("[ab]{6,9}", 1..4),
        // Digits of these secrets' forms, gaps and parts of gaps.
        parts in proptest::collection::vec(
            prop_oneof![
                8 => "[ab]{1,9}".prop_map(|text| STANDARD_NO_PAD.encode(text)),
                2 => "[YWJhYmFi]{1,4}",
                6 => Just("\n".to_owned()),
                1 => Just("\\n".to_owned()),
                1 => Just("\\".to_owned()),
                1 => Just("  ".to_owned()),
                1 => Just("\u{fc}\r".to_owned()),
                1 => "[ab]{1,9}",
            ],
            0..40,
        ),
        cuts in proptest::collection::vec(0_usize..300, 0..30),
    ) {
        let redactor = Redactor::new();
        for secret in &secrets {
            redactor.add(&Secret::new(secret));
        }
        let text = parts.concat();
        let whole = redactor.redact(&text).into_owned();
        let mut cuts = cuts;
        cuts.sort_unstable();
        prop_assert_eq!(streamed(&redactor, &text, cuts), whole);
    }
}
