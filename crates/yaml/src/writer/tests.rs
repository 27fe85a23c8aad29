use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{Document, to_string};

#[test]
fn containers_and_quotes_are_those_of_the_other_writer() {
    let value = json!({
        "type": "command/shell",
        "typeVersion": "2026.02.09.1",
        "id": "3081f6b4-9cc6-4c13-a473-71658bf657e9",
        "version": 1,
        "tags": {},
        "list": [],
        "nested": {"list": ["a", {"b": 1, "c": null}, ["d", [true]], []]},
        "report": "@swamp/x",
        "number": "1",
        "n": "y",
        "at": "2026-11-22T09:59:20.462Z",
        "date": "2026-11-22",
        "empty": "",
        "quote": "it's: #1",
        "lead": " x",
        "ratio": 0.5,
        "whole": 2.0,
        "large": 1e21,
        "small": -1.5e-7,
        "smaller": 3e-8,
        "tab": "a\tb",
        "emoji": "ok 🎉 ä",
        "expression": "echo ${{ inputs.who }}",
        "merge": "<<",
    });
    let want = r#"type: command/shell
typeVersion: 2026.02.09.1
id: 3081f6b4-9cc6-4c13-a473-71658bf657e9
version: 1
tags: {}
list: []
nested:
  list:
    - a
    - b: 1
      c: null
    - - d
      - - true
    - []
report: '@swamp/x'
number: '1'
'n': 'y'
at: '2026-11-22T09:59:20.462Z'
date: '2026-11-22'
empty: ''
quote: 'it''s: #1'
lead: ' x'
ratio: 0.5
whole: 2
large: 1e+21
small: -1.5e-7
smaller: 3.e-8
tab: "a\tb"
emoji: ok 🎉 ä
expression: 'echo ${{ inputs.who }}'
merge: '<<'
"#;
    assert_eq!(to_string(&value), want);
}

#[test]
fn long_and_multi_line_texts_become_blocks() {
    for (text, want) in [
        ("a\nb", "k: |-\n  a\n  b\n"),
        ("a\nb\n", "k: |\n  a\n  b\n"),
        ("a\n\n", "k: |+\n  a\n\n"),
        ("a\n\n\nb", "k: |-\n  a\n\n\n  b\n"),
        ("  a\nb", "k: |2-\n    a\n  b\n"),
        (
            ".swamp/outputs/command/shell/execute/3ff925b5-86f6-4ccf-a84d-bf6374e2d576-2026-11-22.log",
            "k: >-\n  .swamp/outputs/command/shell/execute/3ff925b5-86f6-4ccf-a84d-bf6374e2d576-2026-11-22.log\n",
        ),
        (
            "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen\nnext line\n  kept\nend",
            "k: >-\n  one two three four five six seven eight nine ten eleven twelve thirteen\n  fourteen fifteen\n\n  next line\n    kept\n  end\n",
        ),
    ] {
        let value = json!({"k": text});
        assert_eq!(to_string(&value), want);
        assert_eq!(Document::parse(want).unwrap().into_value(), value);
    }
}

#[test]
fn a_key_too_long_for_one_line_is_still_read_back() {
    let key = "long ".repeat(300);
    for value in [json!({&key: 1}), json!({&key: {"a": [1]}}), json!([{&key: [1], "b": 2}])] {
        assert_eq!(Document::parse(&to_string(&value)).map(Document::into_value), Ok(value));
    }
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ a-z\n]{0,40}",
        "([a-z,:#'\"{}\\[\\]$~|>%@`!&*?=<.-]{1,12} {0,2}){0,30}",
        "([a-z]{1,12}[ \n]{1,3}){0,40}",
        "[-+0-9_.:eExob TZ]{0,12}",
        "[äß€🎉\u{85}\u{2028}\u{feff} \ta]{0,60}",
        Just("...".to_owned()),
        Just("---".to_owned()),
    ]
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<u64>().prop_map(Value::from),
        1 => any::<f64>()
            .prop_filter("written as an integer", |number| number.fract() != 0.0 || number.abs() >= 1e21)
            .prop_map(Value::from),
        4 => texts().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((texts(), inner), 0..6)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_back(value in values()) {
        let text = to_string(&value);
        let read = Document::parse(&text).map(Document::into_value);
        prop_assert_eq!(read, Ok(value), "{}", text);
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let _ = Document::parse(&text);
    }
}
