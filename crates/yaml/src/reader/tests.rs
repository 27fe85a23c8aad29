use serde_json::json;

use crate::{Document, PathItem};

fn path(items: &[&str]) -> Vec<PathItem> {
    items
        .iter()
        .map(|item| item.parse().map_or_else(|_| PathItem::from(*item), PathItem::Index))
        .collect()
}

fn place(document: &Document, items: &[&str]) -> (usize, usize) {
    let position = document.position(&path(items)).unwrap();
    (position.line, position.column)
}

#[test]
fn documents_have_the_values_the_other_implementation_sees() {
    for (text, want) in [
        ("", json!(null)),
        ("# only a comment\n", json!(null)),
        ("---\n", json!(null)),
        ("---\na: 1\n...\n", json!({"a": 1})),
        ("\u{feff}a: 1", json!({"a": 1})),
        ("a: 1\r\nb: x\r\n", json!({"a": 1, "b": "x"})),
        ("yes: on\nn: y", json!({"yes": "on", "n": "y"})),
        ("a: 'yes'\nb: \"1\"\nc: |\n  1\n", json!({"a": "yes", "b": "1", "c": "1\n"})),
        ("a:\nb: ~", json!({"a": null, "b": null})),
        ("- - 1\n  - 2\n- []\n- {}\n", json!([[1, 2], [], {}])),
        (
            "1: a\n012: b\n1.50: c\nnull: d\ntrue: e\n",
            json!({"1": "a", "10": "b", "1.5": "c", "null": "d", "true": "e"}),
        ),
        ("d: 2026-11-22\n", json!({"d": "2026-11-22"})),
        ("run: echo ${{ inputs.who }}", json!({"run": "echo ${{ inputs.who }}"})),
        ("run: >-\n  echo a\n  b\n\n  c\n", json!({"run": "echo a b\nc"})),
        (
            "a: !!str 1\nb: !!int '7'\nc: !!float 1\nd: !!bool 'true'\ne: ! 1\nf: !!seq []\ng: !!map {}",
            json!({"a": "1", "b": 7, "c": 1, "d": true, "e": "1", "f": [], "g": {}}),
        ),
        ("a: &x {k: 1}\nb: *x\n", json!({"a": {"k": 1}, "b": {"k": 1}})),
        (
            "base: &x {a: 1, b: 2}\nc:\n  <<: *x\n  b: 3\n",
            json!({"base": {"a": 1, "b": 2}, "c": {"a": 1, "b": 3}}),
        ),
        (
            "base: &x {a: 1, b: 2}\nc:\n  b: 3\n  <<: *x\n",
            json!({"base": {"a": 1, "b": 2}, "c": {"b": 3, "a": 1}}),
        ),
        (
            "- &x {a: 1}\n- &y {a: 2, b: 2}\n- <<: [*x, *y]\n",
            json!([{"a": 1}, {"a": 2, "b": 2}, {"a": 1, "b": 2}]),
        ),
        ("'<<': 1", json!({"<<": 1})),
        ("- &k name\n- *k : 1\n", json!(["name", {"name": 1}])),
    ] {
        assert_eq!(Document::parse(text).map(Document::into_value), Ok(want), "{text:?}");
    }
}

#[test]
fn errors_have_a_place_and_say_what_is_wrong() {
    for (text, at, part) in [
        ("a: 1\nb: 2\na: 3\n", "3:1", "duplicated key \"a\""),
        ("x:\n  a: 1\n  'a': 3\n", "3:3", "duplicated key"),
        ("1: a\n01: b", "2:1", "duplicated key \"1\""),
        ("a: !custom x\n", "1:4", "!custom"),
        ("a: !custom [x]\n", "1:4", "!custom"),
        ("a: !!binary x\n", "1:4", "!!binary"),
        ("a: !!int x\n", "1:4", "!!int"),
        ("a: 1\n---\nb: 2\n", "2:1", "second document"),
        ("a: 1\n...\nb: 2\n", "3:1", "second document"),
        ("a: &x\n  b: *x\n", "2:6", "alias"),
        ("a: *nope\n", "1:4", "anchor"),
        ("<<: 1\n", "1:1", "merge"),
        ("? [a]\n: 1\n", "1:3", "key must be"),
        ("? {a: 1}\n: 1\n", "1:3", "key must be"),
        ("a: [${{ inputs.x }}]\n", "1:6", "quotes"),
        ("a: b: c\n", "1:5", ""),
        ("tools: [none\n", "2:1", ""),
        ("a:\n\tb: 1\n", "2:2", "tabs"),
        ("a: 'x\n", "1:4", "quote"),
        ("a: .inf\n", "1:4", ".inf"),
        ("a: x\n b: 2\n", "2:3", ""),
    ] {
        let error = Document::parse(text).map(Document::into_value).unwrap_err();
        let position = error.position.map(|position| position.to_string());
        assert_eq!(position.as_deref(), Some(at), "{text:?}: {error}");
        assert!(error.message.contains(part), "{text:?}: {error}");
    }
}

#[test]
fn a_few_lines_cannot_grow_without_bound() {
    let mut lines = vec!["a0: &a0 [x, x, x, x, x, x, x, x, x, x]".to_owned()];
    for level in 1..10 {
        let alias = format!("*a{}, ", level - 1).repeat(10);
        lines.push(format!("a{level}: &a{level} [{alias}]"));
    }
    assert!(Document::parse(&lines.join("\n")).unwrap_err().message.contains("too large"));

    let deep = "- ".repeat(100_000) + "x";
    assert!(Document::parse(&deep).unwrap_err().message.contains("deep"));
    let flow = "[".repeat(100_000);
    assert!(Document::parse(&flow).is_err());
}

#[test]
fn every_node_has_a_place() {
    let text = "# head\nname: x\njobs:\n  - name: main\n    steps: [a, {b: 2026-11-22}]\n";
    let document = Document::parse(text).unwrap();
    assert_eq!(place(&document, &[]), (2, 1));
    assert_eq!(place(&document, &["name"]), (2, 7));
    assert_eq!(place(&document, &["jobs", "0"]), (4, 5));
    assert_eq!(place(&document, &["jobs", "0", "name"]), (4, 11));
    assert_eq!(place(&document, &["jobs", "0", "steps", "1", "b"]), (5, 20));
    // Not there: the nearest ancestor.
    assert_eq!(place(&document, &["jobs", "0", "nope", "deeper"]), (4, 5));
    assert_eq!(place(&document, &["jobs", "7"]), (4, 3));

    let key = document.key_position(&path(&["jobs", "0", "steps"])).unwrap();
    assert_eq!((key.line, key.column), (5, 5));
    let item = document.key_position(&path(&["jobs", "0"])).unwrap();
    assert_eq!((item.line, item.column), (4, 5));

    assert!(document.is_timestamp(&path(&["jobs", "0", "steps", "1", "b"])));
    assert!(!document.is_timestamp(&path(&["name"])));
    assert!(!document.is_timestamp(&path(&["jobs", "0", "steps", "1", "b", "deeper"])));
}

#[test]
fn merged_entries_have_the_place_of_their_source() {
    let document =
        Document::parse("- &x {a: 1, b: 2}\n- c: 0\n  <<: *x\n  a: 9\n  z: 8\n").unwrap();
    assert_eq!(place(&document, &["1", "a"]), (4, 6));
    assert_eq!(place(&document, &["1", "b"]), (1, 16));
    assert_eq!(place(&document, &["1", "z"]), (5, 6));
    let quoted = Document::parse("d: '2026-11-22'").unwrap();
    assert!(!quoted.is_timestamp(&path(&["d"])));
}
