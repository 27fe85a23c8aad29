//! What a step gave, as the run record keeps it.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};
use swamp_events::ArtifactRef;
use swamp_model::{MethodRun, StoredArtifact};
use swamp_store::{Body, StoreError};

/// Texts of stored data that are longer than this are cut in the run record. The data itself is
/// whole.
const LONGEST_TEXT: usize = 64 * 1024;

/// `output` of a method that succeeded: `{type, model, method, resources, files, dataArtifacts,
/// dataHandles}`. `model` is the reference as written.
pub(super) fn of_method(
    model: &str,
    run: &MethodRun,
    artifacts: &Value,
) -> Result<Value, StoreError> {
    let mut resources = Map::new();
    let mut files = Map::new();
    let mut handles = Vec::new();
    for stored in &run.artifacts {
        let is_file = stored.attributes.is_none();
        let (group, record) = if is_file {
            (&mut files, stored.version.file_record())
        } else {
            (&mut resources, resource_record(stored)?)
        };
        let instances =
            group.entry(stored.spec.as_str()).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(instances) = instances {
            instances.insert(stored.artifact.name.as_str().to_owned(), record);
        }
        handles.push(handle(stored, if is_file { "file" } else { "resource" }));
    }
    Ok(json!({
        "type": "model_method",
        "model": model,
        "method": run.call.method,
        "resources": resources,
        "files": files,
        "dataArtifacts": artifacts,
        "dataHandles": handles,
    }))
}

/// `output` of a nested run that succeeded.
pub(super) fn of_workflow(workflow: &str, run: &str) -> Value {
    json!({"type": "workflow", "workflow": workflow, "runId": run, "status": "succeeded"})
}

/// `dataArtifacts`: stored data, then stored reports.
pub(super) fn artifacts<'a>(artifacts: impl IntoIterator<Item = &'a ArtifactRef>) -> Value {
    let artifacts = artifacts.into_iter().map(|artifact| {
        json!({
            "dataId": artifact.id,
            "name": artifact.name,
            "version": artifact.version,
            "tags": tags(&artifact.tags),
        })
    });
    artifacts.collect()
}

fn resource_record(stored: &StoredArtifact) -> Result<Value, StoreError> {
    let mut record = stored.version.record(true, Body::NONE)?;
    let mut attributes = stored.attributes.clone().unwrap_or_default();
    shorten(&mut attributes);
    record["attributes"] = attributes;
    Ok(record)
}

fn handle(stored: &StoredArtifact, kind: &str) -> Value {
    let metadata = &stored.version.metadata;
    let tags = tags(&stored.artifact.tags);
    json!({
        "name": stored.artifact.name,
        "specName": stored.spec,
        "kind": kind,
        "dataId": stored.artifact.id,
        "version": stored.artifact.version,
        "size": metadata.size,
        "tags": tags,
        "metadata": {
            "contentType": metadata.content_type,
            "lifetime": metadata.lifetime.to_string(),
            "garbageCollection": metadata.garbage_collection.to_value(),
            "streaming": metadata.streaming,
            "tags": tags,
            "ownerDefinition": metadata.owner.to_value(),
        },
    })
}

fn tags(tags: &[(String, String)]) -> Value {
    tags.iter().map(|(key, tag)| (key.clone(), Value::from(tag.as_str()))).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_characters() {
        let mut value = json!({"a": ["é".repeat(LONGEST_TEXT)], "b": "short", "n": 1});
        shorten(&mut value);
        let text = value["a"][0].as_str().unwrap();
        assert!(text.len() < LONGEST_TEXT + 100);
        assert!(text.ends_with("é… (cut here; 131072 bytes in the stored data)"));
        assert_eq!(value["b"], "short");
    }
}
