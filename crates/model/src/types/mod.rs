//! Model types: what can be instantiated and called.

mod registry;
mod shell;

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use swamp_ident::{MethodName, SpecName, TypeName};

pub use registry::{TypeRegistry, UnknownType};

use crate::Schema;
use crate::checks::PreflightCheck;
use crate::method::MethodBody;

/// A model type.
#[derive(Clone, Debug)]
pub struct ModelType {
    /// Its name.
    pub name: TypeName,
    /// Its version, `YYYY.MM.DD.MICRO`.
    pub version: String,
    /// What its global arguments must be; anything if absent.
    pub global_arguments: Option<Schema>,
    /// Its methods, in order.
    pub methods: Vec<MethodType>,
    /// What its methods store, in order.
    pub outputs: Vec<OutputSpec>,
    /// What it wants to be true before a method changes something.
    pub checks: Vec<PreflightCheck>,
    /// Names of the reports that belong to it.
    pub reports: Vec<String>,
}

/// A method of a model type.
#[derive(Clone)]
pub struct MethodType {
    /// Its name.
    pub name: MethodName,
    /// One sentence for people.
    pub description: String,
    /// What it does to the world, if known.
    pub kind: Option<MethodKind>,
    /// Its arguments.
    pub arguments: Schema,
    /// What it does.
    pub body: Arc<dyn MethodBody>,
}

/// What a method does to the thing it manages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MethodKind {
    /// Makes it.
    Create,
    /// Looks at it.
    Read,
    /// Changes it.
    Update,
    /// Removes it.
    Delete,
    /// Enumerates many.
    List,
}

/// What kind of data an output is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputKind {
    /// A JSON object.
    Resource,
    /// Bytes.
    File,
}

/// Something a type's methods store.
#[derive(Clone, Debug)]
pub enum OutputSpec {
    /// A JSON object.
    Resource(ResourceSpec),
    /// Bytes.
    File(FileSpec),
}

/// A JSON object that a type's methods store.
#[derive(Clone, Debug)]
pub struct ResourceSpec {
    /// Its name.
    pub name: SpecName,
    /// One sentence for people.
    pub description: Option<String>,
    /// What it looks like. Data that does not fit is stored with a warning.
    pub schema: Schema,
    /// Whether all of it is sensitive; else fields are that their schema calls so. What is sensitive
    /// goes to a vault.
    pub sensitive_output: bool,
    /// The vault for sensitive fields that name none.
    pub vault: Option<String>,
    /// How long it is kept.
    pub lifetime: String,
    /// How many versions, or versions of what age, are kept.
    pub garbage_collection: Value,
    /// Tags it always has.
    pub tags: Vec<(String, String)>,
}

/// Bytes that a type's methods store.
#[derive(Clone, Debug)]
pub struct FileSpec {
    /// Its name.
    pub name: SpecName,
    /// One sentence for people.
    pub description: Option<String>,
    /// Its media type.
    pub content_type: String,
    /// How long it is kept.
    pub lifetime: String,
    /// How many versions, or versions of what age, are kept.
    pub garbage_collection: Value,
    /// Whether it is written bit by bit.
    pub streaming: bool,
    /// Tags it always has.
    pub tags: Vec<(String, String)>,
}

impl ModelType {
    /// The method of that name.
    pub fn method(&self, name: &MethodName) -> Option<&MethodType> {
        self.methods.iter().find(|method| method.name == *name)
    }

    /// The output of that name.
    pub fn output(&self, name: &SpecName) -> Option<&OutputSpec> {
        self.outputs.iter().find(|output| output.name() == name)
    }

    /// A method as commands show it: `{name, description, arguments, dataOutputSpecs?}`.
    pub fn describe_method(&self, method: &MethodType) -> Value {
        let mut description = json!({
            "name": method.name,
            "description": method.description,
            "arguments": method.arguments.as_json(),
        });
        if let Some(map) = description.as_object_mut().filter(|_| !self.outputs.is_empty()) {
            let outputs = self.outputs.iter().map(OutputSpec::describe).collect();
            map.insert("dataOutputSpecs".into(), Value::Array(outputs));
        }
        description
    }
}

impl fmt::Debug for MethodType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MethodType")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl MethodKind {
    /// What a method of that name usually does.
    pub fn of_name(name: &MethodName) -> Option<Self> {
        match name.as_str() {
            "create" => Some(Self::Create),
            "get" | "read" | "describe" | "show" => Some(Self::Read),
            "update" | "patch" => Some(Self::Update),
            "delete" | "destroy" | "remove" => Some(Self::Delete),
            "list" | "search" | "find" => Some(Self::List),
            _ => None,
        }
    }
}

impl MethodType {
    /// Whether it may change something. What is not known to be harmless may.
    pub const fn is_mutating(&self) -> bool {
        !matches!(self.kind, Some(MethodKind::Read | MethodKind::List))
    }
}

impl OutputKind {
    /// The word used in files and output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Resource => "resource",
            Self::File => "file",
        }
    }
}

impl OutputSpec {
    /// Its name.
    pub const fn name(&self) -> &SpecName {
        match self {
            Self::Resource(spec) => &spec.name,
            Self::File(spec) => &spec.name,
        }
    }

    /// Resource or file.
    pub const fn kind(&self) -> OutputKind {
        match self {
            Self::Resource(_) => OutputKind::Resource,
            Self::File(_) => OutputKind::File,
        }
    }

    /// What it is: `{specName, kind, description?, schema | contentType}`.
    pub fn summarise(&self) -> Map<String, Value> {
        let mut map = Map::new();
        map.insert("specName".into(), json!(self.name()));
        map.insert("kind".into(), json!(self.kind().as_str()));
        let (description, key, value) = match self {
            Self::Resource(spec) => (&spec.description, "schema", spec.schema.as_json().clone()),
            Self::File(spec) => (&spec.description, "contentType", json!(spec.content_type)),
        };
        if let Some(description) = description {
            map.insert("description".into(), json!(description));
        }
        map.insert(key.into(), value);
        map
    }

    /// What it is and how it is kept, as commands show it.
    pub fn describe(&self) -> Value {
        let mut map = self.summarise();
        let (lifetime, collection, tags) = match self {
            Self::Resource(spec) => (&spec.lifetime, &spec.garbage_collection, &spec.tags),
            Self::File(spec) => (&spec.lifetime, &spec.garbage_collection, &spec.tags),
        };
        map.insert("lifetime".into(), json!(lifetime));
        map.insert("garbageCollection".into(), collection.clone());
        if let Self::File(spec) = self {
            map.insert("streaming".into(), json!(spec.streaming));
        }
        if !tags.is_empty() {
            let tags = tags.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
            map.insert("tags".into(), Value::Object(tags));
        }
        Value::Object(map)
    }
}
