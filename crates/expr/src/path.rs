//! Places in a document.

use std::fmt;

/// One step down into a document.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PathItem {
    /// Into a map.
    Key(String),
    /// Into a list, from 0.
    Index(usize),
}

/// A place in a document, written `methods.run.arguments.list[0]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct DocumentPath(pub Vec<PathItem>);

impl DocumentPath {
    /// The steps from the root.
    pub fn items(&self) -> &[PathItem] {
        &self.0
    }

    /// Whether this place is `keys` or lies below it: `methods.run.arguments.a` starts with
    /// `["methods", "run"]`.
    pub fn starts_with(&self, keys: &[&str]) -> bool {
        self.0.len() >= keys.len()
            && self
                .0
                .iter()
                .zip(keys)
                .all(|(item, key)| matches!(item, PathItem::Key(k) if k == key))
    }
}

impl fmt::Display for DocumentPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, item) in self.0.iter().enumerate() {
            match item {
                PathItem::Key(key) if depth == 0 => f.write_str(key)?,
                PathItem::Key(key) => write!(f, ".{key}")?,
                PathItem::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}
