//! swamp-wire
