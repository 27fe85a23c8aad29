//! Inputs: how they are written on the command line, and how they meet their declaration.
//!
//! [`grammar`] turns `--input`, `--input-file` and standard input into a map; [`Declaration`] holds
//! such a map against the `inputs` of a definition or workflow: coerces texts, fills in defaults,
//! checks.

mod declaration;
pub mod grammar;

pub use declaration::{Declaration, InputErrors, RequiredRule};
