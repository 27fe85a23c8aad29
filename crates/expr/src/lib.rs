//! swamp-expr
