//! Data as expressions and queries see it.

use serde_json::{Map, Value};
use swamp_ident::{JobName, RunId, StepName, WorkflowName};

use super::DataStore;
use super::item::ItemKey;
use super::read::StoredVersion;
use crate::error::Result;
use crate::fields::{Record, tags_value};

/// Which parts of a version's content go into its record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Body {
    /// `attributes`: the parsed content of JSON data. `{}` without.
    pub attributes: bool,
    /// `content`: the text of textual data. `""` without.
    pub content: bool,
}

impl Body {
    /// Neither.
    pub const NONE: Self = Self { attributes: false, content: false };
    /// What `data.latest` gives.
    pub const ATTRIBUTES: Self = Self { attributes: true, content: false };
    /// Both, as in `model.x.resource`.
    pub const ALL: Self = Self { attributes: true, content: true };

    /// What of the content to read for data of this type.
    pub(crate) fn for_content_type(self, content_type: &str) -> Self {
        Self {
            attributes: self.attributes && is_json(content_type),
            content: self.content && is_text(content_type),
        }
    }

    pub(crate) const fn is_none(self) -> bool {
        !self.attributes && !self.content
    }

    /// The two fields of a record, from the text of the content.
    pub(crate) fn fields(self, text: &str) -> (Value, Value) {
        let attributes = if self.attributes {
            serde_json::from_str(text).unwrap_or_else(|_| Value::Object(Map::new()))
        } else {
            Value::Object(Map::new())
        };
        (attributes, Value::from(if self.content { text } else { "" }))
    }
}

impl StoredVersion {
    /// The record of this version: `id, name, version, isLatest, createdAt, attributes, tags, …`.
    pub fn record(&self, is_latest: bool, body: Body) -> Result<Value> {
        let metadata = &self.metadata;
        let owner = &metadata.owner;
        let body = body.for_content_type(&metadata.content_type);
        let text = if body.is_none() { String::new() } else { self.text()? };
        let (attributes, content) = body.fields(&text);
        Ok(Record::default()
            .put("id", metadata.id.as_str())
            .put("name", self.key.name.as_str())
            .put("version", metadata.version)
            .put("isLatest", is_latest)
            .put("createdAt", metadata.created_at.to_string())
            .put("attributes", attributes)
            .put("tags", tags_value(&metadata.tags))
            .put("modelName", metadata.model_name())
            .put("modelType", self.key.model.type_name.as_str())
            .put("specName", metadata.spec_name())
            .put("dataType", metadata.data_type())
            .put("contentType", metadata.content_type.as_str())
            .put("lifetime", metadata.lifetime.to_string())
            .put("ownerType", owner.kind.as_str())
            .put("streaming", metadata.streaming)
            .put("size", metadata.size.unwrap_or(0))
            .put("content", content)
            .put("ownerRef", owner.reference.as_str())
            .put("workflowRunId", owner.workflow_run_id.as_ref().map_or("", RunId::as_str))
            .put("workflowName", owner.workflow_name.as_ref().map_or("", WorkflowName::as_str))
            .put("jobName", owner.job_name.as_ref().map_or("", JobName::as_str))
            .put("stepName", owner.step_name.as_ref().map_or("", StepName::as_str))
            .put("source", owner.source.as_deref().unwrap_or(""))
            .done())
    }

    /// The record of a file: `id, version, createdAt, path, size, contentType`.
    pub fn file_record(&self) -> Value {
        Record::default()
            .put("id", self.metadata.id.as_str())
            .put("version", self.metadata.version)
            .put("createdAt", self.metadata.created_at.to_string())
            .put("path", self.content_path().to_string_lossy().into_owned())
            .put("size", self.metadata.size.unwrap_or(0))
            .put("contentType", self.metadata.content_type.as_str())
            .done()
    }
}

impl DataStore {
    /// The newest version as a record, see [`DataStore::latest`].
    pub fn latest_record(&self, key: &ItemKey, body: Body) -> Result<Option<Value>> {
        self.latest(key)?.map(|found| found.record(true, body)).transpose()
    }

    /// A given version as a record, see [`DataStore::version`].
    pub fn version_record(&self, key: &ItemKey, version: u64, body: Body) -> Result<Option<Value>> {
        let Some(found) = self.version(key, version)? else {
            return Ok(None);
        };
        let is_latest = self.latest_number(key)? == Some(version);
        found.record(is_latest, body).map(Some)
    }
}

fn is_json(content_type: &str) -> bool {
    essence(content_type) == "application/json"
}

fn is_text(content_type: &str) -> bool {
    let essence = essence(content_type);
    essence.starts_with("text/")
        || ["application/json", "application/yaml", "application/x-yaml"].contains(&&*essence)
}

/// The media type without parameters such as `charset`.
fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_fits_the_content_type_is_read() {
        for (content_type, attributes, content) in [
            ("application/json", true, true),
            ("Application/JSON; charset=utf-8", true, true),
            ("text/plain", false, true),
            ("text/markdown", false, true),
            ("application/x-yaml", false, true),
            ("application/octet-stream", false, false),
        ] {
            let body = Body::ALL.for_content_type(content_type);
            assert_eq!((body.attributes, body.content), (attributes, content), "{content_type}");
        }
        assert!(Body::NONE.for_content_type("application/json").is_none());
    }

    #[test]
    fn json_that_is_none_gives_no_attributes() {
        assert_eq!(Body::ALL.fields("{\"a\":"), (json!({}), json!("{\"a\":")));
        assert_eq!(Body::ATTRIBUTES.fields("[1]"), (json!([1]), json!("")));
        assert_eq!(Body::NONE.fields(""), (json!({}), json!("")));
    }
}
