//! swamp-workflow
