//! Matching recorded texts with placeholders against real ones.
//!
//! `<uuid:N>` is bound when it first meets a UUID and is that UUID from then on. The others stand
//! for any value of their kind.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use serde_json::Value;

/// What the placeholders of one recording stand for so far.
#[derive(Clone, Debug)]
pub struct Bindings {
    fixed: Vec<(&'static str, String)>,
    uuids: BTreeMap<String, String>,
    taken: BTreeSet<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Placeholder(String),
}

const UUID: &str = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
const TIME: &str = r"(?:\d{4}-\d\d-\d\dT\d\d[:-]\d\d[:-]\d\d[.-]\d{3}Z|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \+00:00|\d\d:\d\d:\d\d\.\d{3})";
const KINDS: [(&str, &str); 18] = [
    ("ts", TIME),
    ("date", r"\d{4}-\d\d-\d\d"),
    ("ms", r"\d+(?:\.\d+)?(?:ms|s)?"),
    ("version", r"[0-9A-Za-z.+_-]+"),
    ("sha256", "[0-9a-f]{64}"),
    ("bytes", r"\d+"),
    ("n", r"\d+"),
    ("pid", r"\d+"),
    ("hostname", r"[^\s@]+"),
    ("holder", r"\S+"),
    ("platform", "[a-z]+"),
    ("stack", r"(?s:.+)"),
    ("hex8", "[0-9a-f]{8}"),
    ("sh", r"[^\s']*sh"),
    ("prose", r"(?s:.*\S.*)"),
    ("repo", ""),
    ("config", ""),
    ("home", ""),
];

impl Bindings {
    /// Nothing bound; `repo`, `config` and `home` are directories.
    pub fn new(repo: &str, config: &str, home: &str) -> Self {
        Self {
            fixed: vec![
                ("repo", repo.to_owned()),
                ("config", config.to_owned()),
                ("home", home.to_owned()),
            ],
            uuids: BTreeMap::new(),
            taken: BTreeSet::new(),
        }
    }

    /// Fills the placeholders of a command line argument. One that was never bound, because an earlier
    /// command did not do what it should, stays as it is.
    pub fn fill(&self, text: &str) -> String {
        pieces(text)
            .into_iter()
            .map(|piece| match piece {
                Piece::Text(text) => text,
                Piece::Placeholder(name) => {
                    self.value(&name).unwrap_or_else(|| format!("<{name}>"))
                }
            })
            .collect()
    }

    /// Whether `actual` is what `recorded` says; binds what it meets for the first time.
    pub fn matches(&mut self, recorded: &str, actual: &str) -> bool {
        let pieces = pieces(recorded);
        if let [Piece::Text(text)] = pieces.as_slice() {
            return text == actual;
        }
        let mut pattern = String::from(r"\A");
        let mut captures: Vec<String> = Vec::new();
        for piece in &pieces {
            match piece {
                Piece::Text(text) => pattern.push_str(&regex::escape(text)),
                Piece::Placeholder(name) => match self.value(name) {
                    Some(value) => pattern.push_str(&regex::escape(&value)),
                    None if name.starts_with("uuid:") => {
                        let shape = if full_name(name).is_some() { "[0-9a-f]{8}" } else { UUID };
                        pattern.extend(["(", shape, ")"]);
                        captures.push(name.clone());
                    }
                    None => pattern.extend(["(?:", shape(name), ")"]),
                },
            }
        }
        pattern.push_str(r"\z");
        let regex = Regex::new(&pattern).expect("a valid pattern");
        let Some(found) = regex.captures(actual) else {
            return false;
        };
        let mut trial = self.clone();
        for (name, value) in captures.iter().zip(found.iter().skip(1).flatten()) {
            if full_name(name).is_none() && !trial.bind(name, value.as_str()) {
                return false;
            }
        }
        *self = trial;
        true
    }

    /// Whether a JSON value that is no text is what a placeholder alone stands for.
    pub fn matches_number(recorded: &str, actual: &Value) -> bool {
        matches!(recorded, "<ms>" | "<bytes>" | "<n>" | "<pid>")
            && actual.as_f64().is_some_and(|number| number >= 0.0)
    }

    /// A pattern for paths: unbound identifiers and times are wild.
    pub fn path_pattern(&self, recorded: &str) -> Regex {
        let mut pattern = String::from(r"\A");
        for piece in pieces(recorded) {
            match piece {
                Piece::Text(text) => pattern.push_str(&regex::escape(&text)),
                Piece::Placeholder(name) => match self.value(&name) {
                    Some(value) => pattern.push_str(&regex::escape(&value)),
                    None if name.starts_with("uuid:") => pattern.push_str(UUID),
                    None => pattern.push_str(shape(&name)),
                },
            }
        }
        Regex::new(&format!(r"{pattern}\z")).expect("a valid pattern")
    }

    fn bind(&mut self, name: &str, value: &str) -> bool {
        match self.uuids.get(name) {
            Some(bound) => bound == value,
            None if self.taken.contains(value) => false,
            None => {
                self.uuids.insert(name.to_owned(), value.to_owned());
                self.taken.insert(value.to_owned());
                true
            }
        }
    }

    fn value(&self, name: &str) -> Option<String> {
        if let Some((_, value)) = self.fixed.iter().find(|(fixed, _)| *fixed == name) {
            return Some(value.clone());
        }
        if let Some(full) = full_name(name) {
            return self.uuids.get(full).map(|uuid| uuid[..8].to_owned());
        }
        self.uuids.get(name).cloned()
    }
}

/// `uuid:N:8`, the first eight characters of a UUID, stands for a part of `uuid:N`.
fn full_name(name: &str) -> Option<&str> {
    name.strip_suffix(":8").filter(|full| full.len() > "uuid:".len())
}

/// Whether the text has any placeholder.
pub fn has_placeholder(text: &str) -> bool {
    pieces(text).iter().any(|piece| matches!(piece, Piece::Placeholder(_)))
}

fn shape(name: &str) -> &'static str {
    if name.starts_with("base64:") {
        return "[A-Za-z0-9+/]+=*";
    }
    if name.starts_with("key:") {
        return r"\S+";
    }
    KINDS.iter().find(|(kind, _)| *kind == name).map(|(_, shape)| *shape).expect("a known kind")
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let (before, from) = rest.split_at(start);
        plain.push_str(before);
        let name = from.find('>').map(|end| &from[1..end]).filter(|name| is_placeholder(name));
        if let Some(name) = name {
            if !plain.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
            }
            pieces.push(Piece::Placeholder(name.to_owned()));
            rest = &from[name.len() + 2..];
        } else {
            plain.push('<');
            rest = &from[1..];
        }
    }
    plain.push_str(rest);
    if !plain.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    pieces
}

fn is_placeholder(name: &str) -> bool {
    let (kind, argument) = name.split_once(':').unwrap_or((name, ""));
    match kind {
        "uuid" | "base64" | "key" => {
            !argument.is_empty()
                && argument.bytes().all(|byte| byte.is_ascii_digit() || byte == b':')
        }
        _ => argument.is_empty() && KINDS.iter().any(|(known, _)| *known == name),
    }
}

#[test]
fn a_uuid_is_bound_once_and_no_two_placeholders_share_one() {
    let (a, b) = ("3ff925b5-86f6-4ccf-a84d-bf6374e2d576", "84ead6b7-dfcf-4582-8ae4-e8032eb9a518");
    let mut bindings = Bindings::new("/r", "/c", "/h");
    assert!(bindings.matches("<repo>/models/<uuid:1>.yaml", &format!("/r/models/{a}.yaml")));
    assert!(!bindings.matches("<uuid:1>", b));
    assert!(!bindings.matches("<uuid:2>", a));
    assert!(bindings.matches("<uuid:2>", b));
    assert!(bindings.matches("run <uuid:2:8>", "run 84ead6b7"));
    assert!(bindings.matches("<uuid:8>", "25a88f8c-05e1-42aa-b8ec-0b87d8d2c980"));
    assert_eq!(bindings.fill("<uuid:1>/x"), format!("{a}/x"));
}

#[test]
fn other_placeholders_stand_for_their_kind() {
    let mut bindings = Bindings::new("/r", "/c", "/h");
    for (recorded, actual, want) in [
        ("<ts>", "2026-11-22T09:59:20.462Z", true),
        ("x-<ts>.log", "x-2026-11-22T09-59-20-462Z.log", true),
        ("<ts>", "yesterday", false),
        ("<prose>", "some words", true),
        ("<prose>", " ", false),
        ("swamp data get <model> <data_name>", "swamp data get <model> <data_name>", true),
        ("<sha256>", "abc", false),
    ] {
        assert_eq!(bindings.matches(recorded, actual), want, "{recorded} {actual}");
    }
    assert!(Bindings::matches_number("<ms>", &serde_json::json!(12.5)));
    assert!(!Bindings::matches_number("<ms>", &serde_json::json!("12")));
}
