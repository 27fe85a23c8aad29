//! swamp-yaml
