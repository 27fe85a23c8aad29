//! swamp-model
