//! Searching the catalog.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

use rusqlite::types::Value as SqlValue;
use rusqlite::{Connection, Row, params_from_iter};
use serde_json::{Map, Value};
use swamp_ident::{DataName, DefinitionId, TypeName};

use super::Fault;
use crate::data::{Body, DataStore, ItemKey};
use crate::error::{Result, StoreError};
use crate::fields::Record;

/// Decides which data versions a query gives. Implemented by whoever compiles predicates.
pub trait RecordPredicate {
    /// Whether only newest versions can match.
    fn latest_only(&self) -> bool;

    /// Record fields that must equal a text for a record to match, to narrow the search. Fields
    /// the catalog has no column for are ignored.
    fn required_texts(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    /// Which parts of the content the results have to hold.
    fn body(&self) -> Body;

    /// Whether [`Self::matches`] looks at `attributes` or `content`; if not, it is asked before
    /// the content is read.
    fn matches_body(&self) -> bool {
        true
    }

    /// Whether a record matches.
    fn matches(&self, record: &Value) -> bool;
}

/// What a query found.
#[derive(Debug, Default)]
pub struct QueryResult {
    /// Records that match.
    pub records: Vec<Value>,
    /// Whether the limit was reached, so that there may be more.
    pub limited: bool,
    /// Data that could not be read.
    pub warnings: Vec<StoreError>,
}

impl DataStore {
    /// Records of all data versions that match, at most `limit` of them, in the order in which the
    /// catalog came to know them. Deleted and renamed items are not there.
    pub fn query(
        &self,
        predicate: &dyn RecordPredicate,
        limit: Option<usize>,
    ) -> Result<QueryResult> {
        let mut sql = Sql::new();
        if predicate.latest_only() {
            sql.and("is_latest = 1");
        }
        for (field, text) in predicate.required_texts() {
            if let Some(column) = column(&field) {
                sql.and_equal(column, text);
            }
        }
        let mut warnings = Vec::new();
        let (records, limited) = self.with_catalog(&mut warnings, |connection, warnings| {
            let mut records = Vec::new();
            let limited = sql.run(connection, |row| {
                let found = Found::read(self, row)?;
                let matched = match found.matching(predicate) {
                    Ok(matched) => matched,
                    Err(error) => {
                        warnings.push(error);
                        None
                    }
                };
                records.extend(matched);
                Ok(limit.is_none_or(|limit| records.len() < limit))
            })?;
            Ok((records, limited))
        })?;
        Ok(QueryResult { records, limited, warnings })
    }

    /// The newest versions tagged `key: value`, one per model name and data name: the one made
    /// last.
    pub fn find_by_tag(&self, key: &str, value: &str, body: Body) -> Result<QueryResult> {
        struct Tagged<'a>(&'a str, &'a str, Body);
        impl RecordPredicate for Tagged<'_> {
            fn latest_only(&self) -> bool {
                true
            }
            fn required_texts(&self) -> Vec<(String, String)> {
                // Three tags have columns of their own, with indexes.
                let field = match self.0 {
                    "modelName" => "modelName",
                    "specName" => "specName",
                    "type" => "dataType",
                    _ => return Vec::new(),
                };
                vec![(field.to_owned(), self.1.to_owned())]
            }
            fn body(&self) -> Body {
                self.2
            }
            fn matches_body(&self) -> bool {
                false
            }
            fn matches(&self, record: &Value) -> bool {
                record.get("tags").and_then(|tags| tags.get(self.0)).and_then(Value::as_str)
                    == Some(self.1)
            }
        }
        let mut result = self.query(&Tagged(key, value, body), None)?;
        result.records = newest_per_name(result.records);
        Ok(result)
    }

    /// The newest versions a model of this name wrote for an output specification.
    pub fn find_by_spec(&self, model: &str, spec: &str, body: Body) -> Result<QueryResult> {
        struct OfSpec<'a>(&'a str, &'a str, Body);
        impl RecordPredicate for OfSpec<'_> {
            fn latest_only(&self) -> bool {
                true
            }
            fn required_texts(&self) -> Vec<(String, String)> {
                vec![
                    ("modelName".to_owned(), self.0.to_owned()),
                    ("specName".to_owned(), self.1.to_owned()),
                ]
            }
            fn body(&self) -> Body {
                self.2
            }
            fn matches_body(&self) -> bool {
                false
            }
            fn matches(&self, _record: &Value) -> bool {
                true
            }
        }
        self.query(&OfSpec(model, spec, body), None)
    }
}

/// Keeps, of records with equal model and name, the one made last. The order stays that of the
/// first ones.
fn newest_per_name(records: Vec<Value>) -> Vec<Value> {
    let text = |record: &Value, field: &str| {
        record.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let mut places: HashMap<(String, String), usize> = HashMap::new();
    let mut kept: Vec<Value> = Vec::new();
    for record in records {
        let name = (text(&record, "modelName"), text(&record, "name"));
        if let Some(other) = places.get(&name).and_then(|place| kept.get_mut(*place)) {
            if text(&record, "createdAt") > text(other, "createdAt") {
                *other = record;
            }
        } else {
            places.insert(name, kept.len());
            kept.push(record);
        }
    }
    kept
}

/// The column with a field of records.
fn column(field: &str) -> Option<&'static str> {
    Some(match field {
        "id" => "id",
        "name" => "data_name",
        "createdAt" => "created_at",
        "modelName" => "model_name",
        "modelType" => "type_normalized",
        "specName" => "spec_name",
        "dataType" => "data_type",
        "contentType" => "content_type",
        "lifetime" => "lifetime",
        "ownerType" => "owner_type",
        "ownerRef" => "owner_ref",
        "workflowRunId" => "workflow_run_id",
        "workflowName" => "workflow_name",
        "jobName" => "job_name",
        "stepName" => "step_name",
        "source" => "source",
        _ => return None,
    })
}

struct Sql {
    text: String,
    parameters: Vec<SqlValue>,
}

impl Sql {
    fn new() -> Self {
        Self { text: "SELECT * FROM catalog WHERE 1".to_owned(), parameters: Vec::new() }
    }

    fn and(&mut self, condition: &str) {
        self.text.push_str(" AND ");
        self.text.push_str(condition);
    }

    fn and_equal(&mut self, column: &str, text: String) {
        self.parameters.push(SqlValue::Text(text));
        self.and(&format!("{column} = ?{}", self.parameters.len()));
    }

    /// Gives the rows to `take` until it says `false`; whether it did.
    fn run(
        &self,
        connection: &Connection,
        mut take: impl FnMut(&Row<'_>) -> Result<bool, Fault>,
    ) -> Result<bool, Fault> {
        let mut statement = connection.prepare_cached(&format!("{} ORDER BY rowid", self.text))?;
        let mut rows = statement.query(params_from_iter(&self.parameters))?;
        while let Some(row) = rows.next()? {
            if !take(row)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn item_key(row: &Row<'_>) -> rusqlite::Result<ItemKey> {
    let text = |column| row.get::<_, String>(column);
    Ok(ItemKey::new(
        TypeName::normalised(&text("type_normalized")?),
        DefinitionId::new(text("model_id")?),
        DataName::new(text("data_name")?),
    ))
}

/// A row as a record without content, and where the content is.
struct Found {
    record: Value,
    content_type: String,
    content: PathBuf,
}

impl Found {
    fn read(store: &DataStore, row: &Row<'_>) -> Result<Self, Fault> {
        let text = |column| row.get::<_, String>(column);
        let flag = |column| row.get::<_, bool>(column);
        let tags: String = text("tags")?;
        let version: i64 = row.get("version")?;
        let key = item_key(row)?;
        let content_type = text("content_type")?;
        let mut content = store.paths().model_data(&key.model.type_name, &key.model.id);
        content.push(key.name.as_str());
        content.push(version.to_string());
        content.push("raw");
        let record = Record::default()
            .put("id", text("id")?)
            .put("name", key.name.as_str())
            .put("version", version)
            .put("isLatest", flag("is_latest")?)
            .put("createdAt", text("created_at")?)
            .put("attributes", Map::new())
            .put("tags", serde_json::from_str::<Map<_, _>>(&tags).unwrap_or_default())
            .put("modelName", text("model_name")?)
            .put("modelType", key.model.type_name.as_str())
            .put("specName", text("spec_name")?)
            .put("dataType", text("data_type")?)
            .put("contentType", content_type.as_str())
            .put("lifetime", text("lifetime")?)
            .put("ownerType", text("owner_type")?)
            .put("streaming", flag("streaming")?)
            .put("size", row.get::<_, i64>("size")?)
            .put("content", "")
            .put("ownerRef", text("owner_ref")?)
            .put("workflowRunId", text("workflow_run_id")?)
            .put("workflowName", text("workflow_name")?)
            .put("jobName", text("job_name")?)
            .put("stepName", text("step_name")?)
            .put("source", text("source")?)
            .done();
        Ok(Self { record, content_type, content })
    }

    /// The record with what the predicate wants of the content, if it matches.
    fn matching(mut self, predicate: &dyn RecordPredicate) -> Result<Option<Value>> {
        if !predicate.matches_body() && !predicate.matches(&self.record) {
            return Ok(None);
        }
        let body = predicate.body().for_content_type(&self.content_type);
        if !body.is_none() {
            let bytes = match fs::read(&self.content) {
                Ok(bytes) => bytes,
                // Deleted a moment ago.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(StoreError::io("read", &self.content)(error)),
            };
            let (attributes, content) = body.fields(&String::from_utf8_lossy(&bytes));
            if let Value::Object(record) = &mut self.record {
                record.insert("attributes".to_owned(), attributes);
                record.insert("content".to_owned(), content);
            }
        }
        if predicate.matches_body() && !predicate.matches(&self.record) {
            return Ok(None);
        }
        Ok(Some(self.record))
    }
}
