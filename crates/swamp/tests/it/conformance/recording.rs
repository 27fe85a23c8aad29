//! Recordings and our own notes about them, as read from their files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::place::{Dotted, Item, Pattern, Place};

/// A place where we differ, with the reason.
#[derive(Debug)]
pub struct Note {
    pub place: String,
    pub pattern: Pattern,
    pub why: String,
    /// What stands there with us; without it nothing is compared there.
    pub want: Option<Value>,
    /// Whether the difference follows from one that the recording itself asks for.
    pub follows: bool,
}

/// `reference-differences.yaml`: notes by recording.
#[derive(Debug)]
pub struct Known(BTreeMap<String, Vec<Note>>);

/// One recording.
#[derive(Debug)]
pub struct Recording {
    pub name: String,
    pub init: bool,
    pub marker: Option<Value>,
    pub env: Vec<(String, String)>,
    pub files: Vec<(String, String)>,
    pub steps: Vec<Step>,
    pub after: Map<String, Value>,
    deviate: Vec<Pattern>,
    wanted: Vec<Pattern>,
    /// Places with a note that wants what was recorded anyway.
    pub redundant: Vec<String>,
}

/// One command line of a recording.
#[derive(Debug)]
pub struct Step {
    pub args: Vec<String>,
    pub env: Vec<(String, String)>,
    pub cwd: Option<String>,
    pub stdin: Option<String>,
    pub write: Vec<(String, String)>,
    pub exit: i64,
    pub output: Output,
    pub rules: Rules,
}

/// What was recorded of standard output.
#[derive(Debug)]
pub enum Output {
    Json(Value),
    JsonDocuments(Vec<Value>),
    /// Text for people, or nothing recorded.
    Informative,
}

/// How a document is compared.
#[derive(Debug, Default)]
pub struct Rules {
    pub unordered: Vec<Dotted>,
    pub unstable: Vec<Dotted>,
    pub library_text: Vec<Dotted>,
    pub not_recorded: Vec<Dotted>,
}

fn tests_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

fn read_yaml(path: &Path) -> Value {
    let text =
        std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    swamp_yaml::Document::parse(&text)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        .into_value()
}

impl Known {
    pub fn load() -> Self {
        let file = tests_dir().join("reference-differences.yaml");
        let Value::Object(recordings) = read_yaml(&file) else {
            panic!("{} must be a mapping", file.display());
        };
        let note = |note: &Value| {
            let place = text(&note["where"]);
            let pattern = Pattern::parse(&place);
            let why = text(&note["why"]);
            let follows = note["follows"] == Value::Bool(true);
            Note { place, pattern, why, want: note.get("want").cloned(), follows }
        };
        let notes = recordings
            .into_iter()
            .map(|(name, notes)| (name, items(&notes).iter().map(note).collect()));
        Self(notes.collect())
    }

    /// The notes about a recording.
    pub fn of(&self, name: &str) -> &[Note] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// The recordings there are notes about.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl Recording {
    /// The names of an area's recordings, sorted.
    pub fn names(area: &str) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(tests_dir().join("reference").join(area))
            .expect("the area's directory")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
            .map(|file| format!("{area}/{}", file.strip_suffix(".yaml").expect("a YAML file")))
            .collect();
        names.sort();
        names
    }

    pub fn load(name: &str, known: &Known) -> Self {
        let reference = tests_dir().join("reference");
        let mut document = read_yaml(&reference.join(format!("{name}.yaml")));
        share(&mut document, &read_yaml(&reference.join("shared.yaml")));
        let (mut wanted, mut redundant) = (Vec::new(), Vec::new());
        for note in known.of(name) {
            if let Some(want) = &note.want {
                let recorded = put(&mut document, &note.place, want.clone());
                if recorded == *want {
                    redundant.push(note.place.clone());
                }
                wanted.push(note.pattern.clone());
            }
        }
        let deviate = items(&document["deviate"])
            .iter()
            .map(|entry| Pattern::parse(&text(&entry["where"])))
            .collect();
        Self {
            name: name.to_owned(),
            init: document["init"] == Value::Bool(true),
            marker: document.get("marker").cloned(),
            env: texts(&document["env"]),
            files: texts(&document["files"]),
            steps: items(&document["steps"]).iter().map(Step::read).collect(),
            after: document["after"].as_object().cloned().unwrap_or_default(),
            deviate,
            wanted,
            redundant,
        }
    }

    /// Whether the recording itself marks this place, or what is around it, as defective.
    pub fn marks(&self, note: &Note) -> bool {
        let place = Place::of(note.pattern.some_place());
        self.deviate.iter().any(|pattern| pattern.covers(&place))
    }

    /// Whether we say what stands somewhere below this place.
    pub fn wants_below(&self, place: &Place) -> bool {
        self.wanted.iter().any(|pattern| pattern.is_below(place))
    }

    /// Whether the recording itself says that nothing should be compared here.
    pub fn deviates(&self, place: &Place) -> bool {
        self.deviate.iter().any(|pattern| pattern.covers(place))
            && !self.wanted.iter().any(|pattern| pattern.covers(place))
    }
}

impl Step {
    fn read(step: &Value) -> Self {
        let output = if let Some(json) = step.get("stdout_json") {
            Output::Json(json.clone())
        } else if let Some(documents) = step.get("stdout_json_docs") {
            Output::JsonDocuments(items(documents).to_vec())
        } else {
            Output::Informative
        };
        Self {
            args: items(&step["args"]).iter().map(text).collect(),
            env: texts(&step["env"]),
            cwd: step.get("cwd").map(text),
            stdin: step.get("stdin").map(text),
            write: texts(&step["write"]),
            exit: step["exit"].as_i64().expect("an exit code"),
            output,
            rules: Rules::read(step),
        }
    }
}

impl Rules {
    pub fn read(value: &Value) -> Self {
        let dotted =
            |key: &str| items(&value[key]).iter().map(|path| Dotted::parse(&text(path))).collect();
        Self {
            unordered: dotted("unordered"),
            unstable: dotted("unstable"),
            library_text: dotted("library_text"),
            not_recorded: dotted("not_recorded"),
        }
    }
}

/// The elements of a list; none for anything else.
pub fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A scalar as text.
pub fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn texts(value: &Value) -> Vec<(String, String)> {
    value.as_object().into_iter().flatten().map(|(key, value)| (key.clone(), text(value))).collect()
}

/// Replaces `{$shared: NAME}` by the shared value.
fn share(value: &mut Value, shared: &Value) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(|item| share(item, shared)),
        Value::Object(map) => {
            if let Some(name) = map.get("$shared").and_then(Value::as_str) {
                *value = shared[name].clone();
            } else {
                map.values_mut().for_each(|item| share(item, shared));
            }
        }
        _ => {}
    }
}

/// Puts a wanted value at a place given without wildcards. Gives what was there.
fn put(document: &mut Value, place: &str, value: Value) -> Value {
    let mut at = document;
    for item in Pattern::parse(place).concrete() {
        at = match item {
            Item::Key(key) => {
                // What was recorded there can be something else altogether, such as an error.
                if !at.is_object() {
                    *at = Value::Object(Map::new());
                }
                &mut at[key]
            }
            Item::Index(index) => {
                let list = at.as_array_mut().unwrap_or_else(|| panic!("{place}: not a list"));
                list.get_mut(index).unwrap_or_else(|| panic!("{place}: no element {index}"))
            }
        };
    }
    std::mem::replace(at, value)
}
