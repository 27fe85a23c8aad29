//! The marker `.swamp.yaml`: what makes a directory a repository, and its settings.
//!
//! The file belongs to its readers: people put comments into it and other versions put keys into
//! it. So a change replaces the lines of the keys that change and leaves every other line alone.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value};
use swamp_ident::RepoId;
use swamp_yaml::{Document, KeyChange};

use crate::atomic;
use crate::error::{Result, StoreError};

/// The marker's content. Keys we do not know are kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Marker {
    keys: Map<String, Value>,
}

impl Marker {
    /// Reads the marker at `path`, or gives `None` if there is no such file.
    pub fn read(path: &Path) -> Result<Option<Self>> {
        read_text(path)?.map(|text| Self::parse(&text, path)).transpose()
    }

    /// Reads the text of the marker at `path`.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        let document = Document::parse(text).map_err(StoreError::yaml(path))?;
        let position = document.position(&[]);
        let found = match document.into_value() {
            Value::Object(keys) => return Ok(Self { keys }),
            Value::Null => "the file is empty",
            Value::Array(_) => "this is a list",
            _ => "this is a single value",
        };
        let message = format!(
            "{found}, but a marker is a mapping of settings (such as 'tools: []'); write '{{}}' for none, or run 'swamp repo init --force' to start over"
        );
        Err(StoreError::invalid(path, position, message))
    }

    /// Changes keys of the marker file at `path`. Lines that have nothing to do with them stay as
    /// they are.
    pub(crate) fn update(path: &Path, changes: &[KeyChange<'_>]) -> Result<Self> {
        let text = read_text(path)?.unwrap_or_default();
        let old = Self::parse(&text, path)?;
        let new = swamp_yaml::edit_keys(&text, &old.keys, changes);
        if new != text {
            atomic::write_durable(path, new.as_bytes())?;
        }
        Self::parse(&new, path)
    }

    /// Writes a marker that holds `keys` and nothing else.
    pub(crate) fn write(path: &Path, keys: Map<String, Value>) -> Result<Self> {
        let text = swamp_yaml::to_string(&Value::Object(keys.clone()));
        atomic::write_durable(path, text.as_bytes())?;
        Ok(Self { keys })
    }

    /// All keys as they stand in the file.
    pub fn keys(&self) -> &Map<String, Value> {
        &self.keys
    }

    /// The text at `key`, if there is one and it is not empty.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.keys.get(key)?.as_str().filter(|text| !text.is_empty())
    }

    /// Whether the switch at `key` is on. `yes` and `on` are texts in these files, but whoever
    /// writes them means it.
    pub fn switch(&self, key: &str) -> bool {
        match self.keys.get(key) {
            Some(Value::Bool(on)) => *on,
            Some(Value::String(text)) => {
                !matches!(text.to_ascii_lowercase().as_str(), "" | "false" | "no" | "off" | "0")
            }
            Some(Value::Number(number)) => number.as_f64() != Some(0.0),
            _ => false,
        }
    }

    /// The repository's id, if it has one.
    pub fn repo_id(&self) -> Option<RepoId> {
        self.text("repoId").map(RepoId::new)
    }

    /// The version that last initialised or upgraded the repository.
    pub fn version(&self) -> Option<&str> {
        self.text("swampVersion")
    }

    /// The default log level.
    pub fn log_level(&self) -> Option<&str> {
        self.text("logLevel")
    }

    /// Whether telemetry is switched off here.
    pub fn telemetry_disabled(&self) -> bool {
        self.switch("telemetryDisabled")
    }

    /// Whether sent telemetry files are kept.
    pub fn telemetry_keep_flushed(&self) -> bool {
        self.switch("telemetryKeepFlushed")
    }

    /// Where telemetry goes, if the repository says so.
    pub fn telemetry_endpoint(&self) -> Option<&str> {
        self.text("telemetryEndpoint")
    }

    /// The driver of last resort before `raw`, and its configuration.
    pub fn default_driver(&self) -> Option<(&str, Option<&Value>)> {
        Some((self.text("defaultDriver")?, self.keys.get("defaultDriverConfig")))
    }

    /// The names of the enrolled tools, also from the old scalar form.
    pub fn tools(&self) -> Vec<&str> {
        match (self.keys.get("tools"), self.text("tool")) {
            (Some(Value::Array(tools)), _) => tools.iter().filter_map(Value::as_str).collect(),
            (_, Some("none") | None) => Vec::new(),
            (_, Some(tool)) => vec![tool],
        }
    }

    /// Whether the section in `.gitignore` is ours to keep up to date.
    pub fn gitignore_managed(&self) -> bool {
        self.switch("gitignoreManaged")
    }
}

fn read_text(path: &Path) -> Result<Option<String>> {
    match fs::metadata(path) {
        Ok(found) if found.is_file() => {
            fs::read_to_string(path).map(Some).map_err(StoreError::io("read", path))
        }
        Ok(_) => Ok(None),
        Err(error)
            if matches!(
                error.kind(),
                std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(StoreError::io("read", path)(error)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn marker(text: &str) -> Result<Marker> {
        Marker::parse(text, Path::new("/r/.swamp.yaml"))
    }

    #[test]
    fn a_marker_must_be_a_mapping() {
        for (text, place, part) in [
            ("", "/r/.swamp.yaml:1:1: ", "empty"),
            ("# nothing\n", "/r/.swamp.yaml:1:1: ", "empty"),
            ("- not\n- a map\n", "/r/.swamp.yaml:1:1: ", "list"),
            ("word", "/r/.swamp.yaml:1:1: ", "single value"),
            ("tools: [none\n", "/r/.swamp.yaml:2:1: ", ""),
            ("a: 1\na: 2\n", "/r/.swamp.yaml:2:1: ", "duplicated"),
        ] {
            let error = marker(text).unwrap_err().to_string();
            assert!(error.starts_with(place), "{text:?}: {error}");
            assert!(error.contains(part), "{text:?}: {error}");
        }
        assert!(marker("{}").is_ok());
    }

    #[test]
    fn settings_are_read_in_every_form_people_write_them() {
        let read = marker(
            "swampVersion: 20260101.000000.0\ntool: claude\ntelemetryDisabled: yes\nlogLevel: ''\ndefaultDriver: docker\n",
        )
        .unwrap();
        assert_eq!(read.version(), Some("20260101.000000.0"));
        assert_eq!(read.tools(), ["claude"]);
        assert!(read.telemetry_disabled());
        assert!(!read.telemetry_keep_flushed());
        assert_eq!(read.log_level(), None);
        assert_eq!(read.default_driver(), Some(("docker", None)));
        assert_eq!(read.repo_id(), None);
        for (text, want) in [("true", true), ("false", false), ("off", false), ("'no'", false)] {
            let read = marker(&format!("telemetryDisabled: {text}")).unwrap();
            assert_eq!(read.telemetry_disabled(), want, "{text}");
        }
        assert_eq!(marker("tool: none").unwrap().tools(), Vec::<&str>::new());
        assert_eq!(marker("tools: [a, b]\ntool: c").unwrap().tools(), ["a", "b"]);
    }

    #[test]
    fn no_change_writes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(".swamp.yaml");
        fs::write(&path, "a:    1").unwrap();
        Marker::update(&path, &[("a", Some(json!(1))), ("b", None)]).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "a:    1");
    }
}
