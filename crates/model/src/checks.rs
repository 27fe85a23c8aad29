//! Which pre-flight checks run.

/// What the command line says about pre-flight checks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckFilter {
    /// Leave out all that the definition does not require.
    pub skip_all: bool,
    /// Leave out these.
    pub skip: Vec<String>,
    /// Leave out those with one of these labels.
    pub skip_labels: Vec<String>,
}
