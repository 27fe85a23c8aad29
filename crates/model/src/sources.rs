//! What expressions see of a repository: the roots `data`, `file` and `model`.

use std::sync::{Arc, OnceLock};

use serde_json::{Map, Value as Json, json};
use swamp_expr::{DataSource, LazyMap, ModelSource, RecordFilter, SourceError, Value as ExprValue};
use swamp_ident::DataName;
use swamp_store::{
    Body, DataStore, Definition, Definitions, ItemKey, ModelKey, QueryResult, RecordPredicate,
    StoreError, StoredVersion,
};

/// The definitions and the data of a repository.
#[derive(Clone, Debug)]
pub(crate) struct RepositorySource {
    pub(crate) definitions: Definitions,
    pub(crate) data: DataStore,
}

type Result<T> = std::result::Result<T, SourceError>;

fn failed(error: &StoreError) -> SourceError {
    SourceError::Failed(error.to_string())
}

/// The key of a definition's data.
pub(crate) fn model_key(definition: &Definition) -> ModelKey {
    ModelKey { type_name: definition.type_name.clone(), id: definition.id.clone() }
}

/// `{id, name, version, tags, globalArguments}` of a definition as written.
pub(crate) fn self_value(definition: &Definition) -> Map<String, Json> {
    let Json::Object(map) = json!({
        "id": definition.id,
        "name": definition.name,
        "version": definition.version,
        "tags": definition.tags,
        "globalArguments": definition.global_arguments,
    }) else {
        return Map::new();
    };
    map
}

impl RepositorySource {
    fn definition(&self, name_or_id: &str) -> Result<Option<Definition>> {
        match self.definitions.find(name_or_id) {
            Ok(definition) => Ok(Some(definition)),
            Err(StoreError::ModelNotFound(_)) => Ok(None),
            Err(error) => Err(failed(&error)),
        }
    }

    /// The items that `name` of this model may be: the definition's own, else those of models that
    /// had this name when they wrote.
    fn items(&self, model: &str, name: &str, vary: &[String]) -> Result<Vec<ItemKey>> {
        let name = std::iter::once(name).chain(vary.iter().map(String::as_str));
        let name = DataName::new(name.collect::<Vec<_>>().join("-"));
        let mut items = Vec::new();
        if let Some(definition) = self.definition(model)? {
            let ModelKey { type_name, id } = model_key(&definition);
            let own = ItemKey::new(type_name, id, name.clone());
            if self.data.has_item(&own).map_err(|error| failed(&error))? {
                return Ok(vec![own]);
            }
            items.push(own);
        }
        items.extend(self.data.find_by_name(model, &name).map_err(|error| failed(&error))?);
        Ok(items)
    }
}

fn records(found: std::result::Result<QueryResult, StoreError>) -> Result<Vec<ExprValue>> {
    let found = found.map_err(|error| failed(&error))?;
    Ok(found.records.iter().map(ExprValue::from_json).collect())
}

impl DataSource for RepositorySource {
    fn latest(&self, model: &str, name: &str, vary: &[String]) -> Result<Option<ExprValue>> {
        for item in self.items(model, name, vary)? {
            let record = self.data.latest_record(&item, Body::ATTRIBUTES);
            if let Some(record) = record.map_err(|error| failed(&error))? {
                return Ok(Some(ExprValue::from_json(&record)));
            }
        }
        Ok(None)
    }

    fn version(
        &self,
        model: &str,
        name: &str,
        vary: &[String],
        version: i64,
    ) -> Result<Option<ExprValue>> {
        let Ok(version) = u64::try_from(version) else { return Ok(None) };
        for item in self.items(model, name, vary)? {
            let record = self.data.version_record(&item, version, Body::ATTRIBUTES);
            if let Some(record) = record.map_err(|error| failed(&error))? {
                return Ok(Some(ExprValue::from_json(&record)));
            }
        }
        Ok(None)
    }

    fn list_versions(&self, model: &str, name: &str, vary: &[String]) -> Result<Vec<i64>> {
        for item in self.items(model, name, vary)? {
            let numbers = self.data.version_numbers(&item).map_err(|error| failed(&error))?;
            if !numbers.is_empty() {
                return Ok(numbers
                    .into_iter()
                    .filter_map(|number| number.try_into().ok())
                    .collect());
            }
        }
        Ok(Vec::new())
    }

    fn find_by_tag(&self, key: &str, value: &str) -> Result<Vec<ExprValue>> {
        records(self.data.find_by_tag(key, value, Body::ATTRIBUTES))
    }

    fn find_by_spec(&self, model: &str, spec: &str) -> Result<Vec<ExprValue>> {
        records(self.data.find_by_spec(model, spec, Body::ATTRIBUTES))
    }

    fn query(&self, predicate: &str, select: Option<&str>) -> Result<Vec<ExprValue>> {
        let filter = RecordFilter::compile(predicate, select)?;
        let found = self.data.query(&Predicate(&filter), None).map_err(|error| failed(&error))?;
        Ok(found
            .records
            .iter()
            .map(|record| ExprValue::from_json(&filter.project(record)))
            .collect())
    }

    fn file_contents(&self, model: &str, spec: &str) -> Result<Option<String>> {
        let Some(definition) = self.definition(model)? else { return Ok(None) };
        let listing = self.data.list(&model_key(&definition)).map_err(|error| failed(&error))?;
        let file =
            listing.items.iter().find(|item| is_of(item, "file") && spec_of(item) == Some(spec));
        file.map(|file| file.text().map_err(|error| failed(&error))).transpose()
    }
}

/// A compiled query, as the store asks it.
pub(crate) struct Predicate<'a>(pub(crate) &'a RecordFilter);

impl RecordPredicate for Predicate<'_> {
    fn latest_only(&self) -> bool {
        self.0.latest_only()
    }

    fn required_texts(&self) -> Vec<(String, String)> {
        self.0.required_texts()
    }

    fn body(&self) -> Body {
        Body { attributes: self.0.needs_attributes(), content: self.0.needs_content() }
    }

    fn matches_body(&self) -> bool {
        self.0.predicate_needs_body()
    }

    fn matches(&self, record: &Json) -> bool {
        self.0.matches(record)
    }
}

impl RepositorySource {
    /// `model.<name>` of a definition, of which an evaluated form may be known.
    pub(crate) fn model_value(
        &self,
        written: Definition,
        evaluated: Option<Definition>,
    ) -> ExprValue {
        let data = self.data.clone();
        ExprValue::Lazy(Arc::new(Model { written, evaluated, data, items: OnceLock::new() }))
    }
}

impl ModelSource for RepositorySource {
    fn model(&self, name_or_id: &str) -> Result<Option<ExprValue>> {
        Ok(self.definition(name_or_id)?.map(|definition| self.model_value(definition, None)))
    }

    fn keys(&self) -> Result<Vec<String>> {
        let scan = self.definitions.scan().map_err(|error| failed(&error))?;
        let keys = scan.found.into_iter();
        Ok(keys.flat_map(|found| [found.name.to_string(), found.id.to_string()]).collect())
    }
}

/// `model.<name>`: what is cheap at once, data when asked for.
#[derive(Debug)]
struct Model {
    written: Definition,
    /// Shown as `definition` where it is known.
    evaluated: Option<Definition>,
    data: DataStore,
    items: OnceLock<Result<Vec<StoredVersion>>>,
}

impl Model {
    fn items(&self) -> Result<&[StoredVersion]> {
        let items = self.items.get_or_init(|| {
            let listing = self.data.list(&model_key(&self.written));
            listing.map(|listing| listing.items).map_err(|error| failed(&error))
        });
        items.as_deref().map_err(Clone::clone)
    }

    /// `{<spec>: {<name>: record}}` of the items of a kind; `None` without any.
    fn by_spec(
        &self,
        kind: &str,
        record: impl Fn(&StoredVersion) -> Result<Json>,
    ) -> Result<Option<ExprValue>> {
        let mut specs = Map::new();
        for item in self.items()?.iter().filter(|item| is_of(item, kind)) {
            let Some(spec) = spec_of(item) else { continue };
            let names = specs.entry(spec).or_insert_with(|| Json::Object(Map::new()));
            if let Json::Object(names) = names {
                names.insert(item.key.name.to_string(), record(item)?);
            }
        }
        Ok((!specs.is_empty()).then(|| ExprValue::from_json(&Json::Object(specs))))
    }
}

impl LazyMap for Model {
    fn get(&self, key: &str) -> Result<Option<ExprValue>> {
        match key {
            "input" => Ok(Some(ExprValue::from_json(&Json::Object(self_value(&self.written))))),
            "definition" => {
                let definition = self.evaluated.as_ref().unwrap_or(&self.written);
                let mut map = self_value(definition);
                if let Some(inputs) = &definition.inputs {
                    map.insert("inputs".to_owned(), inputs.clone());
                }
                Ok(Some(ExprValue::from_json(&Json::Object(map))))
            }
            "resource" => self.by_spec("resource", |item| {
                item.record(true, Body::ALL).map_err(|error| failed(&error))
            }),
            "file" => self.by_spec("file", |item| Ok(item.file_record())),
            _ => Ok(None),
        }
    }

    fn keys(&self) -> Result<Vec<String>> {
        let mut keys = vec!["input".to_owned(), "definition".to_owned()];
        for kind in ["resource", "file"] {
            if self.items()?.iter().any(|item| is_of(item, kind)) {
                keys.push(kind.to_owned());
            }
        }
        Ok(keys)
    }
}

fn is_of(item: &StoredVersion, kind: &str) -> bool {
    item.metadata.tags.get("type").is_some_and(|found| found == kind)
}

fn spec_of(item: &StoredVersion) -> Option<&str> {
    item.metadata.tags.get("specName").map(String::as_str)
}
