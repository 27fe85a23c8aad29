//! Names that look alike never meet.
