//! Everything a model has, and everything there is.

use swamp_ident::TypeName;

use super::DataStore;
use super::read::StoredVersion;
use crate::error::{Result, StoreError};
use crate::lock::ModelKey;

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
        let _ = model;
        todo!()
    }

    /// The newest version of each item of every model. Reads one file per item: use
    /// [`DataStore::query`] where only some are wanted.
    pub fn list_all(&self) -> Result<DataListing> {
        todo!()
    }

    /// The models that have data, in order.
    pub fn models(&self) -> Result<Vec<ModelKey>> {
        todo!()
    }

    /// Counts by type, in order of the types.
    pub fn counts(&self) -> Result<Vec<ModelCount>> {
        todo!()
    }
}
