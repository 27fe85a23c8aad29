//! The name of a data item.

use swamp_ident::{DataName, DefinitionId, TypeName, WorkflowId};

use crate::error::{Result, StoreError};
use crate::lock::ModelKey;

/// Names one data item: whose it is, and what it is called there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemKey {
    /// The model it belongs to.
    pub model: ModelKey,
    /// Its name.
    pub name: DataName,
}

impl ItemKey {
    /// The item `name` of a model.
    pub fn new(type_name: TypeName, id: DefinitionId, name: DataName) -> Self {
        Self { model: ModelKey { type_name, id }, name }
    }

    /// The item `name` of a workflow: reports about runs live there, as if `workflow` were a type.
    pub fn of_workflow(workflow: &WorkflowId, name: DataName) -> Self {
        Self::new(TypeName::normalised("workflow"), DefinitionId::new(workflow.as_str()), name)
    }
}

/// Checks that a name can be that of a data item: not blank, one plain path segment, and not
/// `latest`, which is the file that points to the newest version.
pub fn check_data_name(name: &str) -> Result<()> {
    if name.trim().is_empty() {
        return Err(StoreError::BadName("Data name must not be empty".to_owned()));
    }
    if name.contains("..") || name.contains(['/', '\\', '\0']) {
        return Err(StoreError::BadName(
            "Data name must not contain '..', '/', '\\', or null bytes (path traversal)".to_owned(),
        ));
    }
    if name.eq_ignore_ascii_case("latest") {
        return Err(StoreError::BadName(format!(
            "Data name '{name}' is reserved for internal use. Use a different name."
        )));
    }
    // "." is the item directory's parent, and what begins with a dot is ours: temporary
    // directories and lock files. 255 bytes is what file systems take.
    if name.starts_with('.') || name.len() > 255 {
        return Err(StoreError::BadName(format!(
            "Data name '{name}' must not begin with a dot or have more than 255 bytes"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_path_segment() {
        for good in ["result", "a b", "ä", "result-eu", "1", "latest-2", "a.b"] {
            assert!(check_data_name(good).is_ok(), "{good:?}");
        }
        let long = "x".repeat(256);
        for (bad, part) in [
            ("", "empty"),
            ("  ", "empty"),
            ("a/b", "path traversal"),
            ("a\\b", "path traversal"),
            ("a..b", "path traversal"),
            ("a\0", "path traversal"),
            ("Latest", "'Latest' is reserved"),
            (".lock", "dot"),
            (long.as_str(), "255 bytes"),
        ] {
            let error = check_data_name(bad).unwrap_err().to_string();
            assert!(error.contains(part), "{bad:?}: {error}");
        }
    }
}
