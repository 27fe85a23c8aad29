//! Inputs as text: `--input`, `--input-file`, `--stdin`.
//!
//! ```text
//! --input '{"a": {"b": 1}}'     one value that begins with `{`: a JSON object
//! --input a.b=text              dots nest; the value is text
//! --input a.b:json=[1,2]        the value is JSON
//! --input a=@notes.txt          the value is the content of a file
//! --input a=\@text              the value is the text `@text`
//! ```
//!
//! The file or standard input come first; `--input` is merged on top, map by map. Standard input
//! may hold several maps (a JSON list, or one JSON map per line): each is a run of its own.

use serde_json::{Map, Value};
use swamp_yaml::Document;

/// Reads the files that inputs name.
pub trait FileReader {
    /// The content as text. `path` is as written, without a leading `@`; a leading `~/` is for the
    /// reader to understand.
    fn read(&self, path: &str) -> std::io::Result<String>;
}

/// Inputs as they came in.
#[derive(Clone, Copy, Debug, Default)]
pub struct RawInputs<'a> {
    /// Values of `--input`, in order.
    pub inputs: &'a [String],
    /// Value of `--input-file`.
    pub file: Option<&'a str>,
    /// Text of standard input, if it was asked for.
    pub stdin: Option<&'a str>,
}

/// The inputs of one run, or of several.
#[derive(Clone, Debug, PartialEq)]
pub enum Runs {
    /// One run.
    One(Map<String, Value>),
    /// One run after the other; may be empty.
    Many(Vec<Map<String, Value>>),
}

/// Inputs that cannot be read; a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct GrammarError(pub String);

type Result<T> = std::result::Result<T, GrammarError>;

/// Reads the inputs of one run.
pub fn parse(raw: &RawInputs<'_>, files: &dyn FileReader) -> Result<Map<String, Value>> {
    match parse_runs(raw, files)? {
        Runs::One(inputs) => Ok(inputs),
        Runs::Many(_) => fail("Standard input must hold one map of inputs here, not several"),
    }
}

/// Reads the inputs of one run or, from standard input, of several.
pub fn parse_runs(raw: &RawInputs<'_>, files: &dyn FileReader) -> Result<Runs> {
    let on_top = match raw.inputs {
        [single] if single.trim_start().starts_with('{') => parse_json_object(single)?,
        assignments => parse_assignments(assignments, files)?,
    };
    let base = match (raw.file, raw.stdin) {
        (Some(_), Some(_)) => return fail("--stdin and --input-file cannot be combined"),
        (Some(file), None) => Runs::One(read_file(file, files)?),
        (None, Some(text)) => parse_stdin(text)?,
        (None, None) => return Ok(Runs::One(on_top)),
    };
    let merged = |mut inputs| {
        merge(&mut inputs, on_top.clone());
        inputs
    };
    Ok(match base {
        Runs::One(inputs) => Runs::One(merged(inputs)),
        Runs::Many(list) => Runs::Many(list.into_iter().map(merged).collect()),
    })
}

/// Reads `key=value` texts.
pub fn parse_assignments(texts: &[String], files: &dyn FileReader) -> Result<Map<String, Value>> {
    let mut inputs = Map::new();
    for text in texts {
        let Some((key, value)) = text.split_once('=') else {
            return fail(format!("Invalid input format: \"{text}\". Expected key=value format."));
        };
        let (key, is_json) = split_json_suffix(key);
        if key.split('.').any(str::is_empty) {
            return fail(format!("Invalid input: empty key in \"{text}\"."));
        }
        let value = match value.strip_prefix('@') {
            _ if is_json => serde_json::from_str(value).map_err(|error| {
                GrammarError(format!("Invalid JSON value for input \"{key}\": {error}"))
            })?,
            Some(path) => Value::String(read_value(key, path, files)?),
            None if value.starts_with("\\@") => Value::String(value[1..].to_owned()),
            None => Value::String(value.to_owned()),
        };
        insert(&mut inputs, key, value);
    }
    Ok(inputs)
}

fn fail<T>(message: impl Into<String>) -> Result<T> {
    Err(GrammarError(message.into()))
}

/// Whether the last part of a key ends in `:json`, and the key without that. A last part that is
/// nothing but `:json` is a name.
fn split_json_suffix(key: &str) -> (&str, bool) {
    match key.strip_suffix(":json") {
        Some(name) if !name.is_empty() && !name.ends_with('.') => (name, true),
        _ => (key, false),
    }
}

fn insert(inputs: &mut Map<String, Value>, key: &str, value: Value) {
    match key.split_once('.') {
        None => {
            inputs.insert(key.to_owned(), value);
        }
        Some((first, rest)) => {
            let slot = inputs.entry(first).or_insert(Value::Null);
            if !slot.is_object() {
                *slot = Value::Object(Map::new());
            }
            if let Value::Object(map) = slot {
                insert(map, rest, value);
            }
        }
    }
}

/// Puts one map on top of another: maps are merged, everything else is replaced.
fn merge(base: &mut Map<String, Value>, on_top: Map<String, Value>) {
    for (key, value) in on_top {
        match (base.get_mut(&key), value) {
            (Some(Value::Object(below)), Value::Object(above)) => merge(below, above),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

fn parse_json_object(text: &str) -> Result<Map<String, Value>> {
    serde_json::from_str(text)
        .map_err(|error| GrammarError(format!("Invalid JSON in --input: {error}")))
}

fn read_value(key: &str, path: &str, files: &dyn FileReader) -> Result<String> {
    files.read(path).map_err(|error| {
        GrammarError(if error.kind() == std::io::ErrorKind::NotFound {
            format!("Input file not found for key \"{key}\": {path}")
        } else {
            format!("Cannot read input file for key \"{key}\": {path}: {error}")
        })
    })
}

fn read_file(path: &str, files: &dyn FileReader) -> Result<Map<String, Value>> {
    let text = files.read(path).map_err(|error| {
        GrammarError(if error.kind() == std::io::ErrorKind::NotFound {
            format!("Input file not found: {path}")
        } else {
            format!("Failed to read input file: {error}")
        })
    })?;
    match parse_document(&text) {
        Ok(Value::Object(inputs)) => Ok(inputs),
        Ok(_) => fail("Failed to read input file: Input file must contain a YAML object"),
        Err(error) => fail(format!("Failed to read input file: {path}{error}")),
    }
}

/// YAML, of which JSON is a part. An error is the place and the message, to stand after a name.
fn parse_document(text: &str) -> std::result::Result<Value, String> {
    // JSON indented with tabs is not YAML.
    if let Ok(value) = serde_json::from_str(text) {
        return Ok(value);
    }
    Document::parse(text).map(Document::into_value).map_err(|error| match error.position {
        Some(position) => format!(":{position}: {error}"),
        None => format!(": {error}"),
    })
}

fn parse_stdin(text: &str) -> Result<Runs> {
    let objects = |values: Vec<Value>| {
        values.into_iter().map(|value| match value {
            Value::Object(map) => Ok(map),
            _ => fail("Failed to read standard input: every item must be a map of inputs"),
        })
    };
    let lines: std::result::Result<Vec<Value>, _> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(serde_json::from_str::<Value>)
        .collect();
    match parse_document(text) {
        Ok(Value::Object(inputs)) => Ok(Runs::One(inputs)),
        Ok(Value::Array(items)) => Ok(Runs::Many(objects(items).collect::<Result<_>>()?)),
        Ok(_) => fail("Failed to read standard input: it must hold a map of inputs"),
        Err(error) => match lines {
            Ok(values) => Ok(Runs::Many(objects(values).collect::<Result<_>>()?)),
            Err(_) => fail(format!("Failed to read standard input{error}")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;
    use std::io;

    struct Files;

    impl FileReader for Files {
        fn read(&self, path: &str) -> io::Result<String> {
            Ok(match path {
                "message.txt" => "two\nlines\n",
                "values.yaml" => {
                    "text: from file\nnested: {a: 1, b: {c: two}}\nlist: [x, y]\ncount: 3\n"
                }
                "values.json" => "{\n\t\"text\": \"from json\"\n}",
                "list.yaml" => "- 1\n",
                "broken.yaml" => "a: [1\n",
                "locked" => return Err(io::Error::from(io::ErrorKind::PermissionDenied)),
                _ => return Err(io::Error::from(io::ErrorKind::NotFound)),
            }
            .to_owned())
        }
    }

    fn read(inputs: &[&str], file: Option<&str>) -> Result<Value> {
        let inputs: Vec<String> = inputs.iter().map(ToString::to_string).collect();
        parse(&RawInputs { inputs: &inputs, file, stdin: None }, &Files).map(Value::Object)
    }

    #[test]
    fn every_form_of_input() {
        let cases: [(&[&str], Option<&str>, Value); 19] = [
            (&[], None, json!({})),
            (&["text=plain", "count=4"], None, json!({"text": "plain", "count": "4"})),
            (
                &["n.a.b=deep", "n.a.c=also", "n.d="],
                None,
                json!({"n": {"a": {"b": "deep", "c": "also"}, "d": ""}}),
            ),
            (
                &["l:json=[1,\"two\",null]", "n.x:json={\"k\":[true]}"],
                None,
                json!({"l": [1, "two", null], "n": {"x": {"k": [true]}}}),
            ),
            (
                &["{\"text\":\"json\",\"n\":{\"k\":1}}"],
                None,
                json!({"text": "json", "n": {"k": 1}}),
            ),
            (&[" {\"a\":1} "], None, json!({"a": 1})),
            (&["text=@message.txt"], None, json!({"text": "two\nlines\n"})),
            (&["text=\\@message.txt"], None, json!({"text": "@message.txt"})),
            (&["text=\\message"], None, json!({"text": "\\message"})),
            (&["a:json=\"@message.txt\""], None, json!({"a": "@message.txt"})),
            (&["t=a=b=c", "t=later wins"], None, json!({"t": "later wins"})),
            (&["obj=5", "obj.x=q"], None, json!({"obj": {"x": "q"}})),
            (&["obj.x=q", "obj=5"], None, json!({"obj": "5"})),
            (&[":json=1"], None, json!({":json": "1"})),
            (&["a.:json=1"], None, json!({"a": {":json": "1"}})),
            (&["a:json.b=1"], None, json!({"a:json": {"b": "1"}})),
            (
                &["nested.b.c=three", "list:json=[1]"],
                Some("values.yaml"),
                json!({"text": "from file", "nested": {"a": 1, "b": {"c": "three"}}, "list": [1], "count": 3}),
            ),
            (
                &["{\"nested\":{\"a\":2}}"],
                Some("values.yaml"),
                json!({"text": "from file", "nested": {"a": 2, "b": {"c": "two"}}, "list": ["x", "y"], "count": 3}),
            ),
            (&[], Some("values.json"), json!({"text": "from json"})),
        ];
        for (inputs, file, want) in cases {
            assert_eq!(read(inputs, file), Ok(want), "{inputs:?} {file:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let cases: [(&[&str], Option<&str>, &str); 12] = [
            (&["novalue"], None, "Invalid input format: \"novalue\". Expected key=value format."),
            (&["=value"], None, "Invalid input: empty key in \"=value\"."),
            (&["a..b=1"], None, "Invalid input: empty key in \"a..b=1\"."),
            (&["{\"run\": "], None, "Invalid JSON in --input: "),
            (
                &["{\"run\":\"x\"}", "run=y"],
                None,
                "Invalid input format: \"{\"run\":\"x\"}\". Expected",
            ),
            (&["env:json={bad"], None, "Invalid JSON value for input \"env\": "),
            (&["run=@missing.txt"], None, "Input file not found for key \"run\": missing.txt"),
            (&["run=@locked"], None, "Cannot read input file for key \"run\": locked: "),
            (&[], Some("missing.yaml"), "Input file not found: missing.yaml"),
            (&[], Some("locked"), "Failed to read input file: "),
            (
                &[],
                Some("list.yaml"),
                "Failed to read input file: Input file must contain a YAML object",
            ),
            (&[], Some("broken.yaml"), "Failed to read input file: broken.yaml:"),
        ];
        for (inputs, file, want) in cases {
            let error = read(inputs, file).unwrap_err().0;
            assert!(error.starts_with(want), "{inputs:?} {file:?}: {error}");
        }
    }

    #[test]
    fn standard_input_holds_one_run_or_many() {
        let map = |value: Value| value.as_object().unwrap().clone();
        let one = |value| Ok(Runs::One(map(value)));
        let many = |values: Vec<Value>| Ok(Runs::Many(values.into_iter().map(map).collect()));
        let cases = [
            ("{\"a\": 1}", one(json!({"a": 1, "z": "t"}))),
            ("a: 1\nb: [x]\n", one(json!({"a": 1, "b": ["x"], "z": "t"}))),
            (
                "[{\"a\": 1}, {\"a\": 2, \"z\": 0}]",
                many(vec![json!({"a": 1, "z": "t"}), json!({"a": 2, "z": "t"})]),
            ),
            (
                "{\"a\": 1}\n\n{\"a\": 2}\n",
                many(vec![json!({"a": 1, "z": "t"}), json!({"a": 2, "z": "t"})]),
            ),
            ("[]", many(vec![])),
            ("[1]", Err("Failed to read standard input: every item must be a map of inputs")),
            ("text", Err("Failed to read standard input: it must hold a map of inputs")),
            ("a: [", Err("Failed to read standard input")),
        ];
        for (text, want) in cases {
            let inputs = ["z=t".to_owned()];
            let raw = RawInputs { inputs: &inputs, file: None, stdin: Some(text) };
            match (parse_runs(&raw, &Files), want) {
                (Err(GrammarError(got)), Err(want)) => assert!(got.starts_with(want), "{got}"),
                (got, want) => {
                    assert_eq!(got, want.map_err(|text| GrammarError(text.to_owned())), "{text}");
                }
            }
        }
        let raw = RawInputs { inputs: &[], file: Some("values.yaml"), stdin: Some("{}") };
        assert!(parse_runs(&raw, &Files).is_err());
        let raw = RawInputs { inputs: &[], file: None, stdin: Some("[{}]") };
        assert!(parse(&raw, &Files).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(texts in prop::collection::vec(".{0,12}", 0..4)) {
            drop(parse(&RawInputs { inputs: &texts, file: None, stdin: None }, &Files));
        }

        #[test]
        fn a_value_arrives_as_it_is(key in "[a-z]{1,8}", value in "[^@\\\\].*") {
            let text = format!("{key}={value}");
            let inputs = parse_assignments(&[text], &Files).unwrap();
            prop_assert_eq!(inputs.get(&key).unwrap().as_str(), Some(value.as_str()));
        }
    }
}
