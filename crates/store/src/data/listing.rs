//! Everything a model has, and everything there is.

use std::collections::BTreeMap;
use std::path::Path;

use swamp_ident::{DataName, DefinitionId, TypeName};

use super::DataStore;
use super::item::{ItemKey, check_data_name};
use super::layout;
use super::read::StoredVersion;
use crate::error::{Result, StoreError};
use crate::lock::ModelKey;

/// How many directories a type's name may be deep. Type names have two or three segments; the
/// limit ends rings of symbolic links.
const DEEPEST_TYPE: usize = 16;

/// The newest versions of many items; deleted and renamed ones are not among them.
#[derive(Debug, Default)]
pub struct DataListing {
    /// By model, then by name.
    pub items: Vec<StoredVersion>,
    /// Items that could not be read.
    pub warnings: Vec<StoreError>,
}

/// How much data the models of one type have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelCount {
    /// The type.
    pub type_name: TypeName,
    /// Models of that type that have data.
    pub models: usize,
    /// Items of these models, without deleted and renamed ones.
    pub items: usize,
    /// Versions of these items.
    pub versions: usize,
}

impl DataStore {
    /// The newest version of each item of a model.
    pub fn list(&self, model: &ModelKey) -> Result<DataListing> {
        let mut listing = DataListing::default();
        self.list_into(model, &mut listing)?;
        Ok(listing)
    }

    /// The newest version of each item of every model. Reads one file per item: use
    /// [`DataStore::query`] where only some are wanted.
    pub fn list_all(&self) -> Result<DataListing> {
        let mut listing = DataListing::default();
        for model in self.models()? {
            self.list_into(&model, &mut listing)?;
        }
        Ok(listing)
    }

    fn list_into(&self, model: &ModelKey, listing: &mut DataListing) -> Result<()> {
        for key in self.items(model)? {
            match self.newest(&key) {
                Ok(Some(found)) if !found.metadata.deleted => listing.items.push(found),
                Ok(_) => {}
                Err(error) => listing.warnings.push(error),
            }
        }
        Ok(())
    }

    /// The items of a model, in order of their names, whether hidden or not.
    pub(crate) fn items(&self, model: &ModelKey) -> Result<Vec<ItemKey>> {
        let Ok(directory) = self.model_dir(model) else {
            return Ok(Vec::new());
        };
        Ok(layout::directories(&directory)?
            .into_iter()
            .map(|name| ItemKey { model: model.clone(), name: DataName::new(name) })
            .collect())
    }

    /// The models that have data, in order.
    pub fn models(&self) -> Result<Vec<ModelKey>> {
        let mut found = Vec::new();
        let mut segments = Vec::new();
        find_models(&self.paths().data(), &mut segments, &mut found)?;
        found.sort();
        Ok(found)
    }

    /// The items of this name written by models of that name, whether or not there still is such a
    /// model, the one written last first: for data whose definition was deleted and made again
    /// under a new id.
    pub fn find_by_name(&self, model: &str, name: &DataName) -> Result<Vec<ItemKey>> {
        if check_data_name(name.as_str()).is_err() {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        self.search_models(&self.paths().data(), &mut Vec::new(), name, &mut |newest| {
            if newest.metadata.model_name() == model && !newest.metadata.deleted {
                found.push((newest.metadata.created_at, newest.key));
            }
        })?;
        found.sort_by(|a, b| b.cmp(a));
        Ok(found.into_iter().map(|(_, key)| key).collect())
    }

    /// Finds the models that have an item of this name. The directories of models are not read,
    /// which may have many items, if their names tell that they are.
    fn search_models(
        &self,
        directory: &Path,
        segments: &mut Vec<String>,
        name: &DataName,
        found: &mut dyn FnMut(StoredVersion),
    ) -> Result<()> {
        if let Some((id, type_segments)) = segments.split_last()
            && !type_segments.is_empty()
        {
            let type_name = TypeName::normalised(&type_segments.join("/"));
            let key = ItemKey::new(type_name, DefinitionId::new(id), name.clone());
            // An item that cannot be read belongs to nobody we could name.
            if let Ok(Some(newest)) = self.newest(&key) {
                found(newest);
                return Ok(());
            }
            // A model that has no such item, or already one of a model's items.
            if layout::is_uuid(id) || directory.join("latest").exists() {
                return Ok(());
            }
        }
        if segments.len() < DEEPEST_TYPE {
            for child in layout::directories(directory)? {
                let path = directory.join(&child);
                segments.push(child);
                self.search_models(&path, segments, name, found)?;
                segments.pop();
            }
        }
        Ok(())
    }

    /// Counts by type, in order of the types.
    pub fn counts(&self) -> Result<Vec<ModelCount>> {
        let mut counts: BTreeMap<TypeName, ModelCount> = BTreeMap::new();
        for model in self.models()? {
            let count = counts.entry(model.type_name.clone()).or_insert_with(|| ModelCount {
                type_name: model.type_name.clone(),
                models: 0,
                items: 0,
                versions: 0,
            });
            let before = count.items;
            for key in self.items(&model)? {
                // What cannot be read is counted: it is there.
                if matches!(self.newest(&key), Ok(Some(found)) if found.metadata.deleted) {
                    continue;
                }
                match self.version_numbers(&key)?.len() {
                    0 => {}
                    versions => {
                        count.items += 1;
                        count.versions += versions;
                    }
                }
            }
            count.models += usize::from(count.items > before);
        }
        Ok(counts.into_values().filter(|count| count.items > 0).collect())
    }
}

/// A directory is that of a model if one of its own is that of an item; everything above it is the
/// type.
fn find_models(
    directory: &Path,
    segments: &mut Vec<String>,
    found: &mut Vec<ModelKey>,
) -> Result<()> {
    let children = layout::directories(directory)?;
    if let Some((id, type_segments)) = segments.split_last()
        && !type_segments.is_empty()
    {
        for child in &children {
            if layout::is_item(&directory.join(child))? {
                found.push(ModelKey {
                    type_name: TypeName::normalised(&type_segments.join("/")),
                    id: DefinitionId::new(id),
                });
                return Ok(());
            }
        }
    }
    if segments.len() < DEEPEST_TYPE {
        for child in children {
            let path = directory.join(&child);
            segments.push(child);
            find_models(&path, segments, found)?;
            segments.pop();
        }
    }
    Ok(())
}
