//! The definitions of a repository.
//!
//! A file's name means nothing: definitions are found by what stands in them. So that a run that
//! uses the same definitions a thousand times does not read every file a thousand times, what was
//! found once is remembered, and used again as long as its file has not changed.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use swamp_ident::{TypeName, check_entity_name};

use crate::error::{Result, StoreError};
use crate::stamp::Stamp;
use crate::yaml_files;
use crate::{Definition, RepoPaths, atomic};

/// A file that cannot be used.
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

/// Reads and writes definition files. Clones share what they remember.
#[derive(Clone, Debug)]
pub struct Definitions {
    paths: RepoPaths,
    memory: Arc<Mutex<Memory>>,
}

#[derive(Debug, Default)]
struct Memory {
    /// By the name or id they were asked for.
    found: HashMap<String, (Stamp, Arc<Definition>)>,
    /// Evaluated copies as we last wrote them.
    evaluated: HashMap<PathBuf, (Stamp, String)>,
}

impl Definitions {
    /// The definitions of the repository at `paths`.
    pub fn new(paths: RepoPaths) -> Self {
        Self { paths, memory: Arc::default() }
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, Memory> {
        // Every entry is checked against its file when used, so one left by a panic does no harm.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads every definition file.
    pub fn scan(&self) -> Result<DefinitionScan> {
        let mut scan = DefinitionScan::default();
        for file in yaml_files::below(&self.paths.models(), self.paths.root())? {
            match file.read().and_then(|text| self.parse(&text, &file.path)) {
                Ok(definition) => scan.found.push(definition),
                Err(error) => scan.broken.push(BrokenFile { path: file.path, error }),
            }
        }
        Ok(scan)
    }

    /// The definition with this name, else the one with this id.
    ///
    /// Fails with [`StoreError::ModelNotFound`] if there is none, and with
    /// [`StoreError::ModelUnreadable`] if a broken file mentions it.
    pub fn find(&self, name_or_id: &str) -> Result<Definition> {
        if let Some((stamp, definition)) = self.memory().found.get(name_or_id)
            && Stamp::of(&definition.path).as_ref() == Some(stamp)
        {
            return Ok(Definition::clone(definition));
        }
        self.search(name_or_id)
    }

    fn search(&self, name_or_id: &str) -> Result<Definition> {
        let mut by_id = None;
        let mut broken = None;
        // Parsing costs more than looking for the words, so files that do not even hold them come
        // last; they matter only if the name is spelled with escapes.
        let mut unlikely = Vec::new();
        for file in yaml_files::below(&self.paths.models(), self.paths.root())? {
            // The stamp is taken first: a change after it will be noticed the next time.
            let stamp = Stamp::of(&file.path);
            match file.read() {
                Ok(text) if text.contains(name_or_id) => match self.parse(&text, &file.path) {
                    Ok(found) if found.name == *name_or_id => {
                        return Ok(self.remember(name_or_id, stamp, found));
                    }
                    Ok(found) if by_id.is_none() && found.id.as_str() == name_or_id => {
                        by_id = Some((stamp, found));
                    }
                    Ok(_) => {}
                    Err(error) => {
                        broken.get_or_insert(error);
                    }
                },
                Ok(text) => unlikely.push((stamp, file.path, text)),
                Err(error) => {
                    broken.get_or_insert(error);
                }
            }
        }
        for (stamp, path, text) in unlikely {
            match self.parse(&text, &path) {
                Ok(found) if found.name == *name_or_id => {
                    return Ok(self.remember(name_or_id, stamp, found));
                }
                Ok(_) | Err(_) => {}
            }
        }
        match (by_id, broken) {
            (Some((stamp, found)), _) => Ok(self.remember(name_or_id, stamp, found)),
            (None, Some(error)) => Err(StoreError::ModelUnreadable {
                name: name_or_id.to_owned(),
                error: Box::new(error),
            }),
            (None, None) => Err(StoreError::ModelNotFound(name_or_id.to_owned())),
        }
    }

    fn remember(&self, key: &str, stamp: Option<Stamp>, definition: Definition) -> Definition {
        if let Some(stamp) = stamp {
            let shared = Arc::new(definition.clone());
            self.memory().found.insert(key.to_owned(), (stamp, shared));
        }
        definition
    }

    fn parse(&self, text: &str, path: &Path) -> Result<Definition> {
        let directory = path.parent().and_then(|path| path.strip_prefix(self.paths.models()).ok());
        let type_name = directory
            .map(|directory| TypeName::normalised(&directory.to_string_lossy()))
            .filter(|name| !name.as_str().is_empty());
        Definition::parse(text, path, type_name.as_ref())
    }

    /// Writes a new definition to its usual place and sets its path.
    ///
    /// Fails with [`StoreError::ModelExists`] if its name is taken, and with
    /// [`StoreError::BadName`] if the name cannot be one.
    pub fn create(&self, definition: &mut Definition) -> Result<()> {
        check_entity_name(definition.name.as_str())
            .map_err(|error| StoreError::BadName(error.to_string()))?;
        let path = self.paths.definition(&definition.type_name, &definition.id);
        let taken = self.scan()?.found.iter().any(|other| other.name == definition.name);
        if taken || path.exists() {
            return Err(StoreError::ModelExists(definition.name.to_string()));
        }
        definition.path = path;
        self.save(definition)
    }

    /// Writes a definition to the file it came from.
    pub fn save(&self, definition: &Definition) -> Result<()> {
        let text = swamp_yaml::to_string(&definition.to_value());
        atomic::write_durable(&definition.path, text.as_bytes())
    }

    /// Removes the file the definition came from.
    pub fn delete(&self, definition: &Definition) -> Result<()> {
        fs::remove_file(&definition.path).map_err(StoreError::io("remove", &definition.path))
    }

    /// Writes the evaluated copy; gives its path. The definition's own path is left alone.
    pub fn save_evaluated(&self, definition: &Definition) -> Result<PathBuf> {
        let path = self.paths.evaluated_definition(&definition.type_name, &definition.id);
        let text = swamp_yaml::to_string(&definition.to_value());
        // Steps that call the same method with the same arguments evaluate to the same text.
        let known = self.memory().evaluated.get(&path).is_some_and(|(stamp, written)| {
            *written == text && Stamp::of(&path).as_ref() == Some(stamp)
        });
        if !known {
            atomic::write_quick(&path, text.as_bytes())?;
            if let Some(stamp) = Stamp::of(&path) {
                self.memory().evaluated.insert(path.clone(), (stamp, text));
            }
        }
        Ok(path)
    }

    /// Reads the evaluated copy of a definition, if there is one.
    pub fn load_evaluated(&self, definition: &Definition) -> Result<Option<Definition>> {
        let path = self.paths.evaluated_definition(&definition.type_name, &definition.id);
        match fs::read_to_string(&path) {
            Ok(text) => Definition::parse(&text, &path, Some(&definition.type_name)).map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::io("read", &path)(error)),
        }
    }

    /// Removes the evaluated copy; says whether there was one.
    pub fn delete_evaluated(&self, definition: &Definition) -> Result<bool> {
        let path = self.paths.evaluated_definition(&definition.type_name, &definition.id);
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(StoreError::io("remove", &path)(error)),
        }
    }
}

#[cfg(test)]
mod tests;
