//! What a step gave, as the run record keeps it.
//!
//! A step's part of the record is text from the beginning: a run of a thousand steps makes a
//! thousand of them, each mentions its tags up to nine times, and all but the first mention is a
//! copy of lines.

use std::fmt::Write as _;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};
use swamp_events::ArtifactRef;
use swamp_model::{MethodRun, StoredArtifact};
use swamp_store::{Body, StoreError};

use crate::yaml_text::indented;

/// Texts of stored data that are longer than this are cut in the run record. The data itself is
/// whole.
const LONGEST_TEXT: usize = 64 * 1024;

/// What a step leaves in the run record and shows in the run's JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Leavings {
    /// `output` and `dataArtifacts` as YAML, not indented.
    pub(super) yaml: String,
    /// `dataArtifacts` as compact JSON; empty if there are none.
    pub(super) artifacts: String,
}

impl Leavings {
    /// Of a method that succeeded: `output` is `{type, model, method, resources, files,
    /// dataArtifacts, dataHandles}`. `model` is the reference as written.
    pub(super) fn of_method(model: &str, run: &MethodRun) -> Result<Self, StoreError> {
        let reports = run.reports.iter().flatten().flat_map(|report| &report.artifacts);
        let stored: Vec<TaggedArtifact<'_>> =
            run.artifacts.iter().map(|stored| TaggedArtifact::new(&stored.artifact)).collect();
        let all: Vec<TaggedArtifact<'_>> =
            stored.iter().cloned().chain(reports.map(TaggedArtifact::new)).collect();
        let artifacts = list("dataArtifacts", all.iter().map(TaggedArtifact::yaml));
        let mut output = swamp_yaml::to_string(&json!({
            "type": "model_method",
            "model": model,
            "method": run.call.method,
        }));
        output.push_str(&swamp_yaml::to_string(&records(run)?));
        output.push_str(&artifacts);
        let handles = run.artifacts.iter().zip(&stored);
        output.push_str(&list(
            "dataHandles",
            handles.map(|(stored, tagged)| handle_yaml(stored, &tagged.tags)),
        ));
        Ok(Self {
            yaml: format!("output:\n{}{artifacts}", indented(&output, 2)),
            artifacts: to_json(&all),
        })
    }

    /// Of a method that failed after it had stored data.
    pub(super) fn of_failure(stored: &[ArtifactRef]) -> Self {
        if stored.is_empty() {
            return Self::default();
        }
        let all: Vec<TaggedArtifact<'_>> = stored.iter().map(TaggedArtifact::new).collect();
        Self {
            yaml: list("dataArtifacts", all.iter().map(TaggedArtifact::yaml)),
            artifacts: to_json(&all),
        }
    }

    /// Of a nested run that succeeded.
    pub(super) fn of_workflow(workflow: &str, run: &str) -> Self {
        let output =
            json!({"type": "workflow", "workflow": workflow, "runId": run, "status": "succeeded"});
        Self { yaml: swamp_yaml::to_string(&json!({"output": output})), artifacts: String::new() }
    }
}

/// An artifact and its tags as YAML.
#[derive(Clone)]
struct TaggedArtifact<'a> {
    artifact: &'a ArtifactRef,
    tags: String,
}

impl<'a> TaggedArtifact<'a> {
    fn new(artifact: &'a ArtifactRef) -> Self {
        let tags = artifact.tags.iter();
        let tags: Map<String, Value> =
            tags.map(|(key, tag)| (key.clone(), Value::from(tag.as_str()))).collect();
        Self { artifact, tags: swamp_yaml::to_string(&Value::Object(tags)) }
    }

    fn yaml(&self) -> String {
        let mut text = swamp_yaml::to_string(&json!({
            "dataId": self.artifact.id,
            "name": self.artifact.name,
            "version": self.artifact.version,
        }));
        text.push_str(&below("tags", &self.tags));
        text
    }
}

impl Serialize for TaggedArtifact<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Tags<'a>(&'a [(String, String)]);
        impl Serialize for Tags<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_map(self.0.iter().map(|(key, tag)| (key, tag)))
            }
        }
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("dataId", self.artifact.id.as_str())?;
        map.serialize_entry("name", self.artifact.name.as_str())?;
        map.serialize_entry("version", &self.artifact.version)?;
        map.serialize_entry("tags", &Tags(&self.artifact.tags))?;
        map.end()
    }
}

fn to_json(artifacts: &[TaggedArtifact<'_>]) -> String {
    serde_json::to_string(artifacts).unwrap_or_default()
}

fn handle_yaml(stored: &StoredArtifact, tags: &str) -> String {
    let metadata = &stored.version.metadata;
    let kind = if stored.attributes.is_none() { "file" } else { "resource" };
    let mut text = swamp_yaml::to_string(&json!({
        "name": stored.artifact.name,
        "specName": stored.spec,
        "kind": kind,
        "dataId": stored.artifact.id,
        "version": stored.artifact.version,
        "size": metadata.size,
    }));
    text.push_str(&below("tags", tags));
    let mut inner = swamp_yaml::to_string(&json!({
        "contentType": metadata.content_type,
        "lifetime": metadata.lifetime.to_string(),
        "garbageCollection": metadata.garbage_collection.to_value(),
        "streaming": metadata.streaming,
    }));
    inner.push_str(&below("tags", tags));
    inner.push_str(&below("ownerDefinition", &swamp_yaml::to_string(&metadata.owner.to_value())));
    text.push_str(&below("metadata", &inner));
    text
}

/// `resources` and `files`: records by output and data name.
fn records(run: &MethodRun) -> Result<Value, StoreError> {
    let mut groups = [Map::new(), Map::new()];
    for stored in &run.artifacts {
        let (group, record) = match &stored.attributes {
            Some(attributes) => (0, resource_record(stored, attributes)?),
            None => (1, stored.version.file_record()),
        };
        let instances =
            groups[group].entry(stored.spec.as_str()).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(instances) = instances {
            instances.insert(stored.artifact.name.as_str().to_owned(), record);
        }
    }
    let [resources, files] = groups.map(Value::Object);
    Ok([("resources".to_owned(), resources), ("files".to_owned(), files)].into_iter().collect())
}

fn resource_record(stored: &StoredArtifact, attributes: &Value) -> Result<Value, StoreError> {
    let mut record = stored.version.record(true, Body::NONE)?;
    let mut attributes = attributes.clone();
    shorten(&mut attributes);
    record["attributes"] = attributes;
    Ok(record)
}

/// Cuts long texts anywhere in a value and says so in their place.
fn shorten(value: &mut Value) {
    match value {
        Value::String(text) if text.len() > LONGEST_TEXT => {
            let length = text.len();
            text.truncate(text.floor_char_boundary(LONGEST_TEXT));
            let _ = write!(text, "… (cut here; {length} bytes in the stored data)");
        }
        Value::Array(items) => items.iter_mut().for_each(shorten),
        Value::Object(entries) => entries.values_mut().for_each(shorten),
        _ => {}
    }
}

/// A key with a mapping, given as text, as its value.
fn below(key: &str, mapping: &str) -> String {
    if mapping.trim_end() == "{}" {
        return format!("{key}: {{}}\n");
    }
    format!("{key}:\n{}", indented(mapping, 2))
}

/// A key with a list of mappings, given as texts, as its value.
fn list(key: &str, mappings: impl Iterator<Item = String>) -> String {
    let mut text = format!("{key}:\n");
    let empty = text.len();
    for mapping in mappings {
        let mut item = indented(&mapping, 4);
        // The first line is not empty: a mapping begins with a key.
        item.replace_range(2..3, "-");
        text.push_str(&item);
    }
    if text.len() == empty { format!("{key}: []\n") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use swamp_yaml::Document;

    #[test]
    fn long_texts_are_cut_between_characters() {
        let mut value = json!({"a": ["é".repeat(LONGEST_TEXT)], "b": "short", "n": 1});
        shorten(&mut value);
        let text = value["a"][0].as_str().unwrap();
        assert!(text.len() < LONGEST_TEXT + 100);
        assert!(text.ends_with("é… (cut here; 131072 bytes in the stored data)"));
        assert_eq!(value["b"], "short");
    }

    fn artifact(name: &str, tags: &[(&str, &str)]) -> ArtifactRef {
        ArtifactRef {
            id: swamp_ident::DataId::new("d-1"),
            name: swamp_ident::DataName::new(name),
            version: 3,
            tags: tags.iter().map(|(key, tag)| ((*key).to_owned(), (*tag).to_owned())).collect(),
        }
    }

    #[test]
    fn artifacts_say_the_same_as_yaml_and_as_json() {
        let stored =
            [artifact("a: b", &[("type", "x"), ("note", "two\n\nlines\n")]), artifact("-", &[])];
        let leavings = Leavings::of_failure(&stored);
        let yaml = Document::parse(&leavings.yaml).unwrap().into_value();
        let want = json!([
            {
                "dataId": "d-1", "name": "a: b", "version": 3,
                "tags": {"type": "x", "note": "two\n\nlines\n"},
            },
            {"dataId": "d-1", "name": "-", "version": 3, "tags": {}},
        ]);
        assert_eq!(yaml, json!({"dataArtifacts": want}));
        assert_eq!(serde_json::from_str::<Value>(&leavings.artifacts).unwrap(), want);
        assert_eq!(swamp_yaml::to_string(&yaml), leavings.yaml, "and it is laid out as usual");
        assert_eq!(Leavings::of_failure(&[]), Leavings::default());
    }
}
