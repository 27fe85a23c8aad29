//! Reading and writing the YAML dialect of repository files.
//!
//! People edit these files by hand and two independent programs read them, so what a plain scalar
//! *means* has to be pinned down: `yes` is a string, `012` is ten, `2024-01-01` is a date, a key
//! that occurs twice is an error. [`Document::parse`] reads that dialect and keeps the place of
//! every node, so that whoever validates a document can point at the line and column to change.
//! [`to_string()`] writes it back in one fixed style: two spaces, sequences indented under their
//! key, quotes only where a reader would otherwise see something else, long text folded at 80
//! columns. [`edit_keys`] changes single keys of a file and leaves all other lines as they are.
//!
//! Values are [`serde_json::Value`] with insertion-ordered maps: everything that can be said in
//! these files can be said in JSON, except dates, which [`Document::is_timestamp`] tells apart.

mod document;
mod edit;
mod reader;
mod scalar;
mod writer;

pub use document::{Document, PathItem, Position, YamlError};
pub use edit::{KeyChange, edit_keys};
pub use writer::{append, to_string};
