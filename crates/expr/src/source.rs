//! The traits through which expressions reach the world: data, models, environment, secrets.
//!
//! All are asked only when an expression that needs them is evaluated.

use std::fmt;

use crate::error::ExprError;
use crate::value::Value;

/// Why a look-up in `data`, `file` or `model` failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// A query that was given as text is wrong; its own message is shown.
    #[error("{}", .0.message())]
    Query(#[from] ExprError),
    /// Anything else, as one sentence for people.
    #[error("{0}")]
    Failed(String),
}

/// A secret could not be had: unknown vault, unknown key, provider failure. One sentence (and hints
/// on further lines) for people, e.g. `Vault 'x' not found. No vaults are configured.`
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SecretError(pub String);

/// Versioned data: the functions of `data` and `file`.
///
/// Records have the shape of the data record of the expression language (`id`, `name`, `version`,
/// `attributes`, `tags`, …), made with [`Value::from_json`]. `vary` is empty or holds the values
/// that were given; they are already checked (not blank, no path separators, not `.` or `..`).
pub trait DataSource {
    /// `data.latest(model, name[, vary])`: the newest record, or `None`.
    fn latest(
        &self,
        model: &str,
        name: &str,
        vary: &[String],
    ) -> Result<Option<Value>, SourceError>;

    /// `data.version(model, name[, vary], version)`.
    fn version(
        &self,
        model: &str,
        name: &str,
        vary: &[String],
        version: i64,
    ) -> Result<Option<Value>, SourceError>;

    /// `data.listVersions(model, name[, vary])`, ascending; empty when unknown.
    fn list_versions(
        &self,
        model: &str,
        name: &str,
        vary: &[String],
    ) -> Result<Vec<i64>, SourceError>;

    /// `data.findByTag(key, value)`: the newest record per model and name.
    fn find_by_tag(&self, key: &str, value: &str) -> Result<Vec<Value>, SourceError>;

    /// `data.findBySpec(model, spec)`: latest versions.
    fn find_by_spec(&self, model: &str, spec: &str) -> Result<Vec<Value>, SourceError>;

    /// `data.query(predicate[, select])`: records, or projections of them. Compile both with
    /// [`RecordFilter`](crate::RecordFilter).
    fn query(&self, predicate: &str, select: Option<&str>) -> Result<Vec<Value>, SourceError>;

    /// `file.contents(model, spec)`: the text of the first instance of that file, or `None`.
    fn file_contents(&self, model: &str, spec: &str) -> Result<Option<String>, SourceError>;
}

/// The root `model`: definitions by name and by id.
pub trait ModelSource {
    /// What `model.<name>` or `model["<id>"]` is: a map with `input`, `definition` and, when there
    /// is data, `resource` and `file` (use [`Value::Lazy`] for parts that cost something).
    fn model(&self, name_or_id: &str) -> Result<Option<Value>, SourceError>;

    /// Every name and every id, in a stable order.
    fn keys(&self) -> Result<Vec<String>, SourceError>;
}

/// The root `env`.
pub trait EnvSource {
    /// The value of a variable, `None` when it is not set.
    fn var(&self, name: &str) -> Option<String>;

    /// Names of all variables.
    fn names(&self) -> Vec<String>;
}

/// Secrets: `vault.get(vault, key)`.
pub trait SecretSource {
    /// The secret, or a stand-in for it that the caller of the expression knows how to replace.
    fn get(&self, vault: &str, key: &str) -> Result<String, SecretError>;
}

/// A map whose entries are made when asked for, for use in [`Value::Lazy`].
pub trait LazyMap: Send + Sync + fmt::Debug {
    /// The value under `key`, `None` when there is none.
    fn get(&self, key: &str) -> Result<Option<Value>, SourceError>;

    /// All keys, in a stable order.
    fn keys(&self) -> Result<Vec<String>, SourceError>;
}
