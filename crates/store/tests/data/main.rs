//! Versioned data, its catalog and the records of runs, on a real file system.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod catalog;
mod collect;
mod concurrency;
mod model;
mod outputs;
mod remove;
mod rename;
mod runs;
mod support;
mod versions;
