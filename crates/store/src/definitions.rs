//! The definitions of a repository.

use std::path::PathBuf;

use swamp_ident::TypeName;

use crate::{Definition, RepoPaths, Result, StoreError};

/// A definition file that cannot be used.
#[derive(Debug)]
pub struct BrokenFile {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it, with its place.
    pub error: StoreError,
}

/// All definitions of a repository.
#[derive(Debug, Default)]
pub struct DefinitionScan {
    /// Usable ones, in order of their paths.
    pub found: Vec<Definition>,
    /// The others.
    pub broken: Vec<BrokenFile>,
}

/// Reads and writes definition files.
#[derive(Clone, Debug)]
pub struct Definitions {
    paths: RepoPaths,
}

impl Definitions {
    /// The definitions of the repository at `paths`.
    pub fn new(paths: RepoPaths) -> Self {
        Self { paths }
    }

    /// Reads every definition file.
    pub fn scan(&self) -> Result<DefinitionScan> {
        let _ = &self.paths;
        todo!()
    }

    /// The definition with this name, else the one with this id.
    /// [`StoreError::ModelNotFound`] if there is none.
    pub fn find(&self, name_or_id: &str) -> Result<Definition> {
        let _ = name_or_id;
        todo!()
    }

    /// Writes a new definition to its usual place. [`StoreError::ModelExists`] if its name is taken.
    pub fn create(&self, definition: &mut Definition) -> Result<()> {
        let _ = definition;
        todo!()
    }

    /// Writes a definition back to the file it came from.
    pub fn save(&self, definition: &Definition) -> Result<()> {
        let _ = definition;
        todo!()
    }

    /// Removes the file the definition came from.
    pub fn delete(&self, definition: &Definition) -> Result<()> {
        let _ = definition;
        todo!()
    }

    /// Writes the evaluated copy; gives its path.
    pub fn save_evaluated(&self, definition: &Definition) -> Result<PathBuf> {
        let _ = definition;
        todo!()
    }

    /// Reads the evaluated copy of a definition, if there is one.
    pub fn load_evaluated(&self, definition: &Definition) -> Result<Option<Definition>> {
        let _ = definition;
        todo!()
    }

    /// The types for which there are definitions.
    pub fn types(&self) -> Result<Vec<TypeName>> {
        todo!()
    }
}
