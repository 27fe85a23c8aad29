//! `model validate`: what can be said about a definition without running it.

use swamp_events::EnvUse;

/// What to look at besides the definition itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ValidateOptions {
    /// Only checks with one of these labels, if any are named.
    pub labels: Vec<String>,
    /// The method that checks for certain methods are run for.
    pub method: Option<String>,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidationCheck {
    /// Its name: `Definition schema`, `Global arguments`, …
    pub name: String,
    /// What is wrong; nothing if it is fine.
    pub error: Option<String>,
}

/// Something that is worth knowing but not wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidationWarning {
    /// Its name.
    pub name: String,
    /// What it means.
    pub message: String,
    /// The uses of environment variables it is about.
    pub env_uses: Vec<EnvUse>,
}

/// The result for one definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validation {
    /// The definition's id.
    pub model_id: String,
    /// Its name; the file name for a file that cannot be read.
    pub model_name: String,
    /// Its type.
    pub type_name: String,
    /// What was looked at, in order.
    pub checks: Vec<ValidationCheck>,
    /// Warnings.
    pub warnings: Vec<ValidationWarning>,
}

impl Validation {
    /// Whether nothing is wrong.
    pub fn passed(&self) -> bool {
        self.checks.iter().all(|check| check.error.is_none())
    }
}
