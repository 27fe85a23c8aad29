//! From the text of a definition file to the definition. The first thing that is wrong ends it,
//! with its place.

use std::path::Path;

use serde_json::{Map, Value};
use swamp_ident::{DefinitionId, DriverName, ModelName, TypeName, check_entity_name};
use swamp_yaml::{Document, PathItem};

use super::Definition;
use crate::error::{Result, StoreError};

pub(super) fn definition(
    text: &str,
    path: &Path,
    default_type: Option<&TypeName>,
) -> Result<Definition> {
    let document = Document::parse(text).map_err(StoreError::yaml(path))?;
    let file = File { path, document: &document };
    let keys = file.map(document.value(), &[])?;
    let top = |key: &str| keys.get(key).map(|value| (value, [PathItem::from(key)]));

    let type_name = match top("type") {
        Some((value, at)) => TypeName::normalised(file.text(value, &at)?),
        None => default_type.cloned().ok_or_else(|| {
            file.error(&[], "'type' is missing; add the model type, such as 'type: command/shell'")
        })?,
    };
    // The normal form has no dots, so it cannot lead out of a directory.
    if type_name.as_str().is_empty() || type_name.as_str().contains('\0') {
        return Err(file.error(&["type".into()], "'type' is not a usable model type name"));
    }
    let type_version = match top("typeVersion") {
        // An unquoted number is not a version; the other implementation reads it as absent too.
        None | Some((Value::Number(_), _)) => None,
        Some((value, at)) => Some(file.text(value, &at)?.to_owned()),
    };
    let (id, at) = top("id").ok_or_else(|| {
        file.error(&[], "'id' is missing; add a UUID, or use 'swamp model create'")
    })?;
    let id = file.text(id, &at)?;
    if !is_uuid(id) {
        let message = format!("'id' is {id:?}, but must be a UUID");
        return Err(file.error(&at, message));
    }
    let (name, at) = top("name")
        .ok_or_else(|| file.error(&[], "'name' is missing; add a name to find it by"))?;
    let name = file.text(name, &at)?;
    check_entity_name(name).map_err(|error| file.error(&at, error.to_string()))?;
    let version = match top("version") {
        Some((value, at)) => value
            .as_u64()
            .filter(|version| *version > 0)
            .ok_or_else(|| file.error(&at, "'version' must be a whole number above 0"))?,
        None => return Err(file.error(&[], "'version' is missing; add 'version: 1'")),
    };
    let map = |key: &str| match top(key) {
        Some((value, at)) => file.map(value, &at).cloned(),
        None => Ok(Map::new()),
    };
    let optional_map = |key: &str| match top(key) {
        Some((value, at)) => file.map(value, &at).map(|_| Some(value.clone())),
        None => Ok(None),
    };
    let tags = map("tags")?;
    for (key, value) in &tags {
        file.text(value, &["tags".into(), key.as_str().into()])?;
    }
    let driver = match top("driver") {
        Some((value, at)) => Some(DriverName::new(file.text(value, &at)?)),
        None => None,
    };
    Ok(Definition {
        type_name,
        type_version,
        id: DefinitionId::new(id),
        name: ModelName::new(name),
        version,
        tags,
        global_arguments: map("globalArguments")?,
        methods: file.methods(map("methods")?)?,
        inputs: optional_map("inputs")?,
        checks: file.selection(keys, "checks", Entry::Text)?,
        reports: file.selection(keys, "reports", Entry::TextOrNamed)?,
        driver,
        driver_config: optional_map("driverConfig")?,
        path: path.to_owned(),
    })
}

/// What the entries of a `require` list may be.
#[derive(Clone, Copy)]
enum Entry {
    Text,
    TextOrNamed,
}

struct File<'a> {
    path: &'a Path,
    document: &'a Document,
}

impl<'a> File<'a> {
    fn error(&self, at: &[PathItem], message: impl Into<String>) -> StoreError {
        StoreError::invalid(self.path, self.document.position(at), message)
    }

    fn text<'v>(&self, value: &'v Value, at: &[PathItem]) -> Result<&'v str> {
        if self.document.is_timestamp(at) {
            let message = format!("{} must be a text; put quotes around this date", name(at));
            return Err(self.error(at, message));
        }
        value.as_str().ok_or_else(|| {
            let hint = match value {
                Value::Number(_) | Value::Bool(_) => "; put quotes around it",
                _ => "",
            };
            self.error(at, format!("{} must be a text, not {}{hint}", name(at), kind(value)))
        })
    }

    fn map<'v>(&self, value: &'v Value, at: &[PathItem]) -> Result<&'v Map<String, Value>> {
        value.as_object().ok_or_else(|| {
            let hint = if value.is_null() { "; write '{}' or remove it" } else { "" };
            self.error(at, format!("{} must be a mapping, not {}{hint}", name(at), kind(value)))
        })
    }

    fn list<'v>(&self, value: &'v Value, at: &[PathItem]) -> Result<&'v [Value]> {
        value.as_array().map(Vec::as_slice).ok_or_else(|| {
            self.error(at, format!("{} must be a list, not {}", name(at), kind(value)))
        })
    }

    /// Checks the methods and leaves out what is not known there.
    fn methods(&self, methods: Map<String, Value>) -> Result<Map<String, Value>> {
        let mut known = Map::new();
        for (method, value) in methods {
            let at = ["methods".into(), method.as_str().into()];
            let mut kept = Map::new();
            if let Some(arguments) = self.map(&value, &at)?.get("arguments") {
                let [methods, name] = at;
                self.map(arguments, &[methods, name, "arguments".into()])?;
                kept.insert("arguments".to_owned(), arguments.clone());
            }
            known.insert(method, Value::Object(kept));
        }
        Ok(known)
    }

    /// Checks `checks` or `reports` and leaves out what is not known there.
    fn selection(
        &self,
        keys: &'a Map<String, Value>,
        key: &str,
        entry: Entry,
    ) -> Result<Option<Value>> {
        let Some(value) = keys.get(key) else {
            return Ok(None);
        };
        let selection = self.map(value, &[key.into()])?;
        let mut kept = Map::new();
        for list in ["require", "skip"] {
            let Some(value) = selection.get(list) else { continue };
            let items = self.list(value, &[key.into(), list.into()])?;
            let mut entries = Vec::with_capacity(items.len());
            for (index, item) in items.iter().enumerate() {
                let at = [key.into(), list.into(), index.into()];
                entries.push(match (entry, item) {
                    (Entry::TextOrNamed, Value::Object(named)) if list == "require" => {
                        self.named_report(named, &at)?
                    }
                    _ => Value::from(self.text(item, &at)?),
                });
            }
            kept.insert(list.to_owned(), Value::Array(entries));
        }
        Ok(Some(Value::Object(kept)))
    }

    /// `{name, methods?}` in `reports.require`.
    fn named_report(&self, named: &Map<String, Value>, at: &[PathItem]) -> Result<Value> {
        let below = |item: PathItem| {
            let mut path = at.to_vec();
            path.push(item);
            path
        };
        let mut kept = Map::new();
        let report = named
            .get("name")
            .ok_or_else(|| self.error(at, "a required report must have a 'name'"))?;
        self.text(report, &below("name".into()))?;
        kept.insert("name".to_owned(), report.clone());
        if let Some(methods) = named.get("methods") {
            let path = below("methods".into());
            for (index, method) in self.list(methods, &path)?.iter().enumerate() {
                let mut path = path.clone();
                path.push(index.into());
                self.text(method, &path)?;
            }
            kept.insert("methods".to_owned(), methods.clone());
        }
        Ok(Value::Object(kept))
    }
}

/// `'tags.owner'`, or the whole file.
fn name(at: &[PathItem]) -> String {
    if at.is_empty() {
        return "a definition".to_owned();
    }
    let mut name = String::from("'");
    for (index, item) in at.iter().enumerate() {
        match item {
            PathItem::Key(key) if index == 0 => name.push_str(key),
            PathItem::Key(key) => {
                name.push('.');
                name.push_str(key);
            }
            PathItem::Index(index) => {
                name.push('[');
                name.push_str(&index.to_string());
                name.push(']');
            }
        }
    }
    name.push('\'');
    name
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "empty",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

/// Whether a text has the form of a UUID, of whatever version.
pub(crate) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}
