//! A definition: an instance of a model type, as its file says it.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use swamp_ident::{DefinitionId, DriverName, MethodName, ModelName, TypeName};
use swamp_yaml::{PathItem, Position};

use crate::Result;

/// A definition. Expressions in it are texts, not evaluated.
#[derive(Clone, Debug)]
pub struct Definition {
    /// The model type.
    pub type_name: TypeName,
    /// The version of the type it was written for.
    pub type_version: Option<String>,
    /// Its id.
    pub id: DefinitionId,
    /// Its name, unique in the repository by convention.
    pub name: ModelName,
    /// The user's revision number.
    pub version: u64,
    /// Its tags; values are texts.
    pub tags: Map<String, Value>,
    /// Arguments for all methods.
    pub global_arguments: Map<String, Value>,
    /// Arguments per method: method name → `{arguments?: map}`, plus what else stands there.
    pub methods: Map<String, Value>,
    /// Declared inputs, a JSON-Schema-like object.
    pub inputs: Option<Value>,
    /// `{require?, skip?}`.
    pub checks: Option<Value>,
    /// `{require?, skip?}`.
    pub reports: Option<Value>,
    /// The execution driver.
    pub driver: Option<DriverName>,
    /// The driver's configuration.
    pub driver_config: Option<Value>,
    /// The file it was read from or last written to.
    pub path: PathBuf,
}

impl Definition {
    /// Reads the text of the file at `path`. `default_type` is used when the text names no type.
    pub fn parse(text: &str, path: &Path, default_type: Option<&TypeName>) -> Result<Self> {
        let _ = (text, path, default_type);
        todo!()
    }

    /// The arguments of a method, if the definition has any for it.
    pub fn method_arguments(&self, method: &MethodName) -> Option<&Map<String, Value>> {
        let _ = method;
        todo!()
    }

    /// The whole definition in the key order of the file, as it is written.
    pub fn to_value(&self) -> Value {
        todo!()
    }

    /// `definitionHash`: SHA-256 in lower-case hex over the definition as compact JSON with sorted
    /// keys, without type and type version.
    pub fn hash(&self) -> String {
        todo!()
    }

    /// Where in the file the value at `path` stands. Reads the file again: for errors only.
    pub fn position(&self, path: &[PathItem]) -> Option<Position> {
        let _ = path;
        todo!()
    }
}
