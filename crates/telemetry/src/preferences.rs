//! The user's own settings: `telemetry.yaml` in the configuration directory.
//!
//! The user edits it, so a change replaces the lines of its key and leaves all others alone.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use swamp_ident::RepoId;
use swamp_yaml::{Document, KeyChange};

use crate::bounds::Limits;
use crate::settings::is_on;
use crate::{Endpoint, private_file};

/// Name of the file.
const FILE: &str = "telemetry.yaml";

/// Why the settings could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum PreferencesError {
    /// What is there cannot be understood, and changing it would lose it.
    #[error("{path} cannot be understood ({why}); repair or remove it")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The file system says no.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// How names of workflows, jobs and steps go over the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Names {
    /// As they are.
    #[default]
    Clear,
    /// As pseudonyms.
    Hashed,
}

impl Names {
    /// Reads the value of `telemetryNames`. What is not clearly `clear` hides.
    pub(crate) fn read(value: Option<&Value>) -> Self {
        match value {
            None | Some(Value::Null) => Self::Clear,
            Some(Value::String(text)) if text.trim().eq_ignore_ascii_case("clear") => Self::Clear,
            Some(_) => Self::Hashed,
        }
    }

    /// Hashed if either says so.
    #[must_use]
    pub(crate) fn or(self, other: Self) -> Self {
        if self == Self::Hashed { self } else { other }
    }
}

/// A repository that may send the user's key to the endpoint in its marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    /// The repository.
    pub repo_id: RepoId,
    /// The endpoint that was looked at.
    pub endpoint: Endpoint,
}

/// The user's settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Preferences {
    /// Whether telemetry is switched off for everything the user does.
    pub disabled: bool,
    /// Whether there is a file that cannot be read, and may say so.
    pub is_unreadable: bool,
    /// Where entries go.
    pub endpoint: Option<String>,
    /// How names go over the wire.
    pub names: Names,
    /// Repositories that are trusted.
    pub trusted: Vec<Trust>,
    /// How much a spool may hold.
    pub limits: Limits,
}

impl Preferences {
    /// Reads the settings in a configuration directory. Values of the wrong type are as good as
    /// absent, except where absence would tell more than was meant.
    pub fn read(config: &Path) -> Self {
        match private_file::read(&path(config)) {
            Ok(text) => match parse(&text) {
                Ok(keys) => Self::of(&keys),
                Err(_) => Self { is_unreadable: true, ..Self::default() },
            },
            Err(error) if is_absent(&error) => Self::default(),
            Err(_) => Self { is_unreadable: true, ..Self::default() },
        }
    }

    fn of(keys: &Map<String, Value>) -> Self {
        let trusted = keys.get("trusted").and_then(Value::as_array);
        let trusted = trusted.into_iter().flatten().filter_map(|item| {
            let text = |key: &str| item.get(key).and_then(Value::as_str);
            let endpoint = Endpoint::parse(text("endpoint")?).ok()?;
            Some(Trust { repo_id: RepoId::new(text("repoId")?), endpoint })
        });
        Self {
            disabled: keys.get("disabled").is_some_and(is_on),
            is_unreadable: false,
            endpoint: keys.get("endpoint").and_then(Value::as_str).map(str::to_owned),
            names: Names::read(keys.get("telemetryNames")),
            trusted: trusted.collect(),
            limits: Limits::read(keys.get("spool")),
        }
    }

    /// Whether the key may go where the marker of a repository says.
    pub(crate) fn trusts(&self, repo_id: Option<&RepoId>, endpoint: &Endpoint) -> bool {
        self.trusted
            .iter()
            .any(|trust| Some(&trust.repo_id) == repo_id && trust.endpoint == *endpoint)
    }

    /// Switches telemetry off or on for everything the user does.
    pub fn set_disabled(config: &Path, disabled: bool) -> Result<(), PreferencesError> {
        change(config, &[("disabled", disabled.then(|| json!(true)))])
    }

    /// Sets where entries go; `None` for nowhere.
    pub fn set_endpoint(
        config: &Path,
        endpoint: Option<&Endpoint>,
    ) -> Result<(), PreferencesError> {
        change(config, &[("endpoint", endpoint.map(|endpoint| json!(endpoint.to_string())))])
    }

    /// Trusts a repository with an endpoint, instead of any it was trusted with before; `None`
    /// trusts it no more. Tells whether anything changed.
    pub fn set_trust(
        config: &Path,
        repo_id: &RepoId,
        endpoint: Option<&Endpoint>,
    ) -> Result<bool, PreferencesError> {
        let old = Self::read(config).trusted;
        let mut new: Vec<Trust> = old.clone();
        new.retain(|trust| trust.repo_id != *repo_id);
        if let Some(endpoint) = endpoint {
            new.push(Trust { repo_id: repo_id.clone(), endpoint: endpoint.clone() });
        }
        if new == old {
            return Ok(false);
        }
        let items: Vec<Value> = new
            .iter()
            .map(|trust| {
                json!({"repoId": trust.repo_id.as_str(), "endpoint": trust.endpoint.to_string()})
            })
            .collect();
        change(config, &[("trusted", (!items.is_empty()).then_some(Value::Array(items)))])?;
        Ok(true)
    }
}

fn path(config: &Path) -> PathBuf {
    config.join(FILE)
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn parse(text: &str) -> Result<Map<String, Value>, String> {
    match Document::parse(text).map_err(|error| error.to_string())?.into_value() {
        Value::Object(keys) => Ok(keys),
        Value::Null => Ok(Map::new()),
        _ => Err("it is not a mapping of settings".to_owned()),
    }
}

fn change(config: &Path, changes: &[KeyChange<'_>]) -> Result<(), PreferencesError> {
    let path = path(config);
    let unreadable = |why: String| PreferencesError::Unreadable { path: path.clone(), why };
    let old = match private_file::read(&path) {
        Ok(text) => Some(text),
        Err(error) if is_absent(&error) => None,
        Err(error) => return Err(unreadable(error.to_string())),
    };
    let text = old.clone().unwrap_or_default();
    let keys = parse(&text).map_err(unreadable)?;
    let new = swamp_yaml::edit_keys(&text, &keys, changes);
    if old.as_deref() == Some(&new) || (old.is_none() && changes.iter().all(|(_, v)| v.is_none())) {
        return Ok(());
    }
    private_file::replace(&path, new.as_bytes())
        .map_err(|source| PreferencesError::Write { path, source })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn read(text: &str) -> Preferences {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join(FILE), text).unwrap();
        Preferences::read(home.path())
    }

    #[test]
    fn settings_are_read_leniently_where_that_tells_nothing() {
        assert_eq!(Preferences::read(Path::new("/nowhere/at/all")), Preferences::default());
        assert_eq!(read("# only a comment\n"), Preferences::default());
        assert!(read("disabled: yes").disabled);
        assert!(!read("disabled: off").disabled);
        assert_eq!(read("telemetryNames: clear").names, Names::Clear);
        for hides in ["hashed", "hash", "true", "[]"] {
            assert_eq!(read(&format!("telemetryNames: {hides}")).names, Names::Hashed, "{hides}");
        }
        let limits = read("spool: {entries: 10, mebibytes: 2, days: 7}").limits;
        assert_eq!((limits.entries, limits.bytes, limits.days), (10, 2 * 1024 * 1024, 7));
        assert_eq!(read("spool: {entries: -1, days: x}").limits, Limits::default());
        for broken in ["disabled: [", "- a list", "word"] {
            assert!(read(broken).is_unreadable, "{broken}");
        }
    }

    #[test]
    fn a_change_keeps_comments_and_strangers_and_is_private() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join(FILE);
        Preferences::set_disabled(home.path(), false).unwrap();
        assert!(!file.exists(), "nothing to say, nothing written");
        fs::write(&file, "# mine\nendpoint: http://h # here\nfuture: {a: 1}\n").unwrap();
        Preferences::set_disabled(home.path(), true).unwrap();
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(text, "# mine\nendpoint: http://h # here\nfuture: {a: 1}\ndisabled: true\n");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        Preferences::set_disabled(home.path(), false).unwrap();
        Preferences::set_endpoint(home.path(), None).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "# mine\nfuture: {a: 1}\n");
        fs::write(&file, "disabled: [").unwrap();
        assert!(Preferences::set_disabled(home.path(), true).is_err());
        assert_eq!(fs::read_to_string(&file).unwrap(), "disabled: [");
    }

    #[test]
    fn trust_is_bound_to_repository_and_endpoint() {
        let home = tempfile::tempdir().unwrap();
        let (ours, other) = (RepoId::new("r-1"), RepoId::new("r-2"));
        let [a, b] = ["https://a", "https://b"].map(|text| Endpoint::parse(text).unwrap());
        assert!(Preferences::set_trust(home.path(), &ours, Some(&a)).unwrap());
        assert!(!Preferences::set_trust(home.path(), &ours, Some(&a)).unwrap());
        let read = Preferences::read(home.path());
        assert!(read.trusts(Some(&ours), &a));
        assert!(!read.trusts(Some(&ours), &b));
        assert!(!read.trusts(Some(&other), &a));
        assert!(!read.trusts(None, &a));
        assert!(Preferences::set_trust(home.path(), &ours, Some(&b)).unwrap());
        assert!(!Preferences::read(home.path()).trusts(Some(&ours), &a));
        assert!(Preferences::set_trust(home.path(), &ours, None).unwrap());
        assert_eq!(Preferences::read(home.path()).trusted, []);
    }
}
