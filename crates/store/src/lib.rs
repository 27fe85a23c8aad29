//! swamp-store
