//! A definition: an instance of a model type, as its file says it.

mod hash;
mod read;

pub(crate) use self::read::is_uuid;

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use swamp_ident::{DefinitionId, DriverName, MethodName, ModelName, TypeName};
use swamp_yaml::{Document, PathItem, Position};

use crate::error::Result;

/// A definition. Expressions in it are texts, not evaluated.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    /// The model type.
    pub type_name: TypeName,
    /// The version of the type it was written for.
    pub type_version: Option<String>,
    /// Its id, a UUID.
    pub id: DefinitionId,
    /// Its name, unique in the repository by convention.
    pub name: ModelName,
    /// The user's revision number, from 1.
    pub version: u64,
    /// Its tags; values are texts.
    pub tags: Map<String, Value>,
    /// Arguments for all methods.
    pub global_arguments: Map<String, Value>,
    /// Arguments per method: method name → `{arguments?: map}`.
    pub methods: Map<String, Value>,
    /// Declared inputs: an object like a JSON Schema.
    pub inputs: Option<Value>,
    /// `{require?: [text], skip?: [text]}`.
    pub checks: Option<Value>,
    /// `{require?: [text or {name, methods?: [text]}], skip?: [text]}`.
    pub reports: Option<Value>,
    /// The execution driver.
    pub driver: Option<DriverName>,
    /// The driver's configuration: an object.
    pub driver_config: Option<Value>,
    /// The file it was read from or last written to.
    pub path: PathBuf,
}

impl Definition {
    /// A definition with nothing but its identity. It has no file yet.
    pub fn new(type_name: TypeName, id: DefinitionId, name: ModelName) -> Self {
        Self {
            type_name,
            type_version: None,
            id,
            name,
            version: 1,
            tags: Map::new(),
            global_arguments: Map::new(),
            methods: Map::new(),
            inputs: None,
            checks: None,
            reports: None,
            driver: None,
            driver_config: None,
            path: PathBuf::new(),
        }
    }

    /// Reads the text of the file at `path`. `default_type` is the type when the text names none.
    pub fn parse(text: &str, path: &Path, default_type: Option<&TypeName>) -> Result<Self> {
        read::definition(text, path, default_type)
    }

    /// The arguments of a method, if the definition has any for it.
    pub fn method_arguments(&self, method: &MethodName) -> Option<&Map<String, Value>> {
        self.methods.get(method.as_str())?.get("arguments")?.as_object()
    }

    /// The whole definition in the key order of the file, as it is written.
    pub fn to_value(&self) -> Value {
        let mut entries = Map::new();
        entries.insert("type".to_owned(), Value::from(self.type_name.as_str()));
        if let Some(version) = &self.type_version {
            entries.insert("typeVersion".to_owned(), Value::from(version.as_str()));
        }
        self.put_content(&mut entries);
        Value::Object(entries)
    }

    /// `definitionHash`: SHA-256 in lower-case hex over the definition as compact JSON with sorted
    /// keys, without type and type version.
    pub fn hash(&self) -> String {
        let mut entries = Map::new();
        self.put_content(&mut entries);
        hash::of(&Value::Object(entries))
    }

    /// Everything but the type.
    fn put_content(&self, entries: &mut Map<String, Value>) {
        let mut put = |key: &str, value: Value| entries.insert(key.to_owned(), value);
        put("id", Value::from(self.id.as_str()));
        put("name", Value::from(self.name.as_str()));
        put("version", Value::from(self.version));
        put("tags", Value::Object(self.tags.clone()));
        put("globalArguments", Value::Object(self.global_arguments.clone()));
        put("methods", Value::Object(self.methods.clone()));
        for (key, value) in
            [("inputs", &self.inputs), ("checks", &self.checks), ("reports", &self.reports)]
        {
            if let Some(value) = value {
                put(key, value.clone());
            }
        }
        if let Some(driver) = &self.driver {
            put("driver", Value::from(driver.as_str()));
        }
        if let Some(config) = &self.driver_config {
            put("driverConfig", config.clone());
        }
    }

    /// Where in its file the value at `path` stands, such as `methods`, `execute`, `arguments`,
    /// `run`. Reads the file again, so it is for errors only.
    pub fn position(&self, path: &[PathItem]) -> Option<Position> {
        let text = std::fs::read_to_string(&self.path).ok()?;
        Document::parse(&text).ok()?.position(path)
    }
}

#[cfg(test)]
mod tests;
