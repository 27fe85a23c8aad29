//! The types there are.

use std::sync::Arc;

use swamp_ident::TypeName;

use super::{ModelType, shell};

/// All model types of this process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TypeRegistry {
    types: Arc<[Arc<ModelType>]>,
}

/// There is no model type of that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Unknown model type: {0}")]
pub struct UnknownType(pub TypeName);

impl TypeRegistry {
    /// The types that are built in.
    pub fn builtin() -> Self {
        Self::new(vec![shell::model_type()])
    }

    /// Only these types.
    pub fn new(types: Vec<ModelType>) -> Self {
        Self { types: types.into_iter().map(Arc::new).collect() }
    }

    /// The type of that name.
    pub fn get(&self, name: &TypeName) -> Result<&Arc<ModelType>, UnknownType> {
        let found = self.types.iter().find(|model_type| model_type.name == *name);
        found.ok_or_else(|| UnknownType(name.clone()))
    }

    /// All types, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<ModelType>> {
        self.types.iter()
    }
}
