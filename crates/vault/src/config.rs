//! Vault files: `vaults/<type>/<id>.yaml`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use swamp_ident::Timestamp;
use swamp_yaml::Document;

use crate::error::{Result, VaultError};
use crate::files;

/// A vault as its file describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct VaultConfig {
    /// A UUID.
    pub id: String,
    /// What expressions call it.
    pub name: String,
    /// Its type as written; see [`VaultType::parse`](crate::VaultType::parse).
    pub type_name: String,
    /// The settings of its type.
    pub config: Map<String, Value>,
    /// When it was created, as written.
    pub created_at: String,
    /// Everything else in the file, so that it survives a rewrite.
    pub other: Map<String, Value>,
    /// The file, absolute.
    pub path: PathBuf,
}

impl VaultConfig {
    /// A vault about to be created.
    pub fn new(
        root: &Path,
        id: String,
        name: &str,
        type_name: &str,
        config: Map<String, Value>,
        now: Timestamp,
    ) -> Self {
        let path = root.join("vaults").join(type_name).join(format!("{id}.yaml"));
        Self {
            id,
            name: name.to_owned(),
            type_name: type_name.to_owned(),
            config,
            created_at: now.to_string(),
            other: Map::new(),
            path,
        }
    }

    /// Reads a vault file.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).map_err(VaultError::io("read", path))?;
        Self::parse(&text, path)
    }

    /// Takes the text of a vault file.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        let bad = |reason: String| VaultError::BadFile { path: path.to_owned(), reason };
        let document = Document::parse(text).map_err(|error| match error.position {
            Some(position) => bad(format!("{position}: {}", error.message)),
            None => bad(error.message.clone()),
        })?;
        let Value::Object(mut map) = document.into_value() else {
            return Err(bad(
                "it must be a mapping with id, name, type, config and createdAt".into()
            ));
        };
        let mut text = |key: &str| match map.shift_remove(key) {
            Some(Value::String(text)) if !text.is_empty() => Ok(text),
            Some(_) => Err(bad(format!("'{key}' must be a text"))),
            None => Err(bad(format!("'{key}' is missing"))),
        };
        let (id, name, type_name) = (text("id")?, text("name")?, text("type")?);
        let created_at = text("createdAt")?;
        let config = match map.shift_remove("config") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(config)) => config,
            Some(_) => return Err(bad("'config' must be a mapping".into())),
        };
        Ok(Self { id, name, type_name, config, created_at, other: map, path: path.to_owned() })
    }

    /// Writes the file; it is on disk when this returns.
    pub(crate) fn write(&self) -> Result<()> {
        let mut map = Map::new();
        map.insert("id".to_owned(), json!(self.id));
        map.insert("name".to_owned(), json!(self.name));
        map.insert("type".to_owned(), json!(self.type_name));
        map.insert("config".to_owned(), Value::Object(self.config.clone()));
        map.insert("createdAt".to_owned(), json!(self.created_at));
        map.extend(self.other.iter().map(|(key, value)| (key.clone(), value.clone())));
        let text = swamp_yaml::to_string(&Value::Object(map));
        files::write_shared(&self.path, text.as_bytes())
    }
}

/// Whether a vault can be created under this name.
pub fn check_name(name: &str) -> Result<()> {
    let mut characters = name.chars();
    let good = characters.next().is_some_and(|first| first.is_ascii_lowercase())
        && characters
            .all(|other| other.is_ascii_lowercase() || other.is_ascii_digit() || other == '-');
    if good { Ok(()) } else { Err(VaultError::BadName(name.to_owned())) }
}
