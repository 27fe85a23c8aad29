//! swamp-driver
